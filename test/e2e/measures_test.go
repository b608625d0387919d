package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
)

var measuredEvents = flag.Int("events", 400, "events of shipments that measures are recomputed over")

// naive is what a measure comes to, computed from whole tables by loops alone.
type naive struct {
	seconds []float64
	cases   int
	hits    float64
}

func (n *naive) time(seconds float64) { n.seconds = append(n.seconds, seconds); n.cases++ }

func (n *naive) hit(hits float64) { n.cases++; n.hits += hits }

// percentile is that of PostgreSQL's percentile_cont: between two neighbours it is in proportion.
func (n *naive) percentile(p float64) float64 {
	slices.Sort(n.seconds)
	at := p * float64(len(n.seconds)-1)
	below := int(math.Floor(at))
	if below == len(n.seconds)-1 {
		return n.seconds[below]
	}
	return n.seconds[below] + (at-float64(below))*(n.seconds[below+1]-n.seconds[below])
}

// TestMeasuresAreWhatANaiveRecomputationSays lets the company live fast, answers a purchase order, sends goods back and
// closes an alert meanwhile, and holds every measure, which was kept case by case, to loops over whole tables.
//
// Covers: K01 K02 K05 K07 K09 O03 P03
func TestMeasuresAreWhatANaiveRecomputationSays(t *testing.T) {
	t.Parallel()
	s := start(t, folder(t, true), fmt.Sprintf("PORTICO_SCALE=%d", 1+*measuredEvents/1000), "PORTICO_SANDBOX_SPEED=0")
	s.settled(t)
	begun := time.Now()
	p := &supplying{s: s}
	po := p.purchase(t, 1000, "SCR-10001", "SCR-10002")
	p.responded(t, "supplier", p.response(po, api.ResponseKindAcceptedWithChanges, taken(), late(due(po, 2))))
	s.control(t, http.MethodPost, "/control/speed?speed=1000", nil)
	db := s.database(t)
	s.until(t, 5*time.Minute, "events", func() bool {
		n := 0
		if err := db.Get(&n, `SELECT count(*) FROM shipment_events`); err != nil {
			t.Fatal(err)
		}
		return n >= *measuredEvents && time.Since(begun) > 8*time.Second
	})
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	operator := s.as(t, "operator")
	alert := must(api.Alerts(operator, 1, nil)).Alerts.Nodes[0].Id
	must(api.ResolveAlert(operator, "measured and resolved", api.ResolveAlertInput{Alert: alert, Resolution: "called them"}))

	var want map[string]*naive
	told := func() map[string]api.RoiRoiRoiReportMeasuresMeasureResult {
		all := map[string]api.RoiRoiRoiReportMeasuresMeasureResult{}
		year := time.Now().UTC()
		for _, m := range must(api.Roi(operator, api.DateRangeInput{
			From: new(year.AddDate(0, 0, -399).Format(time.DateOnly)),
			To:   new(year.AddDate(0, 0, 1).Format(time.DateOnly)),
		})).Roi.Measures {
			all[string(m.Measure)] = m
		}
		return all
	}
	for wait := time.Now().Add(30 * time.Second); time.Now().Before(wait); time.Sleep(100 * time.Millisecond) {
		want = s.naively(t) // alerts may have been closed meanwhile
		if got := told(); !slices.ContainsFunc(slices.Collect(maps.Keys(want)), func(m string) bool {
			return want[m].cases > 0 && got[m].Samples != want[m].cases
		}) {
			break
		}
	}
	got := told()
	for measure, n := range want {
		m := got[measure]
		if n.cases == 0 {
			if !null(m) {
				t.Errorf("%s: %s, where there is no case", measure, asJSON(m))
			}
			continue
		}
		if m.Samples != n.cases {
			t.Errorf("%s: %d cases, naively %d", measure, m.Samples, n.cases)
			continue
		}
		if n.seconds != nil {
			for p, is := range map[float64]*string{0.5: m.P50, 0.95: m.P95} {
				if d := lasting(t, val(is)); math.Abs(d-n.percentile(p)) > 0.002 {
					t.Errorf("%s: %v of them take %v s, naively %v s", measure, p, d, n.percentile(p))
				}
			}
		} else if percent := fmt.Sprintf("%.2f", 100*n.hits/float64(n.cases)); !same(percent, val(m.Percent)) {
			t.Errorf("%s: %s %%, naively %s %%", measure, val(m.Percent), percent)
		}
		t.Logf("%s: %d cases", measure, n.cases)
	}
}

