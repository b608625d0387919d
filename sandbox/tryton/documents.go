package main

import (
	"slices"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources/tryton/rpc"
	"portico/trade"
)

const (
	manySales     = 48
	manyPurchases = 24
	plenty        = 1_000_000 // in stock until the documents are written
)

// stock puts plenty everywhere, and notes how much of it may be assigned: as much
// as the company has allocated. [seed.settle] brings it to what the company has.
func (s *seed) stock(company *books) {
	s.say("stock and order points")
	s.count(company, func(trade.Stock) int64 { return plenty })
	s.free = map[[2]string]int64{}
	s.bought = map[string]bool{}
	for _, item := range company.items {
		s.bought[item.SKU] = item.Status == trade.ItemActive
	}
	var points []values
	for _, row := range company.stock {
		s.free[[2]string{row.WarehouseRef.Key, row.ItemRef.Key}] = whole(row.Allocated)
		point := values{
			"product": s.product[row.ItemRef.Key], "company": s.companyID, "min_quantity": whole(row.SafetyStock),
			"target_quantity": 2 * whole(row.SafetyStock),
			"type":            "purchase", "warehouse_location": s.warehouse[row.WarehouseRef.Key],
		}
		if !s.bought[row.ItemRef.Key] { // it can come from elsewhere in the house alone
			delete(point, "warehouse_location")
			point["type"], point["storage_location"], point["provisioning_location"] = "internal", s.storage[row.WarehouseRef.Key], s.reserved
		}
		points = append(points, point)
	}
	for rows := range slices.Chunk(points, 600) {
		s.create("stock.order_point", rows...)
	}
}

func whole(d udecimal.Decimal) int64 {
	n, _ := d.Int64()
	return n
}

// count makes what each warehouse has a figure of each item's.
func (s *seed) count(company *books, of func(trade.Stock) int64) {
	for _, w := range company.warehouses {
		var lines []values
		for _, row := range company.stock {
			if row.WarehouseRef.Key == w.Code {
				lines = append(lines, values{"product": s.product[row.ItemRef.Key], "quantity": of(row)})
			}
		}
		id := s.one("stock.inventory", values{
			"location": s.storage[w.Code], "company": s.companyID, "date": s.today, "empty_quantity": "keep", "lines": made(lines...),
		})
		s.button("stock.inventory", "confirm", id)
	}
}

func (s *seed) purchases(company *books) {
	s.say("purchase orders")
	parts := map[[2]string]int{} // what a supplier calls an item
	part := func(supplier string, l trade.PurchaseOrderLine) int {
		key := [2]string{supplier, l.ItemRef.Key}
		if parts[key] == 0 {
			parts[key] = s.one("purchase.product_supplier", values{
				"template": s.template[l.ItemRef.Key], "product": s.product[l.ItemRef.Key], "party": s.party[supplier], "company": s.companyID,
				"currency": s.currency,
				"code":     text(l.SupplierPartNumber), "lead_time": rpc.TimeDelta{Duration: time.Duration(5+len(parts)%16) * 24 * time.Hour},
				"prices": made(values{"quantity": 0, "unit_price": each(l.UnitPrice)}),
			})
		}
		return parts[key]
	}
	var all []trade.PurchaseOrder
	var rows []values
	for _, p := range company.purchases[max(0, len(company.purchases)-manyPurchases):] {
		var lines []values
		for _, l := range p.LinesKnown {
			if !s.bought[l.ItemRef.Key] {
				continue
			}
			lines = append(lines, values{
				"type": "line", "product": s.product[l.ItemRef.Key], "product_supplier": part(p.SupplierRef.Key, l), "quantity": whole(l.Ordered.Value),
				"unit": s.unitOf(company, l.ItemRef.Key), "unit_price": each(l.UnitPrice), "taxes": link(s.tax), "description": l.Description,
			})
		}
		if len(lines) == 0 {
			continue
		}
		all = append(all, p)
		rows = append(rows, values{
			"party": s.party[p.SupplierRef.Key], "company": s.companyID, "currency": s.currency, "purchase_date": date(p.IssuedAt),
			"payment_term": s.term(&trade.PaymentTerms{Description: "Net 30 days"}),
			"warehouse":    s.warehouse[p.WarehouseRef.Key], "invoice_address": s.address[p.SupplierRef.Key][0], "invoice_method": "shipment",
			"lines": made(lines...),
		})
	}
	ids := s.create("purchase.purchase", rows...)
	s.button("purchase.purchase", "quote", ids...)
	for i, id := range ids {
		switch i % 6 {
		case 0: // stays an offer
		case 1:
			s.button("purchase.purchase", "cancel", id)
		default:
			s.button("purchase.purchase", "confirm", id)
		}
		if i%6 < 3 {
			continue
		}
		moves := s.search("stock.move", is("origin.purchase.id", id, "purchase.line"))
		s.set("stock.move", moves, values{"planned_date": rpc.Date{Date: s.today.AddDays(7 + i)}})
		if i%6 == 3 {
			continue
		}
		arrived := moves
		if i%6 == 4 { // a part of it
			arrived = moves[:1]
		}
		in := s.one("stock.shipment.in", values{
			"company": s.companyID, "supplier": rows[i]["party"], "warehouse": rows[i]["warehouse"], "reference": "ASN-" + all[i].Number,
			"incoming_moves": link(arrived...),
		})
		s.button("stock.shipment.in", "receive", in)
		s.button("stock.shipment.in", "done", in)
	}
}

