package tryton

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
	"portico/trade/operating"
)

// row is what every record tells of itself.
type row struct {
	ID      int           `json:"id"`
	Version rpc.Timestamp `json:"_timestamp"`
}

func (r row) self() row { return r }

// numbered is a document; one without a number is a draft of somebody's.
type numbered struct {
	Number *string `json:"number"`
}

func (n numbered) number() string {
	if n.Number == nil {
		return ""
	}
	return *n.Number
}

// coded is another record, of which the code is all that is needed.
type coded struct {
	Code string `json:"code"`
}

// amounts are the sums of a document.
type amounts struct {
	Net      rpc.Decimal `json:"untaxed_amount"`
	Tax      rpc.Decimal `json:"tax_amount"`
	Total    rpc.Decimal `json:"total_amount"`
	Currency coded       `json:"currency."`
}

func (a amounts) money(d rpc.Decimal) trade.Money {
	return trade.Money{Amount: d.Decimal, Currency: a.Currency.Code}
}

func (a amounts) totals() trade.Totals {
	tax := a.money(a.Tax)
	return trade.Totals{Subtotal: a.money(a.Net), Discount: trade.Money{Currency: a.Currency.Code}, Tax: &tax, Total: a.money(a.Total)}
}

// each is a price for one unit.
func (a amounts) each(price rpc.Decimal, unit string) *trade.UnitPrice {
	return &trade.UnitPrice{Price: a.money(price), Per: trade.Quantity{Value: udecimal.One, Unit: unit}}
}

// record is a row of any model.
type record interface{ self() row }

// stamp is the provenance of a record: its key in Tryton, and the newest change
// among it and its parts. Its source and instance are set by whoever routes the
// call.
func stamp(key string, newest rpc.Timestamp) trade.Provenance {
	text, now := strconv.FormatInt(int64(newest), 10), time.Now()
	return trade.Provenance{Mode: trade.Live, AsOf: &now, ReceivedAt: now, SourceRef: &key, SourceVersion: &text, Sequence: int64(newest)}
}

// newest is the latest of the versions of a record and its parts.
func newest[R record](head rpc.Timestamp, parts ...[]R) rpc.Timestamp {
	for _, list := range parts {
		for _, p := range list {
			head = max(head, p.self().Version)
		}
	}
	return head
}

var byID = []any{[]any{"id", "ASC"}}

func where(field, operator string, value any) []any { return []any{field, operator, value} }

// search reads the fields of a row of the records that a domain selects, in the
// order of their ids, at most limit of them; 0 is all. A dotted field that leads
// to another record tells what is there now, in the same call.
func search[R any](ctx context.Context, e *ERP, model string, domain []any, limit int, more map[string]any) ([]R, error) {
	most := any(nil)
	if limit > 0 {
		most = limit
	}
	var rows []R
	err := e.client.Call(ctx, "model."+model+".search_read", []any{domain, 0, most, byID, fieldsOf[R]()}, more, &rows)
	return rows, err
}

// first is the first row of a domain; it fails with missing where there is none.
func first[R any](ctx context.Context, e *ERP, model string, domain []any, missing error) (*R, error) {
	rows, err := search[R](ctx, e, model, domain, 1, nil)
	if err != nil || len(rows) == 0 {
		return nil, cmpError(err, missing)
	}
	return &rows[0], nil
}

// raw is a row before it is read, so that one that cannot be read costs only
// itself.
type raw[R any] struct {
	id   int
	text json.RawMessage
}

// UnmarshalJSON keeps the text.
func (r *raw[R]) UnmarshalJSON(text []byte) error {
	var of struct{ ID int }
	_ = json.Unmarshal(text, &of)
	r.id, r.text = of.ID, slices.Clone(text)
	return nil
}

// parts are rows that belong to others, by the id of those.
type parts[R any] map[int][]R

// partsOf reads the rows of a model whose field leads to one of ids.
func partsOf[R any](ctx context.Context, e *ERP, model, field string, ids any, of func(*R) int, more ...any) (parts[R], error) {
	rows, err := search[R](ctx, e, model, append([]any{where(field, "in", ids)}, more...), 0, nil)
	if err != nil {
		return nil, err
	}
	all := parts[R]{}
	for i := range rows {
		all[of(&rows[i])] = append(all[of(&rows[i])], rows[i])
	}
	return all, nil
}

