// Package resolvers serves the spike's schema from memory and plants faults by hash, so
// that two executors meet the same ones whatever order they ask in.
package resolvers

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"portico/graph/execution/difftest/graph"
	"portico/graph/execution/difftest/model"
)

type Resolver struct {
	Seed  int
	Nulls int // per thousand
	Errs  int // per thousand
	Whole int // per thousand: a whole call fails, panics or has a wrong length
	mu    sync.Mutex
	Calls map[string]int
}

func (r *Resolver) hash(parts ...string) int {
	h := fnv.New32a()
	fmt.Fprint(h, r.Seed, parts)
	return int(h.Sum32()>>3) % 1000
}

func (r *Resolver) count(coord string) {
	r.mu.Lock()
	if r.Calls != nil {
		r.Calls[coord]++
	}
	r.mu.Unlock()
}

func batch[P, R any](r *Resolver, coord string, objs []P, id func(P) string, f func(P) R) ([]R, error) {
	r.count(coord)
	if r.Whole > 0 {
		switch n := r.hash("whole", coord); {
		case n < r.Whole:
			return nil, errors.New("source down: " + coord)
		case n < 2*r.Whole:
			panic("boom " + coord)
		case n < 3*r.Whole:
			return make([]R, len(objs)+1), nil
		}
	}
	out := make([]R, len(objs))
	var errs graphql.BatchErrorList
	for i, o := range objs {
		if reflect.ValueOf(o).IsNil() { // the stock executor passes the nulls of a list as parents
			continue
		}
		if r.Nulls+r.Errs > 0 {
			n := r.hash(coord, id(o))
			if n < r.Nulls {
				continue
			}
			if n < r.Nulls+r.Errs {
				if errs == nil {
					errs = make(graphql.BatchErrorList, len(objs))
				}
				errs[i] = fmt.Errorf("%s failed for %s", coord, id(o))
				continue
			}
		}
		out[i] = f(o)
	}
	if errs != nil {
		return out, errs
	}
	return out, nil
}

func single[R any](r *Resolver, coord, id string, f func() R) (R, error) {
	var zero R
	r.count(coord)
	if r.Nulls+r.Errs > 0 {
		n := r.hash(coord, id)
		if n < r.Nulls {
			return zero, nil
		}
		if n < r.Nulls+r.Errs {
			return zero, fmt.Errorf("%s failed for %s", coord, id)
		}
		if n > 999-r.Whole {
			panic("boom " + coord)
		}
	}
	return f(), nil
}

func (r *Resolver) null(parts ...string) bool { return r.Nulls > 0 && r.hash(parts...) < r.Nulls }

func ptr[T any](v T) *T { return &v }

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (r *Resolver) order(id string) *model.Order {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, "o"))
	o := &model.Order{
		ID: id, Number: "SO-" + id, Status: model.AllOrderStatus[n%3], PlacedAt: ptr(start.Add(time.Duration(n) * time.Hour)),
		Tags: []string{"a", "b\n"}, Labels: []*string{ptr("é\"x"), nil}, Total: model.Decimal(n * 1234), Contact: r.contact(id),
		AccountID: "a" + strconv.Itoa(n%3),
	}
	if n%2 == 0 {
		o.Note, o.Tags, o.PlacedAt = ptr("note "+id), nil, nil
	}
	if r.Nulls > 0 {
		o.Planted = r.hash("planted", id) % 12
	}
	return o
}

func (r *Resolver) contact(id string) *model.Contact {
	if r.null("contact", id) {
		return nil
	}
	c := &model.Contact{Name: "N " + id, Email: ptr("e@x"), Phone: ptr("1")}
	if r.null("phone", id) {
		c.Phone = nil
	}
	return c
}

func (r *Resolver) account(id string) *model.Account {
	return &model.Account{ID: id, Name: "A " + id, Credit: ptr(model.Decimal(100)), Manager: r.contact(id)}
}

func (r *Resolver) item(id string) *model.Item {
	n, _ := strconv.Atoi(strings.TrimPrefix(id, "i"))
	return &model.Item{ID: id, Sku: "SKU" + id, Name: fmt.Sprintf("Item %d", n), Aliases: []string{"x", id}}
}

func (r *Resolver) lines(o *model.Order, n int) []*model.OrderLine {
	out := make([]*model.OrderLine, n)
	for i := range out {
		id := o.ID + "l" + strconv.Itoa(i)
		if r.null("line", id) {
			continue
		}
		out[i] = &model.OrderLine{
			ID: id, OrderID: o.ID, ItemID: "i" + strconv.Itoa((i*7+len(o.ID))%9), LineNo: i + 1,
			Quantity: float64(i) + 0.5, UnitPrice: model.Decimal(i * 99),
		}
	}
	return out
}

