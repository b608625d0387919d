package orders

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/ordering"
)

// draftOf is a checked order as it is handed to the ERP.
func draftOf(r *ordering.OrderRequest, f *ordering.OrderFacts) trade.Draft {
	d := trade.Draft{
		Account: f.Account.Number, ShipToAddress: r.ShipToAddress, CustomerPoNumber: r.CustomerPoNumber,
		RequestedDeliveryDate: r.RequestedDeliveryDate, Comment: r.Comment,
	}
	if f.ShipTo != nil {
		d.ShipTo = f.ShipTo.Code
	}
	for i, l := range r.Lines {
		line := trade.DraftLine{
			LineNumber: lineNumber(l, i), SKU: f.Lines[i].Item.SKU, Quantity: l.Quantity,
			RequestedDeliveryDate: l.RequestedDeliveryDate,
		}
		if p := trade.KnownPrice(f.Lines[i].Price); p != nil {
			line.UnitPrice = p.UnitPrice
		}
		d.Lines = append(d.Lines, line)
	}
	return d
}

// lineNumber is the caller's, or as documents are numbered: 10, 20, 30.
func lineNumber(l ordering.OrderRequestLine, i int) string {
	if l.LineNumber != nil {
		return *l.LineNumber
	}
	return strconv.Itoa((i + 1) * 10)
}

// pendingOrder is an order as it stands until its source tells it.
func pendingOrder(id, ref, by string, r *ordering.OrderRequest, f *ordering.OrderFacts, v *ordering.OrderValidation) *trade.Order {
	o := &trade.Order{
		ID: id, CustomerPoNumber: &r.CustomerPoNumber, AccountRef: trade.Ref{ID: f.Account.ID}, Status: trade.OrderQueued, Totals: v.Totals,
		RequestedDeliveryDate: r.RequestedDeliveryDate, PlacedAt: f.Now.UTC(), Comment: r.Comment, ExternalRef: &ref, PlacedBy: by,
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
			LineNumber: lineNumber(l, i), ItemRef: trade.Ref{ID: facts.Item.ID}, SKU: &facts.Item.SKU, Description: facts.Item.Name,
			UnitPrice: &price, Amount: &amount, Ordered: l.Quantity,
		})
	}
	return o
}

// submitWork is what the steps of a submission work on. Its fields are stored: they
// are added to, and never renamed.
type submitWork struct {
	Draft  trade.Draft `json:"Draft"`
	Ref    string      `json:"Ref"`
	Number string      `json:"Number"`
	Total  trade.Money `json:"Total"`
	// CheckCredit tells that credit was last known only when the order was accepted.
	CheckCredit bool `json:"CheckCredit"`
	// Offered are the prices that the buyer is asked about, by line.
	Offered []trade.UnitPrice `json:"Offered"`
}

// submitOrder is the flow of an order to its ERP.
func (o *Flows) submitOrder() durable.Flow[submitWork] {
	return durable.Flow[submitWork]{
		Kind: trade.SubmitOrder, Action: "order.submit",
		Steps: []durable.Step[submitWork]{
			{
				Name: "check", System: &process.ERP, Do: o.checkOrder,
				What: "Requests the prices, and credit that was not known, once more. A difference waits for the buyer.",
			},
			{
				Name: "submit", System: &process.ERP, Do: o.submitDraft,
				What: "Hands the order to the ERP under its reference; an attempt that may have arrived is looked up first.",
				Undo: o.withdraw, Undoes: "Cancels the order in the ERP.", Settle: func(w *submitWork, ref string) { w.Number = ref },
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the order as the ERP has it.",
				Do: func(ctx context.Context, r *durable.Run[submitWork]) error {
					return process.Reread(ctx, o.desk, r, sources.OrderRecords, replication.SaveOrders, r.Work.Number)
				},
			},
		},
		Refused: func(ctx context.Context, tx *store.Tx, r *durable.Run[submitWork], _ trade.OperationFailure) error {
			return records.SetOrderStatus(ctx, tx, r.Subject, trade.OrderRejected)
		},
	}
}

// checkOrder asks for prices and credit once more: an order is never written at another
// price than the one that its buyer was shown last.
func (o *Flows) checkOrder(ctx context.Context, r *durable.Run[submitWork]) error {
	d := r.Work.Draft
	shown := make([]trade.UnitPrice, len(d.Lines))
	keys := make([]trade.PriceKey, len(d.Lines))
	for i, l := range d.Lines {
		shown[i], keys[i] = l.UnitPrice, o.priceKey(d.Account, d.ShipTo, l.SKU, l.Quantity)
	}
	differences, now, err := o.differences(ctx, keys, shown)
	if err != nil {
		return err
	}
	if differences != nil {
		r.Work.Offered = now
		return o.ask(ctx, r, trade.HoldPrice, "A price is another one than the order was placed at: accept it, or cancel the order.", differences)
	}
	if !r.Work.CheckCredit {
		return nil
	}
	blocked, err := o.creditNow(ctx, d.Account, r.Work.Total)
	if err != nil || blocked == nil {
		return err
	}
	return o.ask(ctx, r, trade.HoldCredit,
		"The account's credit does not allow the order: accept it once that has changed, or cancel the order.", []trade.UserError{blocked})
}

