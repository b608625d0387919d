package tryton

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

// A place that is a warehouse is told by its code.

// Customer shipments, supplier shipments and returns are three kinds of records
// with numbers of their own, which repeat: Portico's number of one begins with its
// kind.

type sent struct {
	row
	numbered
	State   string       `json:"state"`
	Written rpc.DateTime `json:"create_date"`
	Planned *rpc.Date    `json:"planned_date"`
}

type outgoing struct {
	sent
	Customer  coded    `json:"customer."`
	Delivery  *placeOf `json:"delivery_address."`
	Warehouse *coded   `json:"warehouse."`
	Carrier   *struct {
		Party struct {
			Name string `json:"name"`
			Code string `json:"code"`
		} `json:"party."`
	} `json:"carrier."`
}

// placeOf is an address as the place of a warehouse or a shipment.
type placeOf struct {
	Street      string `json:"street"`
	PostalCode  string `json:"postal_code"`
	City        string `json:"city"`
	Country     *coded `json:"country."`
	Subdivision *struct {
		Name string `json:"name"`
	} `json:"subdivision."`
}

func (p *placeOf) location() *trade.Location {
	if p == nil {
		return nil
	}
	l := &trade.Location{
		Street:     some(strings.Join(strings.FieldsFunc(p.Street, func(r rune) bool { return r == '\n' }), ", ")),
		PostalCode: some(p.PostalCode), City: some(p.City),
	}
	if p.Country != nil {
		l.Country = some(p.Country.Code)
	}
	if p.Subdivision != nil {
		l.Region = some(p.Subdivision.Name)
	}
	return l
}

type incoming struct {
	sent
	Supplier  coded   `json:"supplier."`
	Reference *string `json:"reference"`
	Warehouse *coded  `json:"warehouse."`
}

type comingBack struct {
	sent
	Customer  coded  `json:"customer."`
	Warehouse *coded `json:"warehouse."`
}

// pack is a parcel; its shipping reference is the carrier's number of it.
type pack struct {
	row
	Shipment *string `json:"shipment"`
	Tracking *string `json:"shipping_reference"`
}

const (
	isOutgoing = "OUT"
	isIncoming = "IN"
	isBack     = "RET"
)

// content is what is in the shipments of a page.
type content struct {
	kind, model string
	units       units
	moves       parts[move]
	packs       parts[pack]
	documents   map[string]documentLine // by origin
}

// documentLine is the line of a sale or purchase that goods are moved for. Of a
// return it is that of the original, which Portico knows.
type documentLine struct{ document, line, back string }

func (e *ERP) content(ctx context.Context, kind, model string, ids []int) (*content, error) {
	c := &content{kind: kind, model: model, documents: map[string]documentLine{}}
	var err error
	if c.units, err = e.units(ctx); err != nil {
		return nil, err
	}
	of := func(reference *string) int { return leadsTo(reference, model) }
	if c.moves, err = partsOf(ctx, e, "stock.move", "shipment", references(model, ids), func(m *move) int { return of(m.Shipment) },
		where("state", "!=", "cancelled")); err != nil {
		return nil, err
	}
	if kind == isOutgoing {
		if c.packs, err = partsOf(ctx, e, "stock.package", "shipment", references(model, ids),
			func(p *pack) int { return of(p.Shipment) }); err != nil {
			return nil, err
		}
	}
	var sales, purchases []int
	for _, moves := range c.moves {
		for _, m := range moves {
			if id := leadsTo(m.Origin, "sale.line"); id != 0 {
				sales = append(sales, id)
			}
			if id := leadsTo(m.Origin, "purchase.line"); id != 0 {
				purchases = append(purchases, id)
			}
		}
	}
	soldIn, err := e.salesOf(ctx, sales)
	if err != nil {
		return nil, err
	}
	var before []int
	for _, of := range soldIn {
		if of.back != 0 {
			before = append(before, of.back)
		}
	}
	originals, err := e.numbersOf(ctx, "sale.sale", before)
	if err != nil {
		return nil, err
	}
	for id, of := range soldIn {
		d := documentLine{document: of.number, line: strconv.Itoa(id)}
		if original := originals[of.back]; original != "" {
			d = documentLine{document: original, back: of.number}
		}
		c.documents[fmt.Sprint("sale.line,", id)] = d
	}
	if len(purchases) == 0 {
		return c, nil
	}
	rows, err := search[struct {
		ID       int      `json:"id"`
		Purchase numbered `json:"purchase."`
	}](ctx, e, "purchase.line", []any{where("id", "in", purchases)}, 0, nil)
	for _, r := range rows {
		if r.Purchase.Number != nil {
			c.documents[fmt.Sprint("purchase.line,", r.ID)] = documentLine{document: *r.Purchase.Number, line: strconv.Itoa(r.ID)}
		}
	}
	return c, err
}

