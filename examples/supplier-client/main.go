// Command supplier-client is what a supplier's program needs to trade with Portico: it makes
// a key, proves it, and answers purchase orders in requests that are signed. It uses the
// standard library alone, so that it can be copied.
//
//	supplier-client key                    makes supplier.pem
//	supplier-client prove                  adds the key to the caller's partner, and proves it
//	supplier-client accept PURCHASE-ORDER  accepts a purchase order as it is
//
// PORTICO_URL is where Portico is, PORTICO_TOKEN the bearer token, SUPPLIER_KEY the file with
// the key, and SUPPLIER_KEY_ID what prove printed.
package main

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(append(os.Args[1:], "", "")); err != nil {
		fmt.Fprintln(os.Stderr, "supplier-client:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	c := &client{
		url: cmp.Or(os.Getenv("PORTICO_URL"), "http://localhost:8080/graphql"), token: os.Getenv("PORTICO_TOKEN"),
		keyID: os.Getenv("SUPPLIER_KEY_ID"),
	}
	file := cmp.Or(os.Getenv("SUPPLIER_KEY"), "supplier.pem")
	if args[0] == "key" {
		return makeKey(file)
	}
	if c.token == "" {
		return errors.New("set PORTICO_TOKEN to a bearer token")
	}
	if err := c.read(file); err != nil {
		return err
	}
	switch {
	case args[0] == "prove":
		return c.prove()
	case args[0] == "accept" && args[1] != "" && c.keyID != "":
		return c.accept(args[1])
	}
	return errors.New("say key, prove or accept PURCHASE-ORDER; accept needs SUPPLIER_KEY_ID, which prove prints")
}

type client struct {
	url, token, keyID string
	key               ed25519.PrivateKey
}

func makeKey(file string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // never over another
	if err != nil {
		return err
	}
	return errors.Join(pem.Encode(out, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), out.Close())
}

func (c *client) read(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New(file + " is no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	var ok bool
	if c.key, ok = key.(ed25519.PrivateKey); !ok {
		return errors.New(file + " holds no Ed25519 key")
	}
	return nil
}

// prove adds the public key to the partner that the token is of, and signs its challenge.
func (c *client) prove() error {
	der, err := x509.MarshalPKIXPublicKey(c.key.Public())
	if err != nil {
		return err
	}
	var me struct {
		Viewer struct{ Supplier struct{ ID string } }
	}
	if err := c.ask(`{ viewer { ... on SupplierViewer { supplier { id } } } }`, nil, false, &me); err != nil {
		return err
	}
	type key struct{ ID, Challenge string }
	var added struct {
		Out struct {
			Errors  []struct{ Message string }
			Partner struct{ Keys []key }
		}
	}
	const add = `mutation ($k: IdempotencyKey!, $in: RotatePartnerKeyInput!) {
		out: rotatePartnerKey(idempotencyKey: $k, input: $in) { errors { ... on UserError { message } } partner { keys { id challenge } } } }`
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	in := map[string]any{"partner": me.Viewer.Supplier.ID, "publicKeyPem": public, "validFrom": time.Now().UTC().Format(time.RFC3339)}
	if err := c.ask(add, map[string]any{"k": "key " + rand.Text(), "in": in}, false, &added); err != nil {
		return err
	}
	if len(added.Out.Errors) > 0 {
		return errors.New(added.Out.Errors[0].Message)
	}
	k := added.Out.Partner.Keys[0] // newest first
	var proved struct {
		Out struct{ Errors []struct{ Message string } }
	}
	const prove = `mutation ($k: IdempotencyKey!, $in: ProvePartnerKeyInput!) {
		out: provePartnerKey(idempotencyKey: $k, input: $in) { errors { ... on UserError { message } } } }`
	proof := map[string]any{"key": k.ID, "signature": base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, []byte(k.Challenge)))}
	if err := c.ask(prove, map[string]any{"k": "prove " + rand.Text(), "in": proof}, false, &proved); err != nil {
		return err
	}
	if len(proved.Out.Errors) > 0 {
		return errors.New(proved.Out.Errors[0].Message)
	}
	fmt.Println(k.ID)
	return nil
}

