package sandbox

import (
	"context"
	"net/http"
	"net/url"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/trade"
	"portico/trade/operating"
)

// reason is why the ERP refuses an order, in words for a buyer: its own are in a
// table, and none of its answer is told otherwise.
var reason = map[string]string{
	"customer unknown":              "The ERP does not know the account.",
	"customer blocked":              "The account may not order at the moment.",
	"address unknown":               "The ERP does not know the location.",
	"material unknown or not sold":  "An item is not sold any more.",
	"unit not sold":                 "An item is not sold in this unit.",
	"below the least quantity":      "A quantity is below the least that is sold.",
	"not a multiple of the step":    "A quantity is no multiple of what is sold.",
	"credit limit exceeded":         "The order is more than the account's credit allows.",
	"reference missing or too long": "The ERP does not take the reference.",
	"order unknown":                 "The ERP does not know the order.",
	"item unknown":                  "The ERP does not know a line of the order.",
	"price differs":                 "A price is another one now.",
	"being picked":                  "The goods are being picked, or have left already.",
	"order is closed":               "The order is finished, cancelled or refused.",
	"more than was shipped":         "More is sent back than was shipped.",
	"less than was shipped":         "Less would be ordered than was shipped.",
	"purchase unknown":              "The ERP does not know the purchase order.",
	"purchase is closed":            "The purchase order is received, or cancelled.",
	"purchase was revised":          "The purchase order was revised: it needs a new order response.",
	"notice unknown":                "The ERP does not know the despatch advice.",
	"goods are received":            "Some of the goods are received.",
	"warehouse unknown":             "The ERP does not know the warehouse.",
	"more than is open":             "More is taken off than is open.",
	"vendor does not sell it":       "The ERP does not know the item as one of the supplier's.",
	"delivery time out of range":    "The ERP takes lead times of 1 to 999 days.",
}

// SubmitOrder hands an order over. The ERP gives the same document for the same
// reference.
func (e *ERP) SubmitOrder(ctx context.Context, key string, d trade.Draft) (sources.Receipt, error) {
	type item struct {
		MatNo string `json:"matNo"`
		Qty   int64  `json:"qty"`
		UOM   string `json:"uom"`
		Prc   string `json:"prc,omitempty"`
	}
	ask := struct {
		ExtRef   string `json:"extRef"`
		SoldTo   string `json:"soldTo"`
		ShipToNo string `json:"shipToNo"`
		PoRef    string `json:"poRef"`
		ReqDlv   string `json:"reqDlv,omitempty"`
		Items    []item `json:"items"`
	}{ExtRef: key, SoldTo: d.Account, ShipToNo: d.ShipTo, PoRef: d.CustomerPoNumber}
	if d.ShipToAddress != nil {
		return sources.Receipt{}, sources.Fail(sources.Rejected, "The ERP ships to the account's locations alone.")
	}
	ask.ReqDlv = compact(d.RequestedDeliveryDate)
	for _, l := range d.Lines {
		n, err := wholeNumber(l.Quantity)
		if err != nil {
			return sources.Receipt{}, err
		}
		ask.Items = append(ask.Items, item{l.SKU, n, unitsBack[l.Quantity.Unit], perHundred(l.UnitPrice)})
	}
	return e.receipt(ctx, http.MethodPost, "v1/salesOrders", ask)
}

// perHundred is a price as the ERP compares it, per 100; empty for another one, which it
// does not compare.
func perHundred(p trade.UnitPrice) string {
	if !p.Per.Value.Equal(udecimal.MustFromInt64(100, 0)) {
		return ""
	}
	return p.Price.Amount.StringFixed(2)
}

// Guarantee is that the ERP gives the same document for the same reference.
func (*ERP) Guarantee() operating.EffectGuarantee { return operating.KeyHonoured }

