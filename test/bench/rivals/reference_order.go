package rivals

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/graph"
	"portico/graph/execution"
	"portico/trade"
)

func (r *reference) order(ctx context.Context, b []byte, number string) ([]byte, error) {
	mine, err := accounts(ctx, "order:read")
	if err != nil {
		return nil, err
	}
	var o refOrder
	var place, account, accountNumber, accountName string
	var code *string
	var address []byte
	var subtotal udecimal.Decimal
	var freight, tax udecimal.NullDecimal
	if err := r.stmt["order"].QueryRowContext(ctx, number, mine).Scan(&o.id, &o.number, &o.po, &o.status, &o.placed, &o.account, &place,
		&o.currency, &subtotal, &freight, &tax, &o.total); err != nil {
		return nil, err
	}
	if err := r.stmt["accounts"].QueryRowContext(ctx, pq.Array([]string{o.account})).Scan(&account, &accountNumber, &accountName); err != nil {
		return nil, err
	}
	if place != "" {
		if err := r.stmt["place"].QueryRowContext(ctx, place).Scan(&code, &address); err != nil {
			return nil, err
		}
	}
	byID := map[string]*refOrder{o.id: &o}
	var lineIDs, itemIDs []string
	if err := r.each(ctx, "order lines", func(rows *sql.Rows) error {
		var l refLine
		if err := rows.Scan(&l.id, &l.number, &l.sku, &l.description, &l.status, &l.ordered, &l.unit, &l.shipped, &l.price, &l.per, &l.currency,
			&l.amount,
			&l.item); err != nil {
			return err
		}
		o.lines = append(o.lines, l)
		lineIDs = append(lineIDs, l.id)
		if l.item != nil {
			itemIDs = append(itemIDs, *l.item)
		}
		return nil
	}, o.id); err != nil {
		return nil, err
	}
	if err := r.each(ctx, "items of lines", func(rows *sql.Rows) error {
		var id string
		var name, gtin *string
		if err := rows.Scan(&id, &name, &gtin); err != nil {
			return err
		}
		for i := range o.lines {
			if l := &o.lines[i]; l.item != nil && *l.item == id {
				l.itemName, l.gtin = name, gtin
			}
		}
		return nil
	}, pq.Array(itemIDs)); err != nil {
		return nil, err
	}
	lines := make(map[string]*refLine, len(lineIDs))
	for i := range o.lines {
		lines[o.lines[i].id] = &o.lines[i]
	}
	if err := r.schedule(ctx, lines, lineIDs); err != nil {
		return nil, err
	}
	shipments, err := r.shipments(ctx, mine, byID, []string{o.id})
	if err != nil {
		return nil, err
	}
	shipmentIDs := make([]string, 0, len(shipments))
	for id := range shipments {
		shipmentIDs = append(shipmentIDs, id)
	}
	if err := r.each(ctx, "events", func(rows *sql.Rows) error {
		var shipment string
		var e refEvent
		if err := rows.Scan(&shipment, &e.milestone, &e.at, &e.city, &e.located); err != nil {
			return err
		}
		for _, s := range shipments[shipment] {
			if len(s.events) < 20 {
				s.events = append(s.events, e)
			}
		}
		return nil
	}, pq.Array(shipmentIDs)); err != nil {
		return nil, err
	}
	b = execution.AppendString(append(b, `{"order":{"number":`...), o.number)
	b = optional(append(b, `,"customerPoNumber":`...), o.po)
	b = execution.AppendString(append(b, `,"status":`...), o.status)
	b = graph.AppendDateTime(append(b, `,"placedAt":`...), o.placed)
	b = execution.AppendString(append(b, `,"account":{"number":`...), accountNumber)
	b = execution.AppendString(append(b, `,"name":`...), accountName)
	b = append(b, `},"shipTo":`...)
	if b, err = appendPlace(b, code, address); err != nil {
		return nil, err
	}
	b = money(append(b, `,"totals":{"subtotal":`...), subtotal, o.currency)
	b = perhaps(append(b, `,"freight":`...), freight)
	b = perhaps(append(b, `,"tax":`...), tax)
	b = money(append(b, `,"total":`...), o.total, o.currency)
	b = append(b, `},"lines":{"nodes":[`...)
	for i := range o.lines {
		b = o.lines[i].appendFull(comma(b, i))
	}
	b = append(b, `]},"shipments":{"nodes":[`...)
	for i := range o.shipments {
		s := &o.shipments[i]
		b = s.appendHead(comma(b, i))
		for j, e := range s.events {
			b = execution.AppendString(append(comma(b, j), `{"milestone":`...), e.milestone)
			b = graph.AppendDateTime(append(b, `,"occurredAt":`...), e.at)
			if b = append(b, `,"location":`...); e.located {
				b = append(optional(append(b, `{"city":`...), e.city), `}}`...)
			} else {
				b = append(b, `null}`...)
			}
		}
		b = append(b, `]}}`...)
	}
	b = append(b, `]},"invoices":{"nodes":[`...)
	n := 0
	err = r.each(ctx, "invoices", func(rows *sql.Rows) error {
		var number, status, currency string
		var balance udecimal.Decimal
		if err := rows.Scan(&number, &status, &balance, &currency); err != nil {
			return err
		}
		b = execution.AppendString(append(comma(b, n), `{"number":`...), number)
		b = execution.AppendString(append(b, `,"status":`...), status)
		b = append(money(append(b, `,"balance":`...), balance, currency), '}')
		n++
		return nil
	}, o.id, mine)
	return append(b, `]}}}`...), err
}

func appendPlace(b []byte, code *string, address []byte) ([]byte, error) {
	if code == nil {
		return append(b, `null`...), nil
	}
	var a trade.Address
	if err := json.Unmarshal(address, &a); err != nil {
		return nil, err
	}
	b = execution.AppendString(append(b, `{"code":`...), *code)
	b = optional(append(b, `,"address":{"name":`...), a.Name)
	b = optional(append(b, `,"line1":`...), a.Line1)
	b = optional(append(b, `,"city":`...), a.City)
	b = optional(append(b, `,"postalCode":`...), a.PostalCode)
	return append(execution.AppendString(append(b, `,"country":`...), a.Country), `}}`...), nil
}

func (l *refLine) appendFull(b []byte) []byte {
	b = execution.AppendString(append(b, `{"lineNumber":`...), l.number)
	b = optional(append(b, `,"sku":`...), l.sku)
	b = execution.AppendString(append(b, `,"description":`...), l.description)
	b = execution.AppendString(append(b, `,"status":`...), l.status)
	b = graph.AppendDecimal(append(b, `,"ordered":{"value":`...), l.ordered)
	b = execution.AppendString(append(b, `,"unit":`...), l.unit)
	b = graph.AppendDecimal(append(b, `},"shipped":{"value":`...), l.shipped)
	b = l.appendPrice(append(b, `},"unitPrice":`...))
	b = graph.AppendDecimal(append(b, `,"amount":{"amount":`...), l.amount)
	b = append(b, `},"item":`...)
	if l.item == nil {
		b = append(b, `null`...)
	} else {
		b = optional(append(b, `{"name":`...), l.itemName)
		b = append(optional(append(b, `,"gtin":`...), l.gtin), '}')
	}
	return append(l.appendSchedule(append(b, `,"schedule":`...)), '}')
}
