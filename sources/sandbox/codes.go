package sandbox

import (
	"fmt"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/trade"
	"portico/trade/operating"
)

// The code tables. A code that is in none of them rejects its record.

var units = map[string]string{"PCE": "EA", "BOX": "BX", "PAL": "PX", "MTR": "MTR"}

var unitsBack = map[string]string{"EA": "PCE", "BX": "BOX", "PX": "PAL", "MTR": "MTR"}

var accountStatus = map[string]trade.AccountStatus{
	"": trade.AccountActive, "C": trade.AccountCreditHold, "B": trade.AccountOrderBlock, "X": trade.AccountClosed,
}

var taxClass = map[string]trade.TaxCategory{
	"1": "STANDARD", "0": "ZERO_RATED", "E": "EXEMPT", "R": "REVERSE_CHARGE", "I": "INTRA_COMMUNITY", "X": "EXPORT",
}

var freight = map[string]trade.FreightTerms{"P": "PREPAID", "C": "COLLECT", "T": "THIRD_PARTY", "A": "PREPAID_AND_ADD"}

var addressUse = map[string]trade.LocationRole{"WE": trade.ShipTo, "RE": trade.BillTo, "AG": trade.SoldTo, "RG": trade.Payer}

var itemLife = map[string]trade.ItemStatus{
	"A": trade.ItemActive, "H": trade.ItemOnHold, "D": trade.ItemDiscontinued, "R": trade.ItemReplaced,
}

var itemDocuments = map[string]trade.ItemDocumentKind{"IMG": "IMAGE", "TDS": "DATASHEET", "SDS": "SAFETY_DATA_SHEET"}

// orderStatus are header codes that decide; the others leave the status to the
// lines.
var orderStatus = map[string]trade.OrderStatus{
	"10": "", "20": "", "30": "", "40": "", "50": "", "60": "", "90": trade.OrderCancelled, "95": trade.OrderRejected,
}

var orderStatusText = map[string]string{
	"10": "open", "20": "released", "30": "picking", "40": "part shipped", "50": "shipped", "60": "delivered", "90": "cancelled",
	"95": "refused",
}

var holds = map[string]trade.HoldKind{"CR": trade.HoldCredit, "PR": trade.HoldPrice, "EX": trade.HoldCompliance, "MA": trade.HoldManual}

var purchaseStatus = map[string]trade.PurchaseOrderStatus{
	"A": trade.POIssued, "S": trade.POSent, "C": trade.POAcknowledged, "P": trade.POPartiallyReceived, "G": trade.POReceived,
	"X": trade.POCancelled,
}

var invoiceKind = map[string]trade.InvoiceKind{"F": trade.PlainInvoice, "G": trade.CreditMemo, "D": trade.DebitMemo}

var invoiceStatus = map[string]trade.InvoiceStatus{
	"O": trade.InvoiceIssued, "P": trade.InvoicePartiallyPaid, "C": trade.InvoicePaid, "D": trade.InvoiceDisputed, "S": trade.InvoiceVoid,
}

var returnStatus = map[string]trade.ReturnStatus{
	"1": trade.ReturnRequested, "2": trade.ReturnAuthorized, "3": trade.ReturnInTransit, "4": trade.ReturnReceived, "5": trade.ReturnInspected,
	"6": trade.ReturnCredited, "8": trade.ReturnRejected, "9": trade.ReturnCancelled,
}

var returnReason = map[string]trade.ReturnReason{
	"01": trade.ReturnDamaged, "02": trade.ReturnDefective, "03": trade.ReturnWrongItem, "04": trade.ReturnOverShipped, "05": trade.ReturnLate,
	"06": trade.ReturnNotNeeded, "99": trade.ReturnOther,
}

var directions = map[string]trade.Direction{"O": trade.Outbound, "I": trade.InboundWay, "R": trade.ReturnWay}

var carriers = map[string]string{"SWFT": "Swift Parcel"}

var priceKinds = map[string]trade.PriceKind{"K": trade.ContractPrice, "C": trade.CustomerListPrice, "L": trade.BaseListPrice}

var priceGaps = map[string]struct {
	reason  trade.PriceUnavailableReason
	message string
}{
	"NOENT": {trade.NotEntitled, "This account may not buy this item."},
	"REQ":   {trade.CallForPrice, "The price of this item is given on request."},
	"NOPRC": {trade.NoValidPrice, "No price holds for this quantity, unit and day."},
}

