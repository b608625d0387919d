package orders_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/process"
	"portico/process/durable"
	"portico/process/orders"
	"portico/process/processtest"
	"portico/process/processtest/loaded"
	"portico/process/replica"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/ordering"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// dearer is an ERP whose prices can rise.
type dearer struct {
	*sandbox.ERP
	now atomic.Bool
}

func (d *dearer) Prices(ctx context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	told, err := d.ERP.Prices(ctx, keys)
	for _, r := range told {
		if p, ok := r.(*trade.Price); ok && d.now.Load() {
			p.UnitPrice.Price.Amount = p.UnitPrice.Price.Amount.Add(udecimal.One)
			p.Waterfall[0].Change.Amount = p.Waterfall[0].Change.Amount.Add(udecimal.One)
		}
	}
	return told, err
}

// shop is what orders are placed with in these tests.
type shop struct {
	set     *sources.Set
	st      *store.Store
	engine  *durable.Engine
	prices  *sources.PriceCache
	orders  *orders.Flows
	request *ordering.OrderRequest
}

// buying is who orders.
var buying = trade.OperatorScope([]string{"order:write"})

// orderingAt places orders in an ERP.
func orderingAt(t *testing.T, w *processtest.World, erp sources.Adapter) *shop {
	t.Helper()
	st, dsn := loaded.Database.At(t)
	return orderingOn(t, w, map[string]sources.Adapter{"erp": erp}, st, dsn)
}

// orderingWithin places orders in an ERP whose answers are waited for so long.
func orderingWithin(t *testing.T, w *processtest.World, erp sources.Adapter, timeout time.Duration) *shop {
	t.Helper()
	st, dsn := loaded.Database.At(t)
	limits := sources.DefaultLimits
	limits.Timeout = timeout
	return orderingUnder(t, w, limits, map[string]sources.Adapter{"erp": erp}, st, dsn)
}

// orderingOn places orders in one of some ERPs, on a store.
func orderingOn(t *testing.T, w *processtest.World, erps map[string]sources.Adapter, st *store.Store, dsn string) *shop {
	t.Helper()
	return orderingUnder(t, w, sources.DefaultLimits, erps, st, dsn)
}

func orderingUnder(t *testing.T, w *processtest.World, limits sources.Limits, erps map[string]sources.Adapter, st *store.Store,
	dsn string,
) *shop {
	t.Helper()
	set := w.Systems(t, limits, erps)
	prices, err := set.CachePrices(1000, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := durable.Open(t.Context(), func() string { return dsn }, st, set.Names(), set.Paused, 0, time.Now,
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	o := &shop{set: set, st: st, engine: engine, prices: prices, orders: orders.New(process.NewDesk(st, set, engine, time.Now), prices)}
	r := replica.New(st, set, time.Now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	replicated, played := make(chan struct{}), make(chan error, 1)
	go func() { defer close(replicated); r.Run(ctx) }()
	go func() { played <- engine.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-replicated; <-played })
	processtest.Eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })

	accounts, err := records.AccountsByNumber(t.Context(), st, processtest.Operator, []string{"10001"})
	if err != nil {
		t.Fatal(err)
	}
	items, err := records.ItemList(processtest.Operator, records.ItemFilter{}, trade.ItemsBySKU).Page(t.Context(), st, []string{""},
		store.PageArgs{First: 50})
	if err != nil {
		t.Fatal(err)
	}
	o.request = &ordering.OrderRequest{AccountID: accounts["10001"].ID, CustomerPoNumber: "PO", AllowPartial: true}
	for _, i := range items[""].Nodes {
		o.request.Lines = []ordering.OrderRequestLine{{
			Item:     ordering.ItemKey{SKU: i.SKU},
			Quantity: trade.Quantity{Value: udecimal.MustFromInt64(1000, 0), Unit: "EA"},
		}}
		if v, err := o.orders.Validate(t.Context(), processtest.Operator, process.Submitter{}, o.request); err == nil && v.Valid {
			return o
		}
	}
	t.Fatal("nothing can be ordered")
	return nil
}

func (o *shop) read(t *testing.T, operation, order string) (*trade.Operation, *trade.Order) {
	t.Helper()
	operations, err := ledger.Operations(t.Context(), o.st, processtest.Operator, []string{operation})
	if err != nil {
		t.Fatal(err)
	}
	placed, err := records.Orders(t.Context(), o.st, processtest.Operator, []string{order})
	if err != nil {
		t.Fatal(err)
	}
	return operations[operation], placed[order]
}

func (o *shop) submit(t *testing.T, key string) (*trade.Operation, *trade.Order) {
	t.Helper()
	s, err := o.orders.Submit(t.Context(), processtest.Operator, process.Submitter{Principal: "p", CorrelationID: "c"}, key, o.request,
		20*time.Second)
	if err != nil || s.OperationID == "" {
		t.Fatalf("%+v, %v, %v", s, err, refusals(s.Errors))
	}
	return o.read(t, s.OperationID, s.OrderID)
}
