package evidence

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"portico/evidence/signatures"
	"portico/trade/procurement"
)

// Report is what verifying a bundle found.
type Report struct {
	Messages, Receipts, Entries int
	Wrong                       []string // nothing, where all of it holds
}

// registeredKey is what the audit log says of a key.
type registeredKey struct {
	fingerprint     string
	from            time.Time
	proved, revoked bool
}

// entry is what an entry of the audit log says.
type entry struct {
	Action string `json:"action"`
	After  struct {
		Message        string    `json:"message"`
		Document       string    `json:"document"`
		Digest         string    `json:"digest"`
		DocumentDigest string    `json:"documentDigest"`
		Key            string    `json:"key"`
		Fingerprint    string    `json:"fingerprint"`
		ArrivedAt      time.Time `json:"arrivedAt"`
		ValidFrom      time.Time `json:"validFrom"`
		PurchaseOrders []string  `json:"purchaseOrders"`
	} `json:"after"`
}

// Verify checks a bundle by itself: each signature, digest, receipt and entry, that they
// say the same of each other, and that no message is missing. Trusted are the keys of the
// audit log as they are known from elsewhere; without any the bundle's own counts.
func (b *Bundle) Verify(trusted ...string) *Report {
	r := &Report{Messages: len(b.Messages)}
	wrong := func(format string, args ...any) { r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...)) }
	if b.Version != Version {
		wrong("the bundle is of version %d: this program reads %d", b.Version, Version)
		return r
	}
	if len(trusted) > 0 && !slices.Contains(trusted, b.Log.Key) {
		wrong("the head of the audit log is signed with another key than the one that is trusted")
	}
	received, registered := b.entries(r, wrong)
	keys := map[string]usable{}
	for _, k := range b.Keys {
		public, err := signatures.PublicKey(k.PublicKey)
		switch {
		case err != nil:
			wrong("key %s: %v", k.ID, err)
		case registered[k.ID] == nil || signatures.Fingerprint(public) != k.Fingerprint || registered[k.ID].fingerprint != k.Fingerprint:
			wrong("key %s is not the one that was added: it was replaced", k.ID)
		case registered[k.ID].proved != (k.VerifiedAt != nil) || registered[k.ID].revoked != (k.RevokedAt != nil) ||
			!registered[k.ID].from.Equal(k.ValidFrom):
			wrong("key %s: its validity was changed: the audit log has another proof, start or end", k.ID)
		default:
			keys[k.ID] = usable{public, procurement.PartnerKey{VerifiedAt: k.VerifiedAt, ValidFrom: k.ValidFrom, RevokedAt: k.RevokedAt}}
		}
	}
	own := map[string]ed25519.PublicKey{}
	for _, k := range b.ReceiptKeys {
		public, err := signatures.PublicKey(k.PublicKey)
		if err != nil {
			wrong("receipt key %s: %v", k.ID, err)
			continue
		}
		own[k.ID] = public
	}
	known := map[string]bool{}
	for i := range b.Messages {
		m := &b.Messages[i]
		known[m.ID] = true
		for _, what := range m.check(keys, received[m.ID]) {
			wrong("message %s: %s", m.ID, what)
		}
		for _, what := range m.receipts(own) {
			wrong("message %s: %s", m.ID, what)
		}
		r.Receipts += len(m.Receipts)
	}
	for id := range received {
		if !known[id] {
			wrong("message %s is missing: the audit log has it", id)
		}
	}
	slices.Sort(r.Wrong)
	return r
}

