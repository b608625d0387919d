package orders

import (
	"context"
	"fmt"
	"strconv"

	"portico/process"
	"portico/store"
	"portico/store/records"
	"portico/trade"
	"portico/trade/ordering"
)

// checkAmendment refuses what no fact is needed for.
func checkAmendment(a *Amendment) (errs []trade.UserError) {
	n := len(a.Add) + len(a.Change) + len(a.Cancel)
	switch {
	case n == 0 && a.RequestedDeliveryDate == nil:
		return []trade.UserError{process.Invalid(trade.CodeInvalidInput, "Nothing is changed.")}
	case n > mostChanges:
		return []trade.UserError{process.Invalid(trade.CodeInvalidInput,
			fmt.Sprintf("At most %d lines are changed at a time; these are %d.", mostChanges, n))}
	}
	seen := map[string]bool{}
	refuseTwice := func(line string, path ...string) {
		if seen[line] {
			errs = append(errs, process.Invalid(trade.CodeInvalidInput, "The line is changed twice.", path...))
		}
		seen[line] = true
	}
	for i, c := range a.Change {
		at := strconv.Itoa(i)
		refuseTwice(c.LineID, "changeLines", at, "line")
		if c.Quantity == nil && c.RequestedDeliveryDate == nil {
			errs = append(errs, process.Invalid(trade.CodeInvalidInput, "Nothing of the line is changed.", "changeLines", at))
		}
	}
	for i, l := range a.Cancel {
		refuseTwice(l, "cancelLines", strconv.Itoa(i))
	}
	return errs
}

// preparedAmendment is a change that nothing is known against: what its operation works on, the
// lane that it is played in, and what the buyer must decide first, or nil.
type preparedAmendment struct {
	work     *amendWork
	lane     string
	awaiting *trade.AwaitedDecision
}

// amendedLine is a line of a change that is ordered: one that is added, or one of the order whose
// quantity or day is another one.
type amendedLine struct {
	place  []string // in the input
	asked  ordering.OrderRequestLine
	before *trade.OrderLine // nil where it is added
	change LineChange       // of the line before
	sku    string
	price  *trade.Price // of what is asked; nil before it is priced
}

// requantified says whether an amended line of the order has another quantity than before.
func (l *amendedLine) requantified() bool { return l.before != nil && l.change.Quantity != nil }

// prepareAmendment checks a change against what is known, and makes what its operation works
// on.
func (o *Flows) prepareAmendment(ctx context.Context, scope trade.Scope, a *Amendment) (*preparedAmendment,
	[]trade.UserError, error,
) {
	orders, err := records.Orders(ctx, o.desk.Store, scope, []string{a.OrderID})
	order := orders[a.OrderID]
	if err != nil {
		return nil, nil, err
	}
	if order == nil {
		return nil, []trade.UserError{noOrder()}, nil
	}
	known, err := o.linesOf(ctx, scope, a.OrderID)
	if err != nil {
		return nil, nil, err
	}
	lines, cancelled, errs := linesToAmend(a, known)
	request := requestFor(order, a, lines)
	for _, e := range ordering.CheckLines(request.Lines) {
		errs = append(errs, moved(e, lines))
	}
	if len(errs) > 0 {
		return nil, errs, nil
	}
	facts, err := o.facts(ctx, scope, []*ordering.OrderRequest{request})
	if err != nil {
		return nil, nil, err
	}
	f := facts[0]
	credit := f.Credit
	f.Credit = nil // what counts is by how much the order grows
	for _, e := range ordering.CheckOrder(request, f).Errors {
		errs = append(errs, moved(e, lines))
	}
	if len(errs) > 0 {
		return nil, errs, nil
	}
	if unpriced := priceLines(lines, f.Lines); unpriced != nil {
		return nil, []trade.UserError{unpriced}, nil
	}
	if more := growth(lines, f.Lines); credit != nil && more.Amount.IsPos() {
		if blocked := ordering.CheckCredit(credit, more); blocked != nil {
			return nil, []trade.UserError{blocked}, nil
		}
	}
	prepared := &preparedAmendment{work: workToAmend(order, a, lines, cancelled, len(known)), lane: order.AccountRef.ID}
	if f.Account != nil {
		prepared.work.Account = f.Account.Number
	}
	if f.ShipTo != nil {
		prepared.work.ShipTo = f.ShipTo.Code
	}
	if differences := priceDifferences(lines); differences != nil {
		prepared.awaiting = &trade.AwaitedDecision{
			By:      trade.ForCustomer,
			Message: "A price is another one for the new quantity: accept it, or cancel the change by cancelling the order.",
			Since:   o.desk.Now().UTC(), Differences: differences,
		}
	}
	return prepared, nil, nil
}

// linesToAmend are the lines that a change orders, first those that it changes and then those that
// it adds, and the lines that it cancels. It refuses what the order's lines do not allow.
func linesToAmend(a *Amendment, known map[string]*trade.OrderLine) (lines []amendedLine, cancelled []*trade.OrderLine,
	errs []trade.UserError,
) {
	for i, c := range a.Change {
		place, l := []string{"changeLines", strconv.Itoa(i)}, known[c.LineID]
		if refusal := lineRefusal(l, c.Quantity, place); refusal != nil {
			errs = append(errs, refusal)
			continue
		}
		quantity := l.Ordered
		if c.Quantity != nil {
			quantity = *c.Quantity
		}
		asked := ordering.OrderRequestLine{
			Item: ordering.ItemKey{ID: l.ItemRef.ID}, Quantity: quantity, RequestedDeliveryDate: c.RequestedDeliveryDate,
		}
		lines = append(lines, amendedLine{place: place, asked: asked, before: l, change: c, sku: *l.SKU})
	}
	for i, id := range a.Cancel {
		l := known[id]
		if refusal := lineRefusal(l, nil, []string{"cancelLines", strconv.Itoa(i)}); refusal != nil {
			errs = append(errs, refusal)
			continue
		}
		cancelled = append(cancelled, l)
	}
	for i, l := range a.Add {
		lines = append(lines, amendedLine{place: []string{"addLines", strconv.Itoa(i)}, asked: l})
	}
	return lines, cancelled, errs
}

