package loaders_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/resolvers/loaders"
	"portico/sources"
	"portico/store"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// everything is what a source of everything serves besides what is asked for live.
type everything interface {
	sources.Warehouses
	sources.Categories
	sources.Suppliers
	sources.Accounts
	sources.Calendars
	sources.Credit
	sources.Items
	sources.Contracts
	sources.Inventory
	sources.Orders
	sources.PurchaseOrders
	sources.Shipments
	sources.Invoices
	sources.Returns
}

// world is such a source, of which tracking and prices are asked for.
type world struct {
	everything

	mu       sync.Mutex
	tracked  [][]string
	priced   [][]trade.PriceKey
	downBy   error
	delivers time.Time
}

func (*world) Kind() trade.SourceKind     { return trade.ERP }
func (*world) Ping(context.Context) error { return nil }

func (w *world) Tracking(_ context.Context, q sources.Query) (page sources.Page[trade.Tracking], err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tracked = append(w.tracked, q.Refs)
	for _, number := range q.Refs {
		page.Records = append(page.Records, trade.Tracking{TrackingNumber: number, Events: []trade.ShipmentEvent{{
			Key: number, OccurredAt: w.delivers, Status: trade.Delivered, Milestone: trade.MilestoneDelivered, Classifier: trade.Actual,
		}}})
	}
	return page, w.downBy
}

func (w *world) Prices(_ context.Context, keys []trade.PriceKey) (all []trade.PriceResult, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.priced = append(w.priced, slices.Clone(keys))
	for _, k := range keys {
		all = append(all, &trade.Price{SKU: k.SKU, UnitPrice: trade.UnitPrice{Price: trade.Money{Amount: udecimal.One, Currency: "EUR"}}})
	}
	return all, w.downBy
}

// shared are loaders' sources: a store of its own and a source of everything.
func shared(t *testing.T, w *world) loaders.Shared {
	t.Helper()
	routes := map[sources.Subject]string{}
	for _, s := range sources.Subjects() {
		routes[s] = "world"
	}
	limits := sources.DefaultLimits
	limits.Retries = 0
	set, err := sources.NewSet([]sources.Source{{Name: "world", Adapter: w, Limits: limits}}, routes)
	if err != nil {
		t.Fatal(err)
	}
	st := storetest.New(t)
	prices, err := set.CachePrices(10, st.StaleAfter("Price"))
	if err != nil {
		t.Fatal(err)
	}
	return loaders.Shared{Store: st, Sources: set, Prices: prices}
}

