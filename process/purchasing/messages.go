package purchasing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"slices"
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

// document is a write that a document of a supplier's makes.
type document struct {
	kind     procurement.PartnerDocumentKind
	mutation string
	input    any    // that a key stands for
	source   string // that it goes to
	// about are the purchase orders that it is about, within the scope.
	about func(tx *store.Tx) ([]string, error)
	write func(tx *store.Tx, print string) (ledger.SpentKey, []trade.SupplierError, error)
}

// arrival is a document that arrived and may be taken: as a test, or signed.
type arrival struct {
	test    bool
	sender  *ledger.Sender
	message *procurement.SignedMessage // nil where it is not signed
	receipt *procurement.Receipt       // of its arrival, once it is kept
}

// sent takes a document: it checks who sent it, takes it once, and keeps what was signed
// whatever becomes of it.
func (p *Flows) sent(ctx context.Context, scope trade.Scope, by process.Submitter, key string, d document,
	wait time.Duration,
) (*process.Acted[trade.SupplierError], error) {
	a, errs, err := p.arrived(ctx, scope, by, d.kind)
	if err != nil || errs != nil {
		return &process.Acted[trade.SupplierError]{Errors: errs}, err
	}
	var done *process.Acted[trade.SupplierError]
	if a.test {
		done, err = p.tested(ctx, by, a, key, d)
	} else {
		done, err = process.Once(ctx, p.desk.Store, by, d.mutation, key, d.input,
			func(tx *store.Tx, print string) (ledger.SpentKey, []trade.SupplierError, error) {
				spent, errs, err := d.write(tx, print)
				if err != nil || errs != nil || a.message == nil {
					return spent, errs, err
				}
				a.message.Subject, a.message.OperationID = spent.Subject, spent.OperationID
				outcome := procurement.OutcomeAccepted
				if spent.OperationID != "" {
					outcome = "" // told when it has ended
				}
				errs, err = p.keep(ctx, tx, by, a, d, outcome)
				return spent, errs, err
			})
	}
	if err != nil {
		return nil, err
	}
	if a.message == nil {
		return process.Await(ctx, p.desk, d.source, done, nil, wait)
	}
	if outcome := outcomeOf(done); outcome != "" || a.test {
		a.message.Subject, a.message.OperationID = "", ""
		if outcome == "" {
			outcome = procurement.OutcomeAccepted
		}
		err := p.desk.Store.InTx(ctx, func(tx *store.Tx) error {
			replayed, err := p.keep(ctx, tx, by, a, d, outcome)
			if replayed != nil {
				done = &process.Acted[trade.SupplierError]{Errors: replayed}
				return errReplayed
			}
			return err
		})
		if errors.Is(err, errReplayed) {
			return done, p.refuse(ctx, by, a, "nonce")
		}
		if err != nil {
			return nil, err
		}
	}
	done.Receipt = a.receipt
	return process.Await(ctx, p.desk, d.source, done, nil, wait)
}

var (
	errReplayed = errors.New("the message came before")
	errTested   = errors.New("it was a test")
)

// outcomeOf is what became of a document that made nothing new; empty where it did.
func outcomeOf(done *process.Acted[trade.SupplierError]) procurement.ReceiptOutcome {
	known := func(e trade.SupplierError) bool { _, is := e.(*trade.DuplicateDocument); return is }
	switch {
	case done.Replayed || slices.ContainsFunc(done.Errors, known):
		return procurement.OutcomeDuplicate
	case done.Errors != nil:
		return procurement.OutcomeRejected
	}
	return ""
}

// arrived checks who sent a document: its partner's stage, and its signatures, where it has
// some or must have.
func (p *Flows) arrived(ctx context.Context, scope trade.Scope, by process.Submitter, kind procurement.PartnerDocumentKind) (*arrival,
	[]trade.SupplierError, error,
) {
	if scope.Supplier() == "" {
		return &arrival{}, nil, nil
	}
	e := by.Envelope
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
	sender, err := ledger.FindSender(ctx, p.desk.Store, scope, keyID)
	if err != nil || sender == nil {
		return nil, nil, errors.Join(err, errors.New("the caller's partner is gone"))
	}
	a := &arrival{test: sender.Stage.Tests(), sender: sender}
	if sender.Stage != procurement.Active && !a.test {
		return nil, []trade.SupplierError{&trade.Forbidden{Refusal: trade.Refusal{
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
	return nil, []trade.SupplierError{no}, p.refuse(ctx, by, a, bad.Error())
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
func (p *Flows) keep(ctx context.Context, tx *store.Tx, by process.Submitter, a *arrival, d document,
	outcome procurement.ReceiptOutcome,
) ([]trade.SupplierError, error) {
	m := a.message
	var err error
	if m.PurchaseOrders, err = d.about(tx); err != nil {
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
		"message": m.ID, "document": d.kind, "digest": m.Digest, "documentDigest": signatures.Digest(m.Canonical), "key": m.KeyID,
		"fingerprint": a.sender.Key.Fingerprint,
		"arrivedAt":   m.At.Format(time.RFC3339Nano), "purchaseOrders": m.PurchaseOrders, "test": a.test,
	}
	err = ledger.KeepMessage(ctx, tx, m,
		operating.AuditRecord{
			Actor: by.Principal, Action: "message.receive", Subject: m.SupplierID, CorrelationID: by.CorrelationID,
			After: after,
		}, given)
	if errors.Is(err, ledger.ErrSpent) {
		return []trade.SupplierError{&trade.SignatureInvalid{
			Refusal: trade.Refusal{
				Code:    trade.CodeSignature,
				Message: "This request came before: sign anew, with another nonce, and keep the idempotency key.", Path: []string{},
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

// tested plays a document of a partner that is not let in yet on its own purchase orders,
// takes all of it back, and keeps how it went.
func (p *Flows) tested(ctx context.Context, by process.Submitter, a *arrival, key string, d document) (*process.Acted[trade.SupplierError],
	error,
) {
	if bad := process.CheckKey(key); bad != nil {
		return &process.Acted[trade.SupplierError]{Errors: []trade.SupplierError{bad}}, nil
	}
	print, err := process.Fingerprint(d.input)
	if err != nil {
		return nil, err
	}
	done := &process.Acted[trade.SupplierError]{}
	err = p.desk.Store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if _, done.Errors, err = d.write(tx, print); err == nil {
			err = errTested
		}
		return err
	})
	if !errors.Is(err, errTested) {
		return nil, err
	}
	t := procurement.PartnerTest{Document: d.kind, Passed: done.Errors == nil}
	if !t.Passed {
		t.Detail = &trade.RefusalOf(done.Errors[0]).Message
	}
	return done, p.desk.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := ledger.KeepTest(ctx, tx, a.sender.ID, t); err != nil {
			return err
		}
		return ledger.Audit(ctx, tx,
			operating.AuditRecord{
				Actor: by.Principal, Action: "partner.test", Subject: a.sender.ID, CorrelationID: by.CorrelationID,
				After: map[string]any{"document": d.kind, "passed": t.Passed},
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
