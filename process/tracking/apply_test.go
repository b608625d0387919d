package tracking_test

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"portico/process/tracking"
	"portico/store"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/procurement"
)

// shipment is an outbound shipment that goes under a tracking number.
func shipment(number, tracked string) trade.Shipment {
	return trade.Shipment{
		Number: number, Direction: trade.Outbound, AccountRef: trade.Key("1"), TrackingNumber: tracked, Status: trade.ShipmentUnknown,
		Mode: "PARCEL", Provenance: storetest.From(number, 1),
	}
}

func saveShipment(t *testing.T, s *store.Store, all ...trade.Shipment) {
	t.Helper()
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	if rejected := storetest.Save(t, s, tracking.SaveShipments, all...); len(rejected) != 0 {
		t.Fatalf("shipments are rejected: %+v", rejected)
	}
}

// supply is an inbound shipment of what a purchase order ordered.
func supply(number, order string) trade.Shipment {
	s := shipment(number, "")
	s.Direction, s.AccountRef, s.SupplierRef, s.PurchaseOrderKeys = trade.InboundWay, trade.Ref{}, trade.Key("S1"), []string{order}
	return s
}

// saveSupplies saves purchase orders with these numbers.
func saveSupplies(t *testing.T, s *store.Store, numbers ...string) {
	t.Helper()
	storetest.Save(t, s, replication.SaveSuppliers,
		procurement.TradingPartner{Code: "S1", Name: "a supplier", Provenance: storetest.From("S1", 1)})
	for _, n := range numbers {
		o := trade.PurchaseOrder{
			Number: n, Revision: 1, SupplierRef: trade.Key("S1"), Status: trade.POSent, IssuedAt: noon, Currency: "EUR",
			LinesKnown: []trade.PurchaseOrderLine{}, Provenance: storetest.From(n, 1),
		}
		if rejected := storetest.Save(t, s, replication.SavePurchaseOrders, o); len(rejected) != 0 {
			t.Fatalf("purchase orders are rejected: %+v", rejected)
		}
	}
}

