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

const signedRespond = `mutation ($key: IdempotencyKey!, $in: PurchaseOrderResponseInput!)
	{ out: respondToPurchaseOrder(idempotencyKey: $key, input: $in) { replayed
  errors { __typename ... on UserError { code message path } ... on SignatureInvalid { keyId } } operation { id state } response
{ id message { id } } receipt { kind outcome issuedAt signature } } }`

func (g *signer) responding(key string, in map[string]any) *letter {
	return g.letter(map[string]any{"query": signedRespond, "variables": map[string]any{"key": key, "in": in}})
}

const partnerNow = `query ($code: String!) { partner(by: {code: $code})
	{ id version requiresSignature scopes quota { costPerMinute } channels { kind documents }
  onboarding { stage activatedAt checks { name stage passed detail } } keys { id fingerprint challenge verifiedAt revokedAt } } }`

func (p *supplying) partner(t *testing.T, persona, code string) map[string]any {
	t.Helper()
	return p.s.good(t, persona, partnerNow, map[string]any{"code": code}).at("partner").(map[string]any)
}

// act does a mutation whose payload has errors and a partner.
func (p *supplying) act(t *testing.T, persona, mutation, inputType string, in map[string]any) answer {
	t.Helper()
	return p.s.good(t, persona,
		`mutation ($key: IdempotencyKey!, $in: `+inputType+`!) { out: `+mutation+`(idempotencyKey: $key, input: $in) { replayed
		errors { __typename ... on UserError { code message path } ... on StateNotAllowed { state allowed } ... on VersionConflict
		{ currentVersion } }
		partner { id version onboarding { stage } keys { id challenge verifiedAt revokedAt } } } }`, map[string]any{"key": p.key(), "in": in})
}

// newKey adds a key to a partner, and proves it.
func (p *supplying) newKey(t *testing.T, persona string, partner any) *signer {
	t.Helper()
	k := p.addKey(t, persona, partner, time.Now())
	a := p.act(t, persona, "provePartnerKey", "ProvePartnerKeyInput", map[string]any{"key": k.keyID, "signature": k.proof()})
	if at := a.at("out", "partner", "keys", 0, "verifiedAt"); at == nil {
		t.Fatalf("the key is not proved: %s", a.Body)
	}
	return k.signer
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

func (p *supplying) addKey(t *testing.T, persona string, partner any, from time.Time) addedKey {
	t.Helper()
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	der, _ := x509.MarshalPKIXPublicKey(public)
	a := p.act(t, persona, "rotatePartnerKey", "RotatePartnerKeyInput", map[string]any{
		"partner": partner, "publicKeyPem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"validFrom": from.UTC().Format(time.RFC3339),
	})
	k := a.at("out", "partner", "keys", 0)
	if k == nil {
		t.Fatalf("no key was added: %s", a.Body)
	}
	return addedKey{&signer{s: p.s, persona: persona, keyID: say(walk(k, "id")), private: private}, say(walk(k, "challenge"))}
}

// TestSupplierSigns plays a supplier who must sign what it sends, at a server of its own.
//
// Covers: X02 X03 P03
func TestSupplierSigns(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t), "PORTICO_SANDBOX_SPEED=1")
	t.Cleanup(func() { _ = s.stop() })
	p := &supplying{s: s}
	partner := p.partner(t, "operator", "V2002")
	a := p.act(t, "operator", "updatePartner", "UpdatePartnerInput",
		map[string]any{"partner": partner["id"], "expectedVersion": partner["version"], "requiresSignature": true})
	if a.at("out", "partner") == nil {
		t.Fatal(a.Body)
	}
	g := p.newKey(t, "supplier-other", partner["id"])
	t.Run("and is given receipts", func(t *testing.T) { g.isGivenReceipts(t, p) })
	t.Run("and is refused for every bad signature", func(t *testing.T) { g.isRefused(t, p) })
	t.Run("as other programs do", func(t *testing.T) { g.asOthersDo(t, p) })
}

// refusedFor is why a document was refused for its signature; empty where it was not.
func refusedFor(a answer) string {
	all, _ := a.at("out", "errors").([]any)
	if len(all) != 1 || walk(all[0], "__typename") != "SignatureInvalid" || walk(all[0], "code") != "SIGNATURE_INVALID" {
		return ""
	}
	return say(walk(all[0], "message"))
}