func (c *content) shipment(s *sent) (trade.Shipment, error) {
	number := c.kind + s.number()
	t := trade.Shipment{
		Number: number, Mode: "PARCEL", Status: trade.ShipmentUnknown, References: []trade.Identifier{}, CreatedAt: s.Written.UTC(),
		Provenance: stamp(number, newest(newest(s.Version, c.moves[s.ID]), c.packs[s.ID])),
	}
	if s.State == "cancelled" {
		t.Status = trade.ShipmentCancelled
	}
	packs := c.packs[s.ID]
	if len(packs) == 0 {
		packs = []pack{{}} // not packed yet
	}
	for i, p := range packs {
		parcel := trade.Package{Number: i + 1, TrackingNumber: p.Tracking, Status: t.Status}
		if p.Tracking != nil && *p.Tracking != "" {
			if t.TrackingNumber == "" {
				t.TrackingNumber = *p.Tracking
			}
			t.References = append(t.References, trade.Identifier{Scheme: trade.SchemeTracking, Value: *p.Tracking})
		}
		for _, m := range c.moves[s.ID] {
			if m.Package != nil && *m.Package != p.ID || m.Package == nil && i > 0 || m.Origin == nil {
				continue
			}
			d, known := c.documents[*m.Origin]
			if !known {
				continue // a move within the warehouse
			}
			unit, err := c.units.code(m.Unit)
			if err != nil {
				return t, err
			}
			if d.line != "" {
				parcel.LinesKnown = append(parcel.LinesKnown,
					trade.PackageLine{DocumentKey: d.document, LineNumber: d.line, Quantity: trade.Quantity{Value: m.Quantity.Decimal, Unit: unit}})
			}
			if t.ReturnKey = d.back; c.kind == isIncoming && !slices.Contains(t.PurchaseOrderKeys, d.document) {
				t.PurchaseOrderKeys = append(t.PurchaseOrderKeys, d.document)
			}
			if c.kind != isIncoming && !slices.Contains(t.OrderKeys, d.document) {
				t.OrderKeys = append(t.OrderKeys, d.document)
			}
		}
		t.PackagesKnown = append(t.PackagesKnown, parcel)
	}
	return t, nil
}

// shipments is the mapping of one kind of shipment.
func shipments[R record](kind, model string, of func(*R) *sent, more func(*R, *trade.Shipment)) mapping[R, trade.Shipment] {
	key := func(r *R) string { return kind + of(r).number() }
	return mapping[R, trade.Shipment]{
		kind: "shipments", model: model, field: "number", domain: []any{where("number", "!=", nil)}, key: key,
		with: func(ctx context.Context, e *ERP, _ []R, ids []int) (func(*R) (trade.Shipment, bool, error), error) {
			c, err := e.content(ctx, kind, model, ids)
			return func(r *R) (trade.Shipment, bool, error) {
				t, err := c.shipment(of(r))
				more(r, &t)
				return t, false, err
			}, err
		},
	}
}

var (
	outgoings = shipments(isOutgoing, "stock.shipment.out", func(o *outgoing) *sent { return &o.sent }, func(o *outgoing, t *trade.Shipment) {
		t.Direction, t.AccountRef, t.Destination = trade.Outbound, trade.Key(o.Customer.Code), o.Delivery.location()
		if o.Warehouse != nil {
			t.Origin = &trade.Location{Name: some(o.Warehouse.Code)}
		}
		if o.Carrier != nil {
			t.Carrier = &trade.Carrier{Name: o.Carrier.Party.Name, SCAC: some(o.Carrier.Party.Code)}
		}
	})
	incomings = shipments(isIncoming, "stock.shipment.in", func(i *incoming) *sent { return &i.sent }, func(i *incoming, t *trade.Shipment) {
		t.Direction, t.SupplierRef = trade.InboundWay, trade.Key(i.Supplier.Code)
		if i.Warehouse != nil {
			t.Destination = &trade.Location{Name: some(i.Warehouse.Code)}
		}
		if i.Reference != nil && *i.Reference != "" {
			t.References = append(t.References, trade.Identifier{Scheme: trade.SchemeBOL, Value: *i.Reference})
		}
	})
	comingBacks = shipments(isBack, "stock.shipment.out.return", func(b *comingBack) *sent { return &b.sent },
		func(b *comingBack, t *trade.Shipment) {
			t.Direction, t.AccountRef = trade.ReturnWay, trade.Key(b.Customer.Code)
			if b.Warehouse != nil {
				t.Destination = &trade.Location{Name: some(b.Warehouse.Code)}
			}
		})
)

// Shipments are those to customers, then from suppliers, then returns. A page is of
// one kind, and its place begins with the kind's.
func (e *ERP) Shipments(ctx context.Context, q sources.Query) (sources.Page[trade.Shipment], error) {
	read := []func(context.Context, *ERP, sources.Query) (sources.Page[trade.Shipment], error){
		outgoings.read, incomings.read,
		comingBacks.read,
	}
	kinds := []string{isOutgoing, isIncoming, isBack}
	var page sources.Page[trade.Shipment]
	if len(q.Refs) > 0 {
		for i, kind := range kinds {
			var own []string
			for _, r := range q.Refs {
				if number, is := strings.CutPrefix(r, kind); is {
					own = append(own, number)
				}
			}
			if len(own) == 0 {
				continue
			}
			part, err := read[i](ctx, e, sources.Query{Refs: own})
			if err != nil {
				return page, err
			}
			page.Records, page.Rejected = append(page.Records, part.Records...), append(page.Rejected, part.Rejected...)
		}
		return page, nil
	}
	at, after, _ := strings.Cut(q.After, " ")
	i := max(0, slices.Index(kinds, at))
	page, err := read[i](ctx, e, sources.Query{After: after, Limit: q.Limit})
	switch {
	case err != nil:
	case page.Next != "":
		page.Next = kinds[i] + " " + page.Next
	case i+1 < len(kinds):
		page.Next = kinds[i+1] + " "
	}
	return page, err
}
