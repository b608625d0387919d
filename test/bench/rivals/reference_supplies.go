package rivals

import (
	"context"
	"database/sql"
	"time"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/edge/auth"
	"portico/graph"
	"portico/graph/execution"
)

var supplyStatements = map[string]string{
	"purchase orders": `SELECT id, number, revision, state, issued_at, acknowledge_by FROM purchase_orders WHERE supplier_id = $1
		ORDER BY issued_at DESC, id DESC LIMIT 50`,
	"purchase lines": `SELECT purchase_order_id, id, line_number, supplier_part_number, description, ordered, acknowledged, unit, price,
		price_per, currency FROM purchase_order_lines
			WHERE purchase_order_id = ANY($1) ORDER BY purchase_order_id, position`,
	"purchase schedule": `SELECT purchase_order_line_id, quantity, requested_delivery_date, promised_delivery_date
		FROM purchase_schedule_lines WHERE purchase_order_line_id = ANY($1)
			ORDER BY purchase_order_line_id, position`,
	"responses": `SELECT purchase_order_id, id, response_number, kind, received_at FROM purchase_order_responses
		WHERE purchase_order_id = ANY($1) ORDER BY received_at DESC, id`,
	"acknowledgments": `SELECT response_id, status, quantity, promised_delivery_date, reason FROM line_acknowledgments
		WHERE response_id = ANY($1) ORDER BY response_id, position`,
	"deviations": `SELECT response_id, field, delta, state FROM deviations WHERE response_id = ANY($1) ORDER BY response_id, position`,
}

type refPurchase struct {
	id, number, status string
	revision           int
	issued             time.Time
	due                *time.Time
	lines              []refPurchaseLine
	responses          []refResponse
}

type refPurchaseLine struct {
	id, number, unit string
	part             *string
	description      *string
	ordered, acked   udecimal.Decimal
	price, per       udecimal.NullDecimal
	currency         *string
	schedule         []refPurchasePart
}

type refPurchasePart struct {
	quantity            udecimal.Decimal
	requested, promised *time.Time
}

type refResponse struct {
	id, number, kind string
	received         time.Time
	lines            []refAcknowledgment
	deviations       []refDeviation
}

type refAcknowledgment struct {
	status   string
	quantity udecimal.NullDecimal
	promised *time.Time
	reason   *string
}

type refDeviation struct {
	field, state string
	delta        udecimal.NullDecimal
}

// supplies is a supplier's page.
func (r *reference) supplies(ctx context.Context, b []byte) ([]byte, error) {
	scope := auth.CallerOf(ctx).Scope
	if err := scope.Decide([][]string{{"po:read"}}, nil); err != nil {
		return nil, err
	}
	orders := make([]refPurchase, 0, 50)
	byID := make(map[string]*refPurchase, 50)
	var ids []string
	if err := r.each(ctx, "purchase orders", func(rows *sql.Rows) error {
		var o refPurchase
		if err := rows.Scan(&o.id, &o.number, &o.revision, &o.status, &o.issued, &o.due); err != nil {
			return err
		}
		orders = append(orders, o)
		byID[o.id] = &orders[len(orders)-1]
		ids = append(ids, o.id)
		return nil
	}, scope.Supplier()); err != nil {
		return nil, err
	}
	var lineIDs, responseIDs []string
	if err := r.each(ctx, "purchase lines", func(rows *sql.Rows) error {
		var order string
		var l refPurchaseLine
		if err := rows.Scan(&order, &l.id, &l.number, &l.part, &l.description, &l.ordered, &l.acked, &l.unit, &l.price, &l.per,
			&l.currency); err != nil {
			return err
		}
		byID[order].lines = append(byID[order].lines, l)
		lineIDs = append(lineIDs, l.id)
		return nil
	}, pq.Array(ids)); err != nil {
		return nil, err
	}
	lines := make(map[string]*refPurchaseLine, len(lineIDs))
	for i := range orders {
		for j := range orders[i].lines {
			lines[orders[i].lines[j].id] = &orders[i].lines[j]
		}
	}
	if err := r.each(ctx, "purchase schedule", func(rows *sql.Rows) error {
		var line string
		var p refPurchasePart
		if err := rows.Scan(&line, &p.quantity, &p.requested, &p.promised); err != nil {
			return err
		}
		lines[line].schedule = append(lines[line].schedule, p)
		return nil
	}, pq.Array(lineIDs)); err != nil {
		return nil, err
	}
	if err := r.each(ctx, "responses", func(rows *sql.Rows) error {
		var order string
		var a refResponse
		if err := rows.Scan(&order, &a.id, &a.number, &a.kind, &a.received); err != nil {
			return err
		}
		byID[order].responses = append(byID[order].responses, a)
		responseIDs = append(responseIDs, a.id)
		return nil
	}, pq.Array(ids)); err != nil {
		return nil, err
	}
	responses := make(map[string]*refResponse, len(responseIDs))
	for i := range orders {
		for j := range orders[i].responses {
			responses[orders[i].responses[j].id] = &orders[i].responses[j]
		}
	}
	if err := r.each(ctx, "acknowledgments", func(rows *sql.Rows) error {
		var of string
		var a refAcknowledgment
		if err := rows.Scan(&of, &a.status, &a.quantity, &a.promised, &a.reason); err != nil {
			return err
		}
		responses[of].lines = append(responses[of].lines, a)
		return nil
	}, pq.Array(responseIDs)); err != nil {
		return nil, err
	}
	if err := r.each(ctx, "deviations", func(rows *sql.Rows) error {
		var of string
		var d refDeviation
		if err := rows.Scan(&of, &d.field, &d.delta, &d.state); err != nil {
			return err
		}
		responses[of].deviations = append(responses[of].deviations, d)
		return nil
	}, pq.Array(responseIDs)); err != nil {
		return nil, err
	}
	b = append(b, `{"purchaseOrders":{"nodes":[`...)
	for i := range orders {
		b = orders[i].append(comma(b, i))
	}
	return append(b, `]}}`...), nil
}

