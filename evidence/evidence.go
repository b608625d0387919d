// Package evidence collects what proves years later what a supplier said about a purchase
// order, and when, and checks it without a database or a network.
package evidence

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"portico/audit"
	"portico/signatures"
	"portico/store"
	"portico/trade"
)

// version is that of the format of bundles.
const version = 1

// Bundle is all evidence about a purchase order. Bytes are base64 in its JSON, and moments
// RFC 3339.
type Bundle struct {
	Version       int           `json:"version"`
	ExportedAt    time.Time     `json:"exportedAt"`
	PurchaseOrder PurchaseOrder `json:"purchaseOrder"`
	Messages      []Message     `json:"messages"`
	Keys          []Key         `json:"keys"`
	ReceiptKeys   []ReceiptKey  `json:"receiptKeys"`
	Log           Log           `json:"log"`
}

// PurchaseOrder is what a bundle is about.
type PurchaseOrder struct {
	ID       string `json:"id"`
	Number   string `json:"number"`
	Supplier string `json:"supplier"`
}

// Message is a signed message, byte by byte.
type Message struct {
	ID                string               `json:"id"`
	Document          string               `json:"document"`
	ArrivedAt         time.Time            `json:"arrivedAt"`
	Digest            string               `json:"digest"`
	Body              []byte               `json:"body"`
	Request           *trade.SignedRequest `json:"request,omitempty"`
	SignatureBase     *string              `json:"signatureBase,omitempty"`
	Signature         []byte               `json:"signature,omitempty"`
	Key               string               `json:"key"`
	Canonical         []byte               `json:"canonical"`
	DocumentSignature *string              `json:"documentSignature,omitempty"`
	Receipts          []Receipt            `json:"receipts"`
}

// Receipt is one that was given for a message.
type Receipt struct {
	Kind      string    `json:"kind"`
	Outcome   string    `json:"outcome"`
	IssuedAt  time.Time `json:"issuedAt"`
	Signature string    `json:"signature"`
}

// Key is a partner's public key, and when it counted.
type Key struct {
	ID          string     `json:"id"`
	PublicKey   string     `json:"publicKey"` // PEM
	Fingerprint string     `json:"fingerprint"`
	VerifiedAt  *time.Time `json:"verifiedAt"`
	ValidFrom   time.Time  `json:"validFrom"`
	RevokedAt   *time.Time `json:"revokedAt"`
}

// ReceiptKey is a public key that receipts are signed with.
type ReceiptKey struct {
	ID        string `json:"id"`
	PublicKey string `json:"publicKey"` // PEM
}

// Log are the entries of the audit log about the messages and keys, with what shows that
// they are in it.
type Log struct {
	Head    string  `json:"head"`
	Key     string  `json:"key"`
	Entries []Entry `json:"entries"`
}

// Entry is one of them.
type Entry struct {
	Index int64            `json:"index"`
	Text  string           `json:"text"`
	Path  tlog.RecordProof `json:"path"`
}

// ErrNone tells that there is no such purchase order.
var ErrNone = errors.New("there is no such purchase order")

// sealedWithin is how long an export waits for the audit log to be sealed.
const sealedWithin = 10 * time.Second

