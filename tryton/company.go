package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources/tryton/rpc"
	"portico/trade"
)

func decimal(text string) rpc.Decimal { return rpc.Decimal{Decimal: udecimal.MustParse(text)} }

// company makes the company, its money and the users' place in it.
func (s *seed) company(password string) {
	s.say("company and users")
	s.currency = s.one("currency.currency", values{
		"name": "Euro", "symbol": "€", "code": "EUR", "numeric_code": "978", "rounding": decimal("0.01"), "digits": 2,
		"rates": made(values{"date": date(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), "rate": decimal("1")}),
	})
	s.countries = map[string]int{}
	for _, c := range [][3]string{{"NL", "NLD", "Netherlands"}, {"BE", "BEL", "Belgium"}, {"DE", "DEU", "Germany"}, {"FR", "FRA", "France"}, {"DK", "DNK", "Denmark"}, {"AT", "AUT", "Austria"}} {
		s.countries[c[0]] = s.one("country.country", values{"code": c[0], "code3": c[1], "name": c[2]})
	}
	own := s.one("party.party", values{"name": "Northgate Distribution B.V.", "code": "OWN", "addresses": made(values{"street": "Havenweg 1", "postal_code": "3011 AA", "city": "Rotterdam", "country": s.countries["NL"]})})
	s.companyID = s.one("company.company", values{"party": own, "currency": s.currency, "timezone": "Europe/Amsterdam"})
	admin := s.search("res.user", is("login", "admin"))
	s.set("res.user", admin, values{"companies": link(s.companyID), "company": s.companyID})
	s.client.Forget() // the session, whose context has no company
	robot := s.one("party.party", values{"name": "Portico", "code": "ROBOT"})
	s.employee = s.one("company.employee", values{"party": robot, "company": s.companyID})
	s.set("res.user", admin, values{"employees": link(s.employee), "employee": s.employee})
	s.client.Forget()
	var groups []struct {
		ID   int
		Name string
	}
	s.find(&groups, "res.group", []any{}, "name")
	var want []int
	for _, g := range groups {
		if slices.Contains([]string{"Sales", "Purchase", "Stock", "Account", "Product Administration", "Party Administration"}, g.Name) {
			want = append(want, g.ID)
		}
	}
	s.one("res.user", values{
		"name": "Portico", "login": "portico", "password": password, "companies": link(s.companyID), "company": s.companyID,
		"employees": link(s.employee), "employee": s.employee, "groups": link(want...),
	})
}

// wizard runs one step of a wizard after another.
func (s *seed) wizard(name string, steps func(step func(button string, data values))) {
	var opened []any
	s.do(&opened, "wizard."+name+".create")
	steps(func(button string, data values) {
		s.do(nil, "wizard."+name+".execute", opened[0], data, button)
	})
	s.do(nil, "wizard."+name+".delete", opened[0])
}

// accounting makes the chart of accounts, years, a tax, terms of payment and a
// way to pay.
func (s *seed) accounting() {
	s.say("accounts and years")
	var data []struct {
		DBID int `json:"db_id"`
	}
	s.find(&data, "ir.model.data", []any{is("module", "account"), is("fs_id", "account_template_root_en")}, "db_id")
	chart := values{"account_template": data[0].DBID, "company": s.companyID}
	account := func(kind string) int {
		return s.search("account.account", is("type."+kind, true), is("company", s.companyID), is("closed", false))[0]
	}
	s.wizard("account.create_chart", func(step func(string, values)) {
		step("create_account", values{"account": chart})
		step("create_properties", values{"account": chart, "properties": values{
			"company": s.companyID, "account_receivable": account("receivable"), "account_payable": account("payable"),
		}})
	})
	s.revenue, s.expense = account("revenue"), account("expense")
	named := func(name string) int {
		return s.search("account.account", is("name", name), is("company", s.companyID))[0]
	}
	kind := func(name string) int { return s.search("ir.sequence.type", is("name", name))[0] }
	for year := s.today.Time().Year() - 1; year <= s.today.Time().Year()+1; year++ {
		moves := s.one("ir.sequence", values{"name": fmt.Sprint("Moves ", year), "company": s.companyID, "sequence_type": kind("Account Move")})
		var numbers [4]int
		for i, prefix := range []string{"INV", "CRN", "BIL", "BCN"} {
			numbers[i] = s.one("ir.sequence.strict", values{
				"name": fmt.Sprint(prefix, " ", year), "prefix": fmt.Sprintf("%s%d-", prefix, year), "padding": 5, "company": s.companyID, "sequence_type": kind("Invoice"),
			})
		}
		id := s.one("account.fiscalyear", values{
			"name": fmt.Sprint(year), "company": s.companyID, "post_move_sequence": moves,
			"start_date": date(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)), "end_date": date(time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)),
			"invoice_sequences": made(values{
				"company": s.companyID, "out_invoice_sequence": numbers[0], "out_credit_note_sequence": numbers[1],
				"in_invoice_sequence": numbers[2], "in_credit_note_sequence": numbers[3],
			}),
		})
		s.button("account.fiscalyear", "create_period", id)
	}
	s.tax = s.one("account.tax", values{
		"name": "VAT 21%", "description": "VAT 21%", "type": "percentage", "rate": decimal("0.21"), "company": s.companyID,
		"invoice_account": named("Main Tax"), "credit_note_account": named("Main Tax"),
	})
	s.category = s.one("product.category", values{
		"name": "Goods 21%", "accounting": true, "account_expense": s.expense, "account_revenue": s.revenue, "customer_taxes": link(s.tax), "supplier_taxes": link(s.tax),
	})
	s.journal = s.search("account.journal", is("type", "cash"))[0]
	s.method = s.one("account.invoice.payment.method", values{
		"name": "Bank", "company": s.companyID, "journal": s.journal, "credit_account": named("Main Cash"), "debit_account": named("Main Cash"),
	})
}

