package purchasing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"time"

	"portico/evidence/signatures"
	"portico/process"
	"portico/process/durable"
	"portico/store"
	"portico/store/ledger"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// Signing is what receipts are signed with; others know the key by its id.
type Signing struct {
	KeyID string
	Key   ed25519.PrivateKey
}

// receipt signs that a message came, or what became of it.
func (s Signing) receipt(m *procurement.SignedMessage, kind procurement.ReceiptKind,
	outcome procurement.ReceiptOutcome, at time.Time,
) (procurement.Receipt, error) {
	r := procurement.Receipt{MessageID: m.ID, Kind: kind, Outcome: outcome, IssuedAt: at.UTC().Truncate(time.Millisecond)}
	text, err := signatures.ReceiptText(m.Digest, string(kind), string(outcome), r.IssuedAt)
	if err == nil {
		r.Signature, err = signatures.SignDocument(text, s.KeyID, s.Key)
	}
	return r, err
}

// arrival is a document that arrived and may be taken: as a test, or signed.
type arrival struct {
	test    bool
	sender  *ledger.Sender
	message *procurement.SignedMessage // nil where it is not signed
	receipt *procurement.Receipt       // of its arrival, once it is kept
}

// arrived checks who sent a document: its partner's stage, and its signatures, where it has
// some or must have.
func (p *Flows) arrived(ctx context.Context, from Origin, kind procurement.PartnerDocumentKind) (*arrival, []trade.UserError, error) {
	if from.Scope.Supplier() == "" {
		return &arrival{}, nil, nil
	}
	e := from.By.Envelope
	if e == nil {
		e = &signatures.Envelope{At: p.desk.Now().UTC()}
	}
	var request *signatures.Request
	var keyID string
	var bad error
	switch {
	case e.Signed():
		if request, bad = e.Read(e.At); bad == nil {
			keyID = request.KeyID
		}
	case e.Signature != nil:
		keyID, bad = signatures.DocumentKey(*e.Signature)
	}
	sender, err := ledger.FindSender(ctx, p.desk.Store, from.Scope, keyID)
	if err != nil || sender == nil {
		return nil, nil, errors.Join(err, errors.New("the caller's partner is gone"))
	}
	a := &arrival{test: sender.Stage.Tests(), sender: sender}
	if sender.Stage != procurement.Active && !a.test {
		return nil, []trade.UserError{&trade.Forbidden{Refusal: trade.Refusal{
			Code:    trade.CodeForbidden,
			Message: "Documents are not taken at stage " + string(sender.Stage) + ": look at onboarding of your partner, and ask the distributor.",
			Path:    []string{},
		}}}, nil
	}
	if bad == nil {
		a.message, bad = signed(sender, e, request, keyID)
	}
	if bad == nil {
		if a.message != nil {
			a.message.Document = kind
		}
		return a, nil, nil
	}
	no := &trade.SignatureInvalid{Refusal: trade.Refusal{Code: trade.CodeSignature, Message: bad.Error(), Path: []string{}}}
	if named, ok := errors.AsType[*signatures.Invalid](bad); ok && named.KeyID != "" {
		no.KeyID = &named.KeyID
	}
	a.message = &procurement.SignedMessage{Digest: signatures.Digest(e.Body), KeyID: keyID, Document: kind}
	return nil, oneError(no), p.refuse(ctx, from.By, a, bad.Error())
}

