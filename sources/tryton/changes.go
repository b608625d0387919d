package tryton

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/sources"
	"portico/sources/tryton/rpc"
)

// Tryton tells nobody of changes: they are asked for, by when records were
// written. That is the moment at which their transaction began, so that a long one
// appears late: each look goes back by overlap behind the newest change it knows,
// and drops what it has told. Writing a part does not touch the whole, so parts
// are looked at too. What is deleted is not seen here; reconciling finds it.

// overlap is how long a transaction may last without being missed.
const overlap = 2 * time.Minute

// watched are the models that are looked at, and the records whose changes a row
// of each tells: a subject and the path to its reference.
var watched = []struct {
	model    string
	more     []any // of its domain
	subjects map[string][]sources.Subject
}{
	{"party.party", nil, subjects{
		"code":                 {sources.OfAccounts, sources.OfCredit, sources.OfSuppliers},
		"sale_price_list.name": {sources.OfContracts},
	}},
	{"party.address", nil, subjects{"party.code": {sources.OfAccounts}}},
	{"sale.product_customer", nil, subjects{"party.code": {sources.OfAccounts}}},
	{"product.category", nil, subjects{"id": {sources.OfCategories}}},
	{"product.product", nil, subjects{"code": {sources.OfItems, sources.OfStock}}},
	{"product.template", nil, subjects{"products.code": {sources.OfItems}}},
	{"product.identifier", nil, subjects{"product.code": {sources.OfItems}}},
	{"purchase.product_supplier", nil, subjects{"template.products.code": {sources.OfItems}}},
	{"product.price_list", nil, subjects{"name": {sources.OfContracts}}},
	{"product.price_list.line", nil, subjects{"price_list.name": {sources.OfContracts}}},
	{"stock.location", []any{where("type", "=", "warehouse")}, subjects{"code": {sources.OfWarehouses}}},
	{"stock.order_point", nil, subjects{"product.code": {sources.OfStock}}},
	{"stock.move", nil, subjects{"product.code": {sources.OfStock}, "origin": nil, "shipment": nil}},
	{"stock.package", nil, subjects{"shipment": nil}},
	{"sale.sale", nil, subjects{"number": {sources.OfOrders, sources.OfReturns}, "origin": nil, "party.code": {sources.OfCredit}}},
	{"sale.line", nil, subjects{"sale.number": {sources.OfOrders, sources.OfReturns}}},
	{"purchase.purchase", nil, subjects{"number": {sources.OfPurchaseOrders}}},
	{"purchase.line", nil, subjects{"purchase.number": {sources.OfPurchaseOrders}}},
	{"stock.shipment.out", nil, subjects{"id": nil}},
	{"stock.shipment.in", nil, subjects{"id": nil}},
	{"stock.shipment.out.return", nil, subjects{"id": nil}},
	{
		"account.invoice",
		[]any{where("type", "=", "out")},
		subjects{"number": {sources.OfInvoices}, "party.code": {sources.OfCredit}, "lines.origin": nil},
	},
	{"account.invoice.line", nil, subjects{"invoice.number": {sources.OfInvoices}, "origin": nil}},
}

type subjects = map[string][]sources.Subject

// place is how far the feed was followed: the newest change that was seen of each
// model. Epoch is when following began; it is another after Tryton went back in
// time. Step counts the answers with changes, so that no two places are the same.
type place struct {
	Epoch string          `json:"epoch"`
	Step  int             `json:"step"`
	Seen  map[string]mark `json:"seen"`
}

// mark is a record and when it was changed.
type mark struct {
	ID int           `json:"id"`
	At rpc.Timestamp `json:"at"`
}

// MarshalJSON writes microseconds.
func (m mark) MarshalJSON() ([]byte, error) { return json.Marshal([2]int64{int64(m.ID), int64(m.At)}) }

// UnmarshalJSON reads them.
func (m *mark) UnmarshalJSON(text []byte) error {
	var v [2]int64
	err := json.Unmarshal(text, &v)
	m.ID, m.At = int(v[0]), rpc.Timestamp(v[1])
	return err
}

// feed remembers what was told, so that the overlap is not told again: as of the
// last place that was asked from, and as of the place that was answered with,
// which is asked from once all of it has been taken in.
type feed struct {
	mu             sync.Mutex
	at, next       string
	before, beside map[string]rpc.Timestamp // by model and id
}

// goneBack is how many models must have lost the newest record we know before we
// take Tryton for restored: some may have been deleted.
const goneBack = 3

// aPage is how many changed records a call asks for.
const aPage = 1000

