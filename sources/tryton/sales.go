package tryton

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

// sale is an order, or, with another sale as its origin, a return of one.
type sale struct {
	row
	numbered
	amounts
	Reference *string      `json:"reference"`
	Origin    *string      `json:"origin"`
	State     string       `json:"state"`
	Day       *rpc.Date    `json:"sale_date"`
	Wish      *rpc.Date    `json:"shipping_date"`
	Written   rpc.DateTime `json:"create_date"`
	Term      *int         `json:"payment_term"`
	Comment   *string      `json:"comment"`
	Ours      *string      `json:"description"`
	Party     coded        `json:"party."`
	ShipTo    *placeID     `json:"shipment_address."`
	BillTo    *placeID     `json:"invoice_address."`
	Warehouse *coded       `json:"warehouse."`
}

type placeID struct {
	ID       int  `json:"id"`
	Sequence *int `json:"sequence"`
}

func (p *placeID) ref() trade.Ref {
	if p == nil {
		return trade.Ref{}
	}
	return trade.Key(codeOf(p.ID, p.Sequence))
}

type saleLine struct {
	row
	Sale        int          `json:"sale"`
	Quantity    rpc.Number   `json:"quantity"`
	Unit        *int         `json:"unit"`
	Price       *rpc.Decimal `json:"unit_price"`
	Amount      rpc.Decimal  `json:"amount"`
	Description *string      `json:"description"`
	Ignored     []int        `json:"moves_ignored"`
	Product     *goodsOf     `json:"product."`
	Theirs      *struct {
		Code *string `json:"code"`
	} `json:"product_customer."`
}

type goodsOf struct {
	Code string `json:"code"`
	Name string `json:"name"`
	Type string `json:"type"`
}

func (g *goodsOf) ref() trade.Ref {
	if g == nil || g.Type != "goods" {
		return trade.Ref{}
	}
	return trade.Key(g.Code)
}

func described(text *string, g *goodsOf) string {
	if text != nil && *text != "" {
		return *text
	}
	if g != nil {
		return g.Name
	}
	return ""
}

// processed is how long Tryton takes at most to go on with a sale that is confirmed.
const processed = time.Minute

const ofSale = "sale.sale,%"

// backKey names what came back: the id of the sale it was sold in, and the product.
type backKey struct {
	sale    int
	product string
}

// sold is what belongs to the lines of sales.
type sold struct {
	e        *ERP
	units    units
	terms    map[int]*trade.PaymentTerms
	lines    parts[saleLine]
	moves    parts[move]
	states   map[int]string
	invoiced map[int]udecimal.Decimal
	returned map[backKey]udecimal.Decimal
}

var orders = mapping[sale, trade.Order]{
	kind: "orders", model: "sale.sale", field: "number", key: func(s *sale) string { return s.number() },
	domain: []any{where("number", "!=", nil), []any{"OR", where("origin", "=", nil), where("origin", "not like", ofSale)}},
	with: func(ctx context.Context, e *ERP, _ []sale, ids []int) (func(*sale) (trade.Order, bool, error), error) {
		s, err := e.sold(ctx, ids)
		if err != nil {
			return nil, err
		}
		if err := s.after(ctx, ids); err != nil {
			return nil, err
		}
		return s.order, nil
	},
}

// Orders are the sales that have a number and return nothing.
func (e *ERP) Orders(ctx context.Context, q sources.Query) (sources.Page[trade.Order], error) {
	return orders.read(ctx, e, q)
}

func (e *ERP) sold(ctx context.Context, ids []int) (*sold, error) {
	s := &sold{e: e}
	var err error
	if s.units, err = e.units(ctx); err != nil {
		return nil, err
	}
	if s.terms, err = e.terms(ctx); err != nil {
		return nil, err
	}
	if s.lines, err = partsOf(ctx, e, "sale.line", "sale", ids, func(l *saleLine) int { return l.Sale },
		where("type", "=", "line")); err != nil {
		return nil, err
	}
	if s.moves, err = e.movesOf(ctx, "sale.line", s.lineIDs()); err != nil {
		return nil, err
	}
	s.states, err = e.statesOf(ctx, s.moves)
	return s, err
}