// accept accepts a purchase order as it is.
func (c *client) accept(number string) error {
	var found struct {
		PurchaseOrder *struct {
			ID       string
			Revision int
		}
	}
	if err := c.ask(`query ($n: String!) { purchaseOrder(by: {number: $n}) { id revision } }`, map[string]any{"n": number}, false,
		&found); err != nil {
		return err
	}
	if found.PurchaseOrder == nil {
		return errors.New("there is no purchase order " + number)
	}
	in := map[string]any{
		"purchaseOrder": found.PurchaseOrder.ID, "expectedRevision": found.PurchaseOrder.Revision,
		"responseNumber": "A-" + number, "kind": "ACCEPTED",
	}
	var err error
	if in["signature"], err = c.signDocument(in); err != nil {
		return err
	}
	var answered struct {
		Out struct {
			Errors    []struct{ Message string }
			Operation *struct{ State string } // nil for a test document, while the stage is TESTING
			Response  *struct{ ID string }
			Receipt   *struct{ Kind, Outcome, IssuedAt, Signature string }
		}
	}
	const respond = `mutation ($k: IdempotencyKey!, $in: PurchaseOrderResponseInput!) {
		out: respondToPurchaseOrder(idempotencyKey: $k, input: $in) {
			errors { ... on UserError { message } } operation { state } response { id } receipt { kind outcome issuedAt signature } } }`
	if err := c.ask(respond, map[string]any{"k": "answer " + rand.Text(), "in": in}, true, &answered); err != nil {
		return err
	}
	if len(answered.Out.Errors) > 0 {
		return errors.New(answered.Out.Errors[0].Message)
	}
	state := "taken as a test, without effect"
	switch out := answered.Out; {
	case out.Operation != nil:
		state = out.Operation.State
	case out.Response != nil:
		state = "taken"
	}
	kept := "no receipt"
	if r := answered.Out.Receipt; r != nil {
		kept = fmt.Sprintf("receipt of %s, given %s: keep it", r.Kind, r.IssuedAt)
	}
	fmt.Printf("%s: %s; %s\n", number, state, kept)
	return nil
}

// ask sends an operation; signed, where Portico is to keep it as evidence.
func (c *client) ask(query string, variables map[string]any, signed bool, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	if signed {
		c.signRequest(req.Header, req.URL, body)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var response struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(text, &response); err != nil {
		return fmt.Errorf("status %d: %s", resp.StatusCode, text)
	}
	if len(response.Errors) > 0 {
		return errors.New(response.Errors[0].Message)
	}
	return json.Unmarshal(response.Data, into)
}

// signRequest is an HTTP Message Signature (RFC 9421) over a Content-Digest (RFC 9530).
func (c *client) signRequest(h http.Header, u *url.URL, body []byte) {
	digest := sha256.Sum256(body)
	h.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest[:])+":")
	now := time.Now().Unix()
	params := fmt.Sprintf(`("@method" "@authority" "@path" "content-digest" "content-type");created=%d;expires=%d;`+
		`nonce="%s";keyid="%s";alg="ed25519";tag="portico-procurement"`, now, now+300, rand.Text(), c.keyID)
	base := strings.Join([]string{
		`"@method": POST`, `"@authority": ` + strings.ToLower(u.Host), `"@path": ` + u.EscapedPath(),
		`"content-digest": ` + h.Get("Content-Digest"), `"content-type": ` + h.Get("Content-Type"),
		`"@signature-params": ` + params,
	}, "\n")
	h.Set("Signature-Input", "sig1="+params)
	h.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, []byte(base)))+":")
}

// signDocument is a detached JWS (RFC 7515, RFC 7797) over a document's canonical JSON
// (RFC 8785). What Go's encoder writes is that for documents of plain names, texts and small
// whole numbers, as ours are: amounts are texts.
func (c *client) signDocument(document map[string]any) (string, error) {
	var canonical bytes.Buffer
	enc := json.NewEncoder(&canonical)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document); err != nil {
		return "", err
	}
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","b64":false,"crit":["b64"],"kid":"` + c.keyID + `"}`))
	signature := ed25519.Sign(c.key, append([]byte(header+"."), bytes.TrimSuffix(canonical.Bytes(), []byte("\n"))...))
	return header + ".." + base64.RawURLEncoding.EncodeToString(signature), nil
}
