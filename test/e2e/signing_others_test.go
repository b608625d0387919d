package e2e

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/evidence/signatures"
	"portico/test/e2e/extras"
)

// asOthersDo has programs that are not ours sign and verify: a library from npm, and the two
// examples that suppliers begin with.
func (g *signer) asOthersDo(t *testing.T, p *supplying) {
	t.Helper()
	t.Run("a library verifies ours and signs its own", func(t *testing.T) {
		po := p.purchaseFrom(t, "V2002", g.persona, 30, "SCR-10002")
		m := &signatures.Message{
			Method: http.MethodPost, Authority: "portico.example", Target: "/graphql",
			Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte("{}"),
		}
		if err := m.Sign(g.keyID, g.private, time.Now()); err != nil {
			t.Fatal(err)
		}
		headers := map[string]string{}
		for name := range m.Header {
			headers[strings.ToLower(name)] = m.Header.Get(name)
		}
		ours, _ := json.Marshal(map[string]any{"method": m.Method, "url": "https://portico.example/graphql", "headers": headers})
		body := g.responding(p.key(), g.sealed(document(t, p.accepted(po)))).body
		private, _ := x509.MarshalPKCS8PrivateKey(g.private)
		public, _ := signatures.PublicPEM(g.private.Public().(ed25519.PublicKey))
		out := p.s.node(t, "signatures.mjs", "OURS="+string(ours), "PUBLIC="+public,
			"PRIVATE="+string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), "KEYID="+g.keyID, "BODY="+string(body),
			"SUPPLIER="+p.s.token(t, g.persona))
		if !strings.Contains(out, "ours true altered false") {
			t.Errorf("the library says: %s", out)
		}
		if !strings.Contains(out, `"errors":[]`) || !strings.Contains(out, `"kind":"ARRIVAL"`) {
			t.Errorf("what the library signed: %s", out)
		}
	})
	t.Run("the example in Go", func(t *testing.T) {
		client := filepath.Join(t.TempDir(), "supplier-client")
		if out, err := exec.Command("go", "build", "-o", client, "portico/examples/supplier-client").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		g.example(t, p, client)
	})
	t.Run("the example in Node", func(t *testing.T) {
		g.example(t, p, extras.Program(t, "the example of a supplier's client in Node", "node"), "../../examples/supplier-client/client.mjs")
	})
}

// example makes a key, proves it and accepts a purchase order, as docs/suppliers.md does.
func (g *signer) example(t *testing.T, p *supplying, command ...string) {
	t.Helper()
	po := p.purchaseFrom(t, "V2002", g.persona, 40, "SCR-10001")
	env := append(os.Environ(), "PORTICO_URL="+p.s.url+"/graphql", "PORTICO_TOKEN="+p.s.token(t, g.persona),
		"SUPPLIER_KEY="+filepath.Join(t.TempDir(), "supplier.pem"))
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], args...)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("key")
	id := run("prove")
	env = append(env, "SUPPLIER_KEY_ID="+id)
	if out := run("accept", po.Number); !strings.Contains(out, "receipt of ARRIVAL") {
		t.Errorf("accepted: %s", out)
	}
	if now := p.purchased(t, g.persona, po.Number); len(now.Responses) != 1 {
		t.Errorf("answered: %s", asJSON(now))
	}
}
