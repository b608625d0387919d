package tracking_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/process/tracking"
	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

// parcels is a shipment under the number of its first parcel, as a packing system tells it, with a parcel for each number.
func parcels(number string, tracked ...string) trade.Shipment {
	s := shipment(number, tracked[0])
	for i, n := range tracked {
		p := trade.Package{Number: i + 1, Status: trade.ShipmentUnknown}
		if n != "" {
			p.TrackingNumber = &n
		}
		s.PackagesKnown = append(s.PackagesKnown, p)
	}
	return s
}

// stands is where a shipment and its packages stand, and which are proven to be delivered.
func stands(t *testing.T, db *sql.DB, number string) (text string) {
	t.Helper()
	const query = `SELECT s.status || CASE WHEN s.proof IS NULL THEN '' ELSE '+' END || coalesce((SELECT string_agg(' ' || p.status ||
		CASE WHEN p.proof IS NULL THEN '' ELSE '+' END, '' ORDER BY p.number) FROM packages p WHERE p.shipment_id = s.id), '')
		FROM shipments s WHERE s.number = $1`
	if err := db.QueryRowContext(t.Context(), query, number).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func pod(key string) trade.ShipmentEvent {
	return scan(key, trade.MilestoneDelivered, trade.Delivered, noon)
}

// Cases: C1 C2
func TestAnEventMovesTheParcelItNames(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, parcels("1", "MPSA1", "MPSA2"), parcels("2", "LEAD", ""), parcels("3", "ONE"), parcels("4", "SAME", "SAME"))
	for _, step := range []struct {
		record trade.Tracking
		number string
		want   string
	}{
		{record("MPSA2", pod("a")), "1", "PARTIALLY_DELIVERED UNKNOWN DELIVERED+"},
		{record("MPSA1", scan("b", trade.MilestoneArrived, trade.AtFacility, noon)), "1", "PARTIALLY_DELIVERED AT_FACILITY DELIVERED+"},
		{record("MPSA1", scan("c", trade.MilestoneDelivered, trade.Delivered, noon.Add(time.Hour))), "1", "DELIVERED+ DELIVERED+ DELIVERED+"},
		{record("LEAD", pod("d")), "2", "DELIVERED+ DELIVERED+ DELIVERED+"}, // the second one has no number of its own
		{record("ONE", pod("e")), "3", "DELIVERED+ DELIVERED+"},
		{record("SAME", pod("f")), "4", "DELIVERED+ DELIVERED+ DELIVERED+"},
	} {
		if apply(t, s, db, step.record); stands(t, db, step.number) != step.want {
			t.Errorf("after %s of %s it stands %s, want %s", step.record.Events[0].Key, step.record.TrackingNumber, stands(t, db, step.number),
				step.want)
		}
	}
	if n := number(t, db, `SELECT count(*) FROM shipment_events WHERE key IN ('a', 'e') AND cardinality(packages) = 1`); n != 2 {
		t.Errorf("%d of 2 events name their parcel", n)
	}
	if n := number(t, db, `SELECT count(*) FROM shipment_events WHERE late`); n != 0 {
		t.Errorf("%d events are late, though only another parcel was further", n)
	}
}

// TestAParcelThatIsPackedLaterIsNotDelivered has packages come, change and go after events.
func TestAParcelThatIsPackedLaterIsNotDelivered(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, parcels("1", "P1"))
	proven := record("P1", pod("a"))
	proven.Proof = &trade.DocumentRef{Ref: "D1", MediaType: "application/pdf", FileName: "proof.pdf"}
	apply(t, s, db, proven)
	resave := func(sequence int64, tracked ...string) {
		t.Helper()
		next := parcels("1", tracked...)
		next.Provenance = storetest.From("1", sequence)
		saveShipment(t, s, next)
	}
	resave(2, "P1", "P2")
	if got := stands(t, db, "1"); got != "PARTIALLY_DELIVERED DELIVERED+ UNKNOWN" {
		t.Errorf("with another parcel it stands %s", got)
	}
	resave(3, "P1")
	if got := stands(t, db, "1"); got != "DELIVERED+ DELIVERED+" {
		t.Errorf("without it, %s", got)
	}
	if n := number(t, db, `SELECT count(*) FROM packages WHERE proof #>> '{document,ref}' = 'D1'`); n != 1 {
		t.Errorf("%d parcels have the document that proves the delivery", n)
	}
	resave(4, "P9")
	if got := stands(t, db, "1"); !strings.HasPrefix(got, "UNKNOWN UNKNOWN") {
		t.Errorf("with another parcel in its place, %s", got)
	}
}