// entries checks the entries of the audit log, and reads which messages were received and
// what became of which keys.
func (b *Bundle) entries(r *Report, wrong func(string, ...any)) (received map[string]*entry, keys map[string]*registeredKey) {
	received, keys = map[string]*entry{}, map[string]*registeredKey{}
	proofs := Proofs{Head: b.Log.Head, Key: b.Log.Key}
	for _, e := range b.Log.Entries {
		if err := proofs.Contains(e.Index, e.Text, e.Path); err != nil {
			wrong("entry %d of the audit log is not in the tree whose head was signed: it was changed", e.Index)
			continue
		}
		r.Entries++
		var registered entry
		if err := json.Unmarshal([]byte(e.Text), &registered); err != nil {
			wrong("entry %d of the audit log cannot be read", e.Index)
			continue
		}
		key := keys[registered.After.Key]
		switch {
		case registered.Action == "message.receive":
			if slices.Contains(registered.After.PurchaseOrders, b.PurchaseOrder.ID) {
				received[registered.After.Message] = &registered
			}
		case registered.Action == "partner.key.add":
			keys[registered.After.Key] = &registeredKey{fingerprint: registered.After.Fingerprint, from: registered.After.ValidFrom}
		case key == nil:
		case registered.Action == "partner.key.prove":
			key.proved = true
		case registered.Action == "partner.key.revoke":
			key.revoked = true
		}
	}
	return received, keys
}

// usable is a key, and when it counts.
type usable struct {
	public ed25519.PublicKey
	when   procurement.PartnerKey
}

// check says what is wrong with a message.
func (m *Message) check(keys map[string]usable, registered *entry) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if signatures.Digest(m.Body) != m.Digest {
		say("its bytes were changed: they do not have its digest")
	}
	canonical := signatures.Digest(m.Canonical)
	if !slices.ContainsFunc(signatures.Variables(m.Body), func(v []byte) bool {
		document, err := signatures.Unsigned(v)
		return err == nil && signatures.Digest(document) == canonical
	}) {
		say("its document is not in its bytes")
	}
	key, known := keys[m.Key]
	switch {
	case registered == nil:
		say("the audit log does not have it")
	case registered.After.Digest != m.Digest || registered.After.DocumentDigest != canonical:
		say("its bytes are not those that the audit log has")
	case registered.After.Key != m.Key || registered.After.Document != m.Document:
		say("its key or its kind is not the one that the audit log has")
	case !registered.After.ArrivedAt.Equal(m.ArrivedAt):
		say("it did not arrive when it says: the audit log has %s", registered.After.ArrivedAt.UTC().Format(time.RFC3339Nano))
	}
	if !known {
		say("its key %s is not there", m.Key)
		return wrong
	}
	if why := key.when.Unusable(m.ArrivedAt); why != "" {
		say("its key did not count when it arrived: %s", why)
	}
	if m.Signature == nil && m.DocumentSignature == nil {
		say("it has no signature")
	}
	if m.Signature != nil {
		if err := m.request(key.public); err != nil {
			say("the signature of its request does not hold: %v", err)
		}
	}
	if m.DocumentSignature != nil {
		if err := signatures.VerifyDocument(*m.DocumentSignature, m.Canonical, m.Key, key.public); err != nil {
			say("the signature of its document does not hold: %v", err)
		}
	}
	return wrong
}

// request reads the request's signature anew, as it was when it arrived.
func (m *Message) request(key ed25519.PublicKey) error {
	if m.Request == nil || m.SignatureBase == nil {
		return errors.New("what it is over is missing")
	}
	message := signatures.Message{
		Method: m.Request.Method, Authority: m.Request.Authority, Target: m.Request.Target,
		Header: m.Request.Header, Body: m.Body,
	}
	read, err := message.Read(m.ArrivedAt)
	switch {
	case err != nil:
		return err
	case read.Base != *m.SignatureBase || string(read.Signature) != string(m.Signature) || read.KeyID != m.Key:
		return errors.New("it was changed")
	}
	return read.Verify(key)
}

// receipts says what is wrong with the receipts of a message.
func (m *Message) receipts(own map[string]ed25519.PublicKey) (wrong []string) {
	if !slices.ContainsFunc(m.Receipts, func(r Receipt) bool { return r.Kind == string(procurement.ArrivalReceipt) }) {
		wrong = append(wrong, "the receipt of its arrival is missing")
	}
	for _, r := range m.Receipts {
		text, err := signatures.ReceiptText(m.Digest, r.Kind, r.Outcome, r.IssuedAt)
		id := ""
		if err == nil {
			id, err = signatures.DocumentKey(r.Signature)
		}
		if err == nil {
			err = signatures.VerifyDocument(r.Signature, text, id, own[id])
		}
		if err != nil {
			wrong = append(wrong, "its receipt "+r.Kind+" is not the one that was given: it was changed")
		}
	}
	return wrong
}
