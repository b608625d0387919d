package rivals

import (
	"context"
	"database/sql"

	"github.com/lib/pq"

	"portico/graph"
	"portico/graph/execution"
)

func (r *reference) orders(ctx context.Context, b []byte) ([]byte, error) {
	mine, err := accounts(ctx, "order:read")
	if err != nil {
		return nil, err
	}
	orders := make([]refOrder, 0, 50)
	byID := make(map[string]*refOrder, 50)
	var ids, accountIDs []string
	names := map[string][2]string{}
	err = r.each(ctx, "orders", func(rows *sql.Rows) error {
		var o refOrder
		if err := rows.Scan(&o.id, &o.number, &o.po, &o.status, &o.placed, &o.account, &o.currency, &o.total); err != nil {
			return err
		}
		orders = append(orders, o)
		byID[o.id] = &orders[len(orders)-1]
		ids = append(ids, o.id)
		if _, ok := names[o.account]; !ok {
			names[o.account] = [2]string{}
			accountIDs = append(accountIDs, o.account)
		}
		return nil
	}, mine)
	if err != nil {
		return nil, err
	}
	if err := r.each(ctx, "accounts", func(rows *sql.Rows) error {
		var id, number, name string
		err := rows.Scan(&id, &number, &name)
		names[id] = [2]string{number, name}
		return err
	}, pq.Array(accountIDs)); err != nil {
		return nil, err
	}
	var lineIDs, itemIDs []string
	items := map[string]*refItem{}
	if err := r.each(ctx, "lines", func(rows *sql.Rows) error {
		var order string
		var l refLine
		if err := rows.Scan(&order, &l.id, &l.number, &l.sku, &l.status, &l.ordered, &l.unit, &l.shipped, &l.price, &l.per, &l.currency,
			&l.item); err != nil {
			return err
		}
		o := byID[order]
		o.lines = append(o.lines, l)
		lineIDs = append(lineIDs, l.id)
		if l.item != nil && items[*l.item] == nil {
			items[*l.item] = &refItem{}
			itemIDs = append(itemIDs, *l.item)
		}
		return nil
	}, pq.Array(ids)); err != nil {
		return nil, err
	}
	lines := make(map[string]*refLine, len(lineIDs))
	for i := range orders {
		for j := range orders[i].lines {
			lines[orders[i].lines[j].id] = &orders[i].lines[j]
		}
	}
	if err := r.schedule(ctx, lines, lineIDs); err != nil {
		return nil, err
	}
	if err := r.each(ctx, "items", func(rows *sql.Rows) error {
		var i refItem
		err := rows.Scan(&i.id, &i.sku, &i.name, &i.gtin, &i.unit, &i.status)
		*items[i.id] = i
		return err
	}, pq.Array(itemIDs)); err != nil {
		return nil, err
	}
	if err := r.stock(ctx, items, itemIDs); err != nil {
		return nil, err
	}
	shipments, err := r.shipments(ctx, mine, byID, ids)
	if err != nil {
		return nil, err
	}
	shipmentIDs := make([]string, 0, len(shipments))
	for id := range shipments {
		shipmentIDs = append(shipmentIDs, id)
	}
	if err := r.each(ctx, "last event", func(rows *sql.Rows) error {
		var shipment string
		var e refEvent
		if err := rows.Scan(&shipment, &e.milestone, &e.at); err != nil {
			return err
		}
		for _, s := range shipments[shipment] {
			s.events = append(s.events, e)
		}
		return nil
	}, pq.Array(shipmentIDs)); err != nil {
		return nil, err
	}
	b = append(b, `{"orders":{"nodes":[`...)
	for i := range orders {
		b = orders[i].append(comma(b, i), names, items)
	}
	return append(b, `]}}`...), nil
}

func (r *reference) schedule(ctx context.Context, lines map[string]*refLine, ids []string) error {
	return r.each(ctx, "schedule", func(rows *sql.Rows) error {
		var line string
		var s refSchedule
		if err := rows.Scan(&line, &s.quantity, &s.promised, &s.shipped); err != nil {
			return err
		}
		lines[line].schedule = append(lines[line].schedule, s)
		return nil
	}, pq.Array(ids))
}

// shipments reads the shipments of orders. One shipment may carry several.
func (r *reference) shipments(ctx context.Context, mine any, orders map[string]*refOrder, ids []string) (map[string][]*refShipment, error) {
	err := r.each(ctx, "shipments", func(rows *sql.Rows) error {
		var order string
		var s refShipment
		if err := rows.Scan(&order, &s.id, &s.number, &s.status, &s.carrier); err != nil {
			return err
		}
		orders[order].shipments = append(orders[order].shipments, s)
		return nil
	}, pq.Array(ids), mine)
	byID := map[string][]*refShipment{}
	for _, o := range orders {
		for i := range o.shipments {
			s := &o.shipments[i]
			byID[s.id] = append(byID[s.id], s)
		}
	}
	return byID, err
}

