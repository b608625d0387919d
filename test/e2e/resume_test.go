package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const resuming = `subscription ($after: EventCursor) { shipmentUpdates(after: $after)
	{ __typename ... on StreamItem { cursor at } ... on ShipmentUpdate { previousStatus etaShift shipment { id } }
	... on StreamCaughtUp { replayed } ... on StreamGap { from requery } } }`

// items are what came so far.
func (f *stream) items() []map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []map[string]any
	for _, u := range f.updates {
		for _, item := range u {
			all = append(all, item.(map[string]any))
		}
	}
	return all
}

// told are the subjects of the updates among items, in their order.
func told(items []map[string]any) (ids []string) {
	for _, i := range items {
		if id := walk(i, "shipment.id"); id != nil {
			ids = append(ids, say(id))
		}
	}
	return ids
}

// logged are the subjects of all changes of shipments, in the order of the log.
func (s *server) logged(t *testing.T) (ids []string) {
	t.Helper()
	if err := s.database(t).SelectContext(t.Context(), &ids,
		`SELECT subject FROM changes WHERE topic = 'SHIPMENT' ORDER BY xid, seq`); err != nil {
		t.Fatal(err)
	}
	return ids
}

// ticks has the company work n times, and waits until that is in the log: what it pushes comes later than what its feeds tell.
func (s *server) ticks(t *testing.T, n int) (logged []string) {
	t.Helper()
	for range n {
		s.control(t, http.MethodPost, "/control/tick", nil)
	}
	s.settled(t)
	logged, since := s.logged(t), time.Now()
	s.until(t, time.Minute, "still", func() bool {
		if now := s.logged(t); len(now) != len(logged) {
			logged, since = now, time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
	return logged
}

// TestAStreamGoesOnWhereItStopped has the server restarted while nobody reads, another
// process resumed from, connections killed and a transaction commit late: what was told is
// the log, in its order, each change once.
//
// Covers: U05 R04 C10
func TestAStreamGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	data := loaded(t)
	s := start(t, data)
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	before := len(s.logged(t))
	token := s.token(t, "operator")
	first := s.follow(t, token, resuming, nil)
	s.ticks(t, 30)
	s.until(t, 10*time.Second, "told", func() bool { return len(told(first.items())) == len(s.logged(t))-before })
	got := first.items()
	if got[0]["__typename"] != "StreamCaughtUp" || got[0]["replayed"] != 0.0 {
		t.Errorf("it began with %v", got[0])
	}
	if len(got) < 20 {
		t.Fatalf("30 ticks told %d changes", len(got))
	}
	got = got[:len(got)/2] // the rest was not read
	_ = first.conn.CloseNow()
	s.ticks(t, 20)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = start(t, data)
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	t.Cleanup(func() { _ = s.stop() })
	token = s.token(t, "operator")
	last := got[len(got)-1]["cursor"]
	second := s.follow(t, token, resuming, map[string]any{"after": last})
	other := s.beside(t)
	third := other.follow(t, token, resuming, map[string]any{"after": last})
	// Whoever hears of changes loses its connection.
	if _, err := s.database(t).ExecContext(t.Context(),
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`); err != nil {
		t.Fatal(err)
	}
	// One transaction takes its number first and commits last.
	late, err := s.database(t).BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.ExecContext(t.Context(),
		`INSERT INTO changes (topic, subject) SELECT 'SHIPMENT', id FROM shipments ORDER BY id LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	s.ticks(t, 20)
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*stream{"the process that was started again": second, "another process": third} {
		// What the ticks changed goes on to arrive.
		s.until(t, 20*time.Second, name+" has told what the log has, in its order", func() bool {
			return slices.Equal(slices.Concat(told(got), told(f.items())), s.logged(t)[before:])
		})
		items := f.items()
		at := slices.IndexFunc(items, func(i map[string]any) bool { return i["__typename"] == "StreamCaughtUp" })
		if at < 15 || items[at]["replayed"] != float64(at) {
			t.Errorf("%s caught up after %d: %v", name, at, items[max(at, 0)])
		}
		cursors := map[any]bool{}
		for _, i := range items {
			if cursors[i["cursor"]] && i["__typename"] != "StreamCaughtUp" {
				t.Errorf("%s told %v twice", name, i["cursor"])
			}
			cursors[i["cursor"]] = true
		}
	}
	// From where it caught up nothing is told again.
	again := s.follow(t, token, resuming, map[string]any{"after": second.items()[len(second.items())-1]["cursor"]})
	s.until(t, 5*time.Second, "caught up", func() bool { return len(again.items()) > 0 })
	if items := again.items(); items[0]["replayed"] != 0.0 {
		t.Errorf("told again: %v", items)
	}
}

// TestAChangeIsReadOnceForAllWhoAreToldTheSame has many follow the same: what a change takes
// of the database does not grow with them.
//
// Covers: U05
func TestAChangeIsReadOnceForAllWhoAreToldTheSame(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	t.Cleanup(func() { _ = s.stop() })
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	const many = 60
	token := s.token(t, "operator")
	var all []*stream
	for range many {
		all = append(all, s.follow(t, token, resuming, nil))
	}
	buyers := s.follow(t, s.token(t, "buyer"), resuming, nil)
	logged := len(s.logged(t))
	before := s.metric(t, "portico_store_statements_total")
	s.ticks(t, 20)
	s.until(t, 10*time.Second, "told", func() bool {
		want := len(s.logged(t)) - logged
		return want > 5 && !slices.ContainsFunc(all, func(f *stream) bool { return len(told(f.items())) < want })
	})
	for _, f := range all {
		if !slices.EqualFunc(f.items(), all[0].items(), func(a, b map[string]any) bool {
			return a["__typename"] == "StreamCaughtUp" || fmt.Sprint(a) == fmt.Sprint(b)
		}) {
			t.Error("they are told otherwise")
		}
	}
	deliveries := many * len(told(all[0].items()))
	if took := s.metric(t, "portico_store_statements_total") - before; took > deliveries {
		t.Errorf("%d deliveries took %d statements", deliveries, took)
	}
	if len(told(buyers.items())) >= len(told(all[0].items())) {
		t.Error("a buyer is told what an operator is told")
	}
}

// Covers: U05 C02
func TestACursorIsOfOneStreamAndOneCaller(t *testing.T) {
	t.Parallel()
	s := portico(t)
	f := s.follow(t, s.token(t, "operator"), resuming, nil)
	s.until(t, 5*time.Second, "caught up", func() bool { return len(f.items()) > 0 })
	cursor := say(f.items()[0]["cursor"])
	edited := []byte(cursor)
	edited[3] ^= 1
	for name, c := range map[string]struct{ persona, query, cursor string }{
		"another caller": {"buyer", resuming, cursor},
		"a supplier":     {"supplier", resuming, cursor},
		"edited":         {"operator", resuming, string(edited)},
		"made up":        {"operator", resuming, "made-up"},
		"empty":          {"operator", resuming, ""},
		"long":           {"operator", resuming, cursor + cursor},
		"another stream": {"operator", `subscription ($after: EventCursor) { operationUpdates(after: $after) { __typename } }`, cursor},
		"a cursor of the list": {
			"operator", resuming,
			say(s.good(t, "operator", `{ shipments(first: 1) { pageInfo { endCursor } } }`, nil).at("shipments", "pageInfo", "endCursor")),
		},
	} {
		f := s.follow(t, s.token(t, c.persona), c.query, map[string]any{"after": c.cursor})
		s.until(t, 5*time.Second, "refused", func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return len(f.ended) > 0 || len(f.updates) > 0
		})
		f.mu.Lock()
		if len(f.updates) > 0 || len(f.ended) == 0 || !strings.Contains(f.ended[0], "BAD_USER_INPUT") {
			t.Errorf("%s: %v, %v", name, f.updates, f.ended)
		}
		f.mu.Unlock()
	}
}

// Covers: U05 R04
func TestAStreamSaysWhatIsKeptNoLonger(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t), "PORTICO_KEEP_CHANGES=1s")
	t.Cleanup(func() { _ = s.stop() })
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	token := s.token(t, "operator")
	f := s.follow(t, token, resuming, nil)
	s.until(t, 5*time.Second, "caught up", func() bool { return len(f.items()) > 0 })
	cursor := f.items()[0]["cursor"]
	s.ticks(t, 10)
	s.until(t, 20*time.Second, "kept no longer", func() bool { return len(s.logged(t)) == 0 })
	f = s.follow(t, token, resuming, map[string]any{"after": cursor})
	s.until(t, 5*time.Second, "caught up", func() bool { return len(f.items()) > 1 })
	items := f.items()
	if items[0]["__typename"] != "StreamGap" || items[0]["from"] != cursor || fmt.Sprint(items[0]["requery"]) == "" ||
		items[1]["__typename"] != "StreamCaughtUp" || items[1]["replayed"] != 0.0 {
		t.Errorf("it began with %v", items)
	}
	after := items[1]["cursor"]
	f = s.follow(t, token, resuming, map[string]any{"after": after})
	s.until(t, 5*time.Second, "caught up", func() bool { return len(f.items()) > 0 })
	if items := f.items(); items[0]["__typename"] == "StreamGap" {
		t.Errorf("nothing is missing after %v, and it says so: %v", after, items)
	}
}
