package sandbox

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/trade"
	"portico/trade/procurement"
)

type group struct {
	Grp, Title, Above string
	Seq, Rev          int
}

// Categories are the ERP's material groups.
func (e *ERP) Categories(ctx context.Context, q sources.Query) (sources.Page[trade.Category], error) {
	return records(ctx, e.wire, "groups", q, func(g *group) string { return g.Grp }, func(g *group) (trade.Category, error) {
		return trade.Category{Code: g.Grp, Name: g.Title, ParentRef: trade.Key(g.Above), Position: g.Seq, Provenance: stamp(g.Grp, g.Rev)}, nil
	})
}

type vendor struct {
	VenNo, VenName, ILN string
	Rev                 int
}

// Suppliers are the ERP's vendors.
func (e *ERP) Suppliers(ctx context.Context, q sources.Query) (sources.Page[procurement.TradingPartner], error) {
	return records(ctx, e.wire, "vendors", q, func(v *vendor) string { return v.VenNo }, func(v *vendor) (procurement.TradingPartner, error) {
		r := &reader{}
		if v.ILN != "" && !trade.ValidGLN(v.ILN) {
			r.fail("iln", v.ILN)
		}
		return procurement.TradingPartner{Code: v.VenNo, Name: v.VenName, GLN: some(v.ILN), Provenance: stamp(v.VenNo, v.Rev)}, r.err
	})
}

type customer struct {
	CustNo, CustName, Blk, ParentCust, Curr, PayTerm, IncoTerm, IncoPlace, Frt, TaxCls string
	Addresses                                                                          []address
	MatRefs                                                                            map[string]string
	Rev                                                                                int
}

type address struct {
	AdrNo                                   string
	Usage                                   []string
	Name, Street, Zip, Town, Ctry, ILN, Whs string
}

func (a address) address() trade.Address {
	return trade.Address{
		Name: some(a.Name), Line1: some(a.Street), City: some(a.Town), PostalCode: some(a.Zip), Country: a.Ctry,
		GLN: some(a.ILN),
	}
}

// Accounts are the ERP's customers.
func (e *ERP) Accounts(ctx context.Context, q sources.Query) (sources.Page[trade.Account], error) {
	return records(ctx, e.wire, "customers", q, func(c *customer) string { return c.CustNo }, func(c *customer) (trade.Account, error) {
		r := &reader{}
		tax := code(r, taxClass, "taxCls", c.TaxCls)
		a := trade.Account{
			Number: c.CustNo, Name: c.CustName, Status: code(r, accountStatus, "blk", c.Blk), ParentRef: trade.Key(c.ParentCust), Currency: c.Curr,
			PaymentTerms: r.paymentTerms(c.PayTerm), DeliveryTerms: r.deliveryTerms(c.IncoTerm, c.IncoPlace, c.Frt), TaxCategory: &tax,
			PartNumbers: c.MatRefs, Provenance: stamp(c.CustNo, c.Rev),
		}
		for _, adr := range c.Addresses {
			l := trade.AccountLocation{Code: adr.AdrNo, Address: adr.address(), WarehouseRef: trade.Key(adr.Whs)}
			for _, u := range adr.Usage {
				l.Roles = append(l.Roles, code(r, addressUse, "usage", u))
			}
			a.Locations = append(a.Locations, l)
		}
		return a, r.err
	})
}

type material struct {
	MatNo, EAN, Descr, LongText, BrandName, MfrPart, Group, UOM, Life, Succ string
	Alts                                                                    []string
	Units                                                                   []struct {
		UOM                          string
		Factor, MinQty, Step, MaxQty int
		EAN                          string
		Sellable                     bool
	}
	Props        map[string]string
	Docs         []struct{ Typ, Lang, File string }
	Orig, HSCode string
	Vendors      []struct {
		VenNo, VenMat  string
		PlDays, MinQty int
	}
	Rev int
}

