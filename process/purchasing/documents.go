package purchasing

import (
	"context"
	"slices"
	"time"

	"portico/process"
	"portico/store"
	"portico/store/ledger"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// Document is what a supplier sends, in the words of the trade: whatever channel and format it came by was translated before. A
// document holds what it says and what was found about it, so that each is received once. [Flows.OrderResponse],
// [Flows.DespatchAdvice], [Flows.DespatchWithdrawal] and [Flows.LeadTimeChange] make them.
type Document interface {
	// header says what the document is, before anything was looked up.
	header() header
	// purchaseOrders are the ids of those that it is about, within a scope.
	purchaseOrders(ctx context.Context, tx *store.Tx, scope trade.Scope) ([]string, error)
	// take checks it against what is known, which it locks, and writes what comes of it. Of what it refuses nothing stays.
	take(ctx context.Context, tx *store.Tx, from Origin, print string) (ledger.SpentKey, []trade.UserError, error)
	// recordAcceptance is called once what take wrote is durable; not for a test, a repetition or a refusal.
	recordAcceptance(at time.Time)
}

// header is what is known of a document by itself.
type header struct {
	kind   procurement.PartnerDocumentKind
	write  string // that its key counts for
	input  any    // that its key stands for
	source string // that it is written to
}

// Origin is who sent a document, and under which key: the same key with the same document is one document.
type Origin struct {
	Scope trade.Scope
	By    process.Submitter
	Key   string
}

// Receive takes a document of a supplier's, once, and waits at most so long for the end of the operation that it begins. What
// was signed is kept whatever becomes of it, and has a receipt. A document of a partner that is not let in yet is a test.
func (p *Flows) Receive(ctx context.Context, from Origin, d Document, wait time.Duration) (*process.Acted, error) {
	a, errs, err := p.arrived(ctx, from, d.header().kind)
	if err != nil || errs != nil {
		return &process.Acted{Errors: errs}, err
	}
	var done *process.Acted
	if a.test {
		done, err = p.rehearse(ctx, from, a, d)
	} else {
		done, err = p.takeOnce(ctx, from, a, d)
	}
	if err != nil {
		return nil, err
	}
	if a.message != nil {
		if done, err = p.acknowledge(ctx, from, a, d, done); err != nil {
			return nil, err
		}
	}
	return process.Await(ctx, p.desk, d.header().source, done, nil, wait)
}

// takeOnce takes a document under its key. A message that was signed is kept in the same transaction.
func (p *Flows) takeOnce(ctx context.Context, from Origin, a *arrival, d Document) (*process.Acted, error) {
	h := d.header()
	done, err := process.Once(ctx, p.desk.Store, from.By, h.write, from.Key, h.input,
		func(tx *store.Tx, print string) (ledger.SpentKey, []trade.UserError, error) {
			spent, errs, err := d.take(ctx, tx, from, print)
			if err != nil || errs != nil || a.message == nil {
				return spent, errs, err
			}
			a.message.Subject, a.message.OperationID = spent.Subject, spent.OperationID
			outcome := procurement.OutcomeAccepted
			if spent.OperationID != "" {
				outcome = "" // told when it has ended
			}
			errs, err = p.keep(ctx, tx, from, a, d, outcome)
			return spent, errs, err
		})
	if err == nil && done.Errors == nil && !done.Replayed {
		d.recordAcceptance(p.desk.Now())
	}
	return done, err
}

// rehearse plays a document of a partner that is not let in yet on its own purchase orders, and on a test order that is there for
// nobody else and no longer; it takes all of it back, and keeps how it went.
func (p *Flows) rehearse(ctx context.Context, from Origin, a *arrival, d Document) (*process.Acted, error) {
	if bad := process.CheckKey(from.Key); bad != nil {
		return &process.Acted{Errors: oneError(bad)}, nil
	}
	h := d.header()
	print, err := process.Fingerprint(h.input)
	if err != nil {
		return nil, err
	}
	done := &process.Acted{}
	err = p.desk.Store.Rehearse(ctx, func(tx *store.Tx) (err error) {
		status := trade.POSent
		if h.kind == procurement.DespatchDocument {
			status = trade.POAcknowledged
		}
		if err := ledger.PlaceTestOrder(ctx, tx, a.sender.ID, h.source, status, p.desk.Now()); err != nil {
			return err
		}
		_, done.Errors, err = d.take(ctx, tx, from, print)
		return err
	})
	if err != nil {
		return nil, err
	}
	t := procurement.PartnerTest{Document: h.kind, Passed: done.Errors == nil}
	if !t.Passed {
		t.Detail = &trade.RefusalOf(done.Errors[0]).Message
	}
	return done, p.desk.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := ledger.KeepTest(ctx, tx, a.sender.ID, t); err != nil {
			return err
		}
		return ledger.Audit(ctx, tx, operating.AuditRecord{
			Actor: from.By.Principal, Action: "partner.test", Subject: a.sender.ID, CorrelationID: from.By.CorrelationID,
			After: map[string]any{"document": h.kind, "passed": t.Passed},
		})
	})
}

// acknowledge gives a message that was signed the receipt of its arrival. One that came to nothing new, or was a test, was not
// kept yet: it is, with its outcome.
func (p *Flows) acknowledge(ctx context.Context, from Origin, a *arrival, d Document, done *process.Acted) (*process.Acted, error) {
	outcome := outcomeOf(done)
	if outcome == "" && a.test {
		outcome = procurement.OutcomeAccepted
	}
	if outcome == "" { // it was kept with what it wrote
		done.Receipt = a.receipt
		return done, nil
	}
	a.message.Subject, a.message.OperationID = "", ""
	replayed, err := process.InTx(ctx, p.desk.Store, func(tx *store.Tx) ([]trade.UserError, error) {
		return p.keep(ctx, tx, from, a, d, outcome)
	})
	if err != nil {
		return nil, err
	}
	if replayed != nil {
		return &process.Acted{Errors: replayed}, p.refuse(ctx, from.By, a, "nonce")
	}
	done.Receipt = a.receipt
	return done, nil
}

// outcomeOf is what became of a document that made nothing new; empty where it did.
func outcomeOf(done *process.Acted) procurement.ReceiptOutcome {
	isDuplicate := func(e trade.UserError) bool { _, is := e.(*trade.DuplicateDocument); return is }
	switch {
	case done.Replayed || slices.ContainsFunc(done.Errors, isDuplicate):
		return procurement.OutcomeDuplicate
	case done.Errors != nil:
		return procurement.OutcomeRejected
	}
	return ""
}