// ChangeOrder changes items, or adds some.
func (e *ERP) ChangeOrder(ctx context.Context, key string, c trade.OrderChange) (sources.Receipt, error) {
	type item struct {
		Pos    string `json:"pos,omitempty"`
		MatNo  string `json:"matNo,omitempty"`
		Qty    *int64 `json:"qty,omitempty"`
		UOM    string `json:"uom,omitempty"`
		ReqDlv string `json:"reqDlv,omitempty"`
	}
	ask := struct {
		ExtRef string `json:"extRef"`
		ReqDlv string `json:"reqDlv,omitempty"`
		Items  []item `json:"items"`
	}{ExtRef: key, ReqDlv: compact(c.RequestedDeliveryDate), Items: []item{}}
	for _, l := range c.Lines {
		it := item{Pos: l.LineNumber, ReqDlv: compact(l.RequestedDeliveryDate)}
		if l.Quantity != nil {
			n, err := wholeNumber(*l.Quantity)
			if err != nil {
				return sources.Receipt{}, err
			}
			it.Qty, it.UOM = &n, unitsBack[l.Quantity.Unit]
		}
		ask.Items = append(ask.Items, it)
	}
	for _, l := range c.Added {
		n, err := wholeNumber(l.Quantity)
		if err != nil {
			return sources.Receipt{}, err
		}
		ask.Items = append(ask.Items, item{MatNo: l.SKU, Qty: &n, UOM: unitsBack[l.Quantity.Unit], ReqDlv: compact(l.RequestedDeliveryDate)})
	}
	return e.receipt(ctx, http.MethodPost, "v1/salesOrders/"+url.PathEscape(c.Number)+"/changes", ask)
}

// CancelOrder cancels what is open of an order.
func (e *ERP) CancelOrder(ctx context.Context, key, number, reason string) (sources.Receipt, error) {
	return e.receipt(ctx, http.MethodPost, "v1/salesOrders/"+url.PathEscape(number)+"/cancel",
		map[string]string{"extRef": key, "reason": reason})
}

// RequestReturn asks for a return.
func (e *ERP) RequestReturn(ctx context.Context, key string, d trade.ReturnDraft) (sources.Receipt, error) {
	type item struct {
		DocPos string `json:"docPos"`
		Qty    int64  `json:"qty"`
		UOM    string `json:"uom"`
		Why    string `json:"why"`
		Txt    string `json:"txt,omitempty"`
	}
	ask := struct {
		ExtRef string `json:"extRef"`
		DocNo  string `json:"docNo"`
		Items  []item `json:"items"`
	}{ExtRef: key, DocNo: d.OrderNumber}
	for _, l := range d.Lines {
		n, err := wholeNumber(l.Quantity)
		if err != nil {
			return sources.Receipt{}, err
		}
		it := item{DocPos: l.LineNumber, Qty: n, UOM: unitsBack[l.Quantity.Unit]}
		for code, reason := range returnReason {
			if reason == l.Reason {
				it.Why = code
			}
		}
		if l.Comment != nil {
			it.Txt = *l.Comment
		}
		ask.Items = append(ask.Items, it)
	}
	return e.receipt(ctx, http.MethodPost, "v1/returnRequests", ask)
}

// ConfirmPurchase writes what a vendor confirmed.
func (e *ERP) ConfirmPurchase(ctx context.Context, key string, c trade.PurchaseConfirmation) (sources.Receipt, error) {
	type part struct {
		Qty     int64  `json:"qty"`
		ConfGi  string `json:"confGi,omitempty"`
		ConfDlv string `json:"confDlv,omitempty"`
	}
	type item struct {
		Pos   string `json:"pos"`
		Cxl   int64  `json:"cxl,omitempty"`
		Prc   string `json:"prc,omitempty"`
		Subst string `json:"subst,omitempty"`
		Sched []part `json:"sched"`
	}
	ask := struct {
		ExtRef string `json:"extRef"`
		Ver    int    `json:"ver"`
		VenDoc string `json:"venDoc,omitempty"`
		Items  []item `json:"items"`
	}{ExtRef: key, Ver: c.Revision, Items: []item{}}
	if c.SupplierOrderNumber != nil {
		ask.VenDoc = *c.SupplierOrderNumber
	}
	for _, l := range c.Lines {
		cxl, err := wholeNumber(l.Cancelled)
		if err != nil {
			return sources.Receipt{}, err
		}
		it := item{Pos: l.LineNumber, Cxl: cxl, Subst: l.SubstituteSKU, Sched: []part{}}
		if l.UnitPrice != nil {
			per100, err := l.UnitPrice.Price.Amount.Mul(udecimal.MustFromInt64(100, 0)).Div(l.UnitPrice.Per.Value)
			if err != nil || !per100.RoundBank(2).Equal(per100) {
				return sources.Receipt{}, sources.Fail(sources.Rejected, "The ERP keeps prices to the cent per 100 pieces.")
			}
			it.Prc = per100.StringFixed(2)
		}
		for _, p := range l.Parts {
			n, err := wholeNumber(p.Quantity)
			if err != nil {
				return sources.Receipt{}, err
			}
			it.Sched = append(it.Sched, part{n, compact(p.ShipDate), compact(p.DeliveryDate)})
		}
		ask.Items = append(ask.Items, it)
	}
	return e.receipt(ctx, http.MethodPost, "v1/purchases/"+url.PathEscape(c.Number)+"/confirmation", ask)
}