// mapping is how records of a model become Portico's.
type mapping[R record, T any] struct {
	kind   string // as a rejected record names it
	model  string
	field  string // that references are of; they are its text
	domain []any
	key    func(*R) string
	// with reads what belongs to the rows of a page, and tells how one becomes a
	// record. skip leaves it out.
	with func(ctx context.Context, e *ERP, rows []R, ids []int) (as func(*R) (record T, skip bool, err error), err error)
}

// read reads records by reference, or the next ones by id.
func (m mapping[R, T]) read(ctx context.Context, e *ERP, q sources.Query) (sources.Page[T], error) {
	var page sources.Page[T]
	domain := slices.Clone(m.domain)
	if len(q.Refs) > 0 {
		var refs any = q.Refs
		if m.field == "id" {
			refs = numbers(q.Refs)
		}
		domain = append(domain, where(m.field, "in", refs))
	} else {
		after, err := 0, error(nil)
		if q.After != "" {
			if after, err = strconv.Atoi(q.After); err != nil {
				return page, sources.Fail(sources.Rejected, "a page of %s begins at no id", m.kind)
			}
		}
		domain = append(domain, where("id", ">", after))
	}
	var texts []raw[R]
	most := any(nil)
	if q.Limit > 0 && len(q.Refs) == 0 {
		most = q.Limit
	}
	if err := e.client.Call(ctx, "model."+m.model+".search_read", []any{domain, 0, most, byID, fieldsOf[R]()}, nil, &texts); err != nil {
		return page, err
	}
	rows, ids := make([]R, 0, len(texts)), make([]int, 0, len(texts))
	reject := func(key string, err error) {
		page.Rejected = append(page.Rejected, operating.RejectedRecord{Kind: m.kind, SourceRef: &key, Reason: err.Error(), At: time.Now()})
	}
	for _, t := range texts {
		var r R
		if err := json.Unmarshal(t.text, &r); err != nil {
			reject(m.key(&r), sources.Misshapen(err))
			continue
		}
		rows, ids = append(rows, r), append(ids, t.id)
	}
	if len(q.Refs) == 0 && q.After == "" {
		if err := e.client.Call(ctx, "model."+m.model+".search_count", []any{append([]any{}, m.domain...)}, nil, &page.Total); err != nil {
			return page, err
		}
	}
	if len(q.Refs) == 0 && len(texts) == q.Limit {
		page.Next = strconv.Itoa(texts[len(texts)-1].id)
	}
	if len(rows) == 0 {
		return page, nil
	}
	as, err := m.with(ctx, e, rows, ids)
	if err != nil {
		return page, err
	}
	for i := range rows {
		record, skip, err := as(&rows[i])
		switch {
		case err != nil:
			reject(m.key(&rows[i]), err)
		case !skip:
			page.Records = append(page.Records, record)
		}
	}
	return page, nil
}

// numbers are the references that are ids.
func numbers(refs []string) []int {
	ids := []int{}
	for _, r := range refs {
		if id, err := strconv.Atoi(r); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

func references(model string, ids []int) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = fmt.Sprint(model, ",", id)
	}
	return all
}

// leadsTo is the id in a reference such as sale.line,12 when it is of the model,
// or 0.
func leadsTo(reference *string, model string) int {
	if reference == nil {
		return 0
	}
	var id int
	if _, err := fmt.Sscanf(*reference, model+",%d", &id); err != nil {
		return 0
	}
	return id
}

func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// placed is the moment of a document whose day is set by hand: when it was
// written, if that was on the day.
func (e *ERP) placed(day *rpc.Date, written rpc.DateTime) time.Time {
	if day == nil || trade.DateOf(written.Time, e.zone) == day.Date {
		return written.UTC()
	}
	y, m, d := day.Time().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, e.zone).UTC()
}

func plain(d *rpc.Date) *trade.Date {
	if d == nil {
		return nil
	}
	return &d.Date
}
