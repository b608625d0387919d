package e2e

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// signer signs as a supplier's program does, by RFC 9421 as it is written and not by the
// code under test.
type signer struct {
	s       *server
	persona string
	keyID   string
	private ed25519.PrivateKey
}

// letter is a request that is signed last, when a test has made of it what it wants.
type letter struct {
	method, path, query string
	body                []byte
	header              http.Header
	components          []string // as they stand in Signature-Input, quotes included
	created, expires    int64
	nonce, keyID        string
	alg, tag            string
	params              string // instead of those above
	authority           string
	key                 ed25519.PrivateKey
	after               func(*letter) // once it is signed
}

func (g *signer) letter(body any) *letter {
	text, _ := json.Marshal(body)
	now := time.Now().Unix()
	return &letter{
		method: http.MethodPost, path: "/graphql", body: text, header: http.Header{"Content-Type": {"application/json"}},
		components: []string{`"@method"`, `"@authority"`, `"@path"`, `"content-digest"`, `"content-type"`},
		created:    now, expires: now + 300, nonce: rand.Text(), keyID: g.keyID, alg: "ed25519", tag: "portico-procurement",
		authority: strings.TrimPrefix(g.s.url, "http://"), key: g.private,
	}
}

func sha(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func (l *letter) value(component string) string {
	switch name := strings.Trim(component, `"`); name {
	case "@method":
		return l.method
	case "@authority":
		return l.authority
	case "@path":
		return l.path
	case "@query":
		return "?" + l.query
	default:
		return strings.Join(l.header.Values(name), ", ")
	}
}

// sign signs the letter as it is now.
func (l *letter) sign() {
	if l.header.Get("Content-Digest") == "" {
		l.header.Set("Content-Digest", sha(l.body))
	}
	params := l.params
	if params == "" {
		params = fmt.Sprintf(`;created=%d;expires=%d;nonce="%s";keyid="%s";alg="%s";tag="%s"`, l.created, l.expires, l.nonce, l.keyID, l.alg,
			l.tag)
	}
	input := "(" + strings.Join(l.components, " ") + ")" + params
	var base strings.Builder
	for _, c := range l.components {
		base.WriteString(c + ": " + l.value(c) + "\n")
	}
	base.WriteString(`"@signature-params": ` + input)
	l.header.Set("Signature-Input", "sig1="+input)
	l.header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(ed25519.Sign(l.key, []byte(base.String())))+":")
}

// send signs and sends a letter.
func (g *signer) send(t *testing.T, l *letter) answer {
	t.Helper()
	l.sign()
	if l.after != nil {
		l.after(l)
	}
	url := g.s.url + l.path
	if l.query != "" {
		url += "?" + l.query
	}
	req, err := http.NewRequestWithContext(t.Context(), l.method, url, bytes.NewReader(l.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = l.header.Clone()
	req.Header.Set("Authorization", "Bearer "+g.s.token(t, g.persona))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var a answer
	text, _ := io.ReadAll(resp.Body)
	a.Body = string(text)
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("status %d: %s", resp.StatusCode, text)
	}
	return a
}

// jws is a detached JWS over a document, its payload not encoded (RFC 7797).
func (g *signer) jws(document []byte) string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","b64":false,"crit":["b64"],"kid":"` + g.keyID + `"}`))
	return header + ".." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(g.private, append([]byte(header+"."), document...)))
}

// sealed is an input with its signature. Go's encoder writes what tests have in it, sorted
// and without numbers that have two ways of being written, as RFC 8785 has it.
func (g *signer) sealed(in map[string]any) map[string]any {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(in)
	in["signature"] = g.jws(bytes.TrimSpace(text.Bytes()))
	return in
}

// responding is a letter with an answer to a purchase order.
func (g *signer) responding(key string, in map[string]any) *letter {
	return g.letter(map[string]any{
		"query": api.RespondToPurchaseOrderSigned_Operation, "variables": map[string]any{"key": key, "in": in},
	})
}

// sent is what a letter with an answer to a purchase order got.
func (g *signer) sent(t *testing.T, l *letter) api.SignedAnswer {
	t.Helper()
	a := g.send(t, l)
	if len(a.Errors) > 0 {
		t.Logf("errors: %s", a.Body)
	}
	var told struct {
		Data api.RespondToPurchaseOrderSignedResponse
	}
	if err := json.Unmarshal([]byte(a.Body), &told); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return told.Data.RespondToPurchaseOrder
}

