package tracking_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/process"
	"portico/process/processtest"
	"portico/process/tracking"
	"portico/sources"
	"portico/sources/carriers"
	"portico/store"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/operating"
)

const pushSecret = "whsec_c2VjcmV0IG9mIHRoZXNlIHRlc3RzIGFsb25l"

// receiver is an intake to which the carrier acme pushes.
type receiver struct {
	t      *testing.T
	intake *tracking.Intake
	store  *store.Store
	db     *sql.DB
}

// receiving makes an intake over a store in which shipments with these tracking numbers are known.
func receiving(t *testing.T, numbers ...string) *receiver {
	t.Helper()
	s, db := storetest.Pair(t)
	for _, n := range numbers {
		saveShipment(t, s, shipment(n, n))
	}
	acme, err := carriers.OpenMapped(carriers.MappingConfig{Mapping: "example"},
		sources.Credentials{Secrets: func() []string { return []string{pushSecret} }})
	if err != nil {
		t.Fatal(err)
	}
	world := processtest.New(t)
	set := world.Systems(t, sources.Limits{}, map[string]sources.Adapter{"erp": world.ERP(t), "acme": acme})
	return &receiver{t, tracking.NewIntake(s, set, time.Now, slog.New(slog.DiscardHandler)), s, db}
}

// push sends a delivery of acme, signed as it signs, and tells whether it was known.
func (r *receiver) push(id, body string) (known bool) {
	r.t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(pushSecret, "whsec_"))
	if err != nil {
		r.t.Fatal(err)
	}
	at := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "." + body))
	h := http.Header{}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	if _, known, err = r.intake.Receive(r.t.Context(), "acme", h, []byte(body)); err != nil {
		r.t.Fatalf("%s is not taken: %v", id, err)
	}
	return known
}