// requestFor is a change as an order of its own, so that what holds for orders holds for it.
func requestFor(order *trade.Order, a *Amendment, lines []amendedLine) *ordering.OrderRequest {
	request := &ordering.OrderRequest{
		AccountID: order.AccountRef.ID, ShipToID: order.ShipToRef.ID, AllowPartial: true,
		RequestedDeliveryDate: a.RequestedDeliveryDate,
	}
	if order.ShipToRef.ID == "" {
		request.ShipToAddress = &order.ShipToAddress
	}
	for i := range lines {
		request.Lines = append(request.Lines, lines[i].asked)
	}
	return request
}

// priceLines gives each line its item's SKU and its price. It refuses the first line without a price.
func priceLines(lines []amendedLine, facts []ordering.LineFacts) trade.UserError {
	for i := range lines {
		l := &lines[i]
		if l.price = trade.KnownPrice(facts[i].Price); l.price == nil {
			return &trade.SourceUnavailable{
				Refusal: trade.Refusal{
					Code: trade.CodeUnavailable, Message: "The change cannot be priced at the moment. Retry later.",
					Path: trade.InputPath(l.place...),
				}, System: trade.ERP,
			}
		}
		if l.before == nil {
			l.sku = facts[i].Item.SKU
		}
	}
	return nil
}

// growth is by how much an order's amount grows with lines that are priced.
func growth(lines []amendedLine, facts []ordering.LineFacts) (more trade.Money) {
	for i, l := range lines {
		amount, _ := trade.LineAmount(facts[i].Price, facts[i].Units, l.asked.Quantity)
		more = trade.Money{Amount: more.Amount.Add(amount.Amount), Currency: amount.Currency}
		if l.before != nil && l.before.Amount != nil {
			more.Amount = more.Amount.Sub(l.before.Amount.Amount)
		}
	}
	return more
}

// priceDifferences are the lines whose price is another one for their new quantity.
func priceDifferences(lines []amendedLine) (differences []trade.UserError) {
	for _, l := range lines {
		if !l.requantified() || l.before.UnitPrice == nil || trade.SamePrice(*l.before.UnitPrice, l.price.UnitPrice) {
			continue
		}
		differences = append(differences, &trade.PriceChanged{
			Refusal: trade.Refusal{
				Code: trade.CodePriceChanged, Message: "The price of " + l.sku + " is another one for this quantity.",
				Path: append(trade.InputPath(l.place...), "quantity"),
			},
			Expected: *l.before.UnitPrice, Current: l.price,
		})
	}
	return differences
}

// workToAmend is what the operation of a change works on: the change, and what takes it back. The
// lines that are added are numbered after the lines that are known.
func workToAmend(order *trade.Order, a *Amendment, lines []amendedLine, cancelled []*trade.OrderLine, known int) *amendWork {
	w := &amendWork{Change: trade.OrderChange{
		RequestedDeliveryDate: a.RequestedDeliveryDate, Lines: make([]trade.ChangedLine, 0, len(a.Change)+len(a.Cancel)),
	}}
	if a.RequestedDeliveryDate != nil {
		w.Back.RequestedDeliveryDate = order.RequestedDeliveryDate
	}
	for i, l := range lines {
		if l.before == nil {
			w.Change.Added = append(w.Change.Added, trade.DraftLine{
				LineNumber: strconv.Itoa((known + i + 1) * 10), SKU: l.sku, Quantity: l.asked.Quantity, UnitPrice: l.price.UnitPrice,
				RequestedDeliveryDate: l.asked.RequestedDeliveryDate,
			})
			continue
		}
		change := trade.ChangedLine{
			LineNumber: l.before.LineNumber, SKU: l.sku, Quantity: l.change.Quantity, RequestedDeliveryDate: l.change.RequestedDeliveryDate,
		}
		back := trade.ChangedLine{LineNumber: l.before.LineNumber, SKU: l.sku}
		if l.requantified() { // or else its price stays
			change.UnitPrice, back.Quantity = &l.price.UnitPrice, &l.before.Ordered
		}
		w.Change.Lines, w.Back.Lines = append(w.Change.Lines, change), append(w.Back.Lines, back)
	}
	for _, l := range cancelled {
		change := trade.ChangedLine{LineNumber: l.LineNumber, SKU: *l.SKU, Quantity: &trade.Quantity{Unit: l.Ordered.Unit}}
		back := trade.ChangedLine{LineNumber: l.LineNumber, SKU: *l.SKU, Quantity: &l.Ordered}
		w.Change.Lines, w.Back.Lines = append(w.Change.Lines, change), append(w.Back.Lines, back)
	}
	return w
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
func lineRefusal(l *trade.OrderLine, to *trade.Quantity, at []string) trade.UserError {
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
func moved(e trade.UserError, lines []amendedLine) trade.UserError {
	r := trade.RefusalOf(e)
	if len(r.Path) > 2 && r.Path[1] == "lines" {
		if i, err := strconv.Atoi(r.Path[2]); err == nil && i < len(lines) {
			r.Path = append(trade.InputPath(lines[i].place...), r.Path[3:]...)
		}
	}
	return e
}