func each(p *trade.UnitPrice) rpc.Decimal {
	return rpc.Decimal{Decimal: p.Price.Amount.MustDiv(p.Per.Value).RoundBank(4)}
}

func (s *seed) unitOf(company *books, sku string) int {
	i := slices.IndexFunc(company.items, func(i trade.Item) bool { return i.SKU == sku })
	return s.unit[unitKey(&company.items[i], company.items[i].BaseUnit)]
}

// steps of a sale's life, of which the orders go through more and more.
const (
	draft = iota
	offered
	waiting
	assigned
	picked
	packed
	sent
	billed
	paid
	partly // the half is sent and billed
	dropped
	returned
	lives
)

func (s *seed) sales(company *books) {
	s.say("orders")
	all := company.orders[max(0, len(company.orders)-manySales):]
	var rows []values
	for i, o := range all {
		var lines []values
		for _, l := range o.LinesKnown {
			qty := whole(l.Ordered.Value)
			if life := i % lives; life >= assigned && life <= packed { // they hold stock, no more than the company's
				at := [2]string{"RTM", l.ItemRef.Key}
				if qty = min(qty, s.free[at]); qty == 0 {
					continue
				}
				s.free[at] -= qty
			}
			lines = append(lines, values{
				"type": "line", "product": s.product[l.ItemRef.Key], "quantity": qty, "unit": s.unitOf(company, l.ItemRef.Key),
				"unit_price": each(l.UnitPrice), "taxes": link(s.tax),
			})
		}
		a := o.AccountRef.Key
		account := company.accounts[slices.IndexFunc(company.accounts, func(x trade.Account) bool { return x.Number == a })]
		place := slices.IndexFunc(account.Locations, func(l trade.AccountLocation) bool { return l.Code == o.ShipToRef.Key })
		row := values{
			"party": s.party[a], "company": s.companyID, "currency": s.currency, "reference": text(o.CustomerPoNumber),
			"invoice_address": s.address[a][0], "shipment_address": s.address[a][place],
			"price_list": s.list[a], "payment_term": s.term(account.PaymentTerms), "invoice_method": "shipment", "shipment_method": "order",
			"warehouse": s.warehouse["RTM"],
			"sale_date": date(o.PlacedAt), "carrier": s.carrierOf["SWFT"], "lines": made(lines...),
		}
		if o.RequestedDeliveryDate != nil {
			row["shipping_date"] = rpc.Date{Date: *o.RequestedDeliveryDate}
		}
		rows = append(rows, row)
	}
	ids := s.create("sale.sale", rows...)
	var quoted []int
	for i, id := range ids {
		if i%lives != draft {
			quoted = append(quoted, id)
		}
	}
	s.button("sale.sale", "quote", quoted...)
	for i, id := range ids {
		s.live(i%lives, i, id)
	}
}

// live takes a sale through its life.
func (s *seed) live(life, n, sale int) {
	switch life {
	case draft, offered:
		return
	case dropped:
		s.button("sale.sale", "cancel", sale)
		return
	}
	s.button("sale.sale", "confirm", sale)
	if life == waiting {
		return
	}
	out := s.search("stock.shipment.out", is("moves.origin.sale.id", sale, "sale.line"))[0]
	type quantified struct {
		ID       int
		Quantity rpc.Number
	}
	moves := func(field string) (all []quantified) {
		var rows []struct {
			Outgoing  []int `json:"outgoing_moves"`
			Inventory []int `json:"inventory_moves"`
		}
		s.find(&rows, "stock.shipment.out", []any{is("id", out)}, "outgoing_moves", "inventory_moves")
		ids := rows[0].Outgoing
		if field == "inventory_moves" {
			ids = rows[0].Inventory
		}
		s.find(&all, "stock.move", []any{[]any{"id", "in", ids}}, "quantity")
		return all
	}
	if life == partly {
		for _, m := range moves("inventory_moves") {
			s.set("stock.move", []int{m.ID}, values{"quantity": max(1, whole(m.Quantity.Decimal)/2)})
		}
	}
	s.do(nil, "model.stock.shipment.out.assign_try", []int{out})
	if life == assigned {
		return
	}
	s.button("stock.shipment.out", "pick", out)
	if life == picked {
		return
	}
	var content []int
	for _, m := range moves("outgoing_moves") {
		content = append(content, m.ID)
	}
	s.one("stock.package", values{
		"type": s.carton, "company": s.companyID, "shipment": reference("stock.shipment.out", out), "moves": link(content...),
		"shipping_reference": trackingNumber(n), "packaging_weight": 1.5, "packaging_weight_uom": s.kilogram,
	})
	s.button("stock.shipment.out", "pack", out)
	if life == packed {
		return
	}
	s.button("stock.shipment.out", "done", out)
	if life == sent {
		return
	}
	invoices := s.search("account.invoice", is("lines.origin.sale.id", sale, "sale.line"))
	s.button("account.invoice", "post", invoices...)
	if life == paid {
		s.pay(invoices[0])
	}
	if life == returned {
		s.takeBack(n, sale)
	}
}