// Changes looks at what was written since a place. An answer has all of it, for
// records that one transaction wrote have the same moment, and limit could cut
// between them; it has only names.
func (e *ERP) Changes(ctx context.Context, after string, _ int) (sources.Feed, error) {
	e.feed.mu.Lock()
	defer e.feed.mu.Unlock()
	if after == "" {
		return e.begin(ctx)
	}
	var from place
	if err := json.Unmarshal([]byte(after), &from); err != nil || from.Seen == nil {
		return sources.Feed{}, sources.Fail(sources.Rejected, "this is no place of the feed")
	}
	reportedAt := map[string]rpc.Timestamp{}
	switch after {
	case e.feed.next:
		reportedAt = e.feed.beside
	case e.feed.at:
		reportedAt = e.feed.before
	}
	to := place{from.Epoch, from.Step, maps.Clone(from.Seen)}
	found, lost, known, latest := &changed{refs: map[sources.Change]bool{}, leads: map[string]map[int]bool{}}, 0, rpc.Timestamp(0),
		rpc.Timestamp(0)
	now := map[string]rpc.Timestamp{}
	looks, err := e.look(ctx, from)
	if err != nil {
		return sources.Feed{}, err
	}
	for i, w := range watched {
		seen := from.Seen[w.model]
		known = max(known, seen.At)
		still := seen.ID == 0
		for _, r := range looks[i] {
			key := w.model + " " + strconv.Itoa(r.ID)
			now[key] = r.Version
			latest = max(latest, r.Version)
			still = still || r.ID == seen.ID && r.Version >= seen.At
			if r.Version > to.Seen[w.model].At {
				to.Seen[w.model] = mark{r.ID, r.Version}
			}
			if reportedAt[key] != r.Version {
				found.take(w.model, r, w.subjects)
			}
		}
		if !still {
			lost++
		}
	}
	if latest < known || lost >= goneBack {
		e.known.forget()
		return e.begin(ctx)
	}
	if err := found.addDependents(ctx, e); err != nil {
		return sources.Feed{}, err
	}
	changes := slices.SortedFunc(maps.Keys(found.refs), func(a, b sources.Change) int {
		return strings.Compare(string(a.Subject)+a.Ref, string(b.Subject)+b.Ref)
	})
	if len(changes) > 0 {
		to.Step++
	}
	// Documents and stock change all the time, and nothing that is kept is of them.
	if slices.ContainsFunc(changes, func(c sources.Change) bool {
		return slices.Contains([]sources.Subject{sources.OfAccounts, sources.OfItems, sources.OfContracts, sources.OfWarehouses}, c.Subject)
	}) {
		e.known.forget()
	}
	next, err := json.Marshal(to)
	if err != nil {
		return sources.Feed{}, err
	}
	e.feed.at, e.feed.next, e.feed.before, e.feed.beside = after, string(next), reportedAt, now
	return sources.Feed{Epoch: to.Epoch, Changes: changes, Next: string(next)}, nil
}

// atOnce is how many looks there are at a time.
const atOnce = 4

// look reads what was written to every watched model, in their order.
func (e *ERP) look(ctx context.Context, from place) ([][]written, error) {
	looks := make([][]written, len(watched))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, w := range watched {
		group.Go(func() error {
			for lastID := 0; ; {
				rows, err := e.written(ctx, w.model, append(slices.Clone(w.more), since(from.Seen[w.model].At), where("id", ">", lastID)), w.subjects,
					byID, aPage)
				if err != nil {
					return err
				}
				looks[i] = append(looks[i], rows...)
				if len(rows) < aPage {
					return nil
				}
				lastID = rows[len(rows)-1].ID
			}
		})
	}
	return looks, group.Wait()
}

// since selects what was written after a moment, less the overlap.
func since(at rpc.Timestamp) []any {
	t := rpc.DateTime{Time: time.UnixMicro(int64(at)).Add(-overlap)}
	return []any{"OR", where("write_date", ">=", t), where("create_date", ">=", t)}
}

// begin is the place that is now.
func (e *ERP) begin(ctx context.Context) (sources.Feed, error) {
	p := place{Epoch: strconv.FormatInt(time.Now().UnixMicro(), 36), Seen: map[string]mark{}}
	for _, w := range watched {
		for _, field := range []string{"write_date", "create_date"} {
			rows, err := e.written(ctx, w.model, append(slices.Clone(w.more), where(field, "!=", nil)), nil,
				[]any{[]any{field, "DESC"}, []any{"id", "DESC"}}, 1)
			if err != nil {
				return sources.Feed{}, err
			}
			if len(rows) > 0 && rows[0].Version > p.Seen[w.model].At {
				p.Seen[w.model] = mark{rows[0].ID, rows[0].Version}
			}
		}
	}
	text, err := json.Marshal(p)
	e.feed.at, e.feed.next, e.feed.before, e.feed.beside = "", "", nil, nil
	return sources.Feed{Epoch: p.Epoch, Next: string(text)}, err
}

