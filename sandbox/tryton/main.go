// Command tryton fills an empty Tryton 6.0 with the sandbox's own company: the
// same accounts, suppliers, items and warehouses, with prices, stock and
// documents in every state. It is told as one ERP moves to the next: read
// through the sandbox's adapters, and written by Tryton's own calls.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/alecthomas/kong"

	company "portico/sandbox"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/sources/tryton/rpc"
	"portico/trade"
	"portico/trade/procurement"
)

// options are of the command line.
type options struct {
	URL           string    `required:"" help:"Of the database, such as http://127.0.0.1:18000/erp."`
	AdminPassword string    `required:"" help:"Of the user admin."`
	Password      string    `required:"" help:"That the user portico gets."`
	Epoch         time.Time `required:"" format:"2006-01-02" help:"The day that the company's data end."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("tryton"), kong.Description("Fill an empty Tryton 6.0 with the sandbox's company."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "tryton:", err)
		stop()
		os.Exit(1) //nolint:gocritic // the system ends it
	}
}

func run(ctx context.Context, o options) error {
	records, err := read(ctx, o.Epoch)
	if err != nil {
		return err
	}
	client, err := rpc.Open(o.URL, "admin", func() string { return o.AdminPassword })
	if err != nil {
		return err
	}
	s := &seed{ctx: ctx, client: client, today: date(time.Now()), began: time.Now(), terms: map[string]int{}}
	return s.write(records, o.Password)
}

// write writes everything.
func (s *seed) write(records *books, password string) (err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case failure:
			err = thrown.error
		default:
			panic(thrown)
		}
	}()
	s.company(password)
	s.accounting()
	s.warehouses(records)
	s.units(records)
	s.items(records)
	s.parties(records)
	s.prices(records)
	s.stock(records)
	s.purchases(records)
	s.sales(records)
	s.settle(records)
	s.say("done")
	return nil
}

// books are what the sandbox's company tells, and its stock by item and
// warehouse.
type books struct {
	warehouses []trade.Warehouse
	categories []trade.Category
	suppliers  []procurement.TradingPartner
	accounts   []trade.Account
	credit     []trade.CreditPosition
	items      []trade.Item
	contracts  []trade.Contract
	stock      []trade.Stock
	orders     []trade.Order
	purchases  []trade.PurchaseOrder
	prices     map[string]map[string]*trade.Price // of one unit today, by account and sku
}

// read asks the company for all it has, as it is with its time stopped.
func read(ctx context.Context, epoch time.Time) (*books, error) {
	c, err := company.Open(company.Options{Epoch: epoch})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: c.Handler(), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	set, err := sandbox.OpenCompany("http://"+listener.Addr().String(), company.Key)
	if err != nil {
		return nil, err
	}
	b := &books{prices: map[string]map[string]*trade.Price{}}
	err = errors.Join(
		all(ctx, set, sources.WarehouseRecords, &b.warehouses),
		all(ctx, set, sources.CategoryRecords, &b.categories),
		all(ctx, set, sources.SupplierRecords, &b.suppliers),
		all(ctx, set, sources.AccountRecords, &b.accounts),
		all(ctx, set, sources.CreditRecords, &b.credit),
		all(ctx, set, sources.ItemRecords, &b.items),
		all(ctx, set, sources.ContractRecords, &b.contracts),
		all(ctx, set, sources.StockRecords, &b.stock),
		all(ctx, set, sources.OrderRecords, &b.orders),
		all(ctx, set, sources.PurchaseOrderRecords, &b.purchases),
	)
	if err != nil {
		return nil, err
	}
	for _, a := range b.accounts {
		keys := make([]trade.PriceKey, len(b.items))
		for i, item := range b.items {
			keys[i] = trade.PriceKey{Account: a.Number, SKU: item.SKU, Quantity: "1", Unit: item.BaseUnit, Day: trade.DateOf(epoch, time.UTC)}
		}
		records, err := set.Prices(ctx, keys)
		if err != nil {
			return nil, err
		}
		b.prices[a.Number] = map[string]*trade.Price{}
		for i, t := range records {
			if p, ok := t.(*trade.Price); ok {
				b.prices[a.Number][keys[i].SKU] = p
			}
		}
	}
	return b, nil
}

func all[P sources.Adapter, T any](ctx context.Context, set *sources.Set, of sources.Records[P, T], into *[]T) error {
	for after := ""; ; {
		page, err := of.Fetch(ctx, set, sources.Query{After: after, Limit: 500})
		if err != nil {
			return err
		}
		if len(page.Rejected) > 0 {
			return fmt.Errorf("the sandbox tells a record that cannot be read: %s", page.Rejected[0].Reason)
		}
		*into = append(*into, page.Records...)
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// values are those of a record, as Tryton takes them.
type values = map[string]any

// link and made are how a record takes others: those that are there, and new
// ones.
func link(ids ...int) []any     { return []any{[]any{"add", ids}} }
func made(rows ...values) []any { return []any{[]any{"create", rows}} }

func date(t time.Time) rpc.Date { return rpc.Date{Date: trade.DateOf(t, time.UTC)} }

// failure is thrown by the first call that fails, and caught by [seed.write]: of
// hundreds of calls each needs what the one before made.
type failure struct{ error }

// seed writes.
type seed struct {
	ctx    context.Context
	client *rpc.Client
	today  rpc.Date
	began  time.Time
	calls  int

	companyID, currency, employee    int
	tax, category, method            int
	revenue, expense                 int
	journal                          int
	countries, terms, unit, product  map[string]int
	template, warehouse, party, list map[string]int
	storage, carrierOf               map[string]int
	categories                       map[string]int
	address                          map[string][]int // of a party: by place
	reserved                         int
	carton, kilogram                 int
	bought                           map[string]bool     // what is bought from suppliers still
	free                             map[[2]string]int64 // what may be assigned, by warehouse and sku
}

// say tells how far it is.
func (s *seed) say(what string) {
	fmt.Printf("%5.1f s %5d calls  %s\n", time.Since(s.began).Seconds(), s.calls, what)
}

// do calls a method of a model.
func (s *seed) do(records any, method string, args ...any) {
	s.within(nil, records, method, args...)
}

func (s *seed) within(more values, records any, method string, args ...any) {
	s.calls++
	err := s.client.Call(s.ctx, method, args, more, records)
	if f, ok := errors.AsType[*rpc.Fault](err); ok {
		text, _ := json.Marshal(f.Detail)
		err = fmt.Errorf("%w: %s %s", err, f.Name, text[:min(len(text), 800)])
	}
	if err != nil {
		panic(failure{fmt.Errorf("%s: %w", method, err)})
	}
}

func (s *seed) create(model string, rows ...values) (ids []int) {
	if len(rows) == 0 {
		return nil
	}
	s.do(&ids, "model."+model+".create", rows)
	if len(ids) != len(rows) {
		panic(failure{fmt.Errorf("%s: %d rows made %d", model, len(rows), len(ids))})
	}
	return ids
}

func (s *seed) one(model string, row values) int { return s.create(model, row)[0] }

func (s *seed) set(model string, ids []int, row values) {
	s.do(nil, "model."+model+".write", ids, row)
}

func (s *seed) button(model, name string, ids ...int) {
	if len(ids) > 0 {
		s.do(nil, "model."+model+"."+name, ids)
	}
}

// search finds ids; at least one, or it is an error.
func (s *seed) search(model string, domain ...any) (ids []int) {
	if domain == nil {
		domain = []any{}
	}
	s.do(&ids, "model."+model+".search", domain, 0, nil, []any{[]any{"id", "ASC"}})
	if len(ids) == 0 {
		panic(failure{fmt.Errorf("there is no %s with %v", model, domain)})
	}
	return ids
}

// is is a condition of a search; of a reference's field, with the model it leads
// to.
func is(field string, value any, model ...any) []any {
	return append([]any{field, "=", value}, model...)
}

func reference(model string, id int) string { return fmt.Sprint(model, ",", id) }

// trackingNumber is the carrier's number of the n-th parcel.
func trackingNumber(n int) string { return fmt.Sprintf("SW%010d", 8000000+n) }

// find reads fields of records into told, a pointer to a slice.
func (s *seed) find(records any, model string, domain []any, fields ...string) {
	s.do(records, "model."+model+".search_read", domain, 0, nil, []any{[]any{"id", "ASC"}}, fields)
}
