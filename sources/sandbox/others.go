package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/pushed"
	"portico/trade"
	"portico/trade/operating"
)

type credit struct {
	CustNo, Limit, Used, Curr, Why string
	Hold                           bool
	Rev                            int
}

// Credit are the ledger's credit positions.
func (l *Ledger) Credit(ctx context.Context, q sources.Query) (sources.Page[trade.CreditPosition], error) {
	return records(ctx, l.wire, "credits", q, func(c *credit) string { return c.CustNo }, func(c *credit) (trade.CreditPosition, error) {
		r := &reader{}
		p := trade.CreditPosition{
			AccountRef: trade.Key(c.CustNo), Limit: r.maybeMoney("limit", c.Limit, c.Curr), Exposure: r.money("used", c.Used, c.Curr),
			OnHold: c.Hold, HoldReason: some(c.Why), Provenance: stamp(c.CustNo, c.Rev),
		}
		return p, r.err
	})
}

type invoice struct {
	InvNo, Typ, CustNo, InvDate, DueDate, Pay, Curr, Net, Disc, Frt, VAT, Gross, Open string
	Items                                                                             []struct {
		Pos, MatNo, Txt, UOM, Prc, NetVal, DocNo, DocPos, DlvNo string
		Qty, PrcUnit                                            int
	}
	Rev int
}

// Invoices are the ledger's invoices and memos.
func (l *Ledger) Invoices(ctx context.Context, q sources.Query) (sources.Page[trade.Invoice], error) {
	return records(ctx, l.wire, "invoices", q, func(i *invoice) string { return i.InvNo }, func(i *invoice) (trade.Invoice, error) {
		r := &reader{}
		inv := trade.Invoice{
			Number: i.InvNo, Kind: code(r, invoiceKind, "typ", i.Typ), AccountRef: trade.Key(i.CustNo), IssuedOn: r.mustDay("invDate", i.InvDate),
			DueOn: r.day("dueDate", i.DueDate), Status: code(r, invoiceStatus, "pay", i.Pay), Balance: r.money("open", i.Open, i.Curr),
			Totals: trade.Totals{
				Subtotal: r.money("net", i.Net, i.Curr), Discount: r.money("disc", i.Disc, i.Curr), Freight: r.maybeMoney("frt", i.Frt, i.Curr),
				Tax: r.maybeMoney("vat", i.VAT, i.Curr), Total: r.money("gross", i.Gross, i.Curr),
			},
			DocumentRef: &trade.DocumentRef{Ref: "invoice/" + i.InvNo, MediaType: "application/pdf", FileName: i.InvNo + ".pdf"},
			Provenance:  stamp(i.InvNo, i.Rev),
		}
		for _, it := range i.Items {
			inv.LinesKnown = append(inv.LinesKnown, trade.InvoiceLine{
				LineNumber: it.Pos, ItemRef: trade.Key(it.MatNo), Description: it.Txt, Quantity: r.qty(it.Qty, it.UOM),
				UnitPrice: r.unitPrice(it.Prc, it.PrcUnit, it.UOM, i.Curr), Amount: r.money("netVal", it.NetVal, i.Curr),
				OrderKey: it.DocNo, OrderLineNumber: it.DocPos, ShipmentKey: it.DlvNo,
			})
		}
		return inv, r.err
	})
}

type site struct {
	Site, Title, Street, Zip, Town, Ctry, TZ, Cutoff, ILN string
	Lat, Lon                                              float64
	Rev                                                   int
}

// Warehouses are the warehouse system's sites.
func (w *WMS) Warehouses(ctx context.Context, q sources.Query) (sources.Page[trade.Warehouse], error) {
	return records(ctx, w.wire, "sites", q, func(s *site) string { return s.Site }, func(s *site) (trade.Warehouse, error) {
		r := &reader{}
		at, err := time.Parse("1504", s.Cutoff)
		if err != nil {
			r.fail("cutoff", s.Cutoff)
		}
		wh := trade.Warehouse{
			Code: s.Site, Name: s.Title, Cutoff: some(at.Format("15:04")), Provenance: stamp(s.Site, s.Rev),
			Location: trade.Location{
				Name: some(s.Title), GLN: some(s.ILN), Street: some(s.Street), PostalCode: some(s.Zip), City: some(s.Town),
				Country: some(s.Ctry), Latitude: &s.Lat, Longitude: &s.Lon, TimeZone: some(s.TZ),
			},
		}
		return wh, r.err
	})
}

type stockRow struct {
	SKU, UOM string
	Sites    []struct {
		Site             string
		Qty, Res, Safety int
	}
	Rev int
}

