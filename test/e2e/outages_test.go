package e2e

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
	"portico/trade/clock"
)

var recordOutages = flag.Bool("record-outages", false,
	"stage five outages for five minutes, and write what Portico's metrics say into deploy/observability/outages_test.yml")

const (
	// recordEvery is the pause between two scrapes of a recording.
	recordEvery = 5 * time.Second
	// healthyFor, outageFor and recoveryFor are the parts of a recording.
	healthyFor, outageFor, recoveryFor = 30 * time.Second, 2 * time.Minute, 90 * time.Second
)

// staged is an outage that is staged and recorded.
type staged struct {
	name    string
	alert   string // of rules.yml
	labels  string // that it has
	summary string
	action  string
	kind    api.AlertKind
	about   string // part of the message
	begin   func(t *testing.T, s *server)
	end     func(t *testing.T, s *server)
	during  func(t *testing.T, s *server, second int) // every five seconds, unless nil
}

func outages() []staged {
	fault := func(kind string, more ...any) func(*testing.T, *server) {
		return func(t *testing.T, s *server) {
			t.Helper()
			f := map[string]any{"service": "erp", "kind": kind}
			for i := 0; i < len(more); i += 2 {
				f[more[i].(string)] = more[i+1]
			}
			s.control(t, http.MethodPost, "/control/faults", f)
		}
	}
	well := func(t *testing.T, s *server) { t.Helper(); s.control(t, http.MethodDelete, "/control/faults", nil) }
	status := func(status string, rev int) func(*testing.T, *server) {
		return func(t *testing.T, s *server) {
			t.Helper()
			s.control(t, http.MethodPost, "/control/records", map[string]any{
				"service": "erp", "object": "salesOrders", "key": "8000001", "set": map[string]any{"hdrStat": status, "rev": rev},
			})
		}
	}
	const (
		down   = "Look at the system: reads come from what is known, and writes wait. Nothing is to be done in Portico."
		shaky  = "Look at sourceHealth in the graph or at the console: its message says what to do."
		unread = "Look at the console, under Parked: it names each, and what is wrong with it. The system mends it, or you discard it."
	)
	var asking *load
	return []staged{
		{
			name: "refused", alert: "PorticoSourceDown", labels: "severity: critical, queue: operations, source: erp",
			summary: "erp does not answer Portico.", action: down, kind: api.AlertKindSourceUnhealthy, about: "erp: It refuses connections",
			begin: fault("refuse"), end: well,
		},
		{
			name: "hanging", alert: "PorticoSourceDown", labels: "severity: critical, queue: operations, source: erp",
			summary: "erp does not answer Portico.", action: down, kind: api.AlertKindSourceUnhealthy, about: "erp",
			begin: fault("latency", "millis", 20_000), end: well,
		},
		{
			name: "flapping", alert: "PorticoSourceUnsteady", labels: "severity: warning, queue: operations, source: erp, reason: FLAPPING",
			summary: "erp answers Portico, and is FLAPPING.", action: shaky, kind: api.AlertKindSourceUnhealthy, about: "erp",
			begin: fault("error"), end: well, during: func(t *testing.T, s *server, second int) {
				t.Helper()
				if second/10%2 == 0 {
					well(t, s)
				} else {
					fault("error")(t, s)
				}
			},
		},
		{
			name: "slow", alert: "PorticoSourceUnsteady", labels: "severity: warning, queue: operations, source: erp, reason: SLOW",
			summary: "erp answers Portico, and is SLOW.", action: shaky, kind: api.AlertKindSourceUnhealthy, about: "to answer",
			begin: func(t *testing.T, s *server) {
				t.Helper()
				fault("latency", "millis", 1500)(t, s)
				asking = s.portals(t, `{ items(first: 3) { nodes { price(maxAge: "PT0S") { ... on Price { provenance { instance } } }
					availability { byWarehouse { provenance { instance } } } } } }`)
			},
			end: func(t *testing.T, s *server) {
				t.Helper()
				_, _, _ = asking.ended()
				well(t, s)
			},
		},
		{
			name: "poison record", alert: "PorticoRecordUnread", labels: "severity: warning, queue: operations",
			summary: "Records are rejected, or operations parked: nobody can read or do them.", action: unread, kind: api.AlertKindDeadLetter,
			about: "8000001",
			begin: status("ZZ", 900), end: status("10", 901),
		},
	}
}

