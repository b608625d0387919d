package tryton

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/quagmt/udecimal"

	"portico/sources/tryton/rpc"
	"portico/trade"
)

// known is what is read once for many calls, until it is a while old or the feed
// tells of a change: units, terms, the company, and whom and what prices are of.
type known struct {
	tables *expirable.LRU[string, any]
	buyers *expirable.LRU[string, buyer]
	goods  *expirable.LRU[string, good]
}

const knownFor = time.Minute

func newKnown() known {
	return known{
		expirable.NewLRU[string, any](100, nil, knownFor), expirable.NewLRU[string, buyer](10_000, nil, knownFor),
		expirable.NewLRU[string, good](100_000, nil, knownFor),
	}
}

func (k *known) forget() {
	k.tables.Purge()
	k.buyers.Purge()
	k.goods.Purge()
}

// table is a small table of Tryton's that is read whole.
func table[T any](ctx context.Context, e *ERP, name string, read func(context.Context) (T, error)) (T, error) {
	if t, ok := e.known.tables.Get(name); ok {
		return t.(T), nil //nolint:errcheck // only these are put in
	}
	t, err := read(ctx)
	if err == nil {
		e.known.tables.Add(name, t)
	}
	return t, err
}

type companyRow struct {
	row
	Currency struct {
		Code string `json:"code"`
	} `json:"currency."`
	Party struct {
		Name string `json:"name"`
	} `json:"party."`
}

// own is the company that Portico is of.
func (e *ERP) own(ctx context.Context) (companyRow, error) {
	return table(ctx, e, "company", func(ctx context.Context) (companyRow, error) {
		rows, err := search[companyRow](ctx, e, "company.company", []any{}, 0, nil)
		if err != nil {
			return companyRow{}, err
		}
		id, err := e.client.Context(ctx, "company")
		if err != nil {
			return companyRow{}, err
		}
		for _, r := range rows {
			if id == float64(r.ID) {
				return r, nil
			}
		}
		return companyRow{}, errors.New("the company is not to be read")
	})
}

type uom struct {
	row
	Symbol   string     `json:"symbol"`
	Category int        `json:"category"`
	Factor   rpc.Number `json:"factor"`
}

// units are by id.
type units map[int]uom

func (e *ERP) units(ctx context.Context) (units, error) {
	return table(ctx, e, "units", func(ctx context.Context) (units, error) {
		rows, err := search[uom](ctx, e, "product.uom", []any{where("active", "in", []bool{true, false})}, 0, nil)
		all := units{}
		for _, u := range rows {
			all[u.ID] = u
		}
		return all, err
	})
}

// code is Portico's code of a unit.
func (u units) code(id int) (string, error) {
	if code := unitCodes[u[id].Symbol]; code != "" {
		return code, nil
	}
	return "", fmt.Errorf("unit %.20q has no meaning here", u[id].Symbol)
}

// of is the id of a unit of a category by Portico's code of it, or 0.
func (u units) of(category int, code string) int {
	best := 0
	for id, x := range u {
		if x.Category == category && unitCodes[x.Symbol] == code && (best == 0 || id < best) {
			best = id
		}
	}
	return best
}

// each is how many units of base one unit is.
func (u units) each(id, base int) udecimal.Decimal {
	each, err := u[id].Factor.Div(u[base].Factor.Decimal)
	if err != nil {
		return udecimal.Zero
	}
	return each.RoundBank(6)
}

type term struct {
	row
	Name  string `json:"name"`
	Lines []struct {
		Deltas []struct {
			Days *int `json:"days"`
		} `json:"relativedeltas."`
	} `json:"lines."`
}

func (e *ERP) terms(ctx context.Context) (map[int]*trade.PaymentTerms, error) {
	return table(ctx, e, "terms", func(ctx context.Context) (map[int]*trade.PaymentTerms, error) {
		rows, err := search[term](ctx, e, "account.invoice.payment_term", []any{where("active", "in", []bool{true, false})}, 0, nil)
		all := map[int]*trade.PaymentTerms{}
		for _, t := range rows {
			days := 0
			for _, l := range t.Lines {
				sum := 0
				for _, d := range l.Deltas {
					if d.Days != nil {
						sum += *d.Days
					}
				}
				days = max(days, sum)
			}
			all[t.ID] = &trade.PaymentTerms{Description: t.Name, NetDays: &days}
		}
		return all, err
	})
}

func termOf(terms map[int]*trade.PaymentTerms, id *int) *trade.PaymentTerms {
	if id == nil {
		return nil
	}
	return terms[*id]
}