func (s *sold) lineIDs() (ids []int) {
	for _, lines := range s.lines {
		for _, l := range lines {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// after reads what came after: invoices, and goods that came back.
func (s *sold) after(ctx context.Context, ids []int) error {
	s.invoiced, s.returned = map[int]udecimal.Decimal{}, map[backKey]udecimal.Decimal{}
	lines := s.lineIDs()
	if len(lines) == 0 {
		return nil
	}
	billed, err := search[struct {
		row
		Origin   *string    `json:"origin"`
		Quantity rpc.Number `json:"quantity"`
	}](ctx, s.e, "account.invoice.line", []any{
		where("origin", "in", references("sale.line", lines)),
		where("invoice.state", "in", []string{"posted", "paid"}),
	}, 0, nil)
	if err != nil {
		return err
	}
	for _, b := range billed {
		id := leadsTo(b.Origin, "sale.line")
		s.invoiced[id] = s.invoiced[id].Add(b.Quantity.Decimal)
	}
	back, err := search[struct {
		row
		Product *goodsOf `json:"product."`
		Sale    struct {
			Origin *string `json:"origin"`
		} `json:"sale."`
		Moves []struct {
			State    string     `json:"state"`
			Quantity rpc.Number `json:"quantity"`
		} `json:"moves."`
	}](ctx, s.e, "sale.line", []any{where("sale.origin", "in", references("sale.sale", ids)), where("type", "=", "line")}, 0, nil)
	for _, l := range back {
		if l.Product == nil {
			continue
		}
		key := backKey{leadsTo(l.Sale.Origin, "sale.sale"), l.Product.Code}
		for _, m := range l.Moves {
			if m.State == "done" {
				s.returned[key] = s.returned[key].Add(m.Quantity.Decimal)
			}
		}
	}
	return err
}

func (s *sold) order(x *sale) (trade.Order, bool, error) {
	status, known := saleStates[x.State]
	if !known {
		return trade.Order{}, false, fmt.Errorf("state: %.20q has no meaning here", x.State)
	}
	totals := x.totals()
	o := trade.Order{
		Number: x.Number, CustomerPoNumber: x.Reference, AccountRef: trade.Key(x.Party.Code), ShipToRef: x.ShipTo.ref(),
		BillToRef: x.BillTo.ref(), Status: status,
		Raw: &trade.RawCode{Standard: trade.ERPCodes, List: "sale.sale.state", Code: x.State}, Holds: []trade.OrderHold{},
		PaymentTerms: termOf(s.terms, x.Term),
		Totals:       &totals,
		PlacedAt:     s.e.placed(x.Day, x.Written), Comment: x.Comment, ExternalRef: referenceOf(x.Ours),
		Provenance: stamp(x.number(), newest(x.Version, s.lines[x.ID])),
	}
	// Confirming succeeds although what must follow fails: that is in Tryton's log alone.
	if since := time.Since(x.Written.Time); x.State == "confirmed" && since > processed {
		o.Holds = append(o.Holds, trade.OrderHold{
			Kind: trade.HoldManual, Reason: "The ERP has confirmed the order and does not go on with it.",
			Since: x.Written.Time,
		})
	}
	for i := range s.lines[x.ID] {
		l := &s.lines[x.ID][i]
		if l.Unit == nil || l.Price == nil {
			return o, false, errors.New("a line of it has no unit or price")
		}
		line, err := s.line(x, l)
		if err != nil {
			return o, false, err
		}
		o.LinesKnown = append(o.LinesKnown, line)
		o.Provenance = stamp(x.number(), max(rpc.Timestamp(o.Provenance.Sequence), newest(0, s.moves[l.ID])))
	}
	if o.Status == trade.OrderClosed && !slices.ContainsFunc(o.LinesKnown,
		func(l trade.OrderLine) bool { return l.Cancelled.Value.LessThan(l.Ordered.Value) }) {
		o.Status = trade.OrderCancelled // Tryton is done with it without having sent anything
	}
	o.Derive()
	return o, false, nil
}

func (s *sold) line(x *sale, l *saleLine) (trade.OrderLine, error) {
	unit, err := s.units.code(*l.Unit)
	if err != nil {
		return trade.OrderLine{}, err
	}
	qty := func(d udecimal.Decimal) trade.Quantity { return trade.Quantity{Value: d, Unit: unit} }
	amount := x.money(l.Amount)
	line := trade.OrderLine{
		LineNumber: strconv.Itoa(l.ID), ItemRef: l.Product.ref(), Description: described(l.Description, l.Product), Amount: &amount,
		UnitPrice: x.each(*l.Price, unit),
		Ordered:   qty(l.Quantity.Decimal), Invoiced: qty(s.invoiced[l.ID]),
	}
	if l.Product != nil {
		line.SKU = &l.Product.Code
		line.Returned = qty(s.returned[backKey{x.ID, l.Product.Code}])
	}
	if l.Theirs != nil {
		line.CustomerPartNumber = l.Theirs.Code
	}
	var shipped, allocated, cancelled udecimal.Decimal
	for _, m := range s.moves[l.ID] {
		q, err := s.units.in(m.Quantity, m.Unit, *l.Unit)
		if err != nil {
			return line, err
		}
		state := s.states[leadsTo(m.Shipment, "stock.shipment.out")]
		part := trade.ScheduleLine{Quantity: qty(q.Decimal), RequestedShipDate: plain(x.Wish), PromisedShipDate: plain(m.Planned)}
		switch {
		case m.State == "cancelled":
			if slices.Contains(l.Ignored, m.ID) {
				cancelled = cancelled.Add(q.Decimal)
			}
			continue
		case m.State == "done":
			shipped = shipped.Add(q.Decimal)
			part.ActualShipDate = plain(m.Effective)
		case m.State == "assigned", holding[state]:
			allocated = allocated.Add(q.Decimal)
			if handled[state] {
				line.Status = trade.LinePicked
			}
		}
		if x.Warehouse != nil {
			part.WarehouseRef = trade.Key(x.Warehouse.Code)
		}
		line.ScheduleKnown = append(line.ScheduleKnown, part)
	}
	if len(line.ScheduleKnown) == 0 {
		line.ScheduleKnown = []trade.ScheduleLine{{Quantity: line.Ordered, RequestedShipDate: plain(x.Wish)}}
	}
	if x.State == "cancelled" {
		cancelled = l.Quantity.Sub(shipped)
	}
	line.Shipped, line.Allocated, line.Cancelled = qty(shipped), qty(allocated), qty(cancelled)
	line.Confirmed, line.Backordered, line.Delivered = qty(udecimal.Zero), qty(udecimal.Zero), qty(udecimal.Zero)
	if x.State == "confirmed" || x.State == "processing" || x.State == "done" {
		line.Confirmed = line.Ordered
	}
	return line, nil
}