// Stock is the warehouse system's stock; a row holds all sites of one sku.
func (w *WMS) Stock(ctx context.Context, q sources.Query) (sources.Page[trade.Stock], error) {
	rows, err := records(ctx, w.wire, "stock", q, func(s *stockRow) string { return s.SKU }, func(s *stockRow) ([]trade.Stock, error) {
		r := &reader{}
		var all []trade.Stock
		if s.Sites == nil {
			r.err = errors.New("sites: it is null, which is not none")
		}
		for i, at := range s.Sites {
			if slices.ContainsFunc(all, func(x trade.Stock) bool { return x.WarehouseRef.Key == at.Site }) {
				r.fail(fmt.Sprintf("sites[%d].site, which is there twice", i), at.Site)
			}
			all = append(all, trade.Stock{
				ItemRef: trade.Key(s.SKU), WarehouseRef: trade.Key(at.Site), Unit: r.unit(s.UOM), OnHand: udecimal.MustFromInt64(int64(at.Qty), 0),
				Allocated: udecimal.MustFromInt64(int64(at.Res), 0), SafetyStock: udecimal.MustFromInt64(int64(at.Safety), 0),
				Provenance: stamp(s.SKU, s.Rev),
			})
		}
		return all, r.err
	})
	page := sources.Page[trade.Stock]{Rejected: rows.Rejected, Unused: rows.Unused, Next: rows.Next, Total: rows.Total}
	for _, r := range rows.Records {
		page.Records = append(page.Records, r...)
	}
	return page, err
}

type dispatch struct {
	DlvNo, Kind, Carrier, CustNo, VenNo, Track string
	Orders, Pos                                []string
	RaNo, CrtAt, Site, Street, Zip, Town, Ctry string
	Parcels                                    []struct {
		N               int
		SSCC, Track, Kg string
		Lines           []struct {
			Doc, Pos, UOM string
			Qty           int
			Rcv           *int
			Dmg           int
		}
	}
	Rev int
}

// Shipments are the warehouse system's dispatches, in and out.
func (w *WMS) Shipments(ctx context.Context, q sources.Query) (sources.Page[trade.Shipment], error) {
	return records(ctx, w.wire, "dispatches", q, func(d *dispatch) string { return d.DlvNo }, func(d *dispatch) (trade.Shipment, error) {
		r := &reader{zone: w.zone}
		s := trade.Shipment{
			Number: d.DlvNo, Direction: code(r, directions, "kind", d.Kind), Mode: "PARCEL",
			Carrier:    &trade.Carrier{Name: code(r, carriers, "carrier", d.Carrier), SCAC: some(d.Carrier)},
			References: []trade.Identifier{}, Status: trade.ShipmentUnknown, AccountRef: trade.Key(d.CustNo), SupplierRef: trade.Key(d.VenNo),
			TrackingNumber: d.Track,
			OrderKeys:      d.Orders, PurchaseOrderKeys: d.Pos, ReturnKey: d.RaNo, Provenance: stamp(d.DlvNo, d.Rev),
			CreatedAt: r.moment("crtAt", d.CrtAt),
		}
		there := trade.Location{Street: some(d.Street), PostalCode: some(d.Zip), City: some(d.Town), Country: some(d.Ctry)}
		if s.Destination = &there; d.Kind == "O" {
			s.Origin = &trade.Location{Name: some(d.Site)}
		} else {
			there.Name = some(d.Site)
		}
		if d.Track != "" {
			s.References = append(s.References, trade.Identifier{Scheme: trade.SchemeTracking, Value: d.Track})
		}
		for _, p := range d.Parcels {
			if p.SSCC != "" && !trade.ValidSSCC(p.SSCC) {
				r.fail("sscc", p.SSCC)
			}
			kg := trade.Quantity{Value: r.number("kg", p.Kg), Unit: "KGM"}
			pkg := trade.Package{Number: p.N, TrackingNumber: some(p.Track), SSCC: some(p.SSCC), Weight: &kg, Status: trade.ShipmentUnknown}
			if p.SSCC != "" {
				s.References = append(s.References, trade.Identifier{Scheme: trade.SchemeSSCC, Value: p.SSCC})
			}
			for _, l := range p.Lines {
				line := trade.PackageLine{DocumentKey: l.Doc, LineNumber: l.Pos, Quantity: r.qty(l.Qty, l.UOM)}
				if l.Rcv != nil {
					got, bad := r.qty(*l.Rcv, l.UOM), r.qty(l.Dmg, l.UOM)
					line.Received, line.Damaged = &got, &bad
				}
				pkg.LinesKnown = append(pkg.LinesKnown, line)
			}
			s.PackagesKnown = append(s.PackagesKnown, pkg)
		}
		return s, r.err
	})
}

type tracker struct {
	Code    string `json:"tracking_code"`
	History []struct {
		ID, Code, Desc, At, TZ, Town, Ctry, Est, Signer, Logged string
		Lat, Lon                                                *float64
	}
	POD string
	Rev int
}

// Tracking is what the carrier says of tracking numbers. Its times are local
// and without offset, so the zone beside them is used and told.
func (c *Carrier) Tracking(ctx context.Context, q sources.Query) (sources.Page[trade.Tracking], error) {
	return records(ctx, c.wire, "trackers", q, func(t *tracker) string { return t.Code }, c.tracking)
}

