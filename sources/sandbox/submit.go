package sandbox

import (
	"context"
	"net/http"
	"net/url"

	"portico/sources"
	"portico/trade"
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
}

// SubmitOrder hands an order over. The ERP gives the same document for the same
// reference.
func (e *ERP) SubmitOrder(ctx context.Context, key string, d trade.Draft) (sources.Receipt, error) {
	type item struct {
		MatNo string `json:"matNo"`
		Qty   int64  `json:"qty"`
		UOM   string `json:"uom"`
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
	if d.RequestedDeliveryDate != nil {
		ask.ReqDlv = d.RequestedDeliveryDate.Time().Format("20060102")
	}
	for _, l := range d.Lines {
		n, err := l.Quantity.Value.Int64()
		if err != nil || !l.Quantity.Value.Equal(l.Quantity.Value.Trunc(0)) {
			return sources.Receipt{}, sources.Fail(sources.Rejected, "The ERP takes whole quantities alone.")
		}
		ask.Items = append(ask.Items, item{l.SKU, n, unitsBack[l.Quantity.Unit]})
	}
	return e.receipt(ctx, http.MethodPost, "v1/salesOrders", ask)
}

// ReceiptByKey looks a reference up.
func (e *ERP) ReceiptByKey(ctx context.Context, key string) (sources.Receipt, error) {
	return e.receipt(ctx, http.MethodGet, "v1/submissions/"+url.PathEscape(key), nil)
}

func (e *ERP) receipt(ctx context.Context, method, path string, ask any) (sources.Receipt, error) {
	var told struct{ DocNo string }
	if err := e.call(ctx, method, path, ask, &told); err != nil {
		return sources.Receipt{}, err
	}
	if told.DocNo == "" {
		return sources.Receipt{}, sources.Fail(sources.Garbled, "a receipt without a number")
	}
	return sources.Receipt{Number: told.DocNo}, nil
}
