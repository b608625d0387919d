package replication

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/trade"
)

// Of which orders is derived what was delivered: of those with some numbers, or of those that have something in some shipments.
const (
	withNumbers = `SELECT o.id FROM orders o WHERE o.number = ANY($1)`
	inShipments = `SELECT x.order_id AS id FROM shipment_orders x WHERE x.shipment_id = ANY($1)
		UNION SELECT l.order_id FROM package_lines x JOIN order_lines l ON l.id = x.order_line_id WHERE x.shipment_id = ANY($1)`
)

// arrived is what carriers report delivered of a line l, in packages that say so in its unit.
const arrived = `(SELECT sum(x.quantity) FROM package_lines x JOIN packages p ON p.shipment_id = x.shipment_id AND p.number = x.number
	JOIN shipments s ON s.id = x.shipment_id WHERE x.order_line_id = l.id AND x.unit = l.unit AND p.status = 'DELIVERED'
	AND s.direction = 'OUTBOUND')`

// deliveredLine is a line of an order by what its source says.
type deliveredLine struct {
	trade.OrderLine
	OrderStatus trade.OrderStatus
	Held        bool
	Arrived     udecimal.Decimal
}

// lineState is where a line stands, with what its source says where that is something else.
type lineState struct {
	ID              string                 `json:"ID"`
	Status          trade.OrderLineStatus  `json:"Status"`
	Delivered       udecimal.Decimal       `json:"Delivered"`
	SourceStatus    *trade.OrderLineStatus `json:"SourceStatus"`
	SourceDelivered *udecimal.Decimal      `json:"SourceDelivered"`
}

// orderState is where an order stands, with what its source says where that is something else.
type orderState struct {
	ID           string             `json:"ID"`
	Status       trade.OrderStatus  `json:"Status"`
	SourceStatus *trade.OrderStatus `json:"SourceStatus"`
	Lines        []lineState        `json:"Lines"`
}

// DeriveDeliveredIn derives how much was delivered of the orders that have something in shipments, and saves it.
func DeriveDeliveredIn(ctx context.Context, tx *store.Tx, shipments []string) error {
	return deriveDelivered(ctx, tx, inShipments, shipments)
}

// DeriveDeliveredOf does so of the orders with these numbers.
func DeriveDeliveredOf(ctx context.Context, tx *store.Tx, numbers []string) error {
	return deriveDelivered(ctx, tx, withNumbers, numbers)
}

func deriveDelivered(ctx context.Context, tx *store.Tx, of string, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	// Most have nothing that carriers know more of: they are not held, and nothing is read of them.
	// Step by step, for in a first load the database knows nothing of its tables, and would look at all lines there are.
	query := `WITH k AS MATERIALIZED (` + of + `), c AS MATERIALIZED (SELECT l.* FROM k CROSS JOIN LATERAL (SELECT l.id, l.order_id, l.unit,
			l.delivered, l.source_status FROM order_lines l WHERE l.order_id = k.id OFFSET 0) l)
		SELECT o.id FROM orders o WHERE o.id IN (SELECT l.order_id FROM c l WHERE l.source_status IS NOT NULL OR ` + arrived + ` > l.delivered)
		ORDER BY o.id FOR NO KEY UPDATE`
	var orders []string
	if err := tx.Select(ctx, &orders, query, store.TextArray(keys)); err != nil || len(orders) == 0 {
		return unread(err)
	}
	query = `SELECT o.id AS order_id, coalesce(o.source_status, o.status) AS order_status, o.holds <> '[]' AS held, l.id,
			coalesce(l.source_status, l.status) AS status, l.ordered AS "ordered.value", l.confirmed AS "confirmed.value",
			l.allocated AS "allocated.value", l.backordered AS "backordered.value", l.shipped AS "shipped.value",
			coalesce(l.source_delivered, l.delivered) AS "delivered.value", l.invoiced AS "invoiced.value", l.cancelled AS "cancelled.value",
			coalesce(` + arrived + `, 0) AS arrived
		FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.id = ANY($1) ORDER BY o.id, l.position`
	var lines []deliveredLine
	if err := tx.Select(ctx, &lines, query, store.TextArray(orders)); err != nil {
		return unread(err)
	}
	var states []orderState
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n].OrderID == lines[0].OrderID {
			n++
		}
		states, lines = append(states, stateOf(lines[:n])), lines[n:]
	}
	return saveDelivered(ctx, tx, states)
}

func unread(err error) error {
	if err != nil {
		return fmt.Errorf("what was delivered of orders: %w", err)
	}
	return nil
}

// stateOf is where an order stands of which its source says some lines.
func stateOf(lines []deliveredLine) orderState {
	said := lines[0].OrderStatus
	o := trade.Order{ID: lines[0].OrderID, Status: said}
	if lines[0].Held {
		o.Holds = make([]trade.OrderHold, 1)
	}
	packages := make([]udecimal.Decimal, len(lines))
	for i := range lines {
		o.LinesKnown, packages[i] = append(o.LinesKnown, lines[i].OrderLine), lines[i].Arrived
	}
	further := o.Deliver(packages)
	state := orderState{ID: o.ID, Status: o.Status}
	if further {
		state.SourceStatus = &said
	}
	for i := range o.LinesKnown {
		l, source := &o.LinesKnown[i], &lines[i]
		s := lineState{ID: l.ID, Status: l.Status, Delivered: l.Delivered.Value}
		if further {
			s.SourceStatus = &source.Status
		}
		if !s.Delivered.Equal(source.Delivered.Value) {
			s.SourceDelivered = &source.Delivered.Value
		}
		state.Lines = append(state.Lines, s)
	}
	return state
}

func saveDelivered(ctx context.Context, tx *store.Tx, states []orderState) error {
	documents, err := json.Marshal(states)
	if err != nil {
		return fmt.Errorf("what was delivered of orders: %w", err)
	}
	const query = `
		WITH l AS (UPDATE order_lines l SET status = x ->> 'Status', delivered = (x ->> 'Delivered')::numeric,
			source_status = x ->> 'SourceStatus', source_delivered = (x ->> 'SourceDelivered')::numeric
			FROM jsonb_array_elements($1::jsonb) j, jsonb_array_elements(j -> 'Lines') x WHERE l.id = x ->> 'ID'
			AND (l.status, l.delivered, l.source_status, l.source_delivered) IS DISTINCT FROM
			(x ->> 'Status', (x ->> 'Delivered')::numeric, x ->> 'SourceStatus', (x ->> 'SourceDelivered')::numeric) RETURNING l.order_id)
		UPDATE orders o SET status = j ->> 'Status', source_status = j ->> 'SourceStatus', received_at = now()
		FROM jsonb_array_elements($1::jsonb) j WHERE o.id = j ->> 'ID' AND (o.id IN (SELECT order_id FROM l)
			OR (o.status, o.source_status) IS DISTINCT FROM (j ->> 'Status', j ->> 'SourceStatus'))`
	result, err := tx.Exec(ctx, query, string(documents))
	if err != nil {
		return fmt.Errorf("what was delivered of orders: %w", err)
	}
	if n, err := result.RowsAffected(); err == nil && n > 0 { // most looks find nothing new, and wake nobody
		tx.MarkChanged()
	}
	return nil
}