// signed is a message whose signatures hold; nil where it has none and needs none.
func signed(sender *ledger.Sender, e *signatures.Envelope, request *signatures.Request, keyID string) (*procurement.SignedMessage, error) {
	no := func(reason string) (*procurement.SignedMessage, error) {
		return nil, &signatures.Invalid{KeyID: keyID, Reason: reason}
	}
	switch {
	case sender.RequiresSignature && request == nil:
		return no("This partner's documents come in requests that are signed (RFC 9421), by POST: the headers Signature and Signature-Input " +
			"are missing.")
	case sender.RequiresSignature && e.Signature == nil:
		return no("This partner's documents are signed besides: set the input's signature.")
	case request == nil && e.Signature == nil:
		return nil, nil
	case sender.Key == nil:
		return no("The key is none of this partner's: use the id that rotatePartnerKey gave as keyid.")
	case e.Document == nil:
		return no("A request that is signed has one mutation, whose input is one variable, so that there is one document to keep.")
	}
	if why := sender.Key.Unusable(e.At); why != "" {
		return no(why)
	}
	m := &procurement.SignedMessage{
		ID: durable.NewID("msg_"), SupplierID: sender.ID, Digest: signatures.Digest(e.Body), Body: e.Body, KeyID: keyID, At: e.At,
		DocumentSignature: e.Signature,
		Request:           &procurement.SignedRequest{Method: e.Method, Authority: e.Authority, Target: e.Target, Header: e.Header},
	}
	if request != nil {
		if err := request.Verify(sender.Key.Public); err != nil {
			return nil, err
		}
		m.Base, m.Signature, m.Nonce = &request.Base, request.Signature, &request.Nonce
	}
	var err error
	if m.Canonical, err = signatures.Unsigned(e.Document); err != nil {
		return no("The document has no canonical form (RFC 8785).")
	}
	if e.Signature != nil {
		if err := signatures.VerifyDocument(*e.Signature, m.Canonical, keyID, sender.Key.Public); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// keep keeps a message with the receipt of its arrival, and with that of its outcome where
// that is known. It refuses one that came before.
func (p *Flows) keep(ctx context.Context, tx *store.Tx, from Origin, a *arrival, d Document,
	outcome procurement.ReceiptOutcome,
) ([]trade.UserError, error) {
	m := a.message
	var err error
	if m.PurchaseOrders, err = d.purchaseOrders(ctx, tx, from.Scope); err != nil {
		return nil, err
	}
	arrival, err := p.signing.receipt(m, procurement.ArrivalReceipt, procurement.OutcomeAccepted, p.desk.Now())
	if err != nil {
		return nil, err
	}
	a.receipt = &arrival
	given := []procurement.Receipt{arrival}
	if outcome != "" {
		r, err := p.signing.receipt(m, procurement.OutcomeReceipt, outcome, p.desk.Now())
		if err != nil {
			return nil, err
		}
		given = append(given, r)
	}
	after := map[string]any{
		"message": m.ID, "document": m.Document, "digest": m.Digest, "documentDigest": signatures.Digest(m.Canonical), "key": m.KeyID,
		"fingerprint": a.sender.Key.Fingerprint,
		"arrivedAt":   m.At.Format(time.RFC3339Nano), "purchaseOrders": m.PurchaseOrders, "test": a.test,
	}
	err = ledger.KeepMessage(ctx, tx, m,
		operating.AuditRecord{
			Actor: from.By.Principal, Action: "message.receive", Subject: m.SupplierID, CorrelationID: from.By.CorrelationID,
			After: after,
		}, given)
	if errors.Is(err, ledger.ErrSpent) {
		return []trade.UserError{&trade.SignatureInvalid{
			Refusal: trade.Refusal{
				Code:    trade.CodeSignature,
				Message: "This request was received before: sign it again with another nonce, and keep the idempotency key.", Path: []string{},
			}, KeyID: &m.KeyID,
		}}, nil
	}
	return nil, err
}

// refuse writes to the audit log that a signature was refused, and why.
func (p *Flows) refuse(ctx context.Context, by process.Submitter, a *arrival, why string) error {
	return p.desk.Store.InTx(ctx, func(tx *store.Tx) error {
		return ledger.Audit(ctx, tx, operating.AuditRecord{
			Actor: by.Principal, Action: "message.refuse", Subject: a.sender.ID, CorrelationID: by.CorrelationID,
			After: map[string]any{"document": a.message.Document, "digest": a.message.Digest, "key": a.message.KeyID, "reason": why},
		})
	})
}

// outcomesEvery is the pause between two looks for documents whose outcome can be told.
const outcomesEvery = 500 * time.Millisecond

// Receipt signs to suppliers what became of their documents, once that is known, until ctx
// ends.
func (p *Flows) Receipt(ctx context.Context, log *slog.Logger) {
	loop := clock.Loop{Task: "receipts of documents", Every: outcomesEvery, Late: true, Log: log}
	loop.Run(ctx, clock.Pass(p.outcomes))
}

func (p *Flows) outcomes(ctx context.Context) error {
	ended, err := ledger.MessagesEnded(ctx, p.desk.Store)
	if err != nil || len(ended) == 0 {
		return err
	}
	receipts := make([]procurement.Receipt, len(ended))
	for i, e := range ended {
		if receipts[i], err = p.signing.receipt(&procurement.SignedMessage{ID: e.ID, Digest: e.Digest}, procurement.OutcomeReceipt,
			e.Outcome, p.desk.Now()); err != nil {
			return err
		}
	}
	return p.desk.Store.InTx(ctx, func(tx *store.Tx) error { return ledger.KeepReceipts(ctx, tx, receipts) })
}