// Export collects the evidence about a purchase order, by its id or number. The folder is
// that of the audit log.
func Export(ctx context.Context, st *store.Store, folder, purchaseOrder string) (*Bundle, error) {
	scope := trade.OperatorScope(nil)
	for deadline := time.Now().Add(sealedWithin); ; {
		b, err := export(ctx, st, scope, folder, purchaseOrder)
		if !errors.Is(err, audit.ErrUnsealed) || time.Now().After(deadline) {
			return b, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func export(ctx context.Context, st *store.Store, scope trade.Scope, folder, named string) (*Bundle, error) {
	order, err := find(ctx, st, scope, named)
	if err != nil {
		return nil, err
	}
	b := &Bundle{Version: version, ExportedAt: time.Now().UTC().Truncate(time.Second), PurchaseOrder: PurchaseOrder{ID: order.ID, Number: order.Number}}
	supplier, err := st.Partners(ctx, scope, []string{order.SupplierRef.ID})
	if err != nil {
		return nil, err
	}
	if p := supplier[order.SupplierRef.ID]; p != nil {
		b.PurchaseOrder.Supplier = p.Code
	}
	if err := b.messages(ctx, st, scope); err != nil {
		return nil, err
	}
	keys, err := st.KeysOfPartners(ctx, scope, []string{order.SupplierRef.ID})
	if err != nil {
		return nil, err
	}
	for _, k := range keys[order.SupplierRef.ID] {
		text, err := signatures.PublicPEM(k.Public)
		if err != nil {
			return nil, err
		}
		b.Keys = append(b.Keys, Key{k.ID, text, k.Fingerprint, k.VerifiedAt, k.ValidFrom, k.RevokedAt})
	}
	own, err := st.ReceiptKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range own {
		text, err := signatures.PublicPEM(k.PublicKey)
		if err != nil {
			return nil, err
		}
		b.ReceiptKeys = append(b.ReceiptKeys, ReceiptKey{k.ID, text})
	}
	return b, b.log(ctx, st, scope, folder, order.SupplierRef.ID)
}

func find(ctx context.Context, st *store.Store, scope trade.Scope, named string) (*trade.PurchaseOrder, error) {
	for _, read := range []func(context.Context, trade.Scope, []string) (map[string]*trade.PurchaseOrder, error){st.PurchaseOrders, st.PurchaseOrdersByNumber} {
		found, err := read(ctx, scope, []string{named})
		if err != nil || found[named] != nil {
			return found[named], err
		}
	}
	return nil, ErrNone
}

func (b *Bundle) messages(ctx context.Context, st *store.Store, scope trade.Scope) error {
	about, err := st.MessagesAbout(ctx, scope, []string{b.PurchaseOrder.ID})
	if err != nil {
		return err
	}
	all := about[b.PurchaseOrder.ID]
	ids := make([]string, len(all))
	for i, m := range all {
		ids[i] = m.ID
	}
	receipts, err := st.Receipts(ctx, scope, ids)
	if err != nil {
		return err
	}
	for _, m := range all {
		out := Message{
			ID: m.ID, Document: string(m.Document), ArrivedAt: m.At.UTC(), Digest: m.Digest, Body: m.Body, Request: m.Request, SignatureBase: m.Base, Signature: m.Signature, Key: m.KeyID,
			Canonical: m.Canonical, DocumentSignature: m.DocumentSignature,
		}
		for _, r := range receipts[m.ID] {
			out.Receipts = append(out.Receipts, Receipt{string(r.Kind), string(r.Outcome), r.IssuedAt.UTC(), r.Signature})
		}
		b.Messages = append(b.Messages, out)
	}
	return nil
}

func (b *Bundle) log(ctx context.Context, st *store.Store, scope trade.Scope, folder, supplier string) error {
	leaves, err := st.PartnerLeaves(ctx, scope, supplier, b.PurchaseOrder.ID)
	if err != nil {
		return err
	}
	indexes := make([]int64, len(leaves))
	for i, l := range leaves {
		if l.Index < 0 {
			return audit.ErrUnsealed
		}
		indexes[i] = l.Index
	}
	proofs, err := audit.Prove(ctx, st, folder, indexes)
	if err != nil {
		return err
	}
	b.Log = Log{Head: proofs.Head, Key: proofs.Key}
	for i, l := range leaves {
		b.Log.Entries = append(b.Log.Entries, Entry{l.Index, l.Text, proofs.Paths[i]})
	}
	return nil
}

// Report is what verifying a bundle found.
type Report struct {
	Messages, Receipts, Entries int
	Wrong                       []string // nothing, where all of it holds
}

// keyTold is what the audit log says of a key.
type keyTold struct {
	fingerprint     string
	from            time.Time
	proved, revoked bool
}

// entry is what an entry of the audit log says.
type entry struct {
	Action string
	After  struct {
		Message, Document, Digest, DocumentDigest, Key, Fingerprint string
		ArrivedAt, ValidFrom                                        time.Time
		PurchaseOrders                                              []string
	}
}

// Verify checks a bundle by itself: each signature, digest, receipt and entry, that they
// say the same of each other, and that no message is missing. Trusted, unless empty, is the
// key of the audit log as it is known from elsewhere; without it the bundle's own counts.
func (b *Bundle) Verify(trusted string) *Report {
	r := &Report{Messages: len(b.Messages)}
	wrong := func(format string, args ...any) { r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...)) }
	if b.Version != version {
		wrong("the bundle is of version %d: this program reads %d", b.Version, version)
		return r
	}
	if trusted != "" && trusted != b.Log.Key {
		wrong("the head of the audit log is signed with another key than the one that is trusted")
	}
	received, told := b.entries(r, wrong)
	keys := map[string]usable{}
	for _, k := range b.Keys {
		public, err := signatures.PublicKey(k.PublicKey)
		switch {
		case err != nil:
			wrong("key %s: %v", k.ID, err)
		case told[k.ID] == nil || signatures.Fingerprint(public) != k.Fingerprint || told[k.ID].fingerprint != k.Fingerprint:
			wrong("key %s is not the one that was added: it was replaced", k.ID)
		case told[k.ID].proved != (k.VerifiedAt != nil) || told[k.ID].revoked != (k.RevokedAt != nil) || !told[k.ID].from.Equal(k.ValidFrom):
			wrong("key %s: when it counts was changed: the audit log says otherwise of its proof, its beginning or its end", k.ID)
		default:
			keys[k.ID] = usable{public, trade.PartnerKey{VerifiedAt: k.VerifiedAt, ValidFrom: k.ValidFrom, RevokedAt: k.RevokedAt}}
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
func (b *Bundle) entries(r *Report, wrong func(string, ...any)) (received map[string]*entry, keys map[string]*keyTold) {
	received, keys = map[string]*entry{}, map[string]*keyTold{}
	proofs := audit.Proofs{Head: b.Log.Head, Key: b.Log.Key}
	for _, e := range b.Log.Entries {
		if err := proofs.Contains(e.Index, e.Text, e.Path); err != nil {
			wrong("entry %d of the audit log is not in the tree whose head was signed: it was changed", e.Index)
			continue
		}
		r.Entries++
		var told entry
		if err := json.Unmarshal([]byte(e.Text), &told); err != nil {
			wrong("entry %d of the audit log cannot be read", e.Index)
			continue
		}
		key := keys[told.After.Key]
		switch {
		case told.Action == "message.receive":
			if slices.Contains(told.After.PurchaseOrders, b.PurchaseOrder.ID) {
				received[told.After.Message] = &told
			}
		case told.Action == "partner.key.add":
			keys[told.After.Key] = &keyTold{fingerprint: told.After.Fingerprint, from: told.After.ValidFrom}
		case key == nil:
		case told.Action == "partner.key.prove":
			key.proved = true
		case told.Action == "partner.key.revoke":
			key.revoked = true
		}
	}
	return received, keys
}

// usable is a key, and when it counts.
type usable struct {
	public ed25519.PublicKey
	when   trade.PartnerKey
}

// check says what is wrong with a message.
func (m *Message) check(keys map[string]usable, told *entry) (wrong []string) {
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
	case told == nil:
		say("the audit log does not have it")
	case told.After.Digest != m.Digest || told.After.DocumentDigest != canonical:
		say("its bytes are not those that the audit log has")
	case told.After.Key != m.Key || told.After.Document != m.Document:
		say("its key or its kind is not the one that the audit log has")
	case !told.After.ArrivedAt.Equal(m.ArrivedAt):
		say("it did not arrive when it says: the audit log has %s", told.After.ArrivedAt.UTC().Format(time.RFC3339Nano))
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
	message := signatures.Message{Method: m.Request.Method, Authority: m.Request.Authority, Target: m.Request.Target, Header: m.Request.Header, Body: m.Body}
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
	if !slices.ContainsFunc(m.Receipts, func(r Receipt) bool { return r.Kind == string(trade.ArrivalReceipt) }) {
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