func (o *refOrder) append(b []byte, accounts map[string][2]string, items map[string]*refItem) []byte {
	b = execution.AppendString(append(b, `{"number":`...), o.number)
	b = optional(append(b, `,"customerPoNumber":`...), o.po)
	b = execution.AppendString(append(b, `,"status":`...), o.status)
	b = graph.AppendDateTime(append(b, `,"placedAt":`...), o.placed)
	b = execution.AppendString(append(b, `,"account":{"number":`...), accounts[o.account][0])
	b = execution.AppendString(append(b, `,"name":`...), accounts[o.account][1])
	b = money(append(b, `},"totals":{"total":`...), o.total, o.currency)
	b = append(b, `},"lines":{"nodes":[`...)
	for i := range o.lines {
		l := &o.lines[i]
		b = execution.AppendString(append(comma(b, i), `{"lineNumber":`...), l.number)
		b = optional(append(b, `,"sku":`...), l.sku)
		b = execution.AppendString(append(b, `,"status":`...), l.status)
		b = graph.AppendDecimal(append(b, `,"ordered":{"value":`...), l.ordered)
		b = execution.AppendString(append(b, `,"unit":`...), l.unit)
		b = graph.AppendDecimal(append(b, `},"shipped":{"value":`...), l.shipped)
		b = l.appendPrice(append(b, `},"unitPrice":`...))
		b = append(b, `,"item":`...)
		if l.item == nil {
			b = append(b, `null`...)
		} else {
			item := items[*l.item]
			b = execution.AppendString(append(b, `{"sku":`...), item.sku)
			b = execution.AppendString(append(b, `,"name":`...), item.name)
			b = optional(append(b, `,"gtin":`...), item.gtin)
			b = append(item.appendStock(append(b, `,"availability":`...), false), '}')
		}
		b = l.appendSchedule(append(b, `,"schedule":`...))
		b = append(b, '}')
	}
	b = append(b, `]},"shipments":{"nodes":[`...)
	for i := range o.shipments {
		s := &o.shipments[i]
		b = s.appendHead(comma(b, i))
		for j, e := range s.events {
			b = execution.AppendString(append(comma(b, j), `{"milestone":`...), e.milestone)
			b = append(graph.AppendDateTime(append(b, `,"occurredAt":`...), e.at), '}')
		}
		b = append(b, `]}}`...)
	}
	return append(b, `]}}`...)
}

func (l *refLine) appendPrice(b []byte) []byte {
	b = money(append(b, `{"price":`...), l.price, l.currency)
	b = graph.AppendDecimal(append(b, `,"per":{"value":`...), l.per)
	return append(execution.AppendString(append(b, `,"unit":`...), l.unit), `}}`...)
}

func (l *refLine) appendSchedule(b []byte) []byte {
	b = append(b, '[')
	for i := range l.schedule {
		s := &l.schedule[i]
		b = graph.AppendDecimal(append(comma(b, i), `{"quantity":{"value":`...), s.quantity)
		b = day(append(b, `},"promisedDeliveryDate":`...), s.promised)
		b = append(day(append(b, `,"actualShipDate":`...), s.shipped), '}')
	}
	return append(b, ']')
}

func (s *refShipment) appendHead(b []byte) []byte {
	b = execution.AppendString(append(b, `{"number":`...), s.number)
	b = execution.AppendString(append(b, `,"status":`...), s.status)
	b = append(b, `,"carrier":`...)
	if s.carrier == nil {
		b = append(b, `null`...)
	} else {
		b = append(execution.AppendString(append(b, `{"name":`...), *s.carrier), '}')
	}
	return append(b, `,"events":{"nodes":[`...)
}

func (i *refItem) appendStock(b []byte, onHand bool) []byte {
	status, available := i.availability()
	b = execution.AppendString(append(b, `{"status":`...), status)
	b = append(b, `,"availableNow":`...)
	if len(i.stock) == 0 {
		b = append(b, `null`...)
	} else {
		b = graph.AppendDecimal(append(b, `{"value":`...), available)
		b = append(execution.AppendString(append(b, `,"unit":`...), i.unit), '}')
	}
	b = append(b, `,"byWarehouse":[`...)
	for n := range i.stock {
		s := &i.stock[n]
		b = execution.AppendString(append(comma(b, n), `{"warehouse":{"code":`...), s.code)
		if onHand {
			b = graph.AppendDecimal(append(b, `},"onHand":{"value":`...), s.onHand)
		} else {
			b = graph.AppendDecimal(append(b, `},"availableNow":{"value":`...), s.available)
		}
		b = append(b, `}}`...)
	}
	return append(b, `]}`...)
}
