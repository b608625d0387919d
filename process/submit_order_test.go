package process_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/durable"
	"portico/process"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/store"
	"portico/store/storetest"
	"portico/trade"
)

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
		}
	}
	return told, err
}

func TestAnOrderIsNeverWrittenAtAnotherPriceThanItsBuyerWasShown(t *testing.T) {
	w := newWorld(t)
	erp := &dearer{ERP: w.erp(t)}
	set := w.systems(t, sources.DefaultLimits, map[string]sources.Adapter{"erp": erp})
	st, dsn := storetest.At(t)
	prices, err := set.CachePrices(1000, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := durable.Open(t.Context(), func() string { return dsn }, st, set.Names(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	orders := process.NewOrders(st, set, prices, engine)
	r := process.NewReplica(st, set, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	replicated, played := make(chan struct{}), make(chan error, 1)
	go func() { defer close(replicated); r.Run(ctx) }()
	go func() { played <- engine.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-replicated; <-played })
	eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })

	accounts, err := st.AccountsByNumber(t.Context(), operator, []string{"10001"})
	if err != nil {
		t.Fatal(err)
	}
	items, err := store.ItemList(operator, store.ItemFilter{}, trade.ItemsBySKU).Page(t.Context(), st, []string{""}, store.PageArgs{First: 50})
	if err != nil {
		t.Fatal(err)
	}
	request := &trade.OrderRequest{AccountID: accounts["10001"].ID, CustomerPoNumber: "PO", AllowPartial: true}
	for _, i := range items[""].Nodes {
		request.Lines = []trade.OrderRequestLine{{Item: trade.ItemKey{SKU: i.SKU}, Quantity: trade.Quantity{Value: udecimal.MustFromInt64(1000, 0), Unit: "EA"}}}
		if v, err := orders.Validate(t.Context(), operator, request); err == nil && v.Valid {
			break
		}
	}
	submit := func(key string) (*trade.Operation, *trade.Order) {
		t.Helper()
		s, err := orders.Submit(t.Context(), operator, process.Submitter{Principal: "p", CorrelationID: "c"}, key, request, 20*time.Second)
		if err != nil || s.OperationID == "" {
			t.Fatalf("%+v, %v", s, err)
		}
		operations, err := st.Operations(t.Context(), operator, []string{s.OperationID})
		if err != nil {
			t.Fatal(err)
		}
		placed, err := st.Orders(t.Context(), operator, []string{s.OrderID})
		if err != nil {
			t.Fatal(err)
		}
		return operations[s.OperationID], placed[s.OrderID]
	}
	before := w.now.Load().Calls()["erp/submit"]
	erp.now.Store(true) // and the price that was shown is still fresh
	op, order := submit("the price has risen")
	if op.State != trade.OperationFailed || op.Failure == nil || op.Failure.Code != "PRICE_CHANGED" || order.Status != trade.OrderRejected || order.Number != nil {
		t.Errorf("at another price: %+v, the order is %s", op, order.Status)
	}
	if n := w.now.Load().Calls()["erp/submit"] - before; n != 0 {
		t.Errorf("the ERP was handed %d orders", n)
	}
	erp.now.Store(false)
	request.CustomerPoNumber = "PO 2"
	prices.Purge()
	if op, order := submit("the price is as shown"); op.State != trade.OperationCommitted || order.Number == nil {
		t.Errorf("at the price shown: %+v, the order is %+v", op, order.Status)
	}
}