// Items are the ERP's materials.
func (e *ERP) Items(ctx context.Context, q sources.Query) (sources.Page[trade.Item], error) {
	return records(ctx, e.wire, "materials", q, func(m *material) string { return m.MatNo }, func(m *material) (trade.Item, error) {
		r := &reader{}
		i := trade.Item{
			SKU: m.MatNo, GTIN: r.gtin(m.EAN), Name: m.Descr, Description: some(m.LongText), Brand: some(m.BrandName),
			CategoryRef: trade.Key(m.Group),
			BaseUnit:    r.unit(m.UOM), Status: code(r, itemLife, "life", m.Life), ReplacedByRef: trade.Key(m.Succ), SubstituteRefs: m.Alts,
			CountryOfOrigin: some(m.Orig), CommodityCode: some(m.HSCode), Provenance: stamp(m.MatNo, m.Rev),
			Identifiers: []trade.Identifier{}, Attributes: []trade.ItemAttribute{}, DocumentRefs: []trade.ItemDocumentRef{},
		}
		if m.MfrPart != "" {
			i.Identifiers = append(i.Identifiers, trade.Identifier{Scheme: trade.SchemeManufacturer, Value: m.MfrPart})
		}
		for _, u := range m.Units {
			i.UnitsKnown = append(i.UnitsKnown, trade.ItemUnit{
				Unit: r.unit(u.UOM), BaseQuantity: udecimal.MustFromInt64(int64(u.Factor), 0), GTIN: r.gtin(u.EAN), Orderable: u.Sellable,
				Minimum: positive(u.MinQty), Multiple: positive(u.Step), Maximum: positive(u.MaxQty),
			})
		}
		for _, name := range slices.Sorted(mapKeys(m.Props)) {
			i.Attributes = append(i.Attributes, trade.ItemAttribute{Name: name, Label: label(name), Value: m.Props[name]})
		}
		for _, d := range m.Docs {
			i.DocumentRefs = append(i.DocumentRefs, trade.ItemDocumentRef{
				Kind: code(r, itemDocuments, "docs", d.Typ), Language: some(d.Lang),
				Document: trade.DocumentRef{Ref: d.File, MediaType: "application/pdf", FileName: m.MatNo + ".pdf"},
			})
		}
		for _, v := range m.Vendors {
			s := trade.SupplierItem{SupplierRef: trade.Key(v.VenNo), SupplierPartNumber: some(v.VenMat), LeadTimeDays: &v.PlDays}
			if least := positive(v.MinQty); least != nil {
				s.MinimumQuantity = &trade.Quantity{Value: *least, Unit: i.BaseUnit}
			}
			i.SuppliersKnown = append(i.SuppliersKnown, s)
		}
		return i, r.err
	})
}

func (r *reader) gtin(s string) *string {
	if s != "" && !trade.ValidGTIN(s) {
		r.fail("ean", s)
	}
	return some(s)
}

