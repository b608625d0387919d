package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"portico/durable"
	"portico/sources"
	"portico/store"
	"portico/trade"
)

// Submission is what became of an order that was submitted: refusals, or an operation
// with the order that it is about.
type Submission struct {
	Errors      []trade.SubmitOrderError
	Replayed    bool
	OperationID string
	OrderID     string
	Provisional []trade.OrderCheck
}

// Submitter is who submits: by whom its keys are told apart, and under which
// correlation id.
type Submitter struct{ Principal, CorrelationID string }

// shortestKey and longestKey are the lengths of a key, as the schema has them.
const shortestKey, longestKey = 16, 128

// Submit places an order under a key. It is acknowledged once it is durable; wait is
// how long its end is waited for. The same key with the same input gives the same
// answer.
func (o *Orders) Submit(ctx context.Context, scope trade.Scope, by Submitter, key string, r *trade.OrderRequest, wait time.Duration) (*Submission, error) {
	if errors := checkKey(key); errors != nil {
		return &Submission{Errors: errors}, nil
	}
	print, err := fingerprint(r)
	if err != nil {
		return nil, err
	}
	if s, err := o.replayed(ctx, by, key, print); s != nil || err != nil {
		return s, err
	}
	if errors := trade.CheckOrderShape(r); len(errors) > 0 {
		return &Submission{Errors: errors}, nil
	}
	facts, err := o.facts(ctx, scope, r)
	if err != nil {
		return nil, err
	}
	v := trade.CheckOrder(r, facts)
	if !v.Valid {
		// A twin may have been faster, and what stands against this one is its order.
		if s, err := o.replayed(ctx, by, key, print); s != nil || err != nil {
			return s, err
		}
		return &Submission{Errors: v.Errors}, nil
	}
	source := o.sources.Serving(sources.OfOrders, facts.Account.Number)
	// Without a price that is known there is none to hold to, and credit is not asked
	// for again before the ERP is.
	if v.Totals == nil || slices.Contains(v.Provisional, trade.CreditCheck) || !o.sources.TakesOrders(source) {
		return &Submission{Errors: []trade.SubmitOrderError{&trade.SourceUnavailable{
			Refusal: trade.Refusal{Code: trade.CodeUnavailable, Message: "The order cannot be priced or taken at the moment. Try again later."}, System: o.sources.KindOf(source),
		}}}, nil
	}
	id, order := durable.NewID("opr_"), durable.NewID("ord_")
	ref := "PORTICO-" + id[len("opr_"):]
	work := submitWork{Draft: draftOf(r, facts), Ref: ref}
	n := store.NewOperation{
		Lane: order, Source: source, Fingerprint: print,
		Operation: trade.Operation{ID: id, CorrelationID: by.CorrelationID, Key: key, Principal: by.Principal, Subject: &order, AccountID: facts.Account.ID},
	}
	pending := pendingOrder(order, ref, r, facts, v)
	ok, err := durable.Begin(ctx, o.engine, o.submitOrder(), n, work, ref, func(tx *sqlx.Tx) error { return o.store.PlaceOrder(ctx, tx, pending) })
	if err != nil {
		return nil, err
	}
	if !ok { // a twin was faster
		return o.replayed(ctx, by, key, print)
	}
	if wait > 0 {
		if err := o.engine.Wait(ctx, id, wait); err != nil {
			return nil, err
		}
	}
	return &Submission{OperationID: id, OrderID: order, Provisional: v.Provisional}, nil
}

// OperationOf is the id of the operation that a principal's key started, or empty.
func (o *Orders) OperationOf(ctx context.Context, principal, key string) (string, error) {
	kept, err := o.store.OperationByKey(ctx, principal, trade.SubmitOrder, key)
	if err != nil || kept == nil {
		return "", err
	}
	return kept.ID, nil
}