func (r *Resolver) shipment(id, order string) *model.Shipment {
	s := &model.Shipment{ID: id, OrderID: order, Tracking: "T" + id, Status: "moving"}
	if r.hash("carrier", id) > 500 {
		s.Carrier = ptr("DHL")
	}
	return s
}

func (r *Resolver) node(id string) model.Node {
	switch {
	case id == "":
	case id[0] == 'o':
		return r.order(id)
	case id[0] == 'a':
		return r.account(id)
	case id[0] == 'i':
		return r.item(id)
	case id[0] == 's':
		return r.shipment(id, "o1")
	}
	return nil
}

type (
	queryR      struct{ *Resolver }
	mutationR   struct{ *Resolver }
	subR        struct{ *Resolver }
	orderR      struct{ *Resolver }
	accountR    struct{ *Resolver }
	lineR       struct{ *Resolver }
	itemR       struct{ *Resolver }
	shipmentR   struct{ *Resolver }
	eventR      struct{ *Resolver }
	connectionR struct{ *Resolver }
	entityR     struct{ *Resolver }
)

func (r *Resolver) Query() graph.QueryResolver                     { return queryR{r} }
func (r *Resolver) Mutation() graph.MutationResolver               { return mutationR{r} }
func (r *Resolver) Subscription() graph.SubscriptionResolver       { return subR{r} }
func (r *Resolver) Order() graph.OrderResolver                     { return orderR{r} }
func (r *Resolver) Account() graph.AccountResolver                 { return accountR{r} }
func (r *Resolver) OrderLine() graph.OrderLineResolver             { return lineR{r} }
func (r *Resolver) Item() graph.ItemResolver                       { return itemR{r} }
func (r *Resolver) Shipment() graph.ShipmentResolver               { return shipmentR{r} }
func (r *Resolver) ShipmentEvent() graph.ShipmentEventResolver     { return eventR{r} }
func (r *Resolver) OrderConnection() graph.OrderConnectionResolver { return connectionR{r} }
func (r *Resolver) Entity() graph.EntityResolver                   { return entityR{r} }

func oid(o *model.Order) string { return o.ID }

func (r queryR) Order(ctx context.Context, id string) (*model.Order, error) {
	return single(r.Resolver, "Query.order", id, func() *model.Order { return r.order(id) })
}

func (r queryR) Orders(ctx context.Context, first *int) (*model.OrderConnection, error) {
	return single(r.Resolver, "Query.orders", fmt.Sprint(*first), func() *model.OrderConnection {
		c := &model.OrderConnection{PageInfo: &model.PageInfo{EndCursor: ptr("c")}}
		for i := range *first {
			o := r.order("o" + strconv.Itoa(i))
			e := &model.OrderEdge{Cursor: o.ID, Node: o}
			if r.null("edge", o.ID) {
				e.Node = nil
			}
			c.Edges, c.Nodes = append(c.Edges, e), append(c.Nodes, o)
		}
		return c
	})
}

func (r queryR) Node(ctx context.Context, id string) (model.Node, error) {
	return single(r.Resolver, "Query.node", id, func() model.Node { return r.node(id) })
}

func (r queryR) Nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	return single(r.Resolver, "Query.nodes", fmt.Sprint(ids), func() []model.Node {
		out := make([]model.Node, len(ids))
		for i, id := range ids {
			out[i] = r.node(id)
		}
		return out
	})
}

func (r queryR) Search(ctx context.Context, text *string, limit *int) ([]model.Document, error) {
	return single(r.Resolver, "Query.search", fmt.Sprint(*limit), func() []model.Document { return r.documents("q", *limit) })
}

func (r *Resolver) documents(of string, n int) []model.Document {
	var out []model.Document
	for i := range n {
		switch i % 3 {
		case 0:
			out = append(out, r.order("o"+strconv.Itoa(i)))
		case 1:
			out = append(out, r.shipment("s"+of+strconv.Itoa(i), "o"+strconv.Itoa(i)))
		case 2:
			out = append(out, r.item("i"+strconv.Itoa(i)))
		}
	}
	if r.null("doc", of) {
		out = append(out, nil)
	}
	return out
}

func (r queryR) Items(ctx context.Context, first *int, min *model.Decimal) ([]*model.Item, error) {
	return single(r.Resolver, "Query.items", fmt.Sprint(*first), func() []*model.Item {
		out := make([]*model.Item, *first)
		for i := range out {
			out[i] = r.item("i" + strconv.Itoa(i))
		}
		return out
	})
}

