package tryton

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

// A contract is a price list of one customer with lines for products that hold
// between days; its number is the list's name.

type priceList struct {
	row
	Name  string       `json:"name"`
	Begun rpc.DateTime `json:"create_date"`
}

type priceLine struct {
	row
	List    int       `json:"price_list"`
	From    *rpc.Date `json:"start_date"`
	To      *rpc.Date `json:"end_date"`
	Product *coded    `json:"product."`
}

type listOf struct {
	row
	List *int   `json:"sale_price_list"`
	Code string `json:"code"`
}

// agreed are the lines of price lists that make contracts.
func (e *ERP) agreed(ctx context.Context, lists []int) (parts[priceLine], error) {
	return partsOf(ctx, e, "product.price_list.line", "price_list", lists, func(l *priceLine) int { return l.List },
		where("product", "!=", nil), []any{"OR", where("start_date", "!=", nil), where("end_date", "!=", nil)})
}

var contracts = mapping[priceList, trade.Contract]{
	kind: "contracts", model: "product.price_list", field: "name", key: func(l *priceList) string { return l.Name },
	domain: []any{[]any{"OR", where("lines.start_date", "!=", nil), where("lines.end_date", "!=", nil)}},
	with: func(ctx context.Context, e *ERP, _ []priceList, ids []int) (func(*priceList) (trade.Contract, bool, error), error) {
		lines, err := e.agreed(ctx, ids)
		of, err2 := partsOf(ctx, e, "party.party", "sale_price_lists.sale_price_list", ids, func(l *listOf) int {
			if l.List == nil { // of another company
				return 0
			}
			return *l.List
		})
		return func(l *priceList) (trade.Contract, bool, error) {
			c := trade.Contract{
				Number: l.Name, ValidFrom: trade.DateOf(l.Begun.Time, e.zone),
				Provenance: stamp(l.Name, newest(newest(l.Version, lines[l.ID]), of[l.ID])),
			}
			if len(lines[l.ID]) == 0 || len(of[l.ID]) != 1 {
				return c, true, nil // a list of many is no contract
			}
			c.AccountRef = trade.Key(of[l.ID][0].Code)
			for i, x := range lines[l.ID] {
				if i == 0 && x.From != nil || x.From != nil && x.From.Before(c.ValidFrom) {
					c.ValidFrom = x.From.Date
				}
				if x.To != nil && (c.ValidTo == nil || c.ValidTo.Before(x.To.Date)) {
					c.ValidTo = &x.To.Date
				}
				if !slices.Contains(c.Items, x.Product.Code) {
					c.Items = append(c.Items, x.Product.Code)
				}
			}
			return c, false, nil
		}, errors.Join(err, err2)
	},
}

// Contracts are the price lists of one customer with days.
func (e *ERP) Contracts(ctx context.Context, q sources.Query) (sources.Page[trade.Contract], error) {
	return contracts.read(ctx, e, q)
}

// buyer is whom a price is for; without a list it is the list price.
type buyer struct {
	ID     int    `json:"id"`
	Code   string `json:"code"`
	Active bool   `json:"active"`
	List   *int   `json:"sale_price_list"`
}

// good is what a price is of.
type good struct {
	ID      int    `json:"id"`
	Code    string `json:"code"`
	Active  bool   `json:"active"`
	Salable bool   `json:"salable"`
	Base    int    `json:"default_uom"`
	Sale    *int   `json:"sale_uom"`
}

// ask is what one call can answer: Tryton takes a quantity, a unit, a customer
// and a day for all products of a call.
type ask struct {
	account, quantity string
	unit              int // 0 is each product's own sale unit
	day               trade.Date
}

// most is how many prices a call asks for: each takes Tryton 4 ms.
const most = 100