func checkKey(key string) []trade.SubmitOrderError {
	if len(key) >= shortestKey && len(key) <= longestKey && printable(key) {
		return nil
	}
	return []trade.SubmitOrderError{&trade.InvalidInput{Refusal: trade.Refusal{
		Code: trade.CodeInvalidInput, Message: fmt.Sprintf("A key has %d to %d printable ASCII characters.", shortestKey, longestKey), Path: []string{"idempotencyKey"},
	}}}
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}

// fingerprint stands for a whole input.
func fingerprint(r *trade.OrderRequest) (string, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("order: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// replayed is the answer that a key was given before; nil where it is new.
func (o *Orders) replayed(ctx context.Context, by Submitter, key, print string) (*Submission, error) {
	kept, err := o.store.OperationByKey(ctx, by.Principal, trade.SubmitOrder, key)
	if err != nil || kept == nil {
		return nil, err
	}
	if kept.Fingerprint != print {
		return &Submission{Errors: []trade.SubmitOrderError{&trade.IdempotencyConflict{
			Refusal:     trade.Refusal{Code: trade.CodeKeyConflict, Message: "This key was used for another order: take a new one.", Path: []string{"idempotencyKey"}},
			FirstUsedAt: kept.SubmittedAt, OperationID: kept.ID,
		}}}, nil
	}
	s := &Submission{Replayed: true, OperationID: kept.ID, Provisional: []trade.OrderCheck{}}
	if kept.Subject != nil {
		s.OrderID = *kept.Subject
	}
	return s, nil
}

// draftOf is a checked order as it is handed to the ERP.
func draftOf(r *trade.OrderRequest, f *trade.OrderFacts) trade.Draft {
	d := trade.Draft{
		Account: f.Account.Number, ShipToAddress: r.ShipToAddress, CustomerPoNumber: r.CustomerPoNumber, RequestedDeliveryDate: r.RequestedDeliveryDate, Comment: r.Comment,
	}
	if f.ShipTo != nil {
		d.ShipTo = f.ShipTo.Code
	}
	for i, l := range r.Lines {
		line := trade.DraftLine{LineNumber: lineNumber(l, i), SKU: f.Lines[i].Item.SKU, Quantity: l.Quantity, RequestedDeliveryDate: l.RequestedDeliveryDate}
		if p := trade.KnownPrice(f.Lines[i].Price); p != nil {
			line.UnitPrice = p.UnitPrice
		}
		d.Lines = append(d.Lines, line)
	}
	return d
}

// lineNumber is the caller's, or as documents are numbered: 10, 20, 30.
func lineNumber(l trade.OrderRequestLine, i int) string {
	if l.LineNumber != nil {
		return *l.LineNumber
	}
	return strconv.Itoa((i + 1) * 10)
}

// pendingOrder is an order as it stands until its source tells it.
func pendingOrder(id, ref string, r *trade.OrderRequest, f *trade.OrderFacts, v *trade.OrderValidation) *trade.Order {
	o := &trade.Order{
		ID: id, CustomerPoNumber: &r.CustomerPoNumber, AccountRef: trade.Ref{ID: f.Account.ID}, Status: trade.OrderQueued, Totals: v.Totals,
		RequestedDeliveryDate: r.RequestedDeliveryDate, PlacedAt: f.Now.UTC(), Comment: r.Comment, ExternalRef: &ref,
	}
	if r.ShipToAddress != nil {
		o.ShipToAddress = *r.ShipToAddress
	} else {
		o.ShipToRef, o.ShipToAddress = trade.Ref{ID: f.ShipTo.ID}, f.ShipTo.Address
	}
	for i, l := range r.Lines {
		facts := f.Lines[i]
		amount, _ := trade.LineAmount(facts.Price, facts.Units, l.Quantity)
		price := trade.KnownPrice(facts.Price).UnitPrice
		o.LinesKnown = append(o.LinesKnown, trade.OrderLine{
			LineNumber: lineNumber(l, i), ItemRef: trade.Ref{ID: facts.Item.ID}, SKU: &facts.Item.SKU, Description: facts.Item.Name, UnitPrice: &price, Amount: &amount, Ordered: l.Quantity,
		})
	}
	return o
}

// submitWork is what the steps of a submission work on. Its fields are stored: they
// are added to, and never renamed.
type submitWork struct {
	Draft  trade.Draft
	Ref    string
	Number string
}

var erp = trade.ERP

// submitOrder is the flow of an order to its ERP.
func (o *Orders) submitOrder() durable.Flow[submitWork] {
	return durable.Flow[submitWork]{
		Kind: trade.SubmitOrder,
		Steps: []durable.Step[submitWork]{
			{Name: "check", System: &erp, Do: o.checkPrices},
			{Name: "submit", System: &erp, Do: o.handOver},
			{Name: "record", System: &erp, Do: o.record},
		},
		Refused: func(ctx context.Context, tx *sqlx.Tx, r *durable.Run[submitWork], _ trade.OperationFailure) error {
			return o.store.SetOrderStatus(ctx, tx, r.Subject, trade.OrderRejected)
		},
	}
}

// checkPrices asks for the prices once more: an order is never written at another
// price than the one that its buyer was shown.
func (o *Orders) checkPrices(ctx context.Context, r *durable.Run[submitWork]) error {
	d := r.Work.Draft
	keys := make([]trade.PriceKey, len(d.Lines))
	for i, l := range d.Lines {
		keys[i] = trade.PriceKey{Account: d.Account, ShipTo: d.ShipTo, SKU: l.SKU, Quantity: l.Quantity.Value.String(), Unit: l.Quantity.Unit, Day: trade.DateOf(time.Now())}
	}
	prices, err := o.prices.Ask(ctx, keys)
	if err != nil {
		return err
	}
	for i, result := range prices {
		switch p := result.(type) {
		case *trade.Price:
			if !trade.SamePrice(p.UnitPrice, d.Lines[i].UnitPrice) {
				return durable.Refuse(trade.CallerAtFault, string(trade.CodePriceChanged), "The price of "+d.Lines[i].SKU+" is another one now: look at it, and order again.")
			}
		case *trade.PriceUnavailable:
			if p.Reason == trade.SourceDown {
				return sources.Fail(sources.Unavailable, "prices cannot be asked for")
			}
			return durable.Refuse(trade.CallerAtFault, string(trade.CodeNotOrderable), d.Lines[i].SKU+" is not sold to this account any more.")
		}
	}
	return nil
}

// handOver looks the reference up before it submits again, because an earlier attempt
// may have arrived although its answer did not.
func (o *Orders) handOver(ctx context.Context, r *durable.Run[submitWork]) error {
	if r.Attempt > 1 {
		receipt, err := o.sources.ReceiptByKey(ctx, r.Source, r.Work.Ref)
		if r.Work.Number = receipt.Number; err == nil || sources.KindOf(err) != sources.NotFound {
			return err
		}
	}
	receipt, err := o.sources.SubmitOrder(ctx, r.Source, r.Work.Ref, r.Work.Draft)
	if sources.KindOf(err) == sources.Rejected {
		return durable.Refuse(trade.ERPAtFault, "REFUSED_BY_ERP", sources.Reason(err))
	}
	r.Work.Number = receipt.Number
	return err
}

// record reads the order as the ERP has it, under the id that it was promised.
func (o *Orders) record(ctx context.Context, r *durable.Run[submitWork]) error {
	page, err := o.sources.At(r.Source).Orders(ctx, sources.Query{Refs: []string{r.Work.Number}})
	if err != nil {
		return err
	}
	if len(page.Records) != 1 {
		return sources.Fail(sources.Garbled, "the order that was taken is not to be read")
	}
	r.Save(func(tx *sqlx.Tx) error {
		unknown, err := o.store.SaveOrders(ctx, tx, page.Records)
		if err != nil || len(unknown) == 0 {
			return err
		}
		return o.store.Reject(ctx, tx, unknown)
	})
	return nil
}
