package signatures

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Canonical is a JSON text in its canonical form (RFC 8785).
func Canonical(text []byte) ([]byte, error) {
	v := jsontext.Value(bytes.Clone(text))
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	return v, nil
}

// Unsigned is the canonical form of a JSON object without its member "signature": what a
// document's signature is over.
func Unsigned(text []byte) ([]byte, error) {
	var members map[string]jsontext.Value
	if err := strict.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	delete(members, "signature")
	all, err := strict.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	return Canonical(all)
}

// Variable is a variable of a GraphQL request's body, as it is written there; nil where
// there is none.
func Variable(body []byte, name string) []byte {
	var request struct {
		Variables map[string]jsontext.Value `json:"variables"`
	}
	if err := strict.Unmarshal(body, &request); err != nil {
		return nil
	}
	return request.Variables[name]
}

// Variables are all variables of a GraphQL request's body, as they are written there.
func Variables(body []byte) (all [][]byte) {
	var request struct {
		Variables map[string]jsontext.Value `json:"variables"`
	}
	if err := strict.Unmarshal(body, &request); err != nil {
		return nil
	}
	for _, v := range request.Variables {
		all = append(all, v)
	}
	return all
}

// SignDocument is a detached JWS (RFC 7515, appendix F; RFC 7797) over a document.
func SignDocument(document []byte, keyID string, key ed25519.PrivateKey) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key},
		(&jose.SignerOptions{}).WithHeader("kid", keyID).WithBase64(false))
	if err != nil {
		return "", fmt.Errorf("document signature: %w", err)
	}
	signed, err := signer.Sign(document)
	if err != nil {
		return "", fmt.Errorf("document signature: %w", err)
	}
	text, err := signed.DetachedCompactSerialize()
	if err != nil {
		return "", fmt.Errorf("document signature: %w", err)
	}
	return text, nil
}

// longestJWS is more than any detached JWS of one key has, in bytes.
const longestJWS = 2048

// DocumentKey is the id of the key that a detached JWS names. Every failure is an [*Invalid].
func DocumentKey(jws string) (string, error) {
	protected, rest, _ := strings.Cut(jws, ".")
	if len(jws) > longestJWS || !strings.HasPrefix(rest, ".") {
		return "", invalid("", "The signature of the document is no detached JWS: header, nothing and signature, with dots between.")
	}
	var header struct {
		Kid string `json:"kid"`
		Alg string `json:"alg"`
	}
	if raw, err := base64.RawURLEncoding.DecodeString(protected); err != nil || json.Unmarshal(raw, &header) != nil {
		return "", invalid("", "The header of the document's signature cannot be read.")
	}
	if header.Alg != string(jose.EdDSA) {
		return header.Kid, invalid(header.Kid, "alg of the document's signature must be EdDSA.")
	}
	if header.Kid == "" {
		return "", invalid("", "The document's signature names no key: set kid.")
	}
	return header.Kid, nil
}

// VerifyDocument tells whether a detached JWS is that of a key over a document.
func VerifyDocument(jws string, document []byte, keyID string, key ed25519.PublicKey) error {
	named, err := DocumentKey(jws)
	if err != nil {
		return err
	}
	if named != keyID {
		return invalid(named, "The document is signed with another key than the request.")
	}
	if len(key) != ed25519.PublicKeySize {
		return invalid(keyID, "The key is not there.")
	}
	parsed, err := jose.ParseDetached(jws, document, []jose.SignatureAlgorithm{jose.EdDSA})
	if err == nil {
		err = parsed.DetachedVerify(document, key)
	}
	if err != nil {
		return invalid(keyID, "The document's signature is not that of the key over its canonical JSON (RFC 8785), without its member signature.")
	}
	return nil
}

// ReceiptText is what a receipt's signature is over: canonical JSON (RFC 8785) of the
// message's digest, what is confirmed, how it went and when that was said.
func ReceiptText(digest, kind, outcome string, issued time.Time) ([]byte, error) {
	text, err := json.Marshal(map[string]string{
		"digest": digest, "issuedAt": issued.UTC().Format(time.RFC3339Nano), "kind": kind,
		"outcome": outcome,
	})
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return Canonical(text)
}
