package orders

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"portico/process"
	"portico/store"
	"portico/store/records"
	"portico/trade"
	"portico/trade/ordering"
)

// checkAmendment refuses what no fact is needed for.
func checkAmendment(a *Amendment) (errs []trade.AmendOrderError) {
	n := len(a.Add) + len(a.Change) + len(a.Cancel)
	switch {
	case n == 0 && a.RequestedDeliveryDate == nil:
		return []trade.AmendOrderError{process.Invalid(trade.CodeInvalidInput, "Nothing is changed.")}
	case n > mostChanges:
		return []trade.AmendOrderError{process.Invalid(trade.CodeInvalidInput,
			fmt.Sprintf("At most %d lines are changed at a time; these are %d.", mostChanges, n))}
	}
	seen := map[string]bool{}
	once := func(line string, path ...string) {
		if seen[line] {
			errs = append(errs, process.Invalid(trade.CodeInvalidInput, "The line is changed twice.", path...))
		}
		seen[line] = true
	}
	for i, c := range a.Change {
		at := strconv.Itoa(i)
		once(c.LineID, "changeLines", at, "line")
		if c.Quantity == nil && c.RequestedDeliveryDate == nil {
			errs = append(errs, process.Invalid(trade.CodeInvalidInput, "Nothing of the line is changed.", "changeLines", at))
		}
	}
	for i, l := range a.Cancel {
		once(l, "cancelLines", strconv.Itoa(i))
	}
	return errs
}

// prepareAmendment checks a change against what is known, and makes what its operation
// works on. awaiting is what the buyer must decide first, or nil.
func (o *Flows) prepareAmendment(ctx context.Context, scope trade.Scope, a *Amendment) (work *amendWork, lane string,
	awaiting *trade.AwaitedDecision, errs []trade.AmendOrderError, err error,
) {
	orders, err := records.Orders(ctx, o.desk.Store, scope, []string{a.OrderID})
	order := orders[a.OrderID]
	if err != nil || order == nil {
		return nil, "", nil, nil, err // which the write itself tells
	}
	lines, err := o.linesOf(ctx, scope, a.OrderID)
	if err != nil {
		return nil, "", nil, nil, err
	}
	request := &ordering.OrderRequest{
		AccountID: order.AccountRef.ID, ShipToID: order.ShipToRef.ID, AllowPartial: true,
		RequestedDeliveryDate: a.RequestedDeliveryDate,
	}
	if order.ShipToRef.ID == "" {
		request.ShipToAddress = &order.ShipToAddress
	}
	work = &amendWork{Change: trade.OrderChange{RequestedDeliveryDate: a.RequestedDeliveryDate}}
	work.Back.RequestedDeliveryDate = order.RequestedDeliveryDate
	if a.RequestedDeliveryDate == nil {
		work.Back.RequestedDeliveryDate = nil
	}
	var places [][]string             // of the lines of the request
	var changing []*trade.ChangedLine // by line of the request; nil for those that are added
	var old []*trade.OrderLine
	work.Change.Lines = make([]trade.ChangedLine, 0, len(a.Change)+len(a.Cancel))
	for i, c := range a.Change {
		at := []string{"changeLines", strconv.Itoa(i)}
		l := lines[c.LineID]
		if refusal := lineRefusal(l, c.Quantity, at); refusal != nil {
			errs = append(errs, refusal)
			continue
		}
		work.Change.Lines = append(work.Change.Lines,
			trade.ChangedLine{LineNumber: l.LineNumber, SKU: *l.SKU, Quantity: c.Quantity, RequestedDeliveryDate: c.RequestedDeliveryDate})
		before := trade.ChangedLine{LineNumber: l.LineNumber, SKU: *l.SKU}
		changed := &work.Change.Lines[len(work.Change.Lines)-1]
		q := l.Ordered
		if c.Quantity != nil {
			before.Quantity, q = &l.Ordered, *c.Quantity
		}
		work.Back.Lines = append(work.Back.Lines, before)
		request.Lines = append(request.Lines,
			ordering.OrderRequestLine{Item: ordering.ItemKey{ID: l.ItemRef.ID}, Quantity: q, RequestedDeliveryDate: c.RequestedDeliveryDate})
		places, changing, old = append(places, at), append(changing, changed), append(old, l)
	}
	for i, id := range a.Cancel {
		l := lines[id]
		if refusal := lineRefusal(l, nil, []string{"cancelLines", strconv.Itoa(i)}); refusal != nil {
			errs = append(errs, refusal)
			continue
		}
		none := trade.Quantity{Unit: l.Ordered.Unit}
		work.Change.Lines = append(work.Change.Lines, trade.ChangedLine{LineNumber: l.LineNumber, SKU: *l.SKU, Quantity: &none})
		work.Back.Lines = append(work.Back.Lines, trade.ChangedLine{LineNumber: l.LineNumber, SKU: *l.SKU, Quantity: &l.Ordered})
	}
	for i, l := range a.Add {
		request.Lines = append(request.Lines, l)
		places, changing, old = append(places, []string{"addLines", strconv.Itoa(i)}), append(changing, nil), append(old, nil)
	}
	for _, e := range ordering.CheckLines(request.Lines) {
		errs = append(errs, moved(e, places))
	}
	if len(errs) > 0 {
		return nil, "", nil, errs, nil
	}
	facts, err := o.facts(ctx, scope, []*ordering.OrderRequest{request})
	if err != nil {
		return nil, "", nil, nil, err
	}
	f := facts[0]
	credit := f.Credit
	f.Credit = nil // what counts is by how much the order grows
	v := ordering.CheckOrder(request, f)
	for _, e := range v.Errors {
		errs = append(errs, moved(e, places))
	}
	if len(errs) > 0 {
		return nil, "", nil, errs, nil
	}
	if f.Account != nil {
		work.Account = f.Account.Number
	}
	if f.ShipTo != nil {
		work.ShipTo = f.ShipTo.Code
	}
	var differences []trade.SubmitOrderError
	var more trade.Money
	for i := range request.Lines {
		line := f.Lines[i]
		p := trade.KnownPrice(line.Price)
		if p == nil {
			return nil, "", nil, []trade.AmendOrderError{&trade.SourceUnavailable{
				Refusal: trade.Refusal{
					Code: trade.CodeUnavailable, Message: "The change cannot be priced at the moment. Try again later.",
					Path: append([]string{"input"}, places[i]...),
				}, System: trade.ERP,
			}}, nil
		}
		amount, _ := trade.LineAmount(line.Price, line.Units, request.Lines[i].Quantity)
		more = trade.Money{Amount: more.Amount.Add(amount.Amount), Currency: amount.Currency}
		if changing[i] == nil {
			work.Change.Added = append(work.Change.Added, trade.DraftLine{
				LineNumber: strconv.Itoa((len(lines) + i + 1) * 10), SKU: line.Item.SKU, Quantity: request.Lines[i].Quantity, UnitPrice: p.UnitPrice,
				RequestedDeliveryDate: request.Lines[i].RequestedDeliveryDate,
			})
			continue
		}
		if old[i].Amount != nil {
			more.Amount = more.Amount.Sub(old[i].Amount.Amount)
		}
		if changing[i].Quantity == nil {
			continue // its price stays
		}
		changing[i].UnitPrice = &p.UnitPrice
		if u := old[i].UnitPrice; u != nil && !trade.SamePrice(*u, p.UnitPrice) {
			differences = append(differences, &trade.PriceChanged{
				Refusal: trade.Refusal{
					Code: trade.CodePriceChanged, Message: "The price of " + line.Item.SKU + " is another one for this quantity.",
					Path: append([]string{"input"}, append(places[i], "quantity")...),
				},
				Expected: *u, Current: p,
			})
		}
	}
	if credit != nil && more.Amount.IsPos() {
		if blocked := ordering.CheckCredit(credit, more); blocked != nil {
			return nil, "", nil, []trade.AmendOrderError{blocked}, nil
		}
	}
	if differences != nil {
		awaiting = &trade.AwaitedDecision{
			By:      trade.ForCustomer,
			Message: "A price is another one for the new quantity: accept it, or cancel the change by cancelling the order.",
			Since:   time.Now().UTC(), Differences: differences,
		}
	}
	return work, order.AccountRef.ID, awaiting, nil, nil
}