func (r queryR) Strict(ctx context.Context) (*model.Item, error) {
	return single(r.Resolver, "Query.strict", "", func() *model.Item { return r.item("i1") })
}

func (r mutationR) Rename(ctx context.Context, in model.RenameInput) (*model.RenamePayload, error) {
	return single(r.Resolver, "Mutation.rename", in.ID, func() *model.RenamePayload {
		if in.ID == "" || in.ID[0] != 'o' {
			return &model.RenamePayload{Errors: []model.UserError{model.NotFound{Message: "no such order", ID: in.ID}}}
		}
		o := r.order(in.ID)
		if in.Number != nil {
			o.Number = *in.Number
		}
		return &model.RenamePayload{Order: o}
	})
}

func (r mutationR) Confirm(ctx context.Context, id string) (*model.Order, error) {
	return single(r.Resolver, "Mutation.confirm", id, func() *model.Order { return r.order(id) })
}

func (r subR) ShipmentChanged(ctx context.Context, id *string) (<-chan *model.ShipmentEvent, error) {
	ch := make(chan *model.ShipmentEvent, 3)
	for i := range 3 {
		ch <- &model.ShipmentEvent{ID: "e" + strconv.Itoa(i), ShipmentID: "s" + strconv.Itoa(i), Code: "C", At: start}
	}
	close(ch)
	return ch, nil
}

func (r orderR) Account(ctx context.Context, objs []*model.Order) ([]*model.Account, error) {
	return batch(r.Resolver, "Order.account", objs, oid, func(o *model.Order) *model.Account { return r.account(o.AccountID) })
}

func (r orderR) Lines(ctx context.Context, objs []*model.Order) ([][]*model.OrderLine, error) {
	return batch(r.Resolver, "Order.lines", objs, oid, func(o *model.Order) []*model.OrderLine { return r.lines(o, 2) })
}

func (r orderR) Page(ctx context.Context, objs []*model.Order, first *int) ([]*model.LineConnection, error) {
	return batch(r.Resolver, "Order.page", objs, oid, func(o *model.Order) *model.LineConnection {
		c := &model.LineConnection{Nodes: r.lines(o, *first)}
		for _, l := range c.Nodes {
			c.Edges = append(c.Edges, model.LineEdge{Cursor: "x", Node: l})
		}
		return c
	})
}

func (r orderR) Shipments(ctx context.Context, objs []*model.Order) ([][]*model.Shipment, error) {
	return batch(r.Resolver, "Order.shipments", objs, oid, func(o *model.Order) []*model.Shipment {
		if r.hash("noships", o.ID) > 800 {
			return nil
		}
		return []*model.Shipment{r.shipment("s"+o.ID, o.ID)}
	})
}

func (r orderR) Documents(ctx context.Context, objs []*model.Order) ([][]model.Document, error) {
	return batch(r.Resolver, "Order.documents", objs, oid, func(o *model.Order) []model.Document { return r.documents(o.ID, 3) })
}

func (r orderR) Related(ctx context.Context, objs []*model.Order) ([][]model.Node, error) {
	return batch(r.Resolver, "Order.related", objs, oid, func(o *model.Order) []model.Node {
		return []model.Node{r.item("i3"), nil, r.account("a1"), r.shipment("sr"+o.ID, o.ID), r.order("o7")}
	})
}

func (r accountR) Orders(ctx context.Context, objs []*model.Account, first *int) ([][]*model.Order, error) {
	return batch(r.Resolver, "Account.orders", objs, func(a *model.Account) string { return a.ID }, func(a *model.Account) []*model.Order {
		out := make([]*model.Order, *first)
		for i := range out {
			out[i] = r.order("o" + strconv.Itoa(i+3))
		}
		return out
	})
}

func (r lineR) Item(ctx context.Context, objs []*model.OrderLine) ([]*model.Item, error) {
	return batch(r.Resolver, "OrderLine.item", objs, lid, func(l *model.OrderLine) *model.Item { return r.item(l.ItemID) })
}
func lid(l *model.OrderLine) string { return l.ID }
func (r lineR) Substitute(ctx context.Context, objs []*model.OrderLine) ([]*model.Item, error) {
	return batch(r.Resolver, "OrderLine.substitute", objs, lid, func(l *model.OrderLine) *model.Item { return r.item("i5") })
}