// apply applies the deliveries that are due, and tells how many there were.
func (r *receiver) apply() int {
	r.t.Helper()
	n, err := tracking.ApplySome(r.intake, r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// delivery is what became of a delivery of acme.
type delivery struct {
	State             operating.InboundState
	Repeats, Attempts int
	Error             string
	Subjects          int
}

func (r *receiver) delivery(id string) (d delivery) {
	r.t.Helper()
	if err := r.db.QueryRowContext(r.t.Context(), `SELECT state, repeats, attempts, coalesce(error, ''), cardinality(subjects)
		FROM inbound_deliveries WHERE instance = 'acme' AND delivery_id = $1`, id).
		Scan(&d.State, &d.Repeats, &d.Attempts, &d.Error, &d.Subjects); err != nil {
		r.t.Fatalf("delivery %s: %v", id, err)
	}
	return d
}

// said is a delivery in acme's JSON: scans of one parcel, each a number, a code and a moment.
func said(t *testing.T, parcel string, scans ...string) string {
	t.Helper()
	type scan struct {
		No   string `json:"no"`
		Code string `json:"code"`
		At   string `json:"at"`
	}
	all := []scan{}
	for _, s := range scans {
		part := strings.Fields(s)
		all = append(all, scan{part[0], part[1], part[2]})
	}
	text, err := json.Marshal(map[string]any{"parcel": parcel, "scans": all})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestADeliveryIsKeptOnceHoweverOftenItComes(t *testing.T) {
	r := receiving(t, "A1")
	pickedUp := said(t, "A1", "1 PUP 2026-03-01T08:00:00Z")
	for n := range 3 {
		if known := r.push("m1", pickedUp); known != (n > 0) {
			t.Errorf("the delivery is known as it comes for time %d: %t", n+1, known)
		}
	}
	if n := r.apply(); n != 1 {
		t.Errorf("%d deliveries are applied, want the one that was kept", n)
	}
	if d := r.delivery("m1"); d.State != operating.InboundApplied || d.Repeats != 2 || d.Attempts != 1 || d.Subjects != 1 {
		t.Errorf("the delivery is %+v", d)
	}
	r.push("m2", pickedUp) // the same event under another id
	r.apply()
	if d := r.delivery("m2"); d.State != operating.InboundDuplicate {
		t.Errorf("a delivery that says nothing new is %+v", d)
	}
	if n, status := events(t, r.db, "A1"), statusOf(t, r.db, "A1"); n != 1 || status != trade.PickedUp {
		t.Errorf("%d events, and the shipment is %s", n, status)
	}
}

// TestABadDeliveryIsParkedAndHoldsUpNoOther has one that cannot be read, and one that the database refuses, for no
// text of it holds the character U+0000, come among good ones.
func TestABadDeliveryIsParkedAndHoldsUpNoOther(t *testing.T) {
	r := receiving(t, "A1", "A2", "A3")
	r.push("m1", said(t, "A1", "1 PUP 2026-03-01T08:00:00Z"))
	r.push("unreadable", "this is no JSON")
	r.push("m2", said(t, "A2", "1 PUP 2026-03-01T08:00:00Z"))
	r.push("refused", said(t, "A3", "1\x00 PUP 2026-03-01T08:00:00Z"))
	r.push("in part", said(t, "A3", "1 PUP yesterday", "2 HUB 2026-03-01T09:00:00Z"))
	if n := r.apply(); n != 5 {
		t.Errorf("%d deliveries were due, want 5", n)
	}
	for id, want := range map[string]operating.InboundState{
		"m1": operating.InboundApplied, "m2": operating.InboundApplied, "unreadable": operating.InboundParked,
		"refused": operating.InboundParked, "in part": operating.InboundInPart,
	} {
		if d := r.delivery(id); d.State != want || (d.Error == "") != (want == operating.InboundApplied) {
			t.Errorf("%s is %+v, want %s", id, d, want)
		}
	}
	for number, want := range map[string]trade.ShipmentStatus{"A1": trade.PickedUp, "A2": trade.PickedUp, "A3": trade.AtFacility} {
		if got := statusOf(t, r.db, number); got != want {
			t.Errorf("%s is %s, want %s", number, got, want)
		}
	}
	if n := r.apply(); n != 0 {
		t.Errorf("%d deliveries are due still", n)
	}
}

func TestADeliveryWaitsForItsShipment(t *testing.T) {
	r := receiving(t, "A1")
	r.push("m1", said(t, "EARLY", "1 PUP 2026-03-01T08:00:00Z"))
	r.apply()
	if d := r.delivery("m1"); d.State != operating.InboundWaiting || !strings.Contains(d.Error, "tracking number EARLY") {
		t.Fatalf("the delivery is %+v", d)
	}
	saveShipment(t, r.store, shipment("S2", "EARLY"))
	if n := r.apply(); n != 1 {
		t.Errorf("%d deliveries are due after the shipment was saved", n)
	}
	if d, status := r.delivery("m1"), statusOf(t, r.db, "S2"); d.State != operating.InboundApplied || status != trade.PickedUp {
		t.Errorf("the delivery is %+v, the shipment %s", d, status)
	}
}

// TestADeliveryAboutShipmentsOfTwoPartiesIsParked has two customers' shipments go under one number.
//
// Cases: D2
func TestADeliveryAboutShipmentsOfTwoPartiesIsParked(t *testing.T) {
	r := receiving(t, "A1")
	storetest.Save(t, r.store, replication.SaveAccounts, storetest.Account("2", "b", 1))
	other := shipment("A2", "A1")
	other.AccountRef = trade.Key("2")
	saveShipment(t, r.store, other)
	now := time.Now().UTC().Format(time.RFC3339)
	r.push("m1", said(t, "A1", "1 POD "+now))
	r.push("m2", said(t, "A1", "1 POD 2099-01-01T00:00:00Z"))
	r.apply()
	if d := r.delivery("m1"); d.State != operating.InboundParked || !strings.Contains(d.Error, "several parties") || d.Subjects != 0 {
		t.Errorf("the delivery is %+v", d)
	}
	if d := r.delivery("m2"); !strings.Contains(d.Error, "in the future: 2099-01-01 00:00Z") || d.Subjects != 0 {
		t.Errorf("the delivery of what is in the future is %+v", d)
	}
	if n := events(t, r.db, "A1") + events(t, r.db, "A2"); n != 0 {
		t.Errorf("the shipments have %d events", n)
	}
	// Corrected where the shipments are from, it is replayed.
	other.TrackingNumber, other.Provenance = "A3", storetest.From("A2", 2)
	saveShipment(t, r.store, other)
	if _, _, err := r.intake.ReplayPage(t.Context(), process.Replay{Stream: "acme/deliveries"}, ""); err != nil {
		t.Fatal(err)
	}
	if d := r.delivery("m1"); d.State != operating.InboundApplied || statusOf(t, r.db, "A1") != trade.Delivered || events(t, r.db, "A2") != 0 {
		t.Errorf("replayed it is %+v", d)
	}
}

// TestWhatWaitsForItsShipmentWaitsWhateverElseIsStrange pushes what happened and what has not, of a parcel that is not known yet.
func TestWhatWaitsForItsShipmentWaitsWhateverElseIsStrange(t *testing.T) {
	r := receiving(t)
	r.push("m1", said(t, "EARLY", "1 PUP "+time.Now().UTC().Format(time.RFC3339), "2 POD 2099-01-01T00:00:00Z"))
	r.apply()
	if d := r.delivery("m1"); d.State != operating.InboundWaiting {
		t.Fatalf("the delivery is %+v", d)
	}
	saveShipment(t, r.store, shipment("S2", "EARLY"))
	r.apply()
	if d, status := r.delivery("m1"), statusOf(t, r.db, "S2"); d.State != operating.InboundApplied || status != trade.PickedUp ||
		!strings.Contains(d.Error, "in the future") {
		t.Errorf("the delivery is %+v, the shipment %s", d, status)
	}
}

// TestAReplayAppliesDeliveriesOnceMore loses what deliveries said, counts first what a replay would bring back, and then
// brings it back.
func TestAReplayAppliesDeliveriesOnceMore(t *testing.T) {
	r := receiving(t, "A1", "A2")
	r.push("m1", said(t, "A1", "1 PUP 2026-03-01T08:00:00Z"))
	r.push("m2", said(t, "A2", "1 PUP 2026-03-01T08:00:00Z"))
	r.apply()
	if _, err := r.db.ExecContext(t.Context(), `DELETE FROM shipment_events`); err != nil {
		t.Fatal(err)
	}
	for stream, want := range map[string]bool{"acme/deliveries": true, "acme/orders": false, "acme": false, "erp/deliveries": false} {
		if r.intake.HasStream(stream) != want {
			t.Errorf("%s is a stream: %v, want %v", stream, !want, want)
		}
	}
	replay := func(dry bool) trade.OperationProgress {
		t.Helper()
		found, next, err := r.intake.ReplayPage(t.Context(), process.Replay{Stream: "acme/deliveries", DryRun: dry}, "")
		if err != nil || next != "" {
			t.Fatalf("the next page begins after %q, %v", next, err)
		}
		return found
	}
	if found := replay(true); found != (trade.OperationProgress{Found: 2, Changes: 2}) || events(t, r.db, "A1") != 0 {
		t.Errorf("counted: %+v, and %d events of a shipment", found, events(t, r.db, "A1"))
	}
	if found := replay(false); found != (trade.OperationProgress{Found: 2, Changes: 2}) || events(t, r.db, "A1") != 1 {
		t.Errorf("applied: %+v, and %d events of a shipment", found, events(t, r.db, "A1"))
	}
	if found := replay(false); found != (trade.OperationProgress{Found: 2}) {
		t.Errorf("once more: %+v", found)
	}
}

// TestADeliveryCostsTheSameStatementsAsAHundred counts what is sent to the database beside BEGIN and COMMIT.
func TestADeliveryCostsTheSameStatementsAsAHundred(t *testing.T) {
	const most = 7 // due, match, hold, save events, read events, save what was derived, settle
	r := receiving(t, "A1", "A2")
	statements := func() int64 {
		var tally telemetry.Tally
		if _, err := tracking.ApplySome(r.intake, telemetry.WithTally(t.Context(), &tally)); err != nil {
			t.Fatal(err)
		}
		return tally.Statements.Load()
	}
	r.push("first", said(t, "A1", "0 PUP 2026-03-01T07:00:00Z"))
	statements() // they are prepared
	r.push("one", said(t, "A1", "1 PUP 2026-03-01T08:00:00Z"))
	if n := statements(); n != most {
		t.Errorf("a delivery takes %d statements, want %d", n, most)
	}
	for n := range 100 {
		r.push(fmt.Sprint("of many ", n), said(t, "A"+fmt.Sprint(n%2+1), fmt.Sprint(n+2)+" HUB 2026-03-01T08:00:00Z"))
	}
	if n := statements(); n != most {
		t.Errorf("a hundred deliveries take %d statements, want %d", n, most)
	}
}
