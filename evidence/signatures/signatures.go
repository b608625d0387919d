// Package signatures signs and verifies what is said in business: requests by HTTP
// Message Signatures (RFC 9421) over a Content-Digest (RFC 9530), and documents by
// detached JSON Web Signatures (RFC 7515, RFC 7797) over canonical JSON (RFC 8785).
// Keys are Ed25519 (RFC 8032).
package signatures

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Algorithm is the only one that is taken.
const Algorithm = "ed25519"

// Window is how far the time at which a request was signed may be from the time at which
// it arrives, and the longest for which a signature may hold.
const Window = 300 * time.Second

// Invalid is why a signature does not count, in words for whoever made it. KeyID is the
// key that it names, where it can be read.
type Invalid struct{ KeyID, Reason string }

// Error is the reason.
func (e *Invalid) Error() string { return e.Reason }

func invalid(keyID, format string, args ...any) *Invalid {
	return &Invalid{KeyID: keyID, Reason: fmt.Sprintf(format, args...)}
}

// PublicKey reads a public key as PEM SubjectPublicKeyInfo (RFC 8410); it must be Ed25519.
func PublicKey(text string) (ed25519.PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		return nil, errors.New("it is no PEM of one PUBLIC KEY")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is no public key")
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("it is no Ed25519 key")
	}
	return public, nil
}

// PublicPEM writes a public key as PEM SubjectPublicKeyInfo.
func PublicPEM(key ed25519.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("public key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// PrivateKey reads a private key as PEM PKCS #8; it must be Ed25519.
func PrivateKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("it is no PEM of a PRIVATE KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is no private key")
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("it is no Ed25519 key")
	}
	return private, nil
}

// PrivatePEM writes a private key as PEM PKCS #8.
func PrivatePEM(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Fingerprint is the SHA-256 of a public key's SubjectPublicKeyInfo, hex.
func Fingerprint(key ed25519.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