// scans are what the carrier's codes mean.
var scans = sources.Codes{Standard: trade.CarrierCodes, List: "history.code", Version: 1, Written: map[string]operating.CodeMeaning{
	"LB": {Milestone: trade.MilestoneLabelCreated, Status: trade.PreTransit},
	"PU": {Milestone: trade.MilestonePickedUp, Status: trade.PickedUp},
	"DP": {Milestone: trade.MilestoneDeparted, Status: trade.InTransit},
	"AR": {Milestone: trade.MilestoneArrived, Status: trade.AtFacility},
	"OD": {Milestone: trade.MilestoneOutForDelivery, Status: trade.OutForDelivery},
	"NH": {Milestone: trade.MilestoneDeliveryAttempted, Status: trade.DeliveryAttempted},
	"DL": {Milestone: trade.MilestoneDelivered, Status: trade.Delivered},
	"EX": {Milestone: trade.MilestoneDamaged, Status: trade.ShipmentInException},
	"DE": {Milestone: trade.MilestoneDelayed, Status: trade.ShipmentDelayed},
	"CA": {Milestone: trade.MilestoneCancelled, Status: trade.ShipmentCancelled},
	"ET": {Milestone: trade.MilestoneEtaChanged, Status: trade.ShipmentUnknown},
}}

// reader maps the fields of one record and remembers the first that cannot be.
type reader struct {
	zone *time.Location
	err  error
}

func (r *reader) fail(field, code string) {
	if r.err == nil {
		if len(code) > 20 {
			code = code[:20]
		}
		r.err = fmt.Errorf("%s: %q has no meaning here", field, code)
	}
}

func code[T any](r *reader, table map[string]T, field, c string) T {
	v, ok := table[c]
	if !ok {
		r.fail(field, c)
	}
	return v
}

func (r *reader) number(field, s string) udecimal.Decimal {
	d, err := udecimal.Parse(s)
	if err != nil {
		r.fail(field, s)
	}
	return d
}

func (r *reader) money(field, s, currency string) trade.Money {
	return trade.Money{Amount: r.number(field, s), Currency: currency}
}

func (r *reader) maybeMoney(field, s, currency string) *trade.Money {
	if s == "" {
		return nil
	}
	m := r.money(field, s, currency)
	return &m
}

func (r *reader) unit(c string) string { return code(r, units, "uom", c) }

func (r *reader) qty(n int, uom string) trade.Quantity {
	return trade.Quantity{Value: udecimal.MustFromInt64(int64(n), 0), Unit: r.unit(uom)}
}

func (r *reader) unitPrice(prc string, per int, uom, currency string) *trade.UnitPrice {
	if per <= 0 {
		r.fail("prcUnit", fmt.Sprint(per))
	}
	return &trade.UnitPrice{Price: r.money("prc", prc, currency), Per: r.qty(per, uom)}
}

// day reads 20260301; empty is nil.
func (r *reader) day(field, s string) *trade.Date {
	if s == "" {
		return nil
	}
	t, err := time.Parse("20060102", s)
	if err != nil {
		r.fail(field, s)
	}
	d := trade.DateOf(t, time.UTC)
	return &d
}

func (r *reader) mustDay(field, s string) trade.Date {
	if d := r.day(field, s); d != nil {
		return *d
	}
	r.fail(field, s)
	return trade.Date{}
}

// moment reads a local time; the zone is the system's.
func (r *reader) moment(field, s string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, s, r.zone)
	if err != nil {
		r.fail(field, s)
	}
	return t.UTC()
}

func (r *reader) raw(list, code string, text *string) *trade.RawCode {
	return &trade.RawCode{Standard: trade.ERPCodes, List: list, Code: code, Text: text}
}

func (r *reader) paymentTerms(c string) *trade.PaymentTerms {
	days := func(n int) *int { return &n }
	pct := udecimal.MustFromInt64(2, 0)
	terms := map[string]*trade.PaymentTerms{
		"N30":   {Description: "Net 30 days", NetDays: days(30)},
		"N14":   {Description: "Net 14 days", NetDays: days(14)},
		"D2N30": {Description: "2 % 10 days, net 30", NetDays: days(30), DiscountPercent: &pct, DiscountDays: days(10)},
		"PP":    {Description: "Prepayment", NetDays: days(0)},
	}
	return code(r, terms, "payTerm", c)
}

func (r *reader) deliveryTerms(inco, place, frt string) *trade.DeliveryTerms {
	known := map[string]trade.Incoterm{
		"EXW": "EXW", "FCA": "FCA", "CPT": "CPT", "CIP": "CIP", "DAP": "DAP", "DPU": "DPU", "DDP": "DDP", "FAS": "FAS", "FOB": "FOB",
		"CFR": "CFR", "CIF": "CIF",
	}
	term := code(r, known, "incoTerm", inco)
	t := &trade.DeliveryTerms{Incoterm: &term, NamedPlace: some(place)}
	if frt != "" {
		f := code(r, freight, "frt", frt)
		t.FreightTerms = &f
	}
	return t
}
