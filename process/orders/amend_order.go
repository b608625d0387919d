package orders

import (
	"context"
	"strings"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade"
)

// amendWork is what the steps of a change work on. Back is what takes it back.
type amendWork struct {
	Change  trade.OrderChange `json:"Change"`
	Back    trade.OrderChange `json:"Back"`
	Account string            `json:"Account"`
	ShipTo  string            `json:"ShipTo"`
	Ref     string            `json:"Ref"`
	Offered []trade.UnitPrice `json:"Offered"`
}

// amendOrder is the flow of a change to its order's ERP.
func (o *Flows) amendOrder() durable.Flow[amendWork] {
	return durable.Flow[amendWork]{
		Kind: trade.AmendOrder, Action: "order.amend",
		Steps: []durable.Step[amendWork]{
			{
				Name: "check", System: &process.ERP, Do: o.checkAmend,
				What: "Requests the prices of the changed lines once more. A difference waits for the buyer.",
			},
			{
				Name: "change", System: &process.ERP, Do: o.change, What: "Hands the change to the ERP under its reference.", Undo: o.changeBack,
				Undoes: "Changes the order back.",
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the order as the ERP has it.",
				Do: func(ctx context.Context, r *durable.Run[amendWork]) error {
					return process.Reread(ctx, o.desk, r, sources.OrderRecords, replication.SaveOrders, r.Work.Change.Number)
				},
			},
		},
	}
}

// numbered is the number of an order that is about to be changed at its ERP.
func (o *Flows) numbered(ctx context.Context, order string) (string, error) {
	number, status, err := records.NumberOf(ctx, o.desk.Store, order)
	if err == nil && number == "" {
		err = durable.Refuse(trade.CallerAtFault, string(trade.CodeState),
			"The order never reached the ERP: it is "+strings.ToLower(string(status))+".")
	}
	return number, err
}

func (o *Flows) checkAmend(ctx context.Context, r *durable.Run[amendWork]) (err error) {
	w := &r.Work
	if w.Change.Number, err = o.numbered(ctx, r.Subject); err != nil {
		return err
	}
	var keys []trade.PriceKey
	var shown []trade.UnitPrice
	for _, l := range w.Change.Lines {
		if l.UnitPrice != nil {
			keys, shown = append(keys, o.priceKey(w.Account, w.ShipTo, l.SKU, *l.Quantity)), append(shown, *l.UnitPrice)
		}
	}
	for _, l := range w.Change.Added {
		keys, shown = append(keys, o.priceKey(w.Account, w.ShipTo, l.SKU, l.Quantity)), append(shown, l.UnitPrice)
	}
	differences, now, err := o.differences(ctx, keys, shown)
	if err != nil || differences == nil {
		return err
	}
	w.Offered = now
	r.Save(func(tx *store.Tx) error { return records.TouchOrder(ctx, tx, r.Subject) })
	return &durable.Question{Awaiting: trade.AwaitedDecision{
		By:      trade.ForCustomer,
		Message: "A price is another one than the change was made at: accept it, or cancel the order.", Since: o.desk.Now().UTC(),
		Differences: differences,
	}}
}

// accept takes the prices over that the buyer was asked about.
func (w *amendWork) accept() {
	if w.Offered == nil {
		return
	}
	n := 0
	for i := range w.Change.Lines {
		if w.Change.Lines[i].UnitPrice != nil {
			w.Change.Lines[i].UnitPrice = &w.Offered[n]
			n++
		}
	}
	for i := range w.Change.Added {
		w.Change.Added[i].UnitPrice = w.Offered[n]
		n++
	}
	w.Offered = nil
}

func (o *Flows) change(ctx context.Context, r *durable.Run[amendWork]) error {
	_, err := o.desk.HandOver(ctx, r.Source, r.Work.Ref, r.Attempted, func() (sources.Receipt, error) {
		return o.desk.Sources.ChangeOrder(ctx, r.Source, r.Work.Ref, r.Work.Change)
	})
	return err
}

func (o *Flows) changeBack(ctx context.Context, r *durable.Run[amendWork]) error {
	back := r.Work.Back
	back.Number = r.Work.Change.Number
	_, err := o.desk.HandOver(ctx, r.Source, r.Work.Ref+"-UNDO", r.Attempted, func() (sources.Receipt, error) {
		return o.desk.Sources.ChangeOrder(ctx, r.Source, r.Work.Ref+"-UNDO", back)
	})
	return err
}