// events is how many events a shipment has.
func events(t *testing.T, db *sql.DB, number string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT count(e.shipment_id) FROM shipments d LEFT JOIN shipment_events e ON e.shipment_id = d.id
		WHERE d.number = $1`, number).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func statusOf(t *testing.T, db *sql.DB, number string) (status trade.ShipmentStatus) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), `SELECT status FROM shipments WHERE number = $1`, number).Scan(&status); err != nil {
		t.Fatal(err)
	}
	return status
}

// scan is an event that a carrier reports.
func scan(key string, milestone trade.Milestone, status trade.ShipmentStatus, at time.Time) trade.ShipmentEvent {
	return trade.ShipmentEvent{
		Key: key, Milestone: milestone, Classifier: trade.Actual, Status: status, OccurredAt: at, OffsetKnown: true,
		Raw: trade.RawCode{Code: key},
	}
}

// record is what the source erp reports of a tracking number.
func record(number string, events ...trade.ShipmentEvent) trade.Tracking {
	return trade.Tracking{TrackingNumber: number, Provenance: storetest.From(number, 1), Events: events}
}

// apply applies records in a transaction, and returns the numbers of the shipments that each is about, and how many
// shipments changed.
func apply(t *testing.T, s *store.Store, db *sql.DB, all ...trade.Tracking) (about [][]string, changed int) {
	t.Helper()
	var applied tracking.Applied
	if err := s.InTx(t.Context(), func(tx *store.Tx) (err error) {
		applied, err = tracking.Apply(t.Context(), tx, all)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, ids := range applied.Shipments {
		var numbers []string
		for _, id := range ids {
			var number string
			if err := db.QueryRowContext(t.Context(), `SELECT number FROM shipments WHERE id = $1`, id).Scan(&number); err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, number)
		}
		slices.Sort(numbers)
		about = append(about, numbers)
	}
	slices.Sort(applied.Changed)
	return about, len(slices.Compact(applied.Changed))
}

// number is what a statement counts.
func number(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestAnEventIsFiledOnce reports one twice in a record, in two records at once, and again later.
func TestAnEventIsFiledOnce(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, shipment("1", "A1"))
	logged := func() int {
		return number(t, db, `SELECT count(*) FROM changes WHERE topic = 'SHIPMENT' AND cause IS NOT NULL`)
	}
	pickedUp := scan("e1", trade.MilestonePickedUp, trade.PickedUp, noon)
	_, changed := apply(t, s, db, record("A1", pickedUp, pickedUp), record("A1", pickedUp))
	if n := events(t, db, "1"); n != 1 || changed != 1 || logged() != 1 {
		t.Errorf("%d events, %d shipments changed, %d changes are logged; want one of each", n, changed, logged())
	}
	_, changed = apply(t, s, db, record("A1", pickedUp))
	if n := events(t, db, "1"); n != 1 || changed != 0 || logged() != 1 {
		t.Errorf("reported again: %d events, %d shipments changed, %d changes are logged", n, changed, logged())
	}
}

func TestARecordWithoutEventsChangesNothing(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, shipment("1", "A1"))
	if about, changed := apply(t, s, db, record("A1")); !slices.Equal(about[0], []string{"1"}) || changed != 0 {
		t.Errorf("it is about %v, and %d shipments changed", about[0], changed)
	}
	if status, n := statusOf(t, db, "1"), events(t, db, "1"); status != trade.ShipmentUnknown || n != 0 {
		t.Errorf("the shipment is %s, by %d events", status, n)
	}
}

func TestAnOlderEventThatComesLateIsMarkedAndMovesNothingBack(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, shipment("1", "A1"))
	apply(t, s, db, record("A1", scan("e2", trade.MilestoneOutForDelivery, trade.OutForDelivery, noon)))
	if _, changed := apply(t, s, db, record("A1", scan("e1", trade.MilestonePickedUp, trade.PickedUp, noon.Add(-time.Hour)))); changed != 1 {
		t.Errorf("%d shipments changed, want the one with a new event", changed)
	}
	var late string
	const query = `SELECT string_agg(key, ',') FROM shipment_events WHERE late`
	if err := db.QueryRowContext(t.Context(), query).Scan(&late); err != nil || late != "e1" {
		t.Errorf("late is %q, %v", late, err)
	}
	if status := statusOf(t, db, "1"); status != trade.OutForDelivery {
		t.Errorf("the shipment is %s", status)
	}
}

// TestARecordIsAboutWhatItsFirstKnownIdentifierNames has shipments under one tracking number, one for a purchase order of
// its own, and two for a purchase order that they share.
func TestARecordIsAboutWhatItsFirstKnownIdentifierNames(t *testing.T) {
	s, db := storetest.Pair(t)
	saveSupplies(t, s, "P1", "P2")
	carton := "340123450000000017"
	saveShipment(t, s, shipment("1", "A1"), shipment("2", "A1"), supply("3", "P1"), supply("4", "P2"), supply("5", "P2"))
	boxed := shipment("6", "")
	boxed.References = []trade.Identifier{{Scheme: trade.SchemeContainer, Value: "C1"}}
	boxed.PackagesKnown = []trade.Package{{Number: 1, SSCC: &carton}}
	saveShipment(t, s, boxed)
	id := func(scheme trade.IdScheme, value string) trade.Identifier {
		return trade.Identifier{Scheme: scheme, Value: value}
	}
	cases := []struct {
		name     string
		tracking string
		about    []trade.Identifier
		want     []string
	}{
		{"a tracking number of two shipments", "A1", nil, []string{"1", "2"}},
		{"a number that nobody knows", "A9", nil, nil},
		{"no identifier", "", nil, nil},
		{"a purchase order in one shipment", "", []trade.Identifier{id(trade.SchemePurchaseOrder, "P1")}, []string{"3"}},
		{"a purchase order in two shipments", "", []trade.Identifier{id(trade.SchemePurchaseOrder, "P2")}, nil},
		{
			"a despatch advice after a purchase order in two shipments", "",
			[]trade.Identifier{id(trade.SchemePurchaseOrder, "P2"), id(trade.SchemeDespatch, "4")},
			[]string{"4"},
		},
		{"a carton", "", []trade.Identifier{id(trade.SchemeSSCC, carton)}, []string{"6"}},
		{"a reference", "", []trade.Identifier{id(trade.SchemeContainer, "C1")}, []string{"6"}},
		{"the second of two that name some", "A1", []trade.Identifier{id(trade.SchemeContainer, "C1")}, []string{"1", "2"}},
		{"the first that is known", "A9", []trade.Identifier{id(trade.SchemeSSCC, "0"), id(trade.SchemePurchaseOrder, "P1")}, []string{"3"}},
	}
	var all []trade.Tracking
	for _, c := range cases {
		r := record(c.tracking, scan(c.name, trade.MilestonePickedUp, trade.PickedUp, noon))
		r.About = c.about
		all = append(all, r)
	}
	about, changed := apply(t, s, db, all...)
	for i, c := range cases {
		if !slices.Equal(about[i], c.want) {
			t.Errorf("%s is about %v, want %v", c.name, about[i], c.want)
		}
	}
	for number, want := range map[string]int{"1": 2, "2": 2, "3": 2, "4": 1, "5": 0, "6": 2} {
		if n := events(t, db, number); n != want {
			t.Errorf("shipment %s has %d events, want %d", number, n, want)
		}
	}
	if changed != 5 {
		t.Errorf("%d shipments changed, want 5", changed)
	}
}

// TestAnEventThatIsCorrectedCountsNoMore delivers a parcel, with its proof, and has the carrier say that it was not.
func TestAnEventThatIsCorrectedCountsNoMore(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, shipment("1", "A1"))
	eta := noon.Add(24 * time.Hour)
	departed := scan("e1", trade.MilestoneDeparted, trade.InTransit, noon)
	departed.Estimate = &eta
	proven := record("A1", departed, scan("e2", trade.MilestoneDelivered, trade.Delivered, noon.Add(time.Hour)))
	proven.Proof = &trade.DocumentRef{Ref: "D1", MediaType: "application/pdf", FileName: "proof.pdf"}
	apply(t, s, db, proven)
	const proofs = `SELECT count(*) FROM shipments WHERE proof #>> '{document,ref}' = 'D1' AND proof #>> '{document,instance}' = 'erp'
		AND (eta ->> 'at')::timestamptz = '2026-03-02T12:00:00Z'`
	if status := statusOf(t, db, "1"); status != trade.Delivered || number(t, db, proofs) != 1 {
		t.Errorf("delivered, it is %s, and %d have the proof and the estimate", status, number(t, db, proofs))
	}
	wrong := scan("e3", trade.MilestoneOther, trade.ShipmentUnknown, noon.Add(2*time.Hour))
	wrong.Corrects, wrong.Instead = "e2", []string{"e4"}
	apply(t, s, db, record("A1", wrong, scan("e4", trade.MilestoneDeliveryAttempted, trade.DeliveryAttempted, noon.Add(time.Hour))))
	const exceptions = `SELECT count(*) FROM shipments WHERE exception IS NOT NULL`
	if status := statusOf(t, db, "1"); status != trade.DeliveryAttempted || number(t, db, exceptions) != 1 || events(t, db, "1") != 4 {
		t.Errorf("corrected, it is %s, has %d exceptions and %d events", status, number(t, db, exceptions), events(t, db, "1"))
	}
}

// TestACodeThatHasAnotherMeaningIsReadAnew has the source that reported an event read it otherwise, and then another one.
func TestACodeThatHasAnotherMeaningIsReadAnew(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, shipment("1", "A1"))
	apply(t, s, db, record("A1", scan("e1", trade.MilestoneOther, trade.ShipmentUnknown, noon)))
	if _, changed := apply(t, s, db, record("A1", scan("e1", trade.MilestonePickedUp, trade.PickedUp, noon))); changed != 1 {
		t.Errorf("%d shipments changed, want the one whose event means something now", changed)
	}
	other := record("A1", scan("e1", trade.MilestoneDelivered, trade.Delivered, noon))
	other.Provenance.Instance = "another"
	if _, changed := apply(t, s, db, other); changed != 0 {
		t.Errorf("%d shipments changed by what another source calls the same", changed)
	}
	if status, n := statusOf(t, db, "1"), events(t, db, "1"); status != trade.PickedUp || n != 1 {
		t.Errorf("the shipment is %s, by %d events", status, n)
	}
}

// TestARecordThatMatchesNoShipmentIsReported has one applied beside it, and itself applied once its shipment is known.
func TestARecordThatMatchesNoShipmentIsReported(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, shipment("1", "A1"))
	all := []trade.Tracking{
		record("A2", scan("e1", trade.MilestonePickedUp, trade.PickedUp, noon)),
		record("A1", scan("e1", trade.MilestonePickedUp, trade.PickedUp, noon)),
	}
	rejected := storetest.Save(t, s, tracking.Save, all...)
	if len(rejected) != 1 || *rejected[0].SourceRef != "A2" || rejected[0].Instance != "erp" || rejected[0].Kind != "tracking" {
		t.Fatalf("rejected: %+v, want the record that names no shipment", rejected)
	}
	if n := events(t, db, "1"); n != 1 {
		t.Errorf("the other one has %d events", n)
	}
	saveShipment(t, s, shipment("2", "A2"))
	for range 2 {
		if rejected := storetest.Save(t, s, tracking.Save, all...); len(rejected) != 0 {
			t.Errorf("rejected once the shipment is known: %+v", rejected)
		}
	}
	if n := events(t, db, "2"); n != 1 {
		t.Errorf("%d events, want one", n)
	}
}

// TestEventsThatTwoReportAtOnceCountTogether has a transaction file an event and stay open while another one files the
// next: the state follows from both.
func TestEventsThatTwoReportAtOnceCountTogether(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, shipment("1", "A1"))
	filed, other := make(chan bool), make(chan error)
	go func() {
		<-filed
		other <- s.InTx(t.Context(), func(tx *store.Tx) error {
			_, err := tracking.Apply(t.Context(), tx, []trade.Tracking{record("A1", scan("e1", trade.MilestonePickedUp, trade.PickedUp, noon))})
			return err
		})
	}()
	if err := s.InTx(t.Context(), func(tx *store.Tx) error {
		delivered := record("A1", scan("e2", trade.MilestoneDelivered, trade.Delivered, noon.Add(time.Hour)))
		if _, err := tracking.Apply(t.Context(), tx, []trade.Tracking{delivered}); err != nil {
			return err
		}
		close(filed)
		for waiting := false; !waiting; { // the other one waits for this one to end
			if err := db.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)`).Scan(&waiting); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-other; err != nil {
		t.Fatal(err)
	}
	if status, n := statusOf(t, db, "1"), events(t, db, "1"); status != trade.Delivered || n != 2 {
		t.Errorf("the shipment is %s, by %d events", status, n)
	}
}