func (r lineR) Order(ctx context.Context, objs []*model.OrderLine) ([]*model.Order, error) {
	return batch(r.Resolver, "OrderLine.order", objs, lid, func(l *model.OrderLine) *model.Order { return r.order(l.OrderID) })
}
func iid(i *model.Item) string { return i.ID }
func (r itemR) Stock(ctx context.Context, objs []*model.Item, wh *string) ([][]*model.StockLevel, error) {
	return batch(r.Resolver, "Item.stock", objs, iid, func(i *model.Item) []*model.StockLevel {
		out := []*model.StockLevel{}
		for k := range 2 {
			s := &model.StockLevel{Warehouse: &model.Warehouse{ID: "w" + strconv.Itoa(k), Code: "W"}, OnHand: k * 7, Reserved: k}
			if r.null("warehouse", i.ID, strconv.Itoa(k)) {
				s.Warehouse = nil
			}
			out = append(out, s)
		}
		return out
	})
}

func (r itemR) Price(ctx context.Context, objs []*model.Item, cur *string, p *model.PriceFor) ([]*model.Money, error) {
	return batch(r.Resolver, "Item.price", objs, iid, func(i *model.Item) *model.Money {
		m := &model.Money{Amount: 995, Currency: "null"}
		if cur != nil {
			m.Currency = *cur
		}
		if p != nil {
			m.Amount *= model.Decimal(*p.Quantity)
		}
		return m
	})
}

func (r itemR) Hint(ctx context.Context, objs []*model.Item, length int) ([]string, error) {
	return batch(r.Resolver, "Item.hint", objs, iid, func(i *model.Item) string { return i.Name[:min(length, len(i.Name))] })
}

func (r shipmentR) LatestEvent(ctx context.Context, objs []*model.Shipment) ([]*model.ShipmentEvent, error) {
	return batch(r.Resolver, "Shipment.latestEvent", objs, func(s *model.Shipment) string { return s.ID },
		func(s *model.Shipment) *model.ShipmentEvent {
			e := &model.ShipmentEvent{ID: "e" + s.ID, ShipmentID: s.ID, Code: "C", At: start}
			if r.null("at", s.ID) {
				e.At = time.Time{}
			}
			return e
		})
}

func (r shipmentR) Order(ctx context.Context, objs []*model.Shipment) ([]*model.Order, error) {
	return batch(r.Resolver, "Shipment.order", objs, func(s *model.Shipment) string { return s.ID },
		func(s *model.Shipment) *model.Order { return r.order(s.OrderID) })
}

func (r eventR) Shipment(ctx context.Context, objs []*model.ShipmentEvent) ([]*model.Shipment, error) {
	return batch(r.Resolver, "ShipmentEvent.shipment", objs, func(e *model.ShipmentEvent) string { return e.ID },
		func(e *model.ShipmentEvent) *model.Shipment { return r.shipment(e.ShipmentID, "o1") })
}

func (r connectionR) TotalCount(ctx context.Context, objs []*model.OrderConnection) ([]*int, error) {
	return batch(r.Resolver, "OrderConnection.totalCount", objs, func(c *model.OrderConnection) string { return fmt.Sprint(len(c.Nodes)) },
		func(c *model.OrderConnection) *int { return ptr(len(c.Nodes)) })
}

func (r entityR) FindAccount(ctx context.Context, reps []*model.AccountRepresentation) ([]*model.Account, error) {
	return batch(r.Resolver, "Entity.findAccount", reps, func(a *model.AccountRepresentation) string { return deref(a.ID) },
		func(a *model.AccountRepresentation) *model.Account { return r.account(deref(a.ID)) })
}

func (r entityR) FindItem(ctx context.Context, reps []*model.ItemRepresentation) ([]*model.Item, error) {
	return batch(r.Resolver, "Entity.findItem", reps, func(a *model.ItemRepresentation) string { return deref(a.ID) + deref(a.Sku) },
		func(a *model.ItemRepresentation) *model.Item {
			if id := deref(a.ID); id != "" {
				return r.item(id)
			}
			return r.item(strings.TrimPrefix(deref(a.Sku), "SKU"))
		})
}

func (r entityR) FindOrder(ctx context.Context, reps []*model.OrderRepresentation) ([]*model.Order, error) {
	return batch(r.Resolver, "Entity.findOrder", reps, func(a *model.OrderRepresentation) string { return deref(a.ID) },
		func(a *model.OrderRepresentation) *model.Order { return r.order(deref(a.ID)) })
}

func deref(s any) string {
	switch s := s.(type) {
	case *string:
		if s != nil {
			return *s
		}
		return ""
	case string:
		return s
	}
	return ""
}
