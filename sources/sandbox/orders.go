package sandbox

import (
	"context"

	"portico/sources"
	"portico/trade"
)

type salesOrder struct {
	DocNo, SoldTo, PoRef, ShipToNo, BillToNo, HdrStat string
	Holds                                             []struct{ Code, Since, Txt string }
	Curr, Net, Disc, Frt, VAT, Gross, ReqDlv, CrtAt   string
	Note, ExtRef                                      string
	Items                                             []orderItem
	Rev                                               int
}

type orderItem struct {
	Pos, MatNo, CustMat, Txt, UOM                                         string
	QtyOrd, QtyConf, QtyAll, QtyBo, QtyGi, QtyPod, QtyInv, QtyCxl, QtyRet int
	Pick                                                                  bool
	Prc                                                                   string
	PrcUnit                                                               int
	NetVal, SubFor                                                        string
	Sched                                                                 []schedule
}

type schedule struct {
	Qty                                                  int
	Whs, WishGi, WishDlv, ConfGi, ConfDlv, ActGi, ActDlv string
}

// Orders are the ERP's sales orders. Their addresses come from the account, so
// the ship-to is told by its code.
func (e *ERP) Orders(ctx context.Context, q sources.Query) (sources.Page[trade.Order], error) {
	return records(ctx, e.wire, "salesOrders", q, func(o *salesOrder) string { return o.DocNo }, e.order)
}

func (e *ERP) order(s *salesOrder) (trade.Order, error) {
	r := &reader{zone: e.zone}
	text := orderStatusText[s.HdrStat]
	o := trade.Order{
		Number: &s.DocNo, CustomerPoNumber: some(s.PoRef), AccountRef: trade.Key(s.SoldTo), ShipToRef: trade.Key(s.ShipToNo),
		BillToRef: trade.Key(s.BillToNo),
		Status:    code(r, orderStatus, "hdrStat", s.HdrStat), Raw: r.raw("salesOrder.hdrStat", s.HdrStat, &text), Holds: []trade.OrderHold{},
		Totals: &trade.Totals{
			Subtotal: r.money("net", s.Net, s.Curr), Discount: r.money("disc", s.Disc, s.Curr), Freight: r.maybeMoney("frt", s.Frt, s.Curr),
			Tax: r.maybeMoney("vat", s.VAT, s.Curr), Total: r.money("gross", s.Gross, s.Curr),
		},
		RequestedDeliveryDate: r.day("reqDlv", s.ReqDlv), PlacedAt: r.moment("crtAt", s.CrtAt), Comment: some(s.Note),
		ExternalRef: some(s.ExtRef), Provenance: stamp(s.DocNo, s.Rev),
	}
	for _, h := range s.Holds {
		o.Holds = append(o.Holds, trade.OrderHold{Kind: code(r, holds, "holds", h.Code), Reason: h.Txt, Since: r.moment("since", h.Since)})
	}
	for _, it := range s.Items {
		o.LinesKnown = append(o.LinesKnown, r.orderLine(it, s.Curr))
	}
	o.Derive()
	return o, r.err
}

func (r *reader) orderLine(it orderItem, currency string) trade.OrderLine {
	amount := r.money("netVal", it.NetVal, currency)
	l := trade.OrderLine{
		LineNumber: it.Pos, ItemRef: trade.Key(it.MatNo), SKU: some(it.MatNo), CustomerPartNumber: some(it.CustMat), Description: it.Txt,
		UnitPrice: r.unitPrice(it.Prc, it.PrcUnit, it.UOM, currency), Amount: &amount, SubstitutedForRef: trade.Key(it.SubFor),
		Ordered: r.qty(it.QtyOrd, it.UOM), Confirmed: r.qty(it.QtyConf, it.UOM), Allocated: r.qty(it.QtyAll, it.UOM),
		Backordered: r.qty(it.QtyBo, it.UOM),
		Shipped:     r.qty(it.QtyGi, it.UOM), Delivered: r.qty(it.QtyPod, it.UOM), Invoiced: r.qty(it.QtyInv, it.UOM),
		Cancelled: r.qty(it.QtyCxl, it.UOM),
		Returned:  r.qty(it.QtyRet, it.UOM),
	}
	if it.Pick {
		l.Status = trade.LinePicked
	}
	for _, s := range it.Sched {
		l.ScheduleKnown = append(l.ScheduleKnown, trade.ScheduleLine{
			Quantity: r.qty(s.Qty, it.UOM), WarehouseRef: trade.Key(s.Whs),
			RequestedShipDate: r.day("wishGi", s.WishGi), RequestedDeliveryDate: r.day("wishDlv", s.WishDlv),
			PromisedShipDate: r.day("confGi", s.ConfGi), PromisedDeliveryDate: r.day("confDlv", s.ConfDlv),
			ActualShipDate: r.day("actGi", s.ActGi), ActualDeliveryDate: r.day("actDlv", s.ActDlv),
		})
	}
	return l
}