func (s *seed) pay(invoice int) {
	var rows []struct {
		Account, Currency int
		Due               rpc.Decimal `json:"amount_to_pay"`
	}
	s.find(&rows, "account.invoice", []any{is("id", invoice)}, "account", "currency", "amount_to_pay")
	active := values{"active_model": "account.invoice", "active_id": invoice, "active_ids": []int{invoice}}
	var opened []any
	s.do(&opened, "wizard.account.invoice.pay.create")
	s.within(active, nil, "wizard.account.invoice.pay.execute", opened[0], values{"start": values{
		"payment_method": s.method, "date": s.today, "amount": rows[0].Due, "currency": rows[0].Currency, "currency_digits": 2,
		"description": nil, "company": s.companyID, "invoice_account": rows[0].Account,
	}}, "choice")
}

// takeBack sends the first line of a sale back: as a sale of less than nothing
// that names the other as its origin.
func (s *seed) takeBack(n, sale int) {
	var sales []values
	s.find(&sales, "sale.sale", []any{is("id", sale)}, "party", "reference", "invoice_address", "shipment_address", "price_list",
		"payment_term")
	var lines []struct {
		Product, Unit int
		Quantity      rpc.Number
		Price         rpc.Decimal `json:"unit_price"`
	}
	s.find(&lines, "sale.line", []any{is("sale", sale), is("type", "line")}, "product", "unit", "quantity", "unit_price")
	row := sales[0]
	delete(row, "id")
	row["company"], row["currency"], row["warehouse"], row["origin"] = s.companyID, s.currency, s.warehouse["RTM"],
		reference("sale.sale", sale)
	row["invoice_method"], row["shipment_method"], row["sale_date"] = "shipment", "order", s.today
	row["lines"] = made(values{
		"type": "line", "product": lines[0].Product, "unit": lines[0].Unit, "unit_price": lines[0].Price, "taxes": link(s.tax),
		"quantity": -max(1, whole(lines[0].Quantity.Decimal)/4),
	})
	back := s.one("sale.sale", row)
	s.button("sale.sale", "quote", back)
	if n/lives%4 == 0 {
		return
	}
	s.button("sale.sale", "confirm", back)
	if n/lives%4 == 1 {
		return
	}
	in := s.search("stock.shipment.out.return", is("moves.origin.sale.id", back, "sale.line"))[0]
	s.button("stock.shipment.out.return", "receive", in)
	s.button("stock.shipment.out.return", "done", in)
	if n/lives%4 == 3 {
		s.button("account.invoice", "post", s.search("account.invoice", is("lines.origin.sale.id", back, "sale.line"))...)
	}
}

// settle brings stock to what the company has on hand and allocated.
func (s *seed) settle(company *books) {
	s.say("stock as it is")
	outside := map[string]map[int]int64{} // in other zones than the storage, by warehouse and product
	for _, w := range company.warehouses {
		outside[w.Code] = map[int]int64{}
		figure := func(place int, sign int64) {
			var rows []struct {
				ID       int
				Quantity float64
			}
			s.within(values{"locations": []int{place}, "with_childs": true, "stock_date_end": s.today}, &rows, "model.product.product.search_read",
				[]any{[]any{"id", "in", s.products()}}, 0, nil, []any{}, []string{"quantity"})
			for _, r := range rows {
				outside[w.Code][r.ID] += sign * int64(r.Quantity)
			}
		}
		figure(s.warehouse[w.Code], 1)
		figure(s.storage[w.Code], -1)
	}
	// What is picked stands outside the storage and counts as allocated.
	s.count(company, func(row trade.Stock) int64 {
		return whole(row.OnHand) - outside[row.WarehouseRef.Key][s.product[row.ItemRef.Key]]
	})
	for _, w := range company.warehouses {
		var moves []values
		for _, row := range company.stock {
			if n := s.free[[2]string{w.Code, row.ItemRef.Key}]; row.WarehouseRef.Key == w.Code && n > 0 {
				moves = append(moves, values{
					"product": s.product[row.ItemRef.Key], "uom": s.unitOf(company, row.ItemRef.Key), "quantity": n, "from_location": s.storage[w.Code],
					"to_location": s.reserved,
					"company":     s.companyID, "currency": s.currency,
				})
			}
		}
		id := s.one("stock.shipment.internal",
			values{
				"company": s.companyID, "from_location": s.storage[w.Code], "to_location": s.reserved, "reference": "Reserved for projects",
				"moves": made(moves...),
			})
		s.button("stock.shipment.internal", "wait", id)
		s.do(nil, "model.stock.shipment.internal.assign_try", []int{id})
	}
}

func (s *seed) products() (ids []int) {
	for _, id := range s.product {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