func (o *refPurchase) append(b []byte) []byte {
	b = execution.AppendString(append(b, `{"number":`...), o.number)
	b = execution.AppendInt(append(b, `,"revision":`...), int64(o.revision))
	b = execution.AppendString(append(b, `,"status":`...), o.status)
	b = graph.AppendDateTime(append(b, `,"issuedAt":`...), o.issued)
	b = append(b, `,"acknowledgeBy":`...)
	if o.due == nil {
		b = append(b, `null`...)
	} else {
		b = graph.AppendDateTime(b, *o.due)
	}
	b = append(b, `,"lines":{"nodes":[`...)
	for i := range o.lines {
		l := &o.lines[i]
		b = execution.AppendString(append(comma(b, i), `{"lineNumber":`...), l.number)
		b = optional(append(b, `,"supplierPartNumber":`...), l.part)
		b = optional(append(b, `,"description":`...), l.description)
		b = graph.AppendDecimal(append(b, `,"ordered":{"value":`...), l.ordered)
		b = execution.AppendString(append(b, `,"unit":`...), l.unit)
		b = graph.AppendDecimal(append(b, `},"acknowledged":{"value":`...), l.acked)
		b = append(b, `},"unitPrice":`...)
		if !l.price.Valid {
			b = append(b, `null`...)
		} else {
			b = money(append(b, `{"price":`...), l.price.Decimal, *l.currency)
			b = graph.AppendDecimal(append(b, `,"per":{"value":`...), l.per.Decimal)
			b = append(execution.AppendString(append(b, `,"unit":`...), l.unit), `}}`...)
		}
		b = append(b, `,"schedule":[`...)
		for j, p := range l.schedule {
			b = graph.AppendDecimal(append(comma(b, j), `{"quantity":{"value":`...), p.quantity)
			b = day(append(b, `},"requestedDeliveryDate":`...), p.requested)
			b = append(day(append(b, `,"promisedDeliveryDate":`...), p.promised), '}')
		}
		b = append(b, `]}`...)
	}
	b = append(b, `]},"responses":[`...)
	for i := range o.responses {
		a := &o.responses[i]
		b = execution.AppendString(append(comma(b, i), `{"responseNumber":`...), a.number)
		b = execution.AppendString(append(b, `,"kind":`...), a.kind)
		b = graph.AppendDateTime(append(b, `,"receivedAt":`...), a.received)
		b = append(b, `,"lines":[`...)
		for j, l := range a.lines {
			b = execution.AppendString(append(comma(b, j), `{"status":`...), l.status)
			b = append(b, `,"quantity":`...)
			if !l.quantity.Valid {
				b = append(b, `null`...)
			} else {
				b = append(graph.AppendDecimal(append(b, `{"value":`...), l.quantity.Decimal), '}')
			}
			b = day(append(b, `,"promisedDeliveryDate":`...), l.promised)
			b = append(optional(append(b, `,"reason":`...), l.reason), '}')
		}
		b = append(b, `],"deviations":[`...)
		for j, d := range a.deviations {
			b = execution.AppendString(append(comma(b, j), `{"field":`...), d.field)
			b = append(b, `,"delta":`...)
			if !d.delta.Valid {
				b = append(b, `null`...)
			} else {
				b = graph.AppendDecimal(b, d.delta.Decimal)
			}
			b = append(execution.AppendString(append(b, `,"state":`...), d.state), '}')
		}
		b = append(b, `]}`...)
	}
	return append(b, `]}`...)
}
