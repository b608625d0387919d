package ledger

import (
	"context"

	"portico/store"
	"portico/trade"
)

var responses = store.Read(store.Relation[trade.PurchaseOrderResponse]{
	Kind: "PurchaseOrderResponse", From: "purchase_order_responses r", Visible: store.OwnSupplier("r.supplier_id"),
	Columns: []store.Columns{
		store.Always(`r.id, r.purchase_order_id, r.kind, r.received_at`),
		store.When("responseNumber PurchaseOrder.statusExplanation", "r.response_number"),
		store.When("PurchaseOrder.statusExplanation", "r.revision"),
		store.When("supplierOrderNumber", "r.supplier_order_number"),
		store.When("operation", "coalesce(r.operation_id, '') AS operation_id"),
	},
}, store.Identity[trade.PurchaseOrderResponse])

// Responses reads answers of suppliers by id.
func Responses(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.PurchaseOrderResponse, error) {
	return responses.By(ctx, s, scope, "r.id", "", ids)
}

// ResponsesTo reads the answers to purchase orders, newest first, at most 100 each.
func ResponsesTo(ctx context.Context, s *store.Store, scope trade.Scope,
	purchaseOrders []string,
) (map[string][]*trade.PurchaseOrderResponse, error) {
	found, err := responses.Under(ctx, s, scope, "", "r.purchase_order_id", "r.received_at DESC, r.id", purchaseOrders)
	return store.AtMost(found, 100), err
}

type acknowledgmentRow struct {
	trade.LineAcknowledgment
	Amount, Price, PricePer store.NullDecimal
	Unit, Currency          string
	SubstituteJSON          store.JSON[*trade.Identifier]
}

func (r *acknowledgmentRow) trade() *trade.LineAcknowledgment {
	a := &r.LineAcknowledgment
	if r.Amount.Valid {
		a.Quantity = &trade.Quantity{Value: r.Amount.Decimal, Unit: r.Unit}
	}
	a.UnitPrice, a.Substitute = store.UnitPrice(r.Price, r.PricePer, r.Unit, r.Currency), r.SubstituteJSON.Value
	return a
}

var acknowledgments = store.Read(store.Relation[trade.LineAcknowledgment]{
	Kind: "LineAcknowledgment", From: "line_acknowledgments a", Visible: store.OwnSupplier("a.supplier_id"),
	Columns: []store.Columns{
		store.Always("a.purchase_order_line_id AS line_id, a.status"),
		store.When("quantity unitPrice", "a.quantity AS amount, coalesce(a.unit, '') AS unit"),
		store.When("unitPrice", "a.price, a.price_per, coalesce(a.currency, '') AS currency"),
		store.When("promisedShipDate", "a.promised_ship_date"),
		store.When("promisedDeliveryDate", "a.promised_delivery_date"),
		store.When("substitute", "a.substitute AS substitute_json"),
		store.When("reason", "a.reason"),
	},
}, (*acknowledgmentRow).trade)

// AcknowledgmentsIn reads what answers say of lines, in the order they were given in.
func AcknowledgmentsIn(ctx context.Context, s *store.Store, scope trade.Scope, responses []string) (map[string][]*trade.LineAcknowledgment,
	error,
) {
	return acknowledgments.Under(ctx, s, scope, "", "a.response_id", "a.response_id, a.position", responses)
}

// AcknowledgmentsOf reads what was said of lines, newest first, at most 100 each.
func AcknowledgmentsOf(ctx context.Context, s *store.Store, scope trade.Scope, lines []string) (map[string][]*trade.LineAcknowledgment,
	error,
) {
	found, err := acknowledgments.Under(ctx, s, scope, "JOIN purchase_order_responses r ON r.id = a.response_id", "a.purchase_order_line_id",
		"r.received_at DESC, a.position", lines)
	return store.AtMost(found, 100), err
}

type deviationRow struct {
	trade.Deviation
	Size, Tolerance store.NullDecimal
	ReviewJSON      store.JSON[*trade.CommitmentReview]
}

func (r *deviationRow) trade() *trade.Deviation {
	d := &r.Deviation
	if r.Size.Valid {
		d.Delta = &r.Size.Decimal
	}
	if r.Tolerance.Valid {
		d.Limit = &r.Tolerance.Decimal
	}
	if d.Review = r.ReviewJSON.Value; d.Review != nil {
		d.Review.DeviationID = d.ID
	}
	return d
}

var deviations = store.Read(store.Relation[trade.Deviation]{
	Kind: "Deviation", From: "deviations v", Visible: store.OwnSupplier("v.supplier_id"),
	Columns: []store.Columns{
		store.Always("v.id, v.response_id, v.purchase_order_line_id AS line_id, v.field, v.state"),
		store.When("expected proposed", "v.expected, v.proposed"),
		store.When("delta limit withinTolerance", "v.delta AS size, v.tolerance, v.within_tolerance"),
		store.When("decidedBy decidedAt comment", "coalesce(v.decided_by, '') AS decider_id, v.decided_at, v.comment"),
		store.When("commitmentReview", "v.review AS review_json"),
	},
}, (*deviationRow).trade)

// Deviations reads deviations by id.
func Deviations(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Deviation, error) {
	return deviations.By(ctx, s, scope, "v.id", "", ids)
}

// DeviationsIn reads the deviations of answers, in order.
func DeviationsIn(ctx context.Context, s *store.Store, scope trade.Scope, responses []string) (map[string][]*trade.Deviation, error) {
	return deviations.Under(ctx, s, scope, "", "v.response_id", "v.response_id, v.position", responses)
}