// announce has a despatch advice announce a shipment, with units each of which stands on another one or on none.
func announce(t *testing.T, db *sql.DB, number string, units ...[2]string) {
	t.Helper()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO warehouses (code, name, location, system, instance, source_ref, source_version, sequence, as_of)
		VALUES ('W', 'W', '{}', 'ERP', 'erp', 'W', '1', 1, now()) ON CONFLICT DO NOTHING`)
	exec(`INSERT INTO despatch_advices (id, supplier_id, number, status, ship_from, warehouse_id, refs, shipment_number, operation_id)
		SELECT 'dsp_' || $1, p.id, 'ASN' || $1, 'ACCEPTED', '{}', w.id, '[]', $1, 'opr_1' FROM trading_partners p, warehouses w LIMIT 1`, number)
	for i, u := range units {
		exec(`INSERT INTO handling_units (despatch_advice_id, position, supplier_id, sscc, parent)
			SELECT id, $2, supplier_id, $3, nullif($4, '') FROM despatch_advices WHERE id = 'dsp_' || $1`, number, i, u[0], u[1])
	}
}

// TestAPalletMovesWhatStandsOnIt has a despatch advice announce two cartons on a pallet and one beside it.
//
// Cases: C4
func TestAPalletMovesWhatStandsOnIt(t *testing.T) {
	s, db := storetest.Pair(t)
	saveSupplies(t, s, "P1")
	pallet, first, second, third := "340123450000000017", "340123450000000024", "340123450000000031", "340123450000000048"
	d := supply("1", "P1")
	for i, sscc := range []string{first, second, third} {
		d.PackagesKnown = append(d.PackagesKnown, trade.Package{Number: i + 1, SSCC: &sscc, Status: trade.ShipmentUnknown})
	}
	saveShipment(t, s, d)
	announce(t, db, "1", [2]string{pallet, ""}, [2]string{first, pallet}, [2]string{second, pallet}, [2]string{third, ""})
	about := func(key string, status trade.ShipmentStatus, at time.Time, ids ...string) trade.Tracking {
		r := record("", scan(key, trade.MilestoneArrived, status, at))
		for _, id := range ids {
			r.About = append(r.About, trade.Identifier{Scheme: trade.SchemeSSCC, Value: id})
		}
		r.About = append(r.About, trade.Identifier{Scheme: trade.SchemeDespatch, Value: "1"})
		return r
	}
	for _, step := range []struct {
		record trade.Tracking
		want   string
	}{
		{about("a", trade.AtFacility, noon, first), "AT_FACILITY AT_FACILITY UNKNOWN UNKNOWN"},
		{about("b", trade.InTransit, noon.Add(time.Hour), pallet), "IN_TRANSIT IN_TRANSIT IN_TRANSIT UNKNOWN"},
		{about("c", trade.Delivered, noon.Add(2*time.Hour), pallet), "PARTIALLY_DELIVERED DELIVERED+ DELIVERED+ UNKNOWN"},
		{about("d", trade.AtFacility, noon.Add(3*time.Hour), "340123450000000055"), "PARTIALLY_DELIVERED DELIVERED+ DELIVERED+ UNKNOWN"},
		{about("e", trade.InTransit, noon.Add(4*time.Hour)), "PARTIALLY_DELIVERED DELIVERED+ DELIVERED+ IN_TRANSIT"},
		{about("f", trade.Delivered, noon.Add(5*time.Hour), first, third), "DELIVERED+ DELIVERED+ DELIVERED+ DELIVERED+"},
	} {
		found, _ := apply(t, s, db, step.record)
		if got := stands(t, db, "1"); got != step.want || !slices.Equal(found[0], []string{"1"}) {
			t.Errorf("after %s of %v it stands %s, want %s", step.record.Events[0].Key, found, got, step.want)
		}
	}
}

// TestParcelsAreToldToTheCarrier registers each number once.
func TestParcelsAreToldToTheCarrier(t *testing.T) {
	s, _ := storetest.Pair(t)
	saveShipment(t, s, parcels("1", "MPSA1", "MPSA2"))
	told, err := replication.ShipmentsToRegister(t.Context(), s, 10)
	var numbers []string
	for _, c := range told {
		numbers = append(numbers, c.TrackingNumber)
	}
	if slices.Sort(numbers); err != nil || !slices.Equal(numbers, []string{"MPSA1", "MPSA2"}) {
		t.Fatalf("to be told are %v, %v", numbers, err)
	}
	if err := s.InTx(t.Context(),
		func(tx *store.Tx) error { return replication.MarkRegistered(t.Context(), tx, "carrier", told) }); err != nil {
		t.Fatal(err)
	}
	if left, err := replication.ShipmentsToRegister(t.Context(), s, 10); err != nil || len(left) != 0 {
		t.Errorf("to be told once more are %+v, %v", left, err)
	}
}

// TestANumberThatIsUsedAgainIsOfTheShipmentThatItCanBelongTo has a history that ended years before, one that began a little
// early, and two shipments under one number.
//
// Cases: D2
func TestANumberThatIsUsedAgainIsOfTheShipmentThatItCanBelongTo(t *testing.T) {
	s, db := storetest.Pair(t)
	of := func(number, tracked string, created time.Time) trade.Shipment {
		d := shipment(number, tracked)
		d.CreatedAt = created
		return d
	}
	saveShipment(t, s, of("1", "A1", noon), of("2", "A2", noon.AddDate(-1, 0, 0)), of("3", "A2", noon))
	early := scan("new", trade.MilestonePickedUp, trade.PickedUp, noon.Add(-24*time.Hour))
	apply(t, s, db, record("A1", scan("old", trade.MilestoneDelivered, trade.Delivered, noon.AddDate(-12, 0, 0)), early))
	if got, n := stands(t, db, "1"), events(t, db, "1"); got != "PICKED_UP" || n != 1 {
		t.Errorf("the shipment stands %s, by %d events", got, n)
	}
	apply(t, s, db, record("A2", scan("a", trade.MilestoneDelivered, trade.Delivered, noon.AddDate(-1, 0, 3)), early))
	if first, second := stands(t, db, "2"), stands(t, db, "3"); first != "DELIVERED+" || second != "PICKED_UP" {
		t.Errorf("the first shipment stands %s, the second %s", first, second)
	}
	rejected := storetest.Save(t, s, tracking.Save, record("A1",
		scan("older", trade.MilestoneDelivered, trade.Delivered, noon.AddDate(-2, 0, 0))))
	if len(rejected) != 1 || !strings.Contains(rejected[0].Reason, "did not exist yet") {
		t.Errorf("rejected: %+v", rejected)
	}
}

// TestWhatIsTakenBackIsDerivedNoMore declares a delivery wrong, with its estimate and its proof.
//
// Cases: G2
func TestWhatIsTakenBackIsDerivedNoMore(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, shipment("1", "A1"))
	eta := noon.Add(24 * time.Hour)
	delivered := pod("a")
	delivered.Estimate = &eta
	proven := record("A1", delivered)
	proven.Proof = &trade.DocumentRef{Ref: "D1", MediaType: "application/pdf", FileName: "proof.pdf"}
	apply(t, s, db, proven)
	wrong := scan("a#error", trade.MilestoneOther, trade.ShipmentUnknown, noon.Add(time.Hour))
	wrong.Corrects = "a"
	apply(t, s, db, record("A1", wrong))
	if n := number(t, db,
		`SELECT count(*) FROM shipments WHERE proof IS NULL AND eta IS NULL AND eta_at IS NULL AND status = 'UNKNOWN'`); n != 1 {
		t.Errorf("the shipment stands %s", stands(t, db, "1"))
	}
	apply(t, s, db, record("A1", scan("b", trade.MilestoneDelivered, trade.Delivered, noon.Add(2*time.Hour))))
	if n := number(t, db, `SELECT count(*) FROM shipments WHERE proof IS NOT NULL AND proof -> 'document' IS NULL`); n != 1 {
		t.Error("the next delivery is proven by the document of the one that was taken back")
	}
}

// TestLateIsWhatComesAfterSomethingThatHappened has forecasts and a wrong event be further than what is reported.
//
// Cases: G3
func TestLateIsWhatComesAfterSomethingThatHappened(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s, shipment("1", "A1"))
	forecast, planned := scan("f", trade.MilestoneEtaChanged, trade.ShipmentUnknown, noon.Add(48*time.Hour)), scan("p", trade.MilestoneArrived,
		trade.AtFacility, noon.Add(24*time.Hour))
	forecast.Classifier, planned.Classifier = trade.Estimated, trade.Planned
	mistake := pod("m")
	mistake.OccurredAt = noon.Add(12 * time.Hour)
	wrong := scan("m#error", trade.MilestoneOther, trade.ShipmentUnknown, noon.Add(13*time.Hour))
	wrong.Corrects = "m"
	apply(t, s, db, record("A1", forecast, planned, mistake, wrong))
	apply(t, s, db, record("A1", scan("a", trade.MilestoneDeparted, trade.InTransit, noon)))
	apply(t, s, db, record("A1", scan("b", trade.MilestonePickedUp, trade.PickedUp, noon.Add(-time.Hour))))
	var late string
	if err := db.QueryRowContext(t.Context(),
		`SELECT string_agg(key, ',') FROM shipment_events WHERE late`).Scan(&late); err != nil || late != "b" {
		t.Errorf("late is %q, %v", late, err)
	}
}

// listed is how many shipments are in a list.
func listed(t *testing.T, s *store.Store, l *store.List[trade.Shipment]) int {
	t.Helper()
	found, err := l.Page(t.Context(), s, []string{""}, store.PageArgs{First: 10})
	if err != nil {
		t.Fatal(err)
	}
	return len(found[""].Nodes)
}

// TestReferencesOfANoticeAreThoseOfItsShipment has events name what only the despatch advice of a shipment says.
//
// Cases: C5
func TestReferencesOfANoticeAreThoseOfItsShipment(t *testing.T) {
	s, db := storetest.Pair(t)
	saveSupplies(t, s, "P1", "P2")
	saveShipment(t, s, supply("1", "P1"), supply("2", "P2"))
	pallet := "340123450000000017"
	announce(t, db, "1", [2]string{pallet, ""})
	if _, err := db.ExecContext(t.Context(), `UPDATE despatch_advices SET number = 'S-77',
		refs = '[{"scheme": "CONTAINER", "value": "APZU4812090"},
		{"scheme": "MBL", "value": "M1"}, {"scheme": "BOOKING", "value": "B1"}, {"scheme": "BOL", "value": "L1"}]'`); err != nil {
		t.Fatal(err)
	}
	for _, id := range []trade.Identifier{
		{Scheme: trade.SchemeContainer, Value: "APZU4812090"},
		{Scheme: trade.SchemeMBL, Value: "M1"},
		{Scheme: trade.SchemeBooking, Value: "B1"},
		{Scheme: trade.SchemeBOL, Value: "L1"},
		{Scheme: trade.SchemeDespatch, Value: "S-77"},
		{Scheme: trade.SchemeSSCC, Value: pallet},
	} {
		r := record("", scan(id.Value, trade.MilestoneDeparted, trade.InTransit, noon))
		r.About = []trade.Identifier{id}
		if about, _ := apply(t, s, db, r); !slices.Equal(about[0], []string{"1"}) {
			t.Errorf("%s %s is about %v", id.Scheme, id.Value, about[0])
		}
		l := records.ShipmentList(storetest.Everything, records.ShipmentFilter{Reference: &id}, records.NoParent)
		if n := listed(t, s, l); n != 1 {
			t.Errorf("%d shipments are listed by %s %s", n, id.Scheme, id.Value)
		}
	}
}