// newKey adds a key to a partner, and proves it.
func (p *supplying) newKey(t *testing.T, persona, partner string) *signer {
	t.Helper()
	k := p.addKey(t, persona, partner, time.Now())
	p.prove(t, persona, k)
	return k.signer
}

// prove proves a key that was added.
func (p *supplying) prove(t *testing.T, persona string, k addedKey) {
	t.Helper()
	a := must(api.ProvePartnerKey(p.s.as(t, persona), p.key(), api.ProvePartnerKeyInput{Key: k.keyID, Signature: k.proof()})).ProvePartnerKey
	if at(a.Partner.Keys, 0).VerifiedAt == nil {
		t.Fatalf("the key is not proved: %s", asJSON(a))
	}
}

// addedKey is a key that was added, and not proved.
type addedKey struct {
	*signer
	challenge string
}

// proof is the signature over the key's challenge.
func (k addedKey) proof() string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(k.private, []byte(k.challenge)))
}

func (p *supplying) addKey(t *testing.T, persona, partner string, from time.Time) addedKey {
	t.Helper()
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	der, _ := x509.MarshalPKIXPublicKey(public)
	a := must(api.RotatePartnerKey(p.s.as(t, persona), p.key(), api.RotatePartnerKeyInput{
		Partner: partner, PublicKeyPem: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		ValidFrom: from.UTC().Format(time.RFC3339),
	})).RotatePartnerKey
	k := at(a.Partner.Keys, 0)
	if null(k) {
		t.Fatalf("no key was added: %s", asJSON(a))
	}
	return addedKey{&signer{s: p.s, persona: persona, keyID: k.Id, private: private}, val(k.Challenge)}
}

// TestSupplierSigns plays a supplier who must sign what it sends, at a server of its own.
//
// Covers: X02 X03 P03
func TestSupplierSigns(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t), "PORTICO_SANDBOX_SPEED=1")
	t.Cleanup(func() { _ = s.stop() })
	p := &supplying{s: s}
	partner := p.profile(t, "operator", "V2002")
	a := must(api.UpdatePartner(s.as(t, "operator"), p.key(), api.UpdatePartnerInput{
		Partner: partner.Id, ExpectedVersion: partner.Version, RequiresSignature: new(true),
	})).UpdatePartner
	if null(a.Partner) {
		t.Fatal(asJSON(a))
	}
	g := p.newKey(t, "supplier-other", partner.Id)
	t.Run("and is given receipts", func(t *testing.T) { g.isGivenReceipts(t, p) })
	t.Run("and is refused for every bad signature", func(t *testing.T) { g.isRefused(t, p) })
	t.Run("as other programs do", func(t *testing.T) { g.asOthersDo(t, p) })
}

// refusedFor is why a document was refused for its signature; empty where it was not.
func refusedFor(a api.SignedAnswer) string {
	if e := at(a.Errors, 0); len(a.Errors) == 1 && e.Typename == "SignatureInvalid" && e.Code == "SIGNATURE_INVALID" {
		return e.Message
	}
	return ""
}

