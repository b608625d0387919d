package replica_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"portico/process/processtest"
	"portico/process/replica"
	company "portico/sandbox"
	"portico/sources"
	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// replicate runs a replica until the test ends.
func replicate(t *testing.T, w *processtest.World) (*store.Store, *replica.Copy) {
	t.Helper()
	st := storetest.New(t)
	r := replica.New(st, w.Set(t), time.Now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return st, r
}

func rejected(t *testing.T, st *store.Store, instance string) map[string]string {
	t.Helper()
	pages, err := records.RejectedList(processtest.Operator).Page(t.Context(), st, []string{instance}, store.PageArgs{First: 100})
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
	w := processtest.New(t)
	st, r := replicate(t, w)
	processtest.Eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	before, err := records.OrdersByNumber(t.Context(), st, processtest.Operator, []string{"8000001"})
	if err != nil || before["8000001"] == nil {
		t.Fatalf("%v, %v", before, err)
	}
	for range 30 {
		if err := w.Now.Load().Tick(); err != nil {
			t.Fatal(err)
		}
	}
	next := w.Begin(t, company.Options{Epoch: time.Now().Add(-time.Hour)})
	if err := next.Change("erp", "salesOrders", "8000001", map[string]any{"note": "of the new company"}); err != nil {
		t.Fatal(err)
	}
	processtest.Eventually(t, "told by the new company", func() bool {
		after, err := records.OrdersByNumber(t.Context(), st, processtest.Operator, []string{"8000001"})
		return err == nil && after["8000001"] != nil && after["8000001"].Comment != nil && after["8000001"].ID == before["8000001"].ID
	})
}

func TestOneBadRecordCostsOnlyItself(t *testing.T) {
	w := processtest.New(t)
	c := w.Now.Load()
	// One code without a meaning, which the adapter finds, and one sum that is
	// too large, which the database finds.
	if err := c.Change("erp", "salesOrders", "8000010", map[string]any{"hdrStat": "??"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Change("erp", "salesOrders", "8000020", map[string]any{"gross": "99999999999999999999.99"}); err != nil {
		t.Fatal(err)
	}
	st, r := replicate(t, w)
	processtest.Eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	bad := rejected(t, st, "erp")
	if bad["8000010"] == "" || bad["8000020"] == "" {
		t.Errorf("set aside are %v", bad)
	}
	counts, err := records.OrderList(processtest.Operator, records.OrderFilter{}, trade.OrdersNewest, false).Count(t.Context(), st,
		[]string{""})
	if err != nil || counts[""].Value != 298 {
		t.Errorf("%v orders, %v; want 298 of 300", counts[""].Value, err)
	}
	// Told rightly, it is taken and off the list.
	if err := c.Change("erp", "salesOrders", "8000020", nil); err != nil {
		t.Fatal(err)
	}
	processtest.Eventually(t, "accepted", func() bool { return rejected(t, st, "erp")["8000020"] == "" })
}

func TestNewsThatComesBeforeWhatItSpeaksOfWaits(t *testing.T) {
	w := processtest.New(t)
	st, r := replicate(t, w)
	processtest.Eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	// The ERP and the warehouse are away while the carrier speaks of a new parcel.
	c := w.Now.Load()
	c.Break(company.Fault{Service: "erp", Kind: "refuse"})
	c.Break(company.Fault{Service: "wms", Kind: "refuse"})
	var parcel string
	for range 20 {
		if err := c.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	page, err := sources.TrackingRecords.Fetch(t.Context(), w.Set(t), sources.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	parcel = page.Records[len(page.Records)-1].TrackingNumber
	find := func() *trade.Shipment {
		l := records.ShipmentList(processtest.Operator,
			records.ShipmentFilter{Reference: &trade.Identifier{Scheme: trade.SchemeTracking, Value: parcel}}, records.NoParent)
		pages, err := l.Page(t.Context(), st, []string{""}, store.PageArgs{First: 1})
		if err != nil || len(pages[""].Nodes) == 0 {
			return nil
		}
		return pages[""].Nodes[0]
	}
	processtest.Eventually(t, "followed", func() bool {
		confirmed, err := st.Confirmed()
		return err == nil && time.Since(confirmed["carrier"]) < time.Second
	})
	if find() != nil {
		t.Fatal("the shipment is there before the warehouse told it")
	}
	c.ClearFaults()
	defer func() {
		if t.Failed() {
			t.Logf("parcel %s: %+v; set aside by carrier %v, wms %v", parcel, find(), rejected(t, st, "carrier"), rejected(t, st, "wms"))
		}
	}()
	processtest.Eventually(t, "linked and tracked", func() bool {
		s := find()
		if s == nil || s.Status == trade.ShipmentUnknown {
			return false
		}
		orders, err := records.OrdersInShipments(t.Context(), st, processtest.Operator, []string{s.ID})
		return err == nil && len(orders[s.ID]) == 1
	})
}

func TestTheCarrierIsToldOfParcels(t *testing.T) {
	w := processtest.New(t)
	st, r := replicate(t, w)
	processtest.Eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	set := w.Set(t)
	page, err := sources.ShipmentRecords.Fetch(t.Context(), set, sources.Query{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(page.Records, func(s trade.Shipment) bool { return s.Direction == trade.Outbound })
	c := w.Now.Load()
	follows := func(number string) func() bool {
		return func() bool {
			told, err := sources.TrackingRecords.Fetch(t.Context(), set, sources.Query{Refs: []string{number}})
			return err == nil && len(told.Records) == 1 && len(told.Records[0].Events) == 1
		}
	}
	for _, number := range []string{"ANEW1", "ANEW2"} { // the second takes the place of the first
		if err := c.Change("wms", "dispatches", page.Records[i].Number, map[string]any{"track": number}); err != nil {
			t.Fatal(err)
		}
		processtest.Eventually(t, "told of "+number, follows(number))
	}
	before := c.Calls()["carrier/register"]
	if err := c.Change("wms", "dispatches", page.Records[i].Number, map[string]any{"track": "ANEW2"}); err != nil {
		t.Fatal(err)
	}
	changed := time.Now()
	processtest.Eventually(t, "aware of the change", func() bool {
		confirmed, err := st.Confirmed()
		return err == nil && confirmed["wms"].After(changed)
	})
	// It would wait to be told now, or have been.
	if waiting, err := replication.ShipmentsToRegister(t.Context(), st, 10); err != nil || len(waiting) > 0 {
		t.Errorf("%d parcels wait to be told again, %v", len(waiting), err)
	}
	if n := c.Calls()["carrier/register"]; n != before {
		t.Errorf("the carrier was told %d times more of what it knows", n-before)
	}
	next := w.Begin(t, company.Options{Epoch: time.Now().Add(-time.Hour)})
	processtest.Eventually(t, "told to a carrier that began anew", func() bool { return next.Calls()["carrier/register"] > 0 })
}
