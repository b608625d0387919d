package evidence_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"portico/evidence"
	"portico/evidence/signatures"
	"portico/trade/procurement"
)

const orderID = "pur_1"

// noon is when the first message arrives.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// notary keeps an audit log in memory, and signs its head.
type notary struct {
	t       *testing.T
	signer  note.Signer
	key     string // public
	texts   []string
	indexes []int64 // of the entries that are told of
	hashes  []tlog.Hash
}

func newNotary(t *testing.T) *notary {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "portico.test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return &notary{t: t, signer: signer, key: public}
}

func (n *notary) read(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		all[i] = n.hashes[x]
	}
	return all, nil
}

// write appends an entry as the product writes it.
func (n *notary) write(action string, after map[string]any) {
	n.t.Helper()
	text, err := json.Marshal(map[string]any{"id": fmt.Sprint("aud_", len(n.texts)), "action": action, "after": after})
	if err != nil {
		n.t.Fatal(err)
	}
	added, err := tlog.StoredHashesForRecordHash(int64(len(n.texts)), tlog.RecordHash(text), tlog.HashReaderFunc(n.read))
	if err != nil {
		n.t.Fatal(err)
	}
	n.indexes = append(n.indexes, int64(len(n.texts)))
	n.hashes, n.texts = append(n.hashes, added...), append(n.texts, string(text))
}

// log is all of it with its proofs.
func (n *notary) log() evidence.Log {
	n.t.Helper()
	size := int64(len(n.texts))
	root, err := tlog.TreeHash(size, tlog.HashReaderFunc(n.read))
	if err != nil {
		n.t.Fatal(err)
	}
	head, err := note.Sign(
		&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", evidence.HeadTitle, size, base64.StdEncoding.EncodeToString(root[:]))},
		n.signer,
	)
	if err != nil {
		n.t.Fatal(err)
	}
	l := evidence.Log{Head: string(head), Key: n.key}
	for _, i := range n.indexes {
		path, err := tlog.ProveRecord(size, i, tlog.HashReaderFunc(n.read))
		if err != nil {
			n.t.Fatal(err)
		}
		l.Entries = append(l.Entries, evidence.Entry{Index: i, Text: n.texts[i], Path: path})
	}
	return l
}

// party is somebody with a key.
type party struct {
	id      string
	private ed25519.PrivateKey
	public  ed25519.PublicKey
	text    string // PEM
}

func newParty(t *testing.T, id string) party {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signatures.PublicPEM(public)
	if err != nil {
		t.Fatal(err)
	}
	return party{id, private, public, text}
}

// scene is a bundle that holds, with whoever could sign in it.
type scene struct {
	bundle           *evidence.Bundle
	log              *notary
	first, second    party // keys of the supplier; the second one was revoked in the end
	receipts, forger party
}

// honest makes the evidence about a purchase order: an answer whose request and document are
// signed, one whose document alone is, and an entry about a message that is about another order.
func honest(t *testing.T) *scene {
	t.Helper()
	s := &scene{
		log:      newNotary(t),
		first:    newParty(t, "key_1"),
		second:   newParty(t, "key_2"),
		receipts: newParty(t, "receipts-1"),
		forger:   newParty(t, "key_1"),
	}
	b := &evidence.Bundle{
		Version:       evidence.Version,
		ExportedAt:    noon.Add(time.Hour),
		PurchaseOrder: evidence.PurchaseOrder{ID: orderID, Number: "4500001", Supplier: "70001"},
	}
	proved, revoked := noon.Add(-time.Hour), noon.Add(time.Minute)
	for _, p := range []party{s.first, s.second} {
		k := evidence.Key{
			ID:          p.id,
			PublicKey:   p.text,
			Fingerprint: signatures.Fingerprint(p.public),
			VerifiedAt:  &proved,
			ValidFrom:   noon.AddDate(0, -1, 0),
		}
		s.log.write("partner.key.add", map[string]any{"key": k.ID, "fingerprint": k.Fingerprint, "validFrom": k.ValidFrom})
		s.log.write("partner.key.prove", map[string]any{"key": k.ID})
		if p.id == s.second.id {
			k.RevokedAt = &revoked
		}
		b.Keys = append(b.Keys, k)
	}
	b.ReceiptKeys = []evidence.ReceiptKey{{ID: s.receipts.id, PublicKey: s.receipts.text}}
	b.Messages = []evidence.Message{s.message(t, "msg_1", s.first, noon, true), s.message(t, "msg_2", s.second, noon.Add(time.Second), false)}
	for i := range b.Messages {
		s.received(&b.Messages[i], orderID)
	}
	s.log.write("message.receive", map[string]any{"message": "msg_3", "purchaseOrders": []string{"pur_2"}})
	s.log.write("partner.key.revoke", map[string]any{"key": s.second.id})
	b.Log = s.log.log()
	s.bundle = b
	return s
}

// message is one as it is kept; its request is signed, or the document in it alone.
func (s *scene) message(t *testing.T, id string, by party, at time.Time, request bool) evidence.Message {
	t.Helper()
	input := map[string]any{"purchaseOrder": orderID, "kind": "ACCEPTED", "responseNumber": id}
	req, err := signatures.Mutation(
		t.Context(),
		"https://portico.test/graphql",
		"token",
		"mutation ($key: String!, $in: In!) { respond }",
		"k",
		input,
		by.id,
		by.private,
		at,
	)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	document := signatures.Variable(body, "in")
	canonical, err := signatures.Unsigned(document)
	if err != nil {
		t.Fatal(err)
	}
	var signed struct {
		Signature string `json:"signature"`
	}
	if err := json.Unmarshal(document, &signed); err != nil {
		t.Fatal(err)
	}
	m := evidence.Message{
		ID: id, Document: "RESPONSE", ArrivedAt: at, Digest: signatures.Digest(body), Body: body, Key: by.id,
		Canonical: canonical, DocumentSignature: &signed.Signature,
	}
	if request {
		kept := &procurement.SignedRequest{Method: req.Method, Authority: "portico.test", Target: "/graphql", Header: map[string][]string{}}
		for _, name := range []string{"Content-Digest", "Content-Type", "Signature", "Signature-Input"} {
			kept.Header[name] = req.Header.Values(name)
		}
		sent := signatures.Message{Method: kept.Method, Authority: kept.Authority, Target: kept.Target, Header: kept.Header, Body: body}
		read, err := sent.Read(at)
		if err != nil {
			t.Fatal(err)
		}
		m.Request, m.SignatureBase, m.Signature = kept, &read.Base, read.Signature
	}
	m.Receipts = []evidence.Receipt{s.receipt(t, m.Digest, string(procurement.ArrivalReceipt), "ACCEPTED", at)}
	return m
}

func (s *scene) receipt(t *testing.T, digest, kind, outcome string, at time.Time) evidence.Receipt {
	t.Helper()
	text, err := signatures.ReceiptText(digest, kind, outcome, at)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signatures.SignDocument(text, s.receipts.id, s.receipts.private)
	if err != nil {
		t.Fatal(err)
	}
	return evidence.Receipt{Kind: kind, Outcome: outcome, IssuedAt: at, Signature: jws}
}

// received writes to the log that a message came.
func (s *scene) received(m *evidence.Message, orders ...string) {
	s.log.write("message.receive", map[string]any{
		"message": m.ID, "document": m.Document, "digest": m.Digest, "documentDigest": signatures.Digest(m.Canonical),
		"key": m.Key, "arrivedAt": m.ArrivedAt.Format(time.RFC3339Nano), "purchaseOrders": orders,
	})
}