// isGivenReceipts is the road of a signed answer: taken, acknowledged by
// a receipt at once and one of its outcome later, which its evidence shows years later.
func (g *signer) isGivenReceipts(t *testing.T, p *supplying) {
	t.Helper()
	po := p.purchaseFrom(t, "V2002", g.persona, 200, "SCR-10001")
	in := g.sealed(document(t, p.accepted(po)))
	key := p.key()
	l := g.responding(key, in)
	a := g.sent(t, l)
	if null(a.Response) || a.Receipt.Kind != api.ReceiptKindArrival || a.Receipt.Outcome != api.ReceiptOutcomeAccepted {
		t.Fatalf("answered: %s", asJSON(a))
	}
	g.receipt(t, sha(l.body), a.Receipt)

	// The same bytes again are a replay; the same document, signed anew, is what it was.
	if again := g.sent(t, &letter{
		method: l.method, path: l.path, body: l.body, header: http.Header{"Content-Type": {"application/json"}}, components: l.components,
		created: l.created, expires: l.expires,
		nonce: l.nonce, keyID: l.keyID, alg: l.alg, tag: l.tag, authority: l.authority, key: l.key,
	}); !strings.Contains(refusedFor(again), "was received before") {
		t.Errorf("replayed: %s", asJSON(again))
	}
	if again := g.sent(t, g.responding(key, in)); !again.Replayed || again.Response.Id != a.Response.Id {
		t.Errorf("signed anew: %s", asJSON(again))
	}
	// Under another key it is the duplicate that it is, and that is signed, too.
	if again := g.sent(t, g.responding(p.key(), in)); at(again.Errors, 0).Typename != "DuplicateDocument" || null(again.Receipt) {
		t.Errorf("sent twice: %s", asJSON(again))
	}
	// What business refuses is kept, and its refusal signed.
	wrong := p.accepted(po)
	wrong.ExpectedRevision = 99
	if no := g.sent(t, g.responding(p.key(), g.sealed(document(t, wrong)))); len(no.Errors) == 0 || null(no.Receipt) {
		t.Errorf("another revision: %s", asJSON(no))
	}
	message := a.Response.Message.Id
	var told api.SignedMessageNodeNodeSignedMessage
	p.s.until(t, 20*time.Second, "told of the outcome", func() bool {
		m, is := must(api.SignedMessageNode(p.s.as(t, g.persona), message)).Node.(*api.SignedMessageNodeNodeSignedMessage)
		if is {
			told = *m
		}
		return len(told.Receipts) == 2
	})
	for _, r := range told.Receipts {
		g.receipt(t, sha(l.body), r)
		if r.Outcome != api.ReceiptOutcomeAccepted {
			t.Errorf("receipt %s", asJSON(r))
		}
	}
	if told.Digest != sha(l.body) || len(told.LogHash) != 64 || told.Key.Id != g.keyID {
		t.Errorf("message: %s", asJSON(told))
	}
	if other := must(api.SignedMessageNode(p.s.as(t, "supplier"), message)); other.Node != nil {
		t.Errorf("another supplier reads it: %s", asJSON(other))
	}
	evidence := must(api.PurchaseOrderEvidence(p.s.as(t, "operator"), po.Number)).PurchaseOrder
	outcomes := map[string]int{}
	for _, m := range evidence.Evidence {
		for _, r := range m.Receipts {
			outcomes[fmt.Sprint(r.Kind, " ", r.Outcome)]++
		}
	}
	if outcomes["ARRIVAL ACCEPTED"] != 4 || outcomes["OUTCOME DUPLICATE"] != 2 || outcomes["OUTCOME ACCEPTED"] != 1 ||
		outcomes["OUTCOME REJECTED"] != 1 {
		t.Errorf("receipts: %v", outcomes)
	}
	resp, err := http.Get(evidence.EvidenceBundle.Url)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the bundle: %v %v", resp, err)
	}
	defer resp.Body.Close()
	bundle, _ := io.ReadAll(resp.Body)
	file := filepath.Join(t.TempDir(), "bundle.json")
	if err := os.WriteFile(file, bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := p.s.command(t, "evidence", "verify", file, "--key", filepath.Join(p.s.data, "audit", "key.pub")); !strings.Contains(out,
		"4 messages, 8 receipts") {
		t.Errorf("verified: %s", out)
	}
}

// receipt checks a receipt with the keys that the server tells everybody.
func (g *signer) receipt(t *testing.T, digest string, r api.ReceiptDetails) {
	t.Helper()
	resp, err := http.Get(g.s.url + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var set struct {
		Keys []struct{ Kid, X, Crv string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	head, signature, _ := strings.Cut(r.Signature, "..")
	text, _ := base64.RawURLEncoding.DecodeString(head)
	var header struct{ Kid, Alg string }
	if err := json.Unmarshal(text, &header); err != nil || header.Alg != "EdDSA" {
		t.Fatalf("receipt header %s: %v", text, err)
	}
	for _, k := range set.Keys {
		public, _ := base64.RawURLEncoding.DecodeString(k.X)
		signed, _ := base64.RawURLEncoding.DecodeString(signature)
		document := fmt.Sprintf(`{"digest":"%s","issuedAt":"%s","kind":"%s","outcome":"%s"}`, digest, r.IssuedAt, r.Kind, r.Outcome)
		if k.Kid == header.Kid && k.Crv == "Ed25519" && ed25519.Verify(public, []byte(head+"."+document), signed) {
			return
		}
	}
	t.Errorf("the receipt %s is not ours over %s", asJSON(r), digest)
}