// TestOutagesAreRecorded stages outages at the pace of production, and records what Prometheus would scrape. promtool plays the rules
// on the recordings in TestPrometheusTakesTheRules: an alert is there within a minute, stays until the system is well again, and ends.
func TestOutagesAreRecorded(t *testing.T) {
	if !*recordOutages {
		t.Skip("five outages take five minutes; -record-outages stages them")
	}
	all := outages()
	parts := make([]strings.Builder, len(all))
	t.Run("outage", func(t *testing.T) {
		for i, o := range all {
			t.Run(o.name, func(t *testing.T) {
				t.Parallel()
				o.record(t, &parts[i])
			})
		}
	})
	if t.Failed() {
		return
	}
	text := "# Recorded by go test ./test/e2e -run TestOutagesAreRecorded -record-outages: real outages of the sandbox's ERP.\n" +
		"# promtool test rules outages_test.yml\nrule_files: [rules.yml]\nevaluation_interval: 5s\ntests:\n"
	for i := range parts {
		text += parts[i].String()
	}
	if err := os.WriteFile("../../deploy/observability/outages_test.yml", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

var recorded = regexp.MustCompile(`(?m)^(portico_(?:source_up|source_reason|alerts)\{[^}]*\}) (\S+)$`)

func (o *staged) record(t *testing.T, file *strings.Builder) {
	t.Helper()
	s := start(t, loaded(t), "PORTICO_PACE=1", "PORTICO_SANDBOX_SPEED=0")
	defer func() { _ = s.stop() }()
	s.settled(t)
	s.until(t, 3*time.Minute, "without alerts about the ERP", func() bool { return null(o.alerted(t, s)) })
	series := map[string][]string{}
	var raised, cleared time.Duration
	total := healthyFor + outageFor + recoveryFor
	began := time.Now()
	for n := 0; time.Duration(n)*recordEvery <= total; n++ {
		at := time.Duration(n) * recordEvery
		_ = clock.Pause(t.Context(), time.Until(began.Add(at)))
		switch {
		case at == healthyFor:
			o.begin(t, s)
		case at == healthyFor+outageFor:
			o.end(t, s)
		case o.during != nil && at > healthyFor && at < healthyFor+outageFor:
			o.during(t, s, int((at - healthyFor).Seconds()))
		}
		for _, m := range recorded.FindAllStringSubmatch(s.metrics(t), -1) {
			for len(series[m[1]]) < n {
				series[m[1]] = append(series[m[1]], "_")
			}
			series[m[1]] = append(series[m[1]], m[2])
		}
		for name, values := range series {
			if len(values) <= n { // it is told no more, which Prometheus notes at once
				series[name] = append(values, gone(values))
			}
		}
		switch now := o.alerted(t, s); {
		case !null(now) && at < healthyFor:
			t.Errorf("an alert before the outage: %s", asJSON(now))
		case !null(now) && raised == 0:
			raised = at - healthyFor
		case null(now) && raised > 0 && at < healthyFor+outageFor:
			t.Errorf("no alert any more %s into the outage", at-healthyFor)
		case null(now) && raised > 0 && cleared == 0:
			cleared = at - healthyFor - outageFor
		}
	}
	if raised == 0 || raised > time.Minute || cleared == 0 {
		t.Errorf("the graph's alert came after %s and went %s after the end", raised, cleared)
	}
	t.Logf("%s: in the graph an alert after %s, over %s after the end", o.name, raised, cleared)
	fmt.Fprintf(file, "  - name: %s # in the graph an alert after %s, over %s after the end\n    interval: 5s\n    input_series:\n", o.name,
		raised, cleared)
	for _, name := range slices.Sorted(maps.Keys(series)) {
		values := series[name]
		changed := slices.ContainsFunc(values, func(v string) bool { return v != values[0] })
		of := strings.Contains(name, `source="erp"`)
		if !of && (strings.Contains(name, "source=") || !changed) {
			continue // of a system that the ERP serves too, or it says nothing of this outage
		}
		fmt.Fprintf(file, "      - { series: '%s', values: '%s' }\n", name, strings.Join(values, " "))
	}
	file.WriteString("    alert_rule_test:\n")
	none := func(at time.Duration) {
		fmt.Fprintf(file, "      - { eval_time: %ds, alertname: %s, exp_alerts: [] }\n", int(at.Seconds()), o.alert)
	}
	fires := func(at time.Duration) {
		fmt.Fprintf(file, "      - eval_time: %ds\n        alertname: %s\n        exp_alerts:\n          - exp_labels: { %s }\n"+
			"            exp_annotations: { summary: '%s', action: '%s' }\n", int(at.Seconds()), o.alert, o.labels, o.summary, o.action)
	}
	none(healthyFor)
	for at := healthyFor + time.Minute; at <= healthyFor+outageFor; at += 10 * time.Second {
		fires(at)
	}
	none(total + time.Minute) // rules may hold on for a minute
}

// gone is what follows the values of a series that is told no more.
func gone(values []string) string {
	if last := values[len(values)-1]; last == "stale" || last == "_" {
		return "_"
	}
	return "stale"
}

// alerted is the graph's alert about the outage; null where there is none.
func (o *staged) alerted(t *testing.T, s *server) api.AlertDetails {
	t.Helper()
	return s.alerted(t, o.kind, api.AlertStateOpen, func(a api.AlertDetails) bool { return strings.Contains(a.Message, o.about) })
}