// written is a record that was written, with the fields that tell of what.
type written struct {
	row
	fields map[string]any
}

// UnmarshalJSON reads it.
func (w *written) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &w.row); err != nil {
		return err
	}
	return json.Unmarshal(text, &w.fields)
}

func (e *ERP) written(ctx context.Context, model string, domain []any, subjects subjects, order []any, limit int) ([]written, error) {
	fields := append(slices.Sorted(maps.Keys(subjects)), "_timestamp")
	var rows []written
	err := e.client.Call(ctx, "model."+model+".search_read", []any{domain, 0, limit, order, fields}, map[string]any{"active_test": false},
		&rows)
	return rows, err
}

// changed are records that changed, and what leads to such.
type changed struct {
	refs  map[sources.Change]bool
	leads map[string]map[int]bool // ids by model
}

func (c *changed) add(ref string, subjects ...sources.Subject) {
	for _, s := range subjects {
		if ref != "" {
			c.refs[sources.Change{Subject: s, Ref: ref}] = true
		}
	}
}

func (c *changed) lead(model string, id int) {
	if c.leads[model] == nil {
		c.leads[model] = map[int]bool{}
	}
	c.leads[model][id] = true
}

func (c *changed) take(model string, w written, subjects subjects) {
	for path, subjects := range subjects {
		for _, value := range along(w.fields, path) {
			switch v := value.(type) {
			case string:
				if subjects != nil {
					c.add(v, subjects...)
				} else if to, id, is := strings.Cut(v, ","); is {
					if n, err := strconv.Atoi(id); err == nil {
						c.lead(to, n)
					}
				}
			case float64:
				if subjects != nil {
					c.add(strconv.Itoa(int(v)), subjects...)
				} else {
					c.lead(model, int(v))
				}
			}
		}
	}
}

// along are the values at the end of a dotted path.
func along(fields map[string]any, path string) []any {
	head, rest, more := strings.Cut(path, ".")
	if !more {
		return []any{fields[head]}
	}
	var all []any
	switch v := fields[head+"."].(type) {
	case map[string]any:
		all = along(v, rest)
	case []any:
		for _, x := range v {
			if m, ok := x.(map[string]any); ok {
				all = append(all, along(m, rest)...)
			}
		}
	}
	return all
}

// addDependents resolves what leads to records: lines to their documents, and shipments
// to themselves and the orders they are of, whose lines are allocated when they
// are assigned.
func (c *changed) addDependents(ctx context.Context, e *ERP) error {
	for model, kind := range map[string]string{
		"stock.shipment.out": isOutgoing, "stock.shipment.in": isIncoming,
		"stock.shipment.out.return": isBack,
	} {
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(c.leads[model])), 500) {
			rows, err := e.written(ctx, model, []any{where("id", "in", ids)}, subjects{"number": nil}, byID, len(ids))
			if err != nil {
				return err
			}
			for _, r := range rows {
				if n, ok := r.fields["number"].(string); ok {
					c.add(kind+n, sources.OfShipments)
				}
			}
			moves, err := search[move](ctx, e, "stock.move", []any{where("shipment", "in", references(model, ids))}, 0, nil)
			if err != nil {
				return err
			}
			for _, m := range moves {
				for _, to := range []string{"sale.line", "purchase.line"} {
					if id := leadsTo(m.Origin, to); id != 0 {
						c.lead(to, id)
					}
				}
			}
		}
	}
	for _, l := range []struct {
		model, path string
		subjects    []sources.Subject
	}{
		{"sale.line", "sale.number", []sources.Subject{sources.OfOrders, sources.OfReturns}},
		{"sale.sale", "number", []sources.Subject{sources.OfOrders}},
		{"purchase.line", "purchase.number", []sources.Subject{sources.OfPurchaseOrders}},
	} {
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(c.leads[l.model])), 500) {
			rows, err := e.written(ctx, l.model, []any{where("id", "in", ids)}, subjects{l.path: nil}, byID, len(ids))
			if err != nil {
				return err
			}
			for _, r := range rows {
				for _, n := range along(r.fields, l.path) {
					if number, ok := n.(string); ok {
						c.add(number, l.subjects...)
					}
				}
			}
		}
	}
	return nil
}