// term is the term of payment with a text and days.
func (s *seed) term(t *trade.PaymentTerms) any {
	if t == nil {
		return nil
	}
	if s.terms[t.Description] == 0 {
		days := 0
		if t.NetDays != nil {
			days = *t.NetDays
		}
		s.terms[t.Description] = s.one("account.invoice.payment_term", values{
			"name": t.Description, "lines": made(values{"type": "remainder", "relativedeltas": made(values{"days": days})}),
		})
	}
	return s.terms[t.Description]
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func (s *seed) warehouses(told *books) {
	s.say("warehouses")
	s.warehouse, s.storage = map[string]int{}, map[string]int{}
	own := s.search("party.party", is("code", "OWN"))[0]
	old := s.search("stock.location", is("type", "warehouse"))
	for _, w := range told.warehouses {
		place := s.one("party.address", values{"party": own, "city": text(w.Location.City), "country": s.countries[text(w.Location.Country)]})
		zone := func(name, kind string) int {
			return s.one("stock.location", values{"name": w.Name + " " + name, "code": w.Code + "-" + strings.ToUpper(name), "type": kind})
		}
		s.storage[w.Code] = zone("storage", "storage")
		s.warehouse[w.Code] = s.one("stock.location", values{
			"name": w.Name, "code": w.Code, "type": "warehouse", "address": place, "storage_location": s.storage[w.Code],
			"input_location": zone("in", "storage"), "output_location": zone("out", "storage"), "lost_found_location": zone("lost", "lost_found"),
		})
	}
	s.set("stock.location", old, values{"active": false})
	s.reserved = s.one("stock.location", values{"name": "Reserved for projects", "code": "RESERVED", "type": "storage"})
}

// unitSymbols are the units as Tryton knows them.
var unitSymbols = map[string]string{"EA": "PCE", "MTR": "MTR", "BX": "BOX", "PX": "PAL"}

// unitKey names a unit in the group of units of items packed alike.
func unitKey(item *trade.Item, unit string) string { return packing(item) + " " + unit }

func packing(item *trade.Item) string {
	key := item.BaseUnit
	for _, u := range item.UnitsKnown[1:] {
		key += fmt.Sprintf(" %s %s", u.Unit, u.BaseQuantity)
	}
	return key
}

func (s *seed) units(told *books) {
	s.say("units")
	s.unit = map[string]int{}
	for _, item := range told.items {
		if s.unit[unitKey(&item, item.BaseUnit)] != 0 {
			continue
		}
		group := s.one("product.uom.category", values{"name": packing(&item)})
		for _, u := range item.UnitsKnown {
			factor := u.BaseQuantity
			s.unit[unitKey(&item, u.Unit)] = s.one("product.uom", values{
				"name": unitSymbols[u.Unit], "symbol": unitSymbols[u.Unit], "category": group, "factor": rpc.Number{Decimal: factor},
				"rate": rpc.Number{Decimal: udecimal.One.MustDiv(factor).RoundBank(12)}, "rounding": 1, "digits": 0,
			})
		}
	}
	s.kilogram = s.search("product.uom", is("symbol", "kg"))[0]
}

// step is what the step from list to net price at a place changes for a piece: the
// list price, then the customer's discount, then the agreement's.
func step(p *trade.Price, place int) udecimal.Decimal {
	if place >= len(p.Waterfall) {
		return udecimal.Zero
	}
	return p.Waterfall[place].Change.Amount.MustDiv(p.UnitPrice.Per.Value)
}

func (s *seed) items(told *books) {
	s.say("items")
	s.categories = map[string]int{}
	for _, c := range told.categories {
		row := values{"name": c.Name}
		if c.ParentRef.Key != "" {
			row["parent"] = s.categories[c.ParentRef.Key]
		}
		s.categories[c.Code] = s.one("product.category", row)
	}
	s.template, s.product = map[string]int{}, map[string]int{}
	for rows := range slices.Chunk(told.items, 200) {
		var list []values
		for _, item := range rows {
			list = append(list, s.item(told, &item))
		}
		ids := s.create("product.template", list...)
		var found []struct{ ID, Template int }
		s.find(&found, "product.product", []any{[]any{"template", "in", ids}}, "template")
		products := map[int]int{}
		for _, p := range found {
			products[p.Template] = p.ID
		}
		for i, item := range rows {
			s.template[item.SKU], s.product[item.SKU] = ids[i], products[ids[i]]
		}
	}
}

// item is a template with its one product. What the company sells on request
// only, or not at all, has no list price.
func (s *seed) item(told *books, item *trade.Item) values {
	list := udecimal.Zero
	for _, prices := range told.prices {
		if p := prices[item.SKU]; p != nil {
			list = step(p, 0)
		}
	}
	codes := []values{}
	for _, u := range item.UnitsKnown {
		if u.GTIN != nil {
			codes = append(codes, values{"type": "ean", "code": *u.GTIN})
		}
	}
	for _, id := range item.Identifiers {
		codes = append(codes, values{"type": nil, "code": id.Value})
	}
	cost := list.Mul(udecimal.MustParse("0.6")).RoundBank(4)
	base := s.unit[unitKey(item, item.BaseUnit)]
	return values{
		"code": item.SKU, "name": item.Name, "type": "goods", "default_uom": base, "sale_uom": base, "purchase_uom": base, "list_price": rpc.Decimal{Decimal: list},
		"salable": item.Status != trade.ItemOnHold, "purchasable": item.Status == trade.ItemActive, "categories": link(s.categories[item.CategoryRef.Key]), "account_category": s.category,
		"products": made(values{"cost_price": rpc.Decimal{Decimal: cost}, "description": text(item.Description), "identifiers": made(codes...)}),
	}
}

// parties are customers with their places, branches and part numbers, suppliers,
// and a carrier.
func (s *seed) parties(told *books) {
	s.say("parties")
	s.party, s.address = map[string]int{}, map[string][]int{}
	limits := map[string]trade.CreditPosition{}
	for _, c := range told.credit {
		limits[c.AccountRef.Key] = c
	}
	var rows []values
	for _, a := range told.accounts {
		var places []values
		for i, l := range a.Locations {
			places = append(places, values{
				"party_name": text(l.Address.Name), "street": text(l.Address.Line1), "postal_code": text(l.Address.PostalCode), "city": text(l.Address.City),
				"country": s.countries[l.Address.Country], "sequence": i + 1, "invoice": slices.Contains(l.Roles, trade.BillTo), "delivery": slices.Contains(l.Roles, trade.ShipTo),
			})
		}
		row := values{"name": a.Name, "code": a.Number, "addresses": made(places...), "customer_payment_term": s.term(a.PaymentTerms)}
		if c := limits[a.Number]; c.Limit != nil {
			row["credit_limit_amount"] = rpc.Decimal{Decimal: c.Limit.Amount}
		}
		rows = append(rows, row)
	}
	for _, p := range told.suppliers {
		rows = append(rows, values{
			"name": p.Name, "code": p.Code, "supplier_payment_term": s.term(&trade.PaymentTerms{Description: "Net 30 days"}),
			"addresses": made(values{"street": "Industrieweg 1", "city": "Tilburg", "country": s.countries["NL"], "invoice": true, "delivery": true}),
		})
	}
	for i, id := range s.create("party.party", rows...) {
		s.party[rows[i]["code"].(string)] = id
	}
	var places []struct{ ID, Party int }
	s.find(&places, "party.address", []any{}, "party")
	for code, id := range s.party {
		for _, p := range places {
			if p.Party == id {
				s.address[code] = append(s.address[code], p.ID)
			}
		}
	}
	head := s.one("party.relation.type", values{"name": "Head office of"})
	branch := s.one("party.relation.type", values{"name": "Branch of", "reverse": head})
	s.set("party.relation.type", []int{head}, values{"reverse": branch})
	var numbers []values
	for _, a := range told.accounts {
		if a.ParentRef.Key != "" {
			s.one("party.relation.all", values{"from_": s.party[a.Number], "to": s.party[a.ParentRef.Key], "type": branch})
		}
		for _, item := range told.items {
			if own := a.PartNumbers[item.SKU]; own != "" {
				numbers = append(numbers, values{"template": s.template[item.SKU], "product": s.product[item.SKU], "party": s.party[a.Number], "code": own})
			}
		}
	}
	s.create("sale.product_customer", numbers...)
	haulier := s.one("party.party", values{"name": "Swift Parcel", "code": "SWFT", "addresses": made(values{"city": "Venlo", "country": s.countries["NL"]})})
	service := s.one("product.template", values{
		"code": "CARRIAGE", "name": "Carriage", "type": "service", "default_uom": s.search("product.uom", is("symbol", "u"))[0], "list_price": decimal("0"), "salable": true,
		"sale_uom": s.search("product.uom", is("symbol", "u"))[0], "account_category": s.category, "products": made(values{"cost_price": decimal("0")}),
	})
	carriage := s.search("product.product", is("template", service))[0]
	s.carrierOf = map[string]int{"SWFT": s.one("carrier", values{"party": haulier, "carrier_product": carriage})}
	s.carton = s.one("stock.package.type", values{"name": "Carton"})
}

// percent is which whole percentage of the list price the step at a place takes,
// as the dearest item tells, whose rounding hides it least.
func percent(prices map[string]*trade.Price, place int, takes func(sku string) bool) int {
	best, found := udecimal.Zero, 0
	for sku, p := range prices {
		list := step(p, 0)
		if !takes(sku) || !list.GreaterThan(best) {
			continue
		}
		share := step(p, place).Neg().Mul(udecimal.MustFromInt64(100, 0)).MustDiv(list).RoundBank(0)
		n, _ := share.Int64()
		best, found = list, int(n)
	}
	return found
}

// prices makes a price list for each account: its agreement's items while it
// holds, then everything, each with its price from a number of packs on. The
// formulas round as the company does, down to a hundredth of a cent.
func (s *seed) prices(told *books) {
	s.say("price lists")
	s.list = map[string]int{}
	family := map[string]*trade.Item{} // an item of each category: all are packed alike
	items := map[string]*trade.Item{}
	for i := range told.items {
		family[told.items[i].CategoryRef.Key] = &told.items[i]
		items[told.items[i].SKU] = &told.items[i]
	}
	contracts := map[string]trade.Contract{}
	for _, c := range told.contracts {
		contracts[c.AccountRef.Key] = c
	}
	for _, a := range told.accounts {
		c := contracts[a.Number]
		own := percent(told.prices[a.Number], 1, func(string) bool { return true })
		agreed := percent(told.prices[a.Number], 2, func(sku string) bool { return slices.Contains(c.Items, sku) })
		var lines []values
		add := func(row values, pack udecimal.Decimal, cuts ...int) {
			for _, scale := range []struct {
				packs int64
				pct   int
			}{{50, 6}, {10, 3}, {0, 0}} {
				line := values{"sequence": len(lines) + 1, "formula": formula(append(slices.Clone(cuts), scale.pct)...)}
				for k, v := range row {
					line[k] = v
				}
				if scale.packs > 0 {
					line["quantity"] = rpc.Number{Decimal: pack.Mul(udecimal.MustFromInt64(scale.packs, 0))}
				}
				lines = append(lines, line)
			}
		}
		for _, sku := range c.Items {
			row := values{"product": s.product[sku], "start_date": rpc.Date{Date: c.ValidFrom}}
			if c.ValidTo != nil {
				row["end_date"] = rpc.Date{Date: *c.ValidTo}
			}
			add(row, items[sku].UnitsKnown[1].BaseQuantity, own, agreed)
		}
		for _, category := range told.categories {
			if item := family[category.Code]; item != nil {
				add(values{"category": s.categories[category.Code]}, item.UnitsKnown[1].BaseQuantity, own)
			}
		}
		s.list[a.Number] = s.one("product.price_list", values{"name": c.Number, "company": s.companyID, "unit": "product_default", "lines": made(lines...)})
		s.set("party.party", []int{s.party[a.Number]}, values{"sale_price_list": s.list[a.Number]})
	}
}

func formula(cuts ...int) string {
	f := "unit_price"
	for _, pct := range cuts {
		if pct > 0 {
			f += fmt.Sprintf(" - (unit_price * 100 * %d // 1) / 10000", pct)
		}
	}
	return f
}
