// Package evidence collects what proves years later what a supplier said about a purchase
// order, and when, and checks it without a database or a network.
package evidence

import (
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"portico/trade/procurement"
)

// Version is that of the format of bundles.
const Version = 1

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
	ID                string                     `json:"id"`
	Document          string                     `json:"document"`
	ArrivedAt         time.Time                  `json:"arrivedAt"`
	Digest            string                     `json:"digest"`
	Body              []byte                     `json:"body"`
	Request           *procurement.SignedRequest `json:"request,omitempty"`
	SignatureBase     *string                    `json:"signatureBase,omitempty"`
	Signature         []byte                     `json:"signature,omitempty"`
	Key               string                     `json:"key"`
	Canonical         []byte                     `json:"canonical"`
	DocumentSignature *string                    `json:"documentSignature,omitempty"`
	Receipts          []Receipt                  `json:"receipts"`
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