// TestRecordsAreReadInTheScopeOfTheCaller reads two accounts as one of them, as nobody and as an operator, by every
// way that leads to an account.
func TestRecordsAreReadInTheScopeOfTheCaller(t *testing.T) {
	s := shared(t, &world{})
	ids := map[string]string{}
	ref := map[string]string{"A1": "r1", "A2": "r2"}
	var records []trade.Account
	now := time.Now()
	for _, number := range []string{"A1", "A2"} {
		r := ref[number]
		records = append(records, trade.Account{
			Number: number, Name: number, Status: trade.AccountActive, Currency: "EUR",
			Provenance: trade.Provenance{System: trade.ERP, Instance: "world", SourceRef: &r, AsOf: &now, ReceivedAt: now},
		})
	}
	err := s.Store.InTx(t.Context(), func(tx *store.Tx) error {
		rejected, err := replication.SaveAccounts(t.Context(), tx, records)
		if len(rejected) > 0 {
			t.Errorf("rejected: %+v", rejected)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := func(scope trade.Scope) context.Context { return loaders.With(t.Context(), loaders.New(s, scope)) }
	all, err := loaders.AccountsByNumber.All(ctx(trade.OperatorScope(nil)), []string{"A1", "A2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a == nil {
			t.Fatal("an operator does not see an account")
		}
		ids[a.Number] = a.ID
	}
	for who, c := range map[string]struct {
		scope trade.Scope
		sees  []string
	}{
		"an operator": {trade.OperatorScope(nil), []string{"A1", "A2"}},
		"one of them": {trade.CustomerScope([]trade.Ref{{ID: ids["A2"], Key: "A2"}}, nil), []string{"A2"}},
		"a guest":     {trade.GuestScope(nil), nil},
	} {
		in := ctx(c.scope)
		ways := map[string]func() ([]*trade.Account, error){
			"by number": func() ([]*trade.Account, error) { return loaders.AccountsByNumber.All(in, []string{"A1", "A2"}) },
			"by id":     func() ([]*trade.Account, error) { return loaders.Accounts.All(in, []string{ids["A1"], ids["A2"]}) },
			"as nodes": func() (found []*trade.Account, err error) {
				nodes, err := loaders.From(in).Nodes(in, []string{ids["A1"], ids["A2"], "acc_nobody", "nonsense"})
				for _, n := range nodes {
					a, _ := n.(*trade.Account)
					found = append(found, a)
				}
				return found, err
			},
		}
		if c.scope.Buyer().ID != "" {
			ways["as their own"] = func() ([]*trade.Account, error) { return loaders.From(in).OwnAccounts(in) }
		}
		for way, load := range ways {
			found, err := load()
			if err != nil {
				t.Fatalf("%s %s: %v", who, way, err)
			}
			var numbers []string
			for _, a := range found {
				if a != nil {
					numbers = append(numbers, a.Number)
				}
			}
			if !slices.Equal(numbers, c.sees) {
				t.Errorf("%s sees %v %s, want %v", who, numbers, way, c.sees)
			}
		}
	}
}

func TestACarrierIsAskedOnceForAllThatIsOldAndNotForWhatIsFresh(t *testing.T) {
	w := &world{delivers: time.Now().Add(-time.Hour)}
	ctx := loaders.With(t.Context(), loaders.New(shared(t, w), trade.OperatorScope(nil)))
	l, minute := loaders.From(ctx), time.Minute
	of := func(number string, age time.Duration) *trade.Shipment {
		return &trade.Shipment{TrackingNumber: number, Status: trade.InTransit, Provenance: trade.Provenance{Age: age}}
	}
	parcels := []*trade.Shipment{of("T1", time.Hour), of("T2", time.Second), of("T3", time.Hour), of("T1", time.Hour)}
	for range 2 {
		got, err := l.StatusOf(ctx, parcels, &minute)
		if err != nil {
			t.Fatal(err)
		}
		if want := []trade.ShipmentStatus{trade.Delivered, trade.InTransit, trade.Delivered, trade.Delivered}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if _, err := l.StatusOf(ctx, parcels, nil); err != nil {
		t.Fatal(err)
	}
	if len(w.tracked) != 1 || !slices.Equal(w.tracked[0], []string{"T1", "T3"}) {
		t.Errorf("the carrier was asked for %v, want one call for T1 and T3", w.tracked)
	}
}

func TestWhatIsKeptStaysWhereTheCarrierDoesNotAnswer(t *testing.T) {
	w := &world{downBy: sources.Fail(sources.Unavailable, "down")}
	ctx := loaders.With(t.Context(), loaders.New(shared(t, w), trade.OperatorScope(nil)))
	now := time.Duration(0)
	got, err := loaders.From(ctx).StatusOf(ctx, []*trade.Shipment{{TrackingNumber: "T1", Status: trade.InTransit}}, &now)
	if err != nil || got[0] != trade.InTransit {
		t.Errorf("got %v, %v, want what was kept", got, err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := loaders.From(ctx).StatusOf(gone, []*trade.Shipment{{TrackingNumber: "T2"}}, &now); !errors.Is(err, context.Canceled) {
		t.Errorf("for a caller who is gone: %v", err)
	}
}

func TestAPriceIsAskedForOnceHoweverManyWantItAndNoneForNobody(t *testing.T) {
	w := &world{}
	ctx := loaders.With(t.Context(), loaders.New(shared(t, w), trade.OperatorScope(nil)))
	key := func(account, sku string) trade.PriceKey {
		return trade.PriceKey{Account: account, SKU: sku, Quantity: "1", Unit: "EA", Day: trade.DateOf(time.Now(), time.UTC)}
	}
	wanted := []trade.PriceKey{key("A1", "S1"), key("", "S1"), key("A1", "S2"), key("A1", "S1")}
	fresh := time.Duration(0)
	for _, age := range []*time.Duration{nil, nil, &fresh} {
		got, err := loaders.From(ctx).PriceOf(ctx, wanted, age)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range wanted {
			p, priced := got[i].(*trade.Price)
			if priced != (k.Account != "") || priced && p.SKU != k.SKU {
				t.Errorf("price %d of %+v is %+v", i, k, got[i])
			}
		}
	}
	// Once for those who take an hour's, from then on kept; once for those who take none.
	if len(w.priced) != 2 || len(w.priced[0]) != 2 || len(w.priced[1]) != 2 {
		t.Errorf("asked for %+v, want two calls of two prices", w.priced)
	}
}