func same(a, b string) bool {
	var x, y float64
	_, _ = fmt.Sscan(a, &x)
	_, _ = fmt.Sscan(b, &y)
	return math.Abs(x-y) < 0.0051
}

// lasting reads a duration of ISO 8601 of weeks, days and times.
func lasting(t *testing.T, text string) (s float64) {
	t.Helper()
	units := map[string]float64{"W": 604800, "D": 86400, "H": 3600, "M": 60, "S": 1}
	number := ""
	for _, c := range strings.TrimPrefix(text, "P") {
		switch {
		case c == 'T':
		case units[string(c)] > 0:
			var n float64
			if _, err := fmt.Sscan(number, &n); err != nil {
				t.Fatalf("%q is no duration", text)
			}
			s, number = s+n*units[string(c)], ""
		default:
			number += string(c)
		}
	}
	return s
}

// naively recomputes the measures from whole tables.
func (s *server) naively(t *testing.T) map[string]*naive {
	t.Helper()
	db := s.database(t)
	read := func(query string) (all []map[string]any) {
		var documents []string
		if err := db.Select(&documents, `SELECT row_to_json(q) FROM (`+query+`) q`); err != nil {
			t.Fatal(err)
		}
		for _, d := range documents {
			row := map[string]any{}
			if err := json.Unmarshal([]byte(d), &row); err != nil {
				t.Fatal(err)
			}
			for k, v := range row {
				if text, ok := v.(string); ok {
					for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
						if at, err := time.Parse(layout, text); err == nil {
							row[k] = at
						}
					}
				}
			}
			all = append(all, row)
		}
		return all
	}
	all := map[string]*naive{}
	for _, m := range []string{
		"ORDER_CYCLE_TIME", "ORDER_ERROR_RATE", "ACKNOWLEDGMENT_LATENCY", "SUPPLIER_DEVIATION_RATE",
		"SUPPLIER_FILL_RATE", "SUPPLIER_ON_TIME", "SHIPMENT_TIMELINESS", "EXCEPTION_RESOLUTION_TIME",
	} {
		all[m] = &naive{}
	}
	orders, returns := read(`SELECT * FROM orders`),
		read(`SELECT r.order_id, r.status, l.reason FROM returns r JOIN return_lines l ON l.return_id = r.id`)
	shipments, events := read(`SELECT * FROM shipments`),
		read(`SELECT id, shipment_id, status, classifier, occurred_at, received_at, corrects FROM shipment_events`)
	carried, bought := read(`SELECT shipment_id, order_id AS id FROM shipment_orders`),
		read(`SELECT shipment_id, purchase_order_id AS id FROM shipment_purchase_orders`)
	accepted := read(`SELECT subject FROM audit_entries WHERE action = 'order.accept'`)
	purchases, lines := read(`SELECT * FROM purchase_orders`),
		read(`SELECT purchase_order_id, ordered::float8 AS ordered, received::float8 AS received FROM purchase_order_lines`)
	responses, answered := read(`SELECT * FROM purchase_order_responses`), read(`SELECT * FROM line_acknowledgments`)
	deviations, alerts := read(`SELECT * FROM deviations`), read(`SELECT * FROM alerts`)
	began := read(`SELECT begun_at FROM measuring`)[0]["begun_at"].(time.Time)

	corrected := map[any]bool{}
	for _, e := range events {
		corrected[e["corrects"]] = true
	}
	status, last := map[any]any{}, map[any]time.Time{}
	for _, h := range shipments {
		status[h["id"]] = h["status"]
	}
	for _, e := range events {
		at := e["occurred_at"].(time.Time)
		if e["status"] == "DELIVERED" && e["classifier"] == "ACTUAL" && !corrected[e["id"]] && at.After(last[e["shipment_id"]]) {
			last[e["shipment_id"]] = at
		}
		if seen := e["received_at"].(time.Time); e["classifier"] == "ACTUAL" && !at.Before(began) && !at.After(seen) {
			all["SHIPMENT_TIMELINESS"].time(seen.Sub(at).Seconds())
		}
	}
	deliveries := func(links []map[string]any) map[any]time.Time {
		found, open := map[any]time.Time{}, map[any]bool{}
		for _, l := range links {
			if s := status[l["shipment_id"]]; s == "CANCELLED" || s == "RETURNED" {
				continue
			}
			at, done := last[l["shipment_id"]]
			open[l["id"]] = open[l["id"]] || !done
			if at.After(found[l["id"]]) {
				found[l["id"]] = at
			}
		}
		for id := range open {
			if open[id] {
				delete(found, id)
			}
		}
		return found
	}
	wrong := map[any]bool{}
	for _, r := range returns {
		if r["status"] != "REJECTED" && r["status"] != "CANCELLED" && r["reason"] != "NOT_NEEDED" && r["reason"] != "OTHER" {
			wrong[r["order_id"]] = true
		}
	}
	for _, a := range accepted {
		wrong[a["subject"]] = true
	}
	delivered := deliveries(carried)
	for _, o := range orders {
		hit := 0.0
		if wrong[o["id"]] {
			hit = 1
		}
		all["ORDER_ERROR_RATE"].hit(hit)
		if at, ok := delivered[o["id"]]; ok && (o["status"] == "DELIVERED" || o["status"] == "INVOICED" || o["status"] == "CLOSED") &&
			!at.Before(o["placed_at"].(time.Time)) {
			all["ORDER_CYCLE_TIME"].time(at.Sub(o["placed_at"].(time.Time)).Seconds())
		}
	}
	deviates := map[string]bool{}
	for _, d := range deviations {
		deviates[fmt.Sprint(d["response_id"], d["purchase_order_line_id"])] = true
	}
	first, latest, promised := map[any]time.Time{}, map[any]map[string]any{}, map[any]time.Time{}
	for _, r := range responses {
		at := r["received_at"].(time.Time)
		if was, ok := first[r["purchase_order_id"]]; !ok || at.Before(was) {
			first[r["purchase_order_id"]] = at
		}
		if was := latest[r["purchase_order_id"]]; was == nil || at.After(was["received_at"].(time.Time)) {
			latest[r["purchase_order_id"]] = r
		}
	}
	for _, l := range answered {
		hit := 0.0
		if deviates[fmt.Sprint(l["response_id"], l["purchase_order_line_id"])] {
			hit = 1
		}
		all["SUPPLIER_DEVIATION_RATE"].hit(hit)
		for id, r := range latest {
			if day, ok := l["promised_delivery_date"].(time.Time); ok && r["id"] == l["response_id"] && day.After(promised[id]) {
				promised[id] = day
			}
		}
	}
	arrived := deliveries(bought)
	for _, o := range purchases {
		if at, ok := first[o["id"]]; ok && !at.Before(o["issued_at"].(time.Time)) {
			all["ACKNOWLEDGMENT_LATENCY"].time(at.Sub(o["issued_at"].(time.Time)).Seconds())
		}
		if o["status"] != "RECEIVED" && o["status"] != "INVOICED" && o["status"] != "CLOSED" {
			continue
		}
		for _, l := range lines {
			if l["purchase_order_id"] == o["id"] && l["ordered"].(float64) > 0 {
				all["SUPPLIER_FILL_RATE"].hit(min(l["received"].(float64)/l["ordered"].(float64), 1))
			}
		}
		due, ok := promised[o["id"]]
		if !ok {
			due, ok = o["delivery_date"].(time.Time)
		}
		if at, came := arrived[o["id"]]; came && ok {
			hit := 0.0
			if !at.UTC().Truncate(24 * time.Hour).After(due.UTC().Truncate(24 * time.Hour)) {
				hit = 1
			}
			all["SUPPLIER_ON_TIME"].hit(hit)
		}
	}
	for _, w := range alerts {
		if at, ok := w["resolved_at"].(time.Time); ok {
			all["EXCEPTION_RESOLUTION_TIME"].time(at.Sub(w["raised_at"].(time.Time)).Seconds())
		}
	}
	return all
}