func (o *Flows) priceKey(account, shipTo, sku string, q trade.Quantity) trade.PriceKey {
	day := trade.DateOf(o.desk.Now(), time.UTC)
	return trade.PriceKey{Account: account, ShipTo: shipTo, SKU: sku, Quantity: q.Value.String(), Unit: q.Unit, Day: day}
}

// differences are what prices are now otherwise than they were shown; nil where they are
// the same. now are the prices by line.
func (o *Flows) differences(ctx context.Context, keys []trade.PriceKey, shown []trade.UnitPrice) (found []trade.UserError,
	now []trade.UnitPrice, err error,
) {
	if len(keys) == 0 {
		return nil, nil, nil
	}
	prices, err := o.prices.Ask(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	now = slices.Clone(shown)
	for i, result := range prices {
		switch p := result.(type) {
		case *trade.Price:
			if now[i] = p.UnitPrice; !trade.SamePrice(p.UnitPrice, shown[i]) {
				found = append(found, &trade.PriceChanged{
					Refusal: trade.Refusal{
						Code: trade.CodePriceChanged, Message: "The price of " + keys[i].SKU + " is another one now.",
						Path: []string{"input", "lines", strconv.Itoa(i), "expectedUnitPrice"},
					},
					Expected: shown[i], Current: p, ChangedSteps: trade.ChangedSteps(o.prices.Before(keys[i]), shown[i], p, nil),
				})
			}
		case *trade.PriceUnavailable:
			if p.Reason == trade.SourceDown {
				return nil, nil, sources.Fail(sources.Unavailable, "prices cannot be asked for")
			}
			return nil, nil, durable.Refuse(trade.CallerAtFault, string(trade.CodeNotOrderable),
				keys[i].SKU+" is not sold to this account any more.")
		}
	}
	return found, now, nil
}

// creditNow asks the ledger whether credit stands against ordering this much more.
func (o *Flows) creditNow(ctx context.Context, account string, more trade.Money) (*trade.CreditBlocked, error) {
	ledger := o.desk.Sources.At(o.desk.Sources.Serving(sources.OfCredit, account))
	page, err := sources.CreditRecords.Fetch(ctx, ledger, sources.Query{Refs: []string{account}})
	if err != nil || len(page.Records) == 0 {
		return nil, err
	}
	return ordering.CheckCredit(&page.Records[0], more), nil
}

// ask lets an order wait for its buyer, who is told what is otherwise now.
func (o *Flows) ask(ctx context.Context, r *durable.Run[submitWork], hold trade.HoldKind, message string,
	differences []trade.UserError,
) error {
	now := o.desk.Now().UTC()
	r.Save(func(tx *store.Tx) error {
		return records.SetOrderStatus(ctx, tx, r.Subject, trade.OrderOnHold, trade.OrderHold{Kind: hold, Reason: message, Since: now})
	})
	return &durable.Question{Awaiting: trade.AwaitedDecision{By: trade.ForCustomer, Message: message, Since: now, Differences: differences}}
}

// submitDraft hands the order over. Where the ERP refuses its price, that has moved
// since it was asked for, and the buyer is asked.
func (o *Flows) submitDraft(ctx context.Context, r *durable.Run[submitWork]) error {
	receipt, err := o.desk.HandOver(ctx, r.Source, r.Work.Ref, r.Attempted, func() (sources.Receipt, error) {
		return o.desk.Sources.SubmitOrder(ctx, r.Source, r.Work.Ref, r.Work.Draft)
	})
	if _, no := errors.AsType[*durable.Refusal](err); no {
		if question, other := errors.AsType[*durable.Question](o.checkOrder(ctx, r)); other {
			return question
		}
	}
	r.Work.Number = receipt.Number
	return err
}

// withdraw cancels what was submitted.
func (o *Flows) withdraw(ctx context.Context, r *durable.Run[submitWork]) error {
	number := r.Work.Number
	if number == "" { // an attempt that may have arrived
		receipt, err := o.desk.Sources.ReceiptByKey(ctx, r.Source, r.Work.Ref)
		if sources.KindOf(err) == sources.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		number = receipt.Number
	}
	_, err := o.desk.HandOver(ctx, r.Source, r.Work.Ref+"-UNDO", r.Attempted, func() (sources.Receipt, error) {
		return o.desk.Sources.CancelOrder(ctx, r.Source, r.Work.Ref+"-UNDO", number, "withdrawn")
	})
	return err
}
