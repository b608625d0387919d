package main

import (
	"fmt"
	"slices"

	"github.com/quagmt/udecimal"

	"portico/sources/tryton/rpc"
	"portico/trade"
)

// parties are customers with their places, branches and part numbers, suppliers,
// and a carrier.
func (s *seed) parties(company *books) {
	s.say("parties")
	s.party, s.address = map[string]int{}, map[string][]int{}
	limits := map[string]trade.CreditPosition{}
	for _, c := range company.credit {
		limits[c.AccountRef.Key] = c
	}
	var rows []values
	for _, a := range company.accounts {
		var places []values
		for i, l := range a.Locations {
			places = append(places, values{
				"party_name": text(l.Address.Name), "street": text(l.Address.Line1), "postal_code": text(l.Address.PostalCode),
				"city":    text(l.Address.City),
				"country": s.countries[l.Address.Country], "sequence": i + 1, "invoice": slices.Contains(l.Roles, trade.BillTo),
				"delivery": slices.Contains(l.Roles, trade.ShipTo),
			})
		}
		row := values{"name": a.Name, "code": a.Number, "addresses": made(places...), "customer_payment_term": s.term(a.PaymentTerms)}
		if c := limits[a.Number]; c.Limit != nil {
			row["credit_limit_amount"] = rpc.Decimal{Decimal: c.Limit.Amount}
		}
		rows = append(rows, row)
	}
	for _, p := range company.suppliers {
		rows = append(rows, values{
			"name": p.Name, "code": p.Code, "supplier_payment_term": s.term(&trade.PaymentTerms{Description: "Net 30 days"}),
			"addresses": made(values{
				"street": "Industrieweg 1", "city": "Tilburg", "country": s.countries["NL"], "invoice": true,
				"delivery": true,
			}),
		})
	}
	for i, id := range s.create("party.party", rows...) {
		s.party[rows[i]["code"].(string)] = id //nolint:errcheck // it was asked for as text
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
	for _, a := range company.accounts {
		if a.ParentRef.Key != "" {
			s.one("party.relation.all", values{"from_": s.party[a.Number], "to": s.party[a.ParentRef.Key], "type": branch})
		}
		for _, item := range company.items {
			if own := a.PartNumbers[item.SKU]; own != "" {
				numbers = append(numbers, values{
					"template": s.template[item.SKU], "product": s.product[item.SKU], "party": s.party[a.Number],
					"code": own,
				})
			}
		}
	}
	s.create("sale.product_customer", numbers...)
	haulier := s.one("party.party",
		values{"name": "Swift Parcel", "code": "SWFT", "addresses": made(values{"city": "Venlo", "country": s.countries["NL"]})})
	service := s.one("product.template", values{
		"code": "CARRIAGE", "name": "Carriage", "type": "service", "default_uom": s.search("product.uom", is("symbol", "u"))[0],
		"list_price": decimal("0"), "salable": true,
		"sale_uom": s.search("product.uom", is("symbol", "u"))[0], "account_category": s.category,
		"products": made(values{"cost_price": decimal("0")}),
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
func (s *seed) prices(company *books) {
	s.say("price lists")
	s.list = map[string]int{}
	family := map[string]*trade.Item{} // an item of each category: all are packed alike
	items := map[string]*trade.Item{}
	for i := range company.items {
		family[company.items[i].CategoryRef.Key] = &company.items[i]
		items[company.items[i].SKU] = &company.items[i]
	}
	contracts := map[string]trade.Contract{}
	for _, c := range company.contracts {
		contracts[c.AccountRef.Key] = c
	}
	for _, a := range company.accounts {
		c := contracts[a.Number]
		own := percent(company.prices[a.Number], 1, func(string) bool { return true })
		agreed := percent(company.prices[a.Number], 2, func(sku string) bool { return slices.Contains(c.Items, sku) })
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
		for _, category := range company.categories {
			if item := family[category.Code]; item != nil {
				add(values{"category": s.categories[category.Code]}, item.UnitsKnown[1].BaseQuantity, own)
			}
		}
		s.list[a.Number] = s.one("product.price_list",
			values{"name": c.Number, "company": s.companyID, "unit": "product_default", "lines": made(lines...)})
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