// SetLeadTime sets a vendor's delivery time.
func (e *ERP) SetLeadTime(ctx context.Context, key string, l trade.LeadTime) (sources.Receipt, error) {
	return e.receipt(ctx, http.MethodPost, "v1/materials/"+url.PathEscape(l.SKU)+"/leadTime",
		map[string]any{"extRef": key, "venNo": l.Supplier, "plDays": l.Days})
}

// corrections are the records and fields of the ERP that can be corrected, by ours.
var corrections = map[sources.Subject]struct {
	object string
	fields map[string]string
}{
	sources.OfItems: {
		"materials",
		map[string]string{
			"name": "descr", "description": "longText", "brand": "brandName", "gtin": "ean", "countryOfOrigin": "orig",
			"commodityCode": "hsCode",
		},
	},
	sources.OfAccounts:   {"customers", map[string]string{"name": "custName"}},
	sources.OfSuppliers:  {"vendors", map[string]string{"name": "venName", "gln": "iln"}},
	sources.OfCategories: {"groups", map[string]string{"name": "title"}},
}

// Correct sets a field of a record.
func (e *ERP) Correct(ctx context.Context, key string, c operating.MasterDataChange) (sources.Receipt, error) {
	of := corrections[sources.Subject(c.Kind)]
	field := of.fields[c.Field]
	if field == "" {
		return sources.Receipt{}, sources.Fail(sources.ByHand,
			"The ERP takes a correction of that from no program: make it there, then settle this operation.")
	}
	return e.receipt(ctx, http.MethodPost, "v1/"+of.object+"/"+url.PathEscape(c.Key)+"/correction",
		map[string]any{"extRef": key, "field": field, "was": c.Was, "value": c.Value})
}

// SubmitDespatch hands a ship notice over.
func (e *ERP) SubmitDespatch(ctx context.Context, key string, a trade.DespatchDraft) (sources.Receipt, error) {
	type item struct {
		PoNo string `json:"poNo"`
		Pos  string `json:"pos"`
		Qty  int64  `json:"qty"`
		SSCC string `json:"sscc,omitempty"`
	}
	ask := struct {
		ExtRef  string `json:"extRef"`
		AsnNo   string `json:"asnNo"`
		VenNo   string `json:"venNo"`
		Whs     string `json:"whs"`
		Carrier string `json:"carrier,omitempty"`
		Track   string `json:"track,omitempty"`
		ExpDlv  string `json:"expDlv,omitempty"`
		Items   []item `json:"items"`
	}{
		ExtRef: key, AsnNo: a.Number, VenNo: a.Supplier, Whs: a.Warehouse, Carrier: a.CarrierSCAC, Track: a.Tracking,
		ExpDlv: compact(a.ExpectedOn),
	}
	for _, l := range a.Lines {
		n, err := wholeNumber(l.Quantity)
		if err != nil {
			return sources.Receipt{}, err
		}
		ask.Items = append(ask.Items, item{l.PurchaseOrder, l.LineNumber, n, l.SSCC})
	}
	return e.receipt(ctx, http.MethodPost, "v1/shipNotices", ask)
}

// Unannounce withdraws a ship notice.
func (e *ERP) Unannounce(ctx context.Context, key, shipment string) (sources.Receipt, error) {
	return e.receipt(ctx, http.MethodPost, "v1/shipNotices/"+url.PathEscape(shipment)+"/cancel", map[string]string{"extRef": key})
}

func compact(d *trade.Date) string {
	if d == nil {
		return ""
	}
	return d.Time().Format("20060102")
}

func wholeNumber(q trade.Quantity) (int64, error) {
	n, err := q.Value.Int64()
	if err != nil || !q.Value.Equal(q.Value.Trunc(0)) {
		return 0, sources.Fail(sources.Rejected, "The ERP takes whole quantities alone.")
	}
	return n, nil
}

// ReceiptByKey looks a reference up.
func (e *ERP) ReceiptByKey(ctx context.Context, key string) (sources.Receipt, error) {
	return e.receipt(ctx, http.MethodGet, "v1/submissions/"+url.PathEscape(key), nil)
}

func (e *ERP) receipt(ctx context.Context, method, path string, ask any) (sources.Receipt, error) {
	var answer struct{ DocNo string }
	if err := e.call(ctx, method, path, ask, &answer); err != nil {
		return sources.Receipt{}, err
	}
	if answer.DocNo == "" {
		return sources.Receipt{}, sources.Fail(sources.Garbled, "a receipt without a number")
	}
	return sources.Receipt{Number: answer.DocNo}, nil
}
