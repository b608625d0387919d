package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// slowed passes connections on to a database, each answer later by what is set.
func slowed(t *testing.T, socket string) (addr string, by *atomic.Int64) {
	t.Helper()
	by = &atomic.Int64{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			database, err := net.Dial("unix", socket)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(database, client); _ = database.Close() }()
			go func() {
				defer client.Close()
				b := make([]byte, 64<<10)
				for {
					n, err := database.Read(b)
					time.Sleep(time.Duration(by.Load())) // the database answers later
					if n > 0 {
						if _, err := client.Write(b[:n]); err != nil {
							return
						}
					}
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String(), by
}

// TestTwelveFailuresNameTheirTierAndTheNextStep stages the failures of docs/runbook.md. For each an alert, which is what the console shows,
// names the right tier and the next step, and the page has a chapter.
//
// Covers: O06 O05 F12 G13 T01 T03
func TestTwelveFailuresNameTheirTierAndTheNextStep(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, loaded(t))
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	db := s.database(t)
	exec := func(query string) {
		t.Helper()
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	often := func(on *server, query string) {
		token := s.token(t, "buyer")
		for range 60 {
			_, _ = on.ask(t.Context(), token, query, nil)
		}
	}
	pid, err := os.ReadFile(filepath.Join(s.data, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	addr, by := slowed(t, filepath.Join(strings.Split(string(pid), "\n")[4], ".s.PGSQL.5432"))
	host, port, _ := net.SplitHostPort(addr)
	o := orderingAt(t, s)
	well := func() { s.control(t, http.MethodDelete, "/control/faults", nil) }
	var beside *server
	var asking *load
	silent, before := "", ""
	for i, stage := range []struct {
		chapter, kind, tier string
		about               func(map[string]any) bool
		fail, mend          func()
	}{
		{"The portal sends nonsense", "CLIENT_REFUSED", "PORTAL", subject("VALIDATION_FAILED"), func() { often(s, `{ nothing }`) }, nil},
		{"A client spends its budget", "CLIENT_REFUSED", "GATEWAY", subject("RATE_LIMITED"), func() {
			beside = s.over(t, "portico", "PORTICO_CLIENT_RATE=1", "PORTICO_CLIENT_BURST=60", "PORTICO_ACCOUNT_RATE=1", "PORTICO_ACCOUNT_BURST=60")
			often(beside, `{ orders(first: 50) { nodes { number } } }`)
		}, func() { _ = beside.stop() }},
		{
			"The guard refuses a client's documents", "CLIENT_REFUSED", "GATEWAY", subject("DOCUMENT_TOO_COMPLEX"),
			func() { often(s, "{"+strings.Repeat(" viewer { __typename }", 900)+" }") }, nil,
		},
		{"The ERP refuses", "OPERATION_REFUSED", "ERP", subject("erp"), func() {
			key, in := o.order()
			id := o.submit(t, key, in).Operation.Id
			// What the ERP's refusal leaves, which tests of writes bring about for real.
			exec(fmt.Sprintf(`UPDATE operations SET state = 'FAILED', finished_at = clock_timestamp(),
				failure = '{"responsible": "ERP", "code": "REFUSED_BY_ERP", "message": "blocked", "retryable": true}' WHERE id = '%v'`, id))
		}, nil},
		{"The ERP is slow", "SOURCE_UNHEALTHY", "ERP", message("to answer"), func() {
			s.control(t, http.MethodPost, "/control/faults", map[string]any{"service": "erp", "kind": "latency", "millis": 1500})
			// A few calls are no sign.
			asking = s.portals(t, `{ items(first: 3) { nodes {
				price(maxAge: "PT0S") { ... on Price { provenance { instance } } } availability { byWarehouse { provenance { instance } } } } } }`)
		}, func() { _, _, _ = asking.ended(); well() }},
		{"The ERP is down", "SOURCE_UNHEALTHY", "ERP", message("erp: It refuses connections"), func() {
			s.control(t, http.MethodPost, "/control/faults", map[string]any{"service": "erp", "kind": "refuse"})
		}, well},
		{"Somebody says what nobody has mapped", "UNMAPPED_CODE", "LOGISTICS", message("acme"), func() {
			var parcel string
			if err := db.Get(&parcel, `SELECT tracking_number FROM shipments WHERE direction = 'OUTBOUND'
				AND status NOT IN ('DELIVERED', 'RETURNED', 'CANCELLED') AND tracking_number <> '' LIMIT 1`); err != nil {
				t.Fatal(err)
			}
			body, _ := json.Marshal(map[string]any{
				"parcel": parcel,
				"scans":  []any{map[string]any{"no": 1, "code": "QQQ", "note": "what is this", "at": time.Now().UTC().Format(time.RFC3339)}},
			})
			p := &pushing{server: s}
			if status, text := p.post("acme", signedWith("whsec_YWNtZSBpbiBkZXZlbG9wbWVudCBhbG9uZQ==", "surprise", time.Now(), body),
				body); status != http.StatusAccepted {
				t.Fatalf("%d %s", status, text)
			}
			s.control(t, http.MethodPost, "/control/records",
				map[string]any{"service": "erp", "object": "salesOrders", "key": "8000001", "set": map[string]any{"hdrStat": "ZZ", "rev": 900}})
		}, func() {
			s.until(t, 60*time.Second, "the ERP's surprise: an alert", func() bool {
				m := s.alert(t, "DEAD_LETTER", []string{"OPEN"}, message("hdrStat"))
				return m != nil && m["responsible"] == "ERP" && m["subject"] == "erp"
			})
			s.control(t, http.MethodPost, "/control/records",
				map[string]any{"service": "erp", "object": "salesOrders", "key": "8000001", "set": map[string]any{"hdrStat": "10", "rev": 901}})
			s.until(t, 60*time.Second, "over", func() bool { return s.alert(t, "DEAD_LETTER", []string{"OPEN"}, message("hdrStat")) == nil })
		}},
		{"A supplier is late", "ACKNOWLEDGMENT_OVERDUE", "PARTNER", message("is not acknowledged"), func() {}, nil},
		{
			"A carrier is silent", "SHIPMENT_DELAYED", "LOGISTICS",
			func(m map[string]any) bool { return silent != "" && m["subject"] == "SWFT" && m["message"] != before }, func() {
				// One that was heard of lately; the days are made to pass.
				if err := db.Get(&silent, `SELECT h.id FROM shipments h JOIN shipment_events e ON e.shipment_id = h.id
				WHERE h.status IN ('PICKED_UP', 'IN_TRANSIT', 'AT_FACILITY', 'OUT_FOR_DELIVERY') AND e.classifier = 'ACTUAL'
				GROUP BY h.id HAVING max(e.occurred_at) > now() - interval '3 days' LIMIT 1`); err != nil {
					t.Fatal(err)
				}
				for _, a := range s.good(t, "operator", `{ alerts(first: 10, filter: {kind: [SHIPMENT_DELAYED]}) { nodes { message } } }`,
					nil).at("alerts", "nodes").([]any) {
					before = say(walk(a, "message"))
				}
				exec(`UPDATE shipment_events SET occurred_at = occurred_at - interval '4 days' WHERE shipment_id = '` + silent + `'`)
			}, nil,
		},
		{"The warehouse contradicts", "MASTER_DATA_CONFLICT", "WMS", message("inventory"), func() {
			exec(`INSERT INTO reconciliations (id, capability, subject, held, instance, after, sums, claimed_until, at, count, source_count)
				VALUES ('rec_staged', 'INVENTORY', 'inventory', 'wms', 'erp', '', '{}', now() + interval '1 day', now(), 1, 1)`)
			exec(`INSERT INTO differences (id, capability, subject, key, field, held, instance, value, source_value)
				VALUES ('mdc_staged', 'INVENTORY', 'inventory', 'SCR-10001 RTM', 'onHand', 'wms', 'erp', '10', '12')`)
		}, nil},
		{"PostgreSQL is slow", "PROCESS_UNHEALTHY", "ORCHESTRATION", message("The database takes"), func() {
			beside = s.over(t, "portico",
				"DATABASE_URL=host="+host+" port="+port+" user=portico dbname=portico sslmode=disable binary_parameters=yes")
			by.Store(int64(700 * time.Millisecond))
		}, func() { by.Store(0); _ = beside.stop() }},
		{"One process is dead", "PROCESS_UNHEALTHY", "ORCHESTRATION", message("ended without saying so"), func() {
			beside = s.over(t, "portico")
			s.until(t, 10*time.Second, "it lives", func() bool {
				var all []string
				if err := db.Select(&all, `SELECT process FROM signals WHERE kind = 'ALIVE'`); err != nil {
					t.Fatal(err)
				}
				return slices.ContainsFunc(all, func(p string) bool { return strings.HasSuffix(p, fmt.Sprintf("/%d", beside.cmd.Process.Pid)) })
			})
			_ = beside.cmd.Process.Signal(syscall.SIGKILL)
			<-beside.exited
		}, nil},
	} {
		stage.fail()
		var raised map[string]any
		began := time.Now()
		s.until(t, 60*time.Second, fmt.Sprintf("%s: an alert", stage.chapter), func() bool {
			raised = s.alert(t, stage.kind, []string{"OPEN"}, stage.about)
			return raised != nil
		})
		if raised["responsible"] != stage.tier || say(raised["suggestedAction"]) == "" {
			t.Errorf("%s: the alert names %v, want %s; and says to do: %v", stage.chapter, raised["responsible"], stage.tier,
				raised["suggestedAction"])
		}
		if chapter := fmt.Sprintf("## %d. %s\n", i+1, stage.chapter); !strings.Contains(string(page), chapter) {
			t.Errorf("docs/runbook.md lacks the chapter %q", strings.TrimSpace(chapter))
		}
		t.Logf("%s: %s after %s", stage.chapter, raised["message"], time.Since(began).Round(100*time.Millisecond))
		if stage.mend != nil {
			stage.mend()
		}
	}
}

func subject(part string) func(map[string]any) bool {
	return func(m map[string]any) bool { return strings.Contains(say(m["subject"]), part) }
}

func message(part string) func(map[string]any) bool {
	return func(m map[string]any) bool { return strings.Contains(say(m["message"]), part) }
}
