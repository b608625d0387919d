package process_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"portico/process"
	company "portico/sandbox"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/store"
	"portico/store/storetest"
	"portico/trade"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// world is a company that can be exchanged for another one behind its address.
type world struct {
	url string
	now atomic.Pointer[company.Company]
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.now.Load().Handler().ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.begin(t, company.Options{})
	return w
}

func (w *world) begin(t *testing.T, opt company.Options) *company.Company {
	t.Helper()
	c, err := company.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	w.now.Store(c)
	return c
}

func (w *world) set(t *testing.T) *sources.Set {
	t.Helper()
	set, err := sandbox.OpenCompany(w.url, company.Key)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// erp is a connection to the company's ERP.
func (w *world) erp(t *testing.T) *sandbox.ERP {
	t.Helper()
	erp, err := sandbox.OpenERP(w.at("/erp"))
	if err != nil {
		t.Fatal(err)
	}
	return erp
}

func (w *world) at(path string) (sandbox.Config, sources.Credentials) {
	return sandbox.Config{URL: w.url + path}, sources.Credentials{Key: func() string { return company.Key }}
}

// systems are the company's, with these for its ERP.
func (w *world) systems(t *testing.T, limits sources.Limits, erps map[string]sources.Adapter) *sources.Set {
	t.Helper()
	var list []sources.Source
	add := func(name string, a sources.Adapter, err error) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, sources.Source{Name: name, Adapter: a, Limits: limits})
	}
	for name, erp := range erps {
		add(name, erp, nil)
	}
	ledger, err := sandbox.OpenLedger(w.at("/erp"))
	add("finance", ledger, err)
	wms, err := sandbox.OpenWMS(w.at("/wms"))
	add("wms", wms, err)
	carrier, err := sandbox.OpenCarrier(w.at("/carrier"))
	add("carrier", carrier, err)
	crm, err := sandbox.OpenCRM(w.at("/crm"))
	add("crm", crm, err)
	set, err := sources.NewSet(list, sandbox.Routes)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// replicate runs a replica until the test ends.