// isGivenReceipts is the road of a signed answer: taken, acknowledged by
// a receipt at once and one of its outcome later, which its evidence shows years later.
func (g *signer) isGivenReceipts(t *testing.T, p *supplying) {
	t.Helper()
	po := p.boughtFrom(t, "V2002", g.persona, 200, "SCR-10001")
	in := g.sealed(p.answer(po, "ACCEPTED"))
	key := p.key()
	l := g.responding(key, in)
	a := g.send(t, l)
	if a.at("out", "response") == nil || walk(a.at("out", "receipt"), "kind") != "ARRIVAL" ||
		walk(a.at("out", "receipt"), "outcome") != "ACCEPTED" {
		t.Fatalf("answered: %s", a.Body)
	}
	g.receipt(t, sha(l.body), a.at("out", "receipt"))

	// The same bytes again are a replay; the same document, signed anew, is what it was.
	if again := g.send(t, &letter{
		method: l.method, path: l.path, body: l.body, header: http.Header{"Content-Type": {"application/json"}}, components: l.components,
		created: l.created, expires: l.expires,
		nonce: l.nonce, keyID: l.keyID, alg: l.alg, tag: l.tag, authority: l.authority, key: l.key,
	}); !strings.Contains(refusedFor(again), "was received before") {
		t.Errorf("replayed: %s", again.Body)
	}
	if again := g.send(t, g.responding(key, in)); again.at("out", "replayed") != true ||
		again.at("out", "response", "id") != a.at("out", "response", "id") {
		t.Errorf("signed anew: %s", again.Body)
	}
	// Under another key it is the duplicate that it is, and that is signed, too.
	if again := g.send(t, g.responding(p.key(), in)); walk(again.at("out", "errors", 0), "__typename") != "DuplicateDocument" ||
		again.at("out", "receipt") == nil {
		t.Errorf("sent twice: %s", again.Body)
	}
	// What business refuses is kept, and its refusal signed.
	wrong := p.answer(po, "ACCEPTED")
	wrong["expectedRevision"] = 99
	if no := g.send(t, g.responding(p.key(), g.sealed(wrong))); no.at("out", "errors", 0) == nil || no.at("out", "receipt") == nil {
		t.Errorf("another revision: %s", no.Body)
	}
	message := say(a.at("out", "response", "message", "id"))
	const ofMessage = `query ($id: ID!) { node(id: $id) { ... on SignedMessage
		{ document digest verified direction logHash key { id } receipts { kind outcome issuedAt signature } } } }`
	var told answer
	p.s.until(t, 20*time.Second, "told of the outcome", func() bool {
		told = p.s.good(t, g.persona, ofMessage, map[string]any{"id": message})
		return len(told.at("node", "receipts").([]any)) == 2
	})
	for _, r := range told.at("node", "receipts").([]any) {
		g.receipt(t, sha(l.body), r)
		if walk(r, "outcome") != "ACCEPTED" {
			t.Errorf("receipt %v", r)
		}
	}
	if told.at("node", "digest") != sha(l.body) || len(say(told.at("node", "logHash"))) != 64 || told.at("node", "key", "id") != g.keyID {
		t.Errorf("message: %s", told.Body)
	}
	if other := p.s.good(t, "supplier", ofMessage, map[string]any{"id": message}); other.at("node") != nil {
		t.Errorf("another supplier reads it: %s", other.Body)
	}
	evidence := p.s.good(t, "operator",
		`query ($n: String!) { purchaseOrder(by: {number: $n}) { evidence { id receipts { kind outcome } } evidenceBundle { url } } }`,
		map[string]any{"n": po["number"]})
	outcomes := map[string]int{}
	for _, m := range evidence.at("purchaseOrder", "evidence").([]any) {
		for _, r := range walk(m, "receipts").([]any) {
			outcomes[say(walk(r, "kind"))+" "+say(walk(r, "outcome"))]++
		}
	}
	if outcomes["ARRIVAL ACCEPTED"] != 4 || outcomes["OUTCOME DUPLICATE"] != 2 || outcomes["OUTCOME ACCEPTED"] != 1 ||
		outcomes["OUTCOME REJECTED"] != 1 {
		t.Errorf("receipts: %v", outcomes)
	}
	resp, err := http.Get(say(evidence.at("purchaseOrder", "evidenceBundle", "url")))
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
func (g *signer) receipt(t *testing.T, digest string, r any) {
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
	head, signature, _ := strings.Cut(say(walk(r, "signature")), "..")
	text, _ := base64.RawURLEncoding.DecodeString(head)
	var header struct{ Kid, Alg string }
	if err := json.Unmarshal(text, &header); err != nil || header.Alg != "EdDSA" {
		t.Fatalf("receipt header %s: %v", text, err)
	}
	for _, k := range set.Keys {
		public, _ := base64.RawURLEncoding.DecodeString(k.X)
		signed, _ := base64.RawURLEncoding.DecodeString(signature)
		document := fmt.Sprintf(`{"digest":"%s","issuedAt":"%s","kind":"%s","outcome":"%s"}`, digest, walk(r, "issuedAt"), walk(r, "kind"),
			walk(r, "outcome"))
		if k.Kid == header.Kid && k.Crv == "Ed25519" && ed25519.Verify(public, []byte(head+"."+document), signed) {
			return
		}
	}
	t.Errorf("the receipt %v is not ours over %s", r, digest)
}