// Prices are calculated by Tryton, in a call for each account, quantity, unit and
// day. It tells the net price alone: no steps, and no breaks, each of which would
// be a call.
func (e *ERP) Prices(ctx context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	var accounts, skus []string
	for _, k := range keys {
		accounts, skus = append(accounts, k.Account), append(skus, k.SKU)
	}
	own, err := e.own(ctx)
	if err != nil {
		return nil, err
	}
	units, err := e.units(ctx)
	if err != nil {
		return nil, err
	}
	buyers, err := lookUp(ctx, e, e.known.buyers, "party.party", customers.domain, accounts, func(b buyer) string { return b.Code })
	if err != nil {
		return nil, err
	}
	products, err := lookUp(ctx, e, e.known.goods, "product.product", goods, skus, func(g good) string { return g.Code })
	if err != nil {
		return nil, err
	}
	results := make([]trade.PriceResult, len(keys))
	asked := map[ask][]int{} // places of keys
	var order []ask
	for i, k := range keys {
		b, known := buyers[k.Account]
		g, sold := products[k.SKU]
		if !known || !b.Active || !sold || !g.Active || !g.Salable {
			results[i] = &trade.PriceUnavailable{Reason: trade.NotEntitled, Message: "This account may not buy this item."}
			continue
		}
		a := ask{k.Account, k.Quantity, 0, k.Day}
		if g.Sale == nil || unitCodes[units[*g.Sale].Symbol] != k.Unit {
			if a.unit = units.of(units[g.Base].Category, k.Unit); a.unit == 0 {
				results[i] = noPrice()
				continue
			}
		}
		if asked[a] == nil {
			order = append(order, a)
		}
		asked[a] = append(asked[a], i)
	}
	for _, a := range order {
		for places := range slices.Chunk(asked[a], most) {
			ids := make([]int, 0, len(places))
			for _, i := range places {
				if id := products[keys[i].SKU].ID; !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
			b := buyers[a.account]
			prices, err := e.calculate(ctx, a, b, ids)
			if err != nil {
				return nil, err
			}
			contract, err := e.contractOf(ctx, b)
			if err != nil {
				return nil, err
			}
			for _, i := range places {
				results[i] = priceResult(keys[i], prices[products[keys[i].SKU].ID], b, contract, own.Currency.Code)
			}
		}
	}
	return results, nil
}

func noPrice() trade.PriceResult {
	return &trade.PriceUnavailable{Reason: trade.NoValidPrice, Message: "No price holds for this quantity, unit and day."}
}

// priceResult is a price of Tryton's; nil is one that it cannot calculate, and nothing
// one that it has not.
func priceResult(k trade.PriceKey, amount *rpc.Decimal, b buyer, contract agreement, currency string) trade.PriceResult {
	switch {
	case amount == nil:
		return noPrice()
	case !amount.IsPos():
		return &trade.PriceUnavailable{Reason: trade.CallForPrice, Message: "The price of this item is given on request."}
	}
	p := &trade.Price{
		SKU: k.SKU, Kind: trade.BaseListPrice, Provenance: readNow(k.SKU),
		UnitPrice: trade.UnitPrice{
			Price: trade.Money{Amount: amount.Decimal, Currency: currency},
			Per:   trade.Quantity{Value: udecimal.One, Unit: k.Unit},
		},
	}
	if b.List != nil {
		p.Kind = trade.CustomerListPrice
	}
	for _, l := range contract.lines {
		if l.Product.Code == k.SKU && (l.From == nil || !k.Day.Before(l.From.Date)) && (l.To == nil || !l.To.Before(k.Day)) {
			p.Kind, p.ContractKey, p.ValidFrom, p.ValidTo = trade.ContractPrice, contract.number, plain(l.From), plain(l.To)
			break
		}
	}
	return p
}

// agreement is what of a price list makes a contract.
type agreement struct {
	number string
	lines  []priceLine
}

func (e *ERP) contractOf(ctx context.Context, b buyer) (agreement, error) {
	if b.List == nil {
		return agreement{}, nil
	}
	return table(ctx, e, "list "+strconv.Itoa(*b.List), func(ctx context.Context) (agreement, error) {
		lists, err := search[priceList](ctx, e, "product.price_list", []any{where("id", "=", *b.List)}, 0, nil)
		if err != nil || len(lists) == 0 {
			return agreement{}, err
		}
		lines, err := e.agreed(ctx, []int{*b.List})
		return agreement{lists[0].Name, lines[*b.List]}, err
	})
}

// calculate asks for prices. A formula that fails for one product fails the call:
// the products are halved then, until it stands alone.
func (e *ERP) calculate(ctx context.Context, a ask, b buyer, ids []int) (map[int]*rpc.Decimal, error) {
	quantity, err := udecimal.Parse(a.quantity)
	if err != nil {
		return nil, sources.Fail(sources.Rejected, "a quantity that is none")
	}
	more := map[string]any{"customer": b.ID, "quantity": rpc.Number{Decimal: quantity}, "date": rpc.Date{Date: a.day}, "price_list": b.List}
	if a.unit != 0 {
		more["uom"] = a.unit
	}
	var rows []struct {
		ID    int          `json:"id"`
		Price *rpc.Decimal `json:"sale_price_uom"`
	}
	err = e.client.Call(ctx, "model.product.product.read", []any{ids, []string{"sale_price_uom"}}, more, &rows)
	all := map[int]*rpc.Decimal{}
	switch {
	case sources.KindOf(err) == sources.Garbled && len(ids) == 1:
		all[ids[0]] = nil
		return all, nil
	case sources.KindOf(err) == sources.Garbled:
		for _, half := range [][]int{ids[:len(ids)/2], ids[len(ids)/2:]} {
			part, err := e.calculate(ctx, a, b, half)
			if err != nil {
				return nil, err
			}
			for id, p := range part {
				all[id] = p
			}
		}
		return all, nil
	}
	for _, r := range rows {
		if all[r.ID] = r.Price; r.Price == nil {
			all[r.ID] = &rpc.Decimal{} // it has none
		}
	}
	return all, err
}

// cache is what of it lookUp needs.
type cache[V any] interface {
	Get(key string) (V, bool)
	Add(key string, v V) bool
}

// lookUp finds records by code, those that are not known yet in one call.
func lookUp[V any](ctx context.Context, e *ERP, known cache[V], model string, domain []any, codes []string,
	of func(V) string,
) (map[string]V, error) {
	all := map[string]V{}
	var missing []string
	for _, c := range codes {
		if v, ok := known.Get(c); ok {
			all[c] = v
		} else if !slices.Contains(missing, c) {
			missing = append(missing, c)
		}
	}
	if len(missing) == 0 {
		return all, nil
	}
	rows, err := search[V](ctx, e, model, append(slices.Clone(domain), where("code", "in", missing)), 0, nil)
	for _, v := range rows {
		known.Add(of(v), v)
		all[of(v)] = v
	}
	return all, err
}