// Delivery verifies what the carrier pushes.
func (c *Carrier) Delivery(h http.Header, body []byte, now time.Time) (string, error) {
	if c.secrets == nil {
		return "", sources.Fail(sources.Denied, "this carrier does not push")
	}
	return pushed.Schemes["standard-webhooks"](h, body, c.secrets(), now)
}

// Translate reads what the carrier pushes: parcels, as it tells them when it is asked.
func (c *Carrier) Translate(body []byte) (sources.Translation, error) {
	var answer struct {
		Rows []json.RawMessage `json:"rows"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return sources.Translation{}, sources.Fail(sources.Rejected, "it has not the expected shape")
	}
	parcels := mapped(answer.Rows, "trackers", func(t *tracker) string { return t.Code }, c.tracking)
	var unused []string
	for _, path := range slices.Sorted(maps.Keys(parcels.Unused)) {
		unused = append(unused, "rows.#."+path)
	}
	return sources.Translation{Tracking: parcels.Records, Rejected: parcels.Rejected, Unused: unused}, nil
}

// Codes is the table of what its codes mean.
func (c *Carrier) Codes() *sources.Codes { return c.codes }

func (c *Carrier) tracking(t *tracker) (trade.Tracking, error) {
	tr := trade.Tracking{TrackingNumber: t.Code, Provenance: stamp(t.Code, t.Rev)}
	if t.POD != "" {
		tr.Proof = &trade.DocumentRef{Ref: t.POD, MediaType: "application/pdf", FileName: "pod-" + t.Code + ".pdf"}
	}
	r := &reader{}
	for _, e := range t.History {
		zone, err := time.LoadLocation(e.TZ)
		if err != nil {
			zone = c.zone
		}
		r.zone = zone
		step, known := c.codes.Of(e.Code)
		if !known { // kept for what it is, and moves no status
			step = operating.CodeMeaning{Milestone: trade.MilestoneOther, Status: trade.ShipmentUnknown}
		}
		event := trade.ShipmentEvent{
			Key: e.ID, Milestone: step.Milestone, Classifier: trade.Actual, Status: step.Status, OccurredAt: r.moment("at", e.At),
			ReceivedAt: time.Now(),
			Location:   &trade.Location{City: some(e.Town), Country: some(e.Ctry), TimeZone: some(e.TZ), Latitude: e.Lat, Longitude: e.Lon},
			Raw:        trade.RawCode{Standard: trade.CarrierCodes, List: scans.List, Code: e.Code, Text: some(e.Desc)},
			SignedBy:   some(trade.Restricted(e.Signer)),
		}
		if e.Code == "ET" {
			event.Classifier = trade.Estimated
		}
		if at, err := time.Parse(time.RFC3339, e.Logged); err == nil {
			at = at.UTC()
			event.RecordedAt = &at
		}
		if e.Est != "" {
			at := r.moment("est", e.Est)
			event.Estimate = &at
		}
		tr.Events = append(tr.Events, event)
	}
	return tr, r.err
}

type calendar struct {
	Customer, Place, Receives string
	Closed                    []string
	Rev                       int
}

var weekdays = []trade.Weekday{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}

// Calendars are the CRM's hours of customers' places.
func (c *CRM) Calendars(ctx context.Context, q sources.Query) (sources.Page[trade.Calendar], error) {
	return records(ctx, c.wire, "calendars", q, func(k *calendar) string { return k.Customer + "/" + k.Place },
		func(k *calendar) (trade.Calendar, error) {
			r := &reader{}
			cal := trade.Calendar{
				AccountRef: trade.Key(k.Customer), Location: k.Place, Provenance: stamp(k.Customer+"/"+k.Place, k.Rev),
				DeliveryDays: []trade.Weekday{}, ClosedOn: []trade.Date{},
			}
			if len(k.Receives) != 7 {
				r.fail("receives", k.Receives)
				return cal, r.err
			}
			for i, day := range weekdays {
				if k.Receives[i] != '-' {
					cal.DeliveryDays = append(cal.DeliveryDays, day)
				}
			}
			for _, d := range k.Closed {
				cal.ClosedOn = append(cal.ClosedOn, r.mustDay("closed", d))
			}
			return cal, r.err
		})
}

// Register hands parcels to the carrier.
func (c *Carrier) Register(ctx context.Context, parcels []trade.Consignment) error {
	type town struct {
		Town *string `json:"town,omitempty"`
		Ctry *string `json:"ctry,omitempty"`
	}
	at := func(l *trade.Location) town {
		if l == nil {
			return town{}
		}
		return town{l.City, l.Country}
	}
	type parcel struct {
		Code string `json:"tracking_code"`
		From town   `json:"from"`
		To   town   `json:"to"`
	}
	all := make([]parcel, len(parcels))
	for i, p := range parcels {
		all[i] = parcel{p.TrackingNumber, at(p.Origin), at(p.Destination)}
	}
	var taken struct{ Taken int }
	return c.call(ctx, http.MethodPost, "v1/trackers", map[string]any{"parcels": all}, &taken)
}