func positive(n int) *udecimal.Decimal {
	if n <= 0 {
		return nil
	}
	d := udecimal.MustFromInt64(int64(n), 0)
	return &d
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func label(name string) string { return string(name[0]-'a'+'A') + name[1:] }

type agreement struct {
	AgrNo, CustNo, From, To string
	Mats                    []string
	Rev                     int
}

// Contracts are the ERP's agreements.
func (e *ERP) Contracts(ctx context.Context, q sources.Query) (sources.Page[trade.Contract], error) {
	return records(ctx, e.wire, "agreements", q, func(a *agreement) string { return a.AgrNo }, func(a *agreement) (trade.Contract, error) {
		r := &reader{}
		c := trade.Contract{
			Number: a.AgrNo, AccountRef: trade.Key(a.CustNo), ValidFrom: r.mustDay("from", a.From), ValidTo: r.day("to", a.To),
			Items: a.Mats, Provenance: stamp(a.AgrNo, a.Rev),
		}
		return c, r.err
	})
}

// Prices asks for all positions in one call.
func (e *ERP) Prices(ctx context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	type position struct {
		CustNo   string `json:"custNo"`
		ShipToNo string `json:"shipToNo,omitempty"`
		MatNo    string `json:"matNo"`
		Qty      string `json:"qty"`
		UOM      string `json:"uom"`
		On       string `json:"on"`
	}
	ask := make([]position, len(keys))
	for i, k := range keys {
		ask[i] = position{k.Account, k.ShipTo, k.SKU, k.Quantity, unitsBack[k.Unit], k.Day.Time().Format("20060102")}
	}
	var answer struct{ Positions []pricePosition }
	if err := e.call(ctx, http.MethodPost, "v1/prices", map[string]any{"positions": ask}, &answer); err != nil {
		return nil, err
	}
	if len(answer.Positions) != len(keys) {
		return nil, sources.Fail(sources.Garbled, "%d answers to %d positions", len(answer.Positions), len(keys))
	}
	results := make([]trade.PriceResult, len(keys))
	for i, p := range answer.Positions {
		price, err := p.price(keys[i])
		if err != nil {
			return nil, sources.Fail(sources.Garbled, "a price: %w", err)
		}
		results[i] = price
	}
	return results, nil
}

type pricePosition struct {
	St, Prc, UOM, Curr, Src, Agr, From, To string
	PrcUnit                                int
	Scales                                 []struct{ FromQty, Prc string }
	Steps                                  []struct{ T, Txt, Chg string }
}

var stepKinds = map[string]trade.PriceStepKind{
	"LI": trade.ListStep, "CU": trade.ContractStep, "AG": trade.ContractStep,
	"SC": trade.VolumeStep,
}

func (p pricePosition) price(key trade.PriceKey) (trade.PriceResult, error) {
	r := &reader{}
	if p.St != "OK" {
		gap := code(r, priceGaps, "st", p.St)
		return &trade.PriceUnavailable{Reason: gap.reason, Message: gap.message}, r.err
	}
	price := &trade.Price{
		SKU: key.SKU, UnitPrice: *r.unitPrice(p.Prc, p.PrcUnit, p.UOM, p.Curr), Kind: code(r, priceKinds, "src", p.Src), ContractKey: p.Agr,
		ValidFrom: r.day("from", p.From), ValidTo: r.day("to", p.To), Provenance: stamp(key.Account+"/"+key.SKU, 0), Breaks: []trade.PriceBreak{},
	}
	price.Provenance.SourceVersion = nil
	for _, s := range p.Scales {
		price.Breaks = append(price.Breaks, trade.PriceBreak{
			Minimum:   trade.Quantity{Value: r.number("fromQty", s.FromQty), Unit: r.unit(p.UOM)},
			UnitPrice: *r.unitPrice(s.Prc, p.PrcUnit, p.UOM, p.Curr),
		})
	}
	for _, s := range p.Steps {
		price.Waterfall = append(price.Waterfall,
			trade.PriceStep{Kind: code(r, stepKinds, "t", s.T), Label: s.Txt, Change: r.money("chg", s.Chg, p.Curr)})
	}
	return price, r.err
}

type purchase struct {
	PoNo                                                              string
	Ver                                                               int
	VenNo, Whs, Stat, Curr, Net, VAT, Gross, PayTerm, IncoTerm, CrtAt string
	AckDue                                                            string
	Items                                                             []struct {
		Pos, MatNo, VenMat, Txt, UOM       string
		Qty, QtyAck, QtyAsn, QtyGr, QtyCxl int
		Prc                                string
		PrcUnit                            int
		Sched                              []schedule
	}
	Rev int
}

// PurchaseOrders are the ERP's purchases.
func (e *ERP) PurchaseOrders(ctx context.Context, q sources.Query) (sources.Page[trade.PurchaseOrder], error) {
	return records(ctx, e.wire, "purchases", q, func(p *purchase) string { return p.PoNo }, func(p *purchase) (trade.PurchaseOrder, error) {
		r := &reader{zone: e.zone}
		name := "Portico Trading"
		po := trade.PurchaseOrder{
			Number: p.PoNo, Revision: p.Ver, SupplierRef: trade.Key(p.VenNo), Buyer: trade.Location{Name: &name}, WarehouseRef: trade.Key(p.Whs),
			Status: code(r, purchaseStatus, "stat", p.Stat), Raw: r.raw("purchase.stat", p.Stat, nil), Currency: p.Curr,
			Totals: &trade.Totals{
				Subtotal: r.money("net", p.Net, p.Curr), Discount: r.money("disc", "0", p.Curr),
				Tax: r.maybeMoney("vat", p.VAT, p.Curr), Total: r.money("gross", p.Gross, p.Curr),
			},
			PaymentTerms: r.paymentTerms(p.PayTerm), DeliveryTerms: r.deliveryTerms(p.IncoTerm, "", ""), IssuedAt: r.moment("crtAt", p.CrtAt),
			Provenance: stamp(p.PoNo, p.Rev),
		}
		if p.AckDue != "" {
			due := r.moment("ackDue", p.AckDue)
			po.AcknowledgeBy = &due
		}
		for _, it := range p.Items {
			l := trade.PurchaseOrderLine{
				LineNumber: it.Pos, ItemRef: trade.Key(it.MatNo), SKU: some(it.MatNo), SupplierPartNumber: some(it.VenMat), Description: it.Txt,
				UnitPrice: r.unitPrice(it.Prc, it.PrcUnit, it.UOM, p.Curr), Ordered: r.qty(it.Qty, it.UOM), Acknowledged: r.qty(it.QtyAck, it.UOM),
				Shipped: r.qty(it.QtyAsn, it.UOM), Received: r.qty(it.QtyGr, it.UOM), Cancelled: r.qty(it.QtyCxl, it.UOM),
			}
			for n, s := range it.Sched {
				l.ScheduleKnown = append(l.ScheduleKnown, trade.PurchaseScheduleLine{
					Number: strconv.Itoa(n + 1), Quantity: r.qty(s.Qty, it.UOM), RequestedShipDate: r.day("wishGi", s.WishGi),
					RequestedDeliveryDate: r.day("wishDlv", s.WishDlv), PromisedShipDate: r.day("confGi", s.ConfGi),
					PromisedDeliveryDate: r.day("confDlv", s.ConfDlv),
				})
			}
			po.LinesKnown = append(po.LinesKnown, l)
		}
		if po.Status == trade.POAcknowledged {
			po.Status = trade.ShippedStatus(po.LinesKnown)
		}
		return po, r.err
	})
}

type returnOrder struct {
	RaNo, DocNo, CustNo, Stat, CrtAt, Whs, MemoNo, ExtRef string
	Items                                                 []struct {
		DocPos, UOM, Why, Txt string
		Qty, QtyGr            int
	}
	Rev int
}

// Returns are the ERP's return orders.
func (e *ERP) Returns(ctx context.Context, q sources.Query) (sources.Page[trade.Return], error) {
	return records(ctx, e.wire, "returns", q, func(r *returnOrder) string { return r.RaNo }, func(ra *returnOrder) (trade.Return, error) {
		r := &reader{zone: e.zone}
		ret := trade.Return{
			Number: &ra.RaNo, OrderRef: trade.Key(ra.DocNo), AccountRef: trade.Key(ra.CustNo), Status: code(r, returnStatus, "stat", ra.Stat),
			CreditMemoRef: trade.Key(ra.MemoNo), RequestedAt: r.moment("crtAt", ra.CrtAt), ExternalRef: some(ra.ExtRef),
			Provenance: stamp(ra.RaNo, ra.Rev),
		}
		if ra.Stat > "1" && ra.Stat < "8" {
			ret.SendTo = &trade.Address{
				Name: some("Returns desk"), Line1: some("Waalhaven 1"), City: some("Rotterdam"),
				PostalCode: some("3089 JH"), Country: "NL",
			}
		}
		for _, it := range ra.Items {
			l := trade.ReturnLine{
				OrderLineNumber: it.DocPos, Quantity: r.qty(it.Qty, it.UOM), Reason: code(r, returnReason, "why", it.Why),
				Comment: some(it.Txt),
			}
			if it.QtyGr > 0 {
				got := r.qty(it.QtyGr, it.UOM)
				l.Received = &got
			}
			ret.LinesKnown = append(ret.LinesKnown, l)
		}
		return ret, r.err
	})
}
