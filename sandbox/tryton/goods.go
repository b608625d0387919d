package main

import (
	"fmt"
	"slices"

	"github.com/quagmt/udecimal"

	"portico/sources/tryton/rpc"
	"portico/trade"
)

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

func (s *seed) units(company *books) {
	s.say("units")
	s.unit = map[string]int{}
	for _, item := range company.items {
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

func (s *seed) items(company *books) {
	s.say("items")
	s.categories = map[string]int{}
	for _, c := range company.categories {
		row := values{"name": c.Name}
		if c.ParentRef.Key != "" {
			row["parent"] = s.categories[c.ParentRef.Key]
		}
		s.categories[c.Code] = s.one("product.category", row)
	}
	s.template, s.product = map[string]int{}, map[string]int{}
	for rows := range slices.Chunk(company.items, 200) {
		var list []values
		for _, item := range rows {
			list = append(list, s.item(company, &item))
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
func (s *seed) item(company *books, item *trade.Item) values {
	list := udecimal.Zero
	for _, prices := range company.prices {
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
		"code": item.SKU, "name": item.Name, "type": "goods", "default_uom": base, "sale_uom": base, "purchase_uom": base,
		"list_price": rpc.Decimal{Decimal: list},
		"salable":    item.Status != trade.ItemOnHold, "purchasable": item.Status == trade.ItemActive,
		"categories": link(s.categories[item.CategoryRef.Key]), "account_category": s.category,
		"products": made(values{"cost_price": rpc.Decimal{Decimal: cost}, "description": text(item.Description), "identifiers": made(codes...)}),
	}
}
