package tryton

import "portico/trade"

// The code tables. A code that is in none of them rejects its record; what Tryton
// itself says is kept as raw.

// unitCodes are by symbol: those that Tryton comes with, and those that trade uses.
var unitCodes = map[string]string{
	"u": "EA", "PCE": "EA", "pc": "EA", "m": "MTR", "MTR": "MTR", "cm": "CMT", "mm": "MMT", "km": "KMT", "kg": "KGM", "g": "GRM", "t": "TNE",
	"l": "LTR", "m³": "MTQ", "m²": "MTK",
	"h": "HUR", "min": "MIN", "s": "SEC", "d": "DAY", "BOX": "BX", "bx": "BX", "CS": "CS", "PAL": "PX", "pal": "PX", "PK": "PK", "RO": "RO",
}

// saleStates leave the status to the lines where they say nothing of their own.
var saleStates = map[string]trade.OrderStatus{
	"quotation": trade.OrderReceived, "confirmed": "", "processing": "", "done": trade.OrderClosed, "cancelled": trade.OrderCancelled,
}

// purchaseStates: a purchase is confirmed in Tryton when its supplier has agreed.
var purchaseStates = map[string]trade.PurchaseOrderStatus{
	"quotation": trade.POIssued, "confirmed": trade.POAcknowledged, "processing": trade.POAcknowledged, "done": trade.POReceived,
	"cancelled": trade.POCancelled,
}

var invoiceStates = map[string]trade.InvoiceStatus{"posted": trade.InvoiceIssued, "paid": trade.InvoicePaid, "cancelled": trade.InvoiceVoid}

var returnStates = map[string]trade.ReturnStatus{
	"quotation": trade.ReturnRequested, "confirmed": trade.ReturnAuthorized, "processing": trade.ReturnAuthorized,
	"done": trade.ReturnCredited, "cancelled": trade.ReturnCancelled,
}

// holding are the states of a customer shipment in which goods are set aside for
// it, and handled those in which they have left their shelf.
var (
	holding = map[string]bool{"assigned": true, "picked": true, "packed": true}
	handled = map[string]bool{"picked": true, "packed": true}
)