// linesOf are the lines of an order, by id.
func (o *Flows) linesOf(ctx context.Context, scope trade.Scope, order string) (map[string]*trade.OrderLine, error) {
	pages, err := records.OrderLineList(scope).Page(ctx, o.desk.Store, []string{order}, store.PageArgs{First: 10 * mostChanges})
	if err != nil {
		return nil, err
	}
	all := map[string]*trade.OrderLine{}
	if page := pages[order]; page != nil {
		for _, l := range page.Nodes {
			all[l.ID] = l
		}
	}
	return all, nil
}

// lineRefusal is why a line cannot be changed to a quantity, or cancelled where that is
// nil; nil where it can.
func lineRefusal(l *trade.OrderLine, to *trade.Quantity, at []string) trade.AmendOrderError {
	switch {
	case l == nil || l.SKU == nil || l.ItemRef.ID == "":
		return process.Invalid(trade.CodeNotFound, "The order has no such line.", append(at, "line")...)
	case l.Status == trade.LinePicked || l.Status == trade.LineShipped || l.Status == trade.LineDelivered || l.Status == trade.LineCancelled:
		return &trade.StateNotAllowed{
			Refusal: trade.Refusal{
				Code: trade.CodeState, Message: "The line is being picked, has left, or is cancelled.",
				Path: append([]string{"input"}, at...),
			}, State: string(l.Status), Allowed: []string{},
		}
	case to != nil && to.Value.IsPos() && to.Unit == l.Shipped.Unit && to.Value.LessThan(l.Shipped.Value):
		return process.Invalid(trade.CodeQuantity, "More of the line has been shipped already.", append(at, "quantity")...)
	}
	return nil
}

// moved tells a refusal of a line of the request at the place that it has in the input.
func moved(e trade.SubmitOrderError, places [][]string) trade.AmendOrderError {
	r := trade.RefusalOf(e)
	if len(r.Path) > 2 && r.Path[1] == "lines" {
		if i, err := strconv.Atoi(r.Path[2]); err == nil && i < len(places) {
			r.Path = append(append([]string{"input"}, places[i]...), r.Path[3:]...)
		}
	}
	return e.(trade.AmendOrderError)
}
