package store

import (
	"context"

	"portico/trade"
)

var responses = read(relation[trade.PurchaseOrderResponse]{
	kind: "PurchaseOrderResponse", from: "purchase_order_responses r", visible: ownSupplier("r.supplier_id"),
	columns: []columns{
		always(`r.id, r.purchase_order_id, r.kind, r.received_at`),
		when("responseNumber PurchaseOrder.statusExplanation", "r.response_number"),
		when("PurchaseOrder.statusExplanation", "r.revision"),
		when("supplierOrderNumber", "r.supplier_order_number"),
		when("operation", "coalesce(r.operation_id, '') AS operation_id"),
	},
}, same[trade.PurchaseOrderResponse])

// Responses reads answers of suppliers by id.
func (s *Store) Responses(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.PurchaseOrderResponse, error) {
	return responses.by(ctx, s, scope, "r.id", "", ids)
}

// ResponsesTo reads the answers to purchase orders, newest first, at most 100 each.
func (s *Store) ResponsesTo(ctx context.Context, scope trade.Scope, purchaseOrders []string) (map[string][]*trade.PurchaseOrderResponse, error) {
	found, err := responses.under(ctx, s, scope, "", "r.purchase_order_id", "r.received_at DESC, r.id", purchaseOrders)
	return atMost(found, 100), err
}

type acknowledgmentRow struct {
	trade.LineAcknowledgment
	Amount, Price, PricePer nullDecimal
	Unit, Currency          string
	SubstituteJSON          jsonOf[*trade.Identifier]
}

func (r *acknowledgmentRow) trade() *trade.LineAcknowledgment {
	a := &r.LineAcknowledgment
	if r.Amount.Valid {
		a.Quantity = &trade.Quantity{Value: r.Amount.Decimal, Unit: r.Unit}
	}
	a.UnitPrice, a.Substitute = unitPrice(r.Price, r.PricePer, r.Unit, r.Currency), r.SubstituteJSON.value
	return a
}

var acknowledgments = read(relation[trade.LineAcknowledgment]{
	kind: "LineAcknowledgment", from: "line_acknowledgments a", visible: ownSupplier("a.supplier_id"),
	columns: []columns{
		always("a.purchase_order_line_id AS line_id, a.status"),
		when("quantity unitPrice", "a.quantity AS amount, coalesce(a.unit, '') AS unit"),
		when("unitPrice", "a.price, a.price_per, coalesce(a.currency, '') AS currency"),
		when("promisedShipDate", "a.promised_ship_date"),
		when("promisedDeliveryDate", "a.promised_delivery_date"),
		when("substitute", "a.substitute AS substitute_json"),
		when("reason", "a.reason"),
	},
}, (*acknowledgmentRow).trade)

// AcknowledgmentsIn reads what answers say of lines, in the order they were given in.
func (s *Store) AcknowledgmentsIn(ctx context.Context, scope trade.Scope, responses []string) (map[string][]*trade.LineAcknowledgment, error) {
	return acknowledgments.under(ctx, s, scope, "", "a.response_id", "a.response_id, a.position", responses)
}

// AcknowledgmentsOf reads what was said of lines, newest first, at most 100 each.
func (s *Store) AcknowledgmentsOf(ctx context.Context, scope trade.Scope, lines []string) (map[string][]*trade.LineAcknowledgment, error) {
	found, err := acknowledgments.under(ctx, s, scope, "JOIN purchase_order_responses r ON r.id = a.response_id", "a.purchase_order_line_id", "r.received_at DESC, a.position", lines)
	return atMost(found, 100), err
}

type deviationRow struct {
	trade.Deviation
	Size, Tolerance nullDecimal
	ReviewJSON      jsonOf[*trade.CommitmentReview]
}

func (r *deviationRow) trade() *trade.Deviation {
	d := &r.Deviation
	if r.Size.Valid {
		d.Delta = &r.Size.Decimal
	}
	if r.Tolerance.Valid {
		d.Limit = &r.Tolerance.Decimal
	}
	if d.Review = r.ReviewJSON.value; d.Review != nil {
		d.Review.DeviationID = d.ID
	}
	return d
}

var deviations = read(relation[trade.Deviation]{
	kind: "Deviation", from: "deviations v", visible: ownSupplier("v.supplier_id"),
	columns: []columns{
		always("v.id, v.response_id, v.purchase_order_line_id AS line_id, v.field, v.state"),
		when("expected proposed", "v.expected, v.proposed"),
		when("delta limit withinTolerance", "v.delta AS size, v.tolerance, v.within_tolerance"),
		when("decidedBy decidedAt comment", "coalesce(v.decided_by, '') AS decider_id, v.decided_at, v.comment"),
		when("commitmentReview", "v.review AS review_json"),
	},
}, (*deviationRow).trade)

// Deviations reads deviations by id.
func (s *Store) Deviations(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Deviation, error) {
	return deviations.by(ctx, s, scope, "v.id", "", ids)
}

// DeviationsIn reads the deviations of answers, in order.
func (s *Store) DeviationsIn(ctx context.Context, scope trade.Scope, responses []string) (map[string][]*trade.Deviation, error) {
	return deviations.under(ctx, s, scope, "", "v.response_id", "v.response_id, v.position", responses)
}