// TestANumberThatIsUsedAgainMovesTheShipmentsOfOnePartyAlone has shipments share a tracking number: whose an event is must be sure.
//
// Cases: D2
func TestANumberThatIsUsedAgainMovesTheShipmentsOfOnePartyAlone(t *testing.T) {
	for name, c := range map[string]struct {
		others  []string      // accounts of the shipments with the number, besides one of account 1
		earlier time.Duration // by which the others were made before
		want    int           // that are moved
	}{
		"one":                          {nil, 0, 1},
		"two of one party":             {[]string{"1"}, 0, 2},
		"two of two parties":           {[]string{"2"}, 0, 0},
		"three of two parties":         {[]string{"1", "2"}, 0, 0},
		"of another party long before": {[]string{"2"}, 60 * 24 * time.Hour, 1},
		"of another party a week before, so unsure": {[]string{"2"}, 7 * 24 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, db := storetest.Pair(t)
			storetest.Save(t, s, replication.SaveAccounts, storetest.Account("2", "b", 1))
			saveShipment(t, s, shipment("A", "1Z"))
			for i, account := range c.others {
				other := shipment(string(rune('B'+i)), "1Z")
				other.AccountRef = trade.Key(account)
				saveShipment(t, s, other)
			}
			if _, err := db.ExecContext(t.Context(), `UPDATE shipments SET created_at = created_at - make_interval(secs => $1) WHERE number <> 'A'`,
				c.earlier.Seconds()); err != nil {
				t.Fatal(err)
			}
			about, _ := apply(t, s, db, record("1Z", scan("1", trade.MilestoneDelivered, trade.Delivered, time.Now())))
			if len(about[0]) != c.want {
				t.Errorf("it is about %v, want %d", about[0], c.want)
			}
			if n := number(t, db, `SELECT count(*) FROM shipments WHERE status = 'DELIVERED'`); n != c.want {
				t.Errorf("%d shipments are delivered, want %d", n, c.want)
			}
		})
	}
}

// TestWhatIsInTheFutureHasNotHappened reports events of tomorrow and later; a clock or a zone may be off by some hours.
func TestWhatIsInTheFutureHasNotHappened(t *testing.T) {
	for ahead, want := range map[time.Duration]trade.ShipmentStatus{
		-time.Hour: trade.Delivered, 13 * time.Hour: trade.Delivered,
		25 * time.Hour: trade.ShipmentUnknown, 5 * 365 * 24 * time.Hour: trade.ShipmentUnknown,
	} {
		s, db := storetest.Pair(t)
		saveShipment(t, s, shipment("A", "1Z"))
		apply(t, s, db, record("1Z", scan("1", trade.MilestoneDelivered, trade.Delivered, time.Now().Add(ahead))))
		if got := statusOf(t, db, "A"); got != want {
			t.Errorf("delivered in %s: the shipment is %s, want %s", ahead, got, want)
		}
	}
}
