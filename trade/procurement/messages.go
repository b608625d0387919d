package procurement

import "time"

// SignedRequest is what of a request beside its body its signature may cover.
type SignedRequest struct {
	Method    string              `json:"method"`
	Authority string              `json:"authority"`
	Target    string              `json:"target"`
	Header    map[string][]string `json:"header"`
}

// SignedMessage is a message that was signed, as it is kept: its bytes, and what proves
// who said them.
type SignedMessage struct {
	ID                string
	SupplierID        string
	Document          PartnerDocumentKind
	Digest            string
	KeyID             string
	At                time.Time
	PurchaseOrders    []string
	Subject           string // what came of it; empty where nothing did
	OperationID       string
	AuditID           string
	LogHash           string
	Body              []byte
	Request           *SignedRequest
	Base              *string // what the request's signature is over
	Signature         []byte
	Nonce             *string
	Canonical         []byte // the document in its canonical form
	DocumentSignature *string
}

// NodeID is the message's global id.
func (m *SignedMessage) NodeID() string { return m.ID }

// Direction is the way that all of them go for now.
func (m *SignedMessage) Direction() MessageDirection { return ToUs }

// Verified tells that the signature held when it arrived: others are refused, and only
// their digest is kept, in the audit log.
func (m *SignedMessage) Verified() bool { return true }

// Receipt is what we sign to a supplier about a message.
type Receipt struct {
	MessageID string         `json:"MessageID"`
	Kind      ReceiptKind    `json:"Kind"`
	Outcome   ReceiptOutcome `json:"Outcome"`
	IssuedAt  time.Time      `json:"IssuedAt"`
	Signature string         `json:"Signature"`
}

// ReceiptKind is what a receipt confirms.
type ReceiptKind string

// What receipts confirm.
const (
	ArrivalReceipt ReceiptKind = "ARRIVAL"
	OutcomeReceipt ReceiptKind = "OUTCOME"
)

// ReceiptOutcome is how it went.
type ReceiptOutcome string

// How it went.
const (
	OutcomeAccepted  ReceiptOutcome = "ACCEPTED"
	OutcomePartial   ReceiptOutcome = "ACCEPTED_WITH_ERRORS"
	OutcomeRejected  ReceiptOutcome = "REJECTED"
	OutcomeDuplicate ReceiptOutcome = "DUPLICATE"
)

// EvidenceInstance is whose documents bundles of evidence are: our own.
const EvidenceInstance = "portico evidence"