func replicate(t *testing.T, w *world) (*store.Store, *process.Replica) {
	t.Helper()
	st := storetest.New(t)
	r := process.NewReplica(st, w.set(t), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return st, r
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("not %s in time", what)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
}

var operator = trade.OperatorScope(nil)

func rejected(t *testing.T, st *store.Store, instance string) map[string]string {
	t.Helper()
	pages, err := store.RejectedList(operator).Page(t.Context(), st, []string{instance}, store.PageArgs{First: 100})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range pages[instance].Nodes {
		out[*r.SourceRef] = r.Reason
	}
	return out
}

func TestASourceThatBeginsAnewIsLoadedAnewUnderTheSameIds(t *testing.T) {
	w := newWorld(t)
	st, r := replicate(t, w)
	eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	before, err := st.OrdersByNumber(t.Context(), operator, []string{"8000001"})
	if err != nil || before["8000001"] == nil {
		t.Fatalf("%v, %v", before, err)
	}
	for range 30 {
		if err := w.now.Load().Tick(); err != nil {
			t.Fatal(err)
		}
	}
	next := w.begin(t, company.Options{Epoch: time.Now().Add(-time.Hour)})
	if err := next.Change("erp", "salesOrders", "8000001", map[string]any{"note": "of the new company"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "told by the new company", func() bool {
		after, err := st.OrdersByNumber(t.Context(), operator, []string{"8000001"})
		return err == nil && after["8000001"] != nil && after["8000001"].Comment != nil && after["8000001"].ID == before["8000001"].ID
	})
}

func TestOneBadRecordCostsOnlyItself(t *testing.T) {
	w := newWorld(t)
	c := w.now.Load()
	// One code without a meaning, which the adapter finds, and one sum that does
	// not add up, which the database finds.
	if err := c.Change("erp", "salesOrders", "8000010", map[string]any{"hdrStat": "??"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Change("erp", "salesOrders", "8000020", map[string]any{"gross": "0.01"}); err != nil {
		t.Fatal(err)
	}
	st, r := replicate(t, w)
	eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	bad := rejected(t, st, "erp")
	if bad["8000010"] == "" || bad["8000020"] == "" {
		t.Errorf("set aside are %v", bad)
	}
	counts, err := store.OrderList(operator, store.OrderFilter{}, trade.OrdersNewest, false).Count(t.Context(), st, []string{""})
	if err != nil || counts[""].Value != 298 {
		t.Errorf("%v orders, %v; want 298 of 300", counts[""].Value, err)
	}
	// Told rightly, it is taken and off the list.
	if err := c.Change("erp", "salesOrders", "8000020", nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "accepted", func() bool { return rejected(t, st, "erp")["8000020"] == "" })
}

func TestNewsThatComesBeforeWhatItSpeaksOfWaits(t *testing.T) {
	w := newWorld(t)
	st, r := replicate(t, w)
	eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	// The ERP and the warehouse are away while the carrier speaks of a new parcel.
	c := w.now.Load()
	c.Break(company.Fault{Service: "erp", Kind: "refuse"})
	c.Break(company.Fault{Service: "wms", Kind: "refuse"})
	var parcel string
	for range 20 {
		if err := c.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	page, err := w.set(t).Tracking(t.Context(), sources.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	parcel = page.Records[len(page.Records)-1].TrackingNumber
	find := func() *trade.Shipment {
		l := store.ShipmentList(operator, store.ShipmentFilter{Reference: &trade.Identifier{Scheme: trade.SchemeTracking, Value: parcel}}, store.NoParent)
		pages, err := l.Page(t.Context(), st, []string{""}, store.PageArgs{First: 1})
		if err != nil || len(pages[""].Nodes) == 0 {
			return nil
		}
		return pages[""].Nodes[0]
	}
	eventually(t, "followed", func() bool {
		confirmed, err := st.Confirmed()
		return err == nil && time.Since(confirmed["carrier"]) < time.Second
	})
	if find() != nil {
		t.Fatal("the shipment is there before the warehouse told it")
	}
	c.Mend()
	defer func() {
		if t.Failed() {
			t.Logf("parcel %s: %+v; set aside by carrier %v, wms %v", parcel, find(), rejected(t, st, "carrier"), rejected(t, st, "wms"))
		}
	}()
	eventually(t, "linked and tracked", func() bool {
		s := find()
		if s == nil || s.Status == trade.ShipmentUnknown {
			return false
		}
		orders, err := st.OrdersInShipments(t.Context(), operator, []string{s.ID})
		return err == nil && len(orders[s.ID]) == 1
	})
}

func TestTheCarrierIsToldOfParcels(t *testing.T) {
	w := newWorld(t)
	st, r := replicate(t, w)
	eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	set := w.set(t)
	page, err := set.Shipments(t.Context(), sources.Query{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(page.Records, func(s trade.Shipment) bool { return s.Direction == trade.Outbound })
	c := w.now.Load()
	follows := func(number string) func() bool {
		return func() bool {
			told, err := set.Tracking(t.Context(), sources.Query{Refs: []string{number}})
			return err == nil && len(told.Records) == 1 && len(told.Records[0].Events) == 1
		}
	}
	for _, number := range []string{"ANEW1", "ANEW2"} { // the second takes the place of the first
		if err := c.Change("wms", "dispatches", page.Records[i].Number, map[string]any{"track": number}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "told of "+number, follows(number))
	}
	before := c.Calls()["carrier/register"]
	if err := c.Change("wms", "dispatches", page.Records[i].Number, map[string]any{"track": "ANEW2"}); err != nil {
		t.Fatal(err)
	}
	changed := time.Now()
	eventually(t, "aware of the change", func() bool {
		confirmed, err := st.Confirmed()
		return err == nil && confirmed["wms"].After(changed)
	})
	// It would wait to be told now, or have been.
	if waiting, err := st.ToRegister(t.Context(), 10); err != nil || len(waiting) > 0 {
		t.Errorf("%d parcels wait to be told again, %v", len(waiting), err)
	}
	if n := c.Calls()["carrier/register"]; n != before {
		t.Errorf("the carrier was told %d times more of what it knows", n-before)
	}
	next := w.begin(t, company.Options{Epoch: time.Now().Add(-time.Hour)})
	eventually(t, "told to a carrier that began anew", func() bool { return next.Calls()["carrier/register"] > 0 })
}
