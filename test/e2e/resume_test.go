package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// items are what came so far to a stream of ShipmentUpdates.
func items(t *testing.T, f *stream) (all []api.ShipmentStream) {
	t.Helper()
	for _, u := range updatesOf[api.ShipmentUpdatesResponse](t, f) {
		all = append(all, u.ShipmentUpdates)
	}
	return all
}

// told are the subjects of the updates among items, in their order.
func told(items []api.ShipmentStream) (ids []string) {
	for _, i := range items {
		if update, ok := i.(*api.ShipmentStreamShipmentUpdate); ok {
			ids = append(ids, update.Shipment.Id)
		}
	}
	return ids
}

// caughtUp is whether an item ends what was missed, and after how many.
func caughtUp(item api.ShipmentStream) (replayed int, ok bool) {
	if said, ok := item.(*api.ShipmentStreamStreamCaughtUp); ok {
		return said.Replayed, true
	}
	return 0, false
}

// upToDate is whether an item says that nothing was missed.
func upToDate(item api.ShipmentStream) bool {
	replayed, ok := caughtUp(item)
	return ok && replayed == 0
}

func cursorOf(item api.ShipmentStream) string {
	return item.(interface{ GetCursor() string }).GetCursor()
}

// resumed is a stream of shipments that goes on after a cursor.
func (s *server) resumed(t *testing.T, token, cursor string) *stream {
	t.Helper()
	return s.follow(t, token, api.ShipmentUpdates_Operation, map[string]any{"after": cursor})
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
	first := s.follow(t, token, api.ShipmentUpdates_Operation, nil)
	s.ticks(t, 30)
	s.until(t, 10*time.Second, "told", func() bool { return len(told(items(t, first))) == len(s.logged(t))-before })
	got := items(t, first)
	if !upToDate(got[0]) {
		t.Errorf("it began with %s", asJSON(got[0]))
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
	last := cursorOf(got[len(got)-1])
	second := s.resumed(t, token, last)
	third := s.beside(t).resumed(t, token, last)
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
			return slices.Equal(slices.Concat(told(got), told(items(t, f))), s.logged(t)[before:])
		})
		all := items(t, f)
		end := slices.IndexFunc(all, func(i api.ShipmentStream) bool { _, ok := caughtUp(i); return ok })
		if end < 15 {
			t.Errorf("%s caught up after %d: %s", name, end, asJSON(all[max(end, 0)]))
		} else if replayed, _ := caughtUp(all[end]); replayed != end {
			t.Errorf("%s caught up after %d: %s", name, end, asJSON(all[end]))
		}
		cursors := map[string]bool{}
		for _, i := range all {
			cursor := cursorOf(i)
			if _, ok := caughtUp(i); cursors[cursor] && !ok {
				t.Errorf("%s told %v twice", name, cursor)
			}
			cursors[cursor] = true
		}
	}
	// From where it caught up nothing is told again.
	read := items(t, second)
	after := s.resumed(t, token, cursorOf(read[len(read)-1]))
	s.until(t, 5*time.Second, "caught up", func() bool { return after.received() > 0 })
	if all := items(t, after); !upToDate(all[0]) {
		t.Errorf("told twice: %s", asJSON(all))
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
		all = append(all, s.follow(t, token, api.ShipmentUpdates_Operation, nil))
	}
	buyers := s.follow(t, s.token(t, "buyer"), api.ShipmentUpdates_Operation, nil)
	logged := len(s.logged(t))
	before := s.metric(t, "portico_store_statements_total")
	s.ticks(t, 20)
	s.until(t, 10*time.Second, "told", func() bool {
		want := len(s.logged(t)) - logged
		return want > 5 && !slices.ContainsFunc(all, func(f *stream) bool { return len(told(items(t, f))) < want })
	})
	for _, f := range all {
		if !slices.EqualFunc(items(t, f), items(t, all[0]), func(a, b api.ShipmentStream) bool {
			_, ok := caughtUp(a)
			return ok || asJSON(a) == asJSON(b)
		}) {
			t.Error("they are told otherwise")
		}
	}
	deliveries := many * len(told(items(t, all[0])))
	if took := s.metric(t, "portico_store_statements_total") - before; took > deliveries {
		t.Errorf("%d deliveries took %d statements", deliveries, took)
	}
	if len(told(items(t, buyers))) >= len(told(items(t, all[0]))) {
		t.Error("a buyer is told what an operator is told")
	}
}

// Covers: U05 C02
func TestACursorIsOfOneStreamAndOneCaller(t *testing.T) {
	t.Parallel()
	s := portico(t)
	f := s.follow(t, s.token(t, "operator"), api.ShipmentUpdates_Operation, nil)
	s.until(t, 5*time.Second, "caught up", func() bool { return f.received() > 0 })
	cursor := cursorOf(items(t, f)[0])
	edited := []byte(cursor)
	edited[3] ^= 1
	const resuming = api.ShipmentUpdates_Operation
	for name, c := range map[string]struct{ persona, query, cursor string }{
		"another caller": {"buyer", resuming, cursor},
		"a supplier":     {"supplier", resuming, cursor},
		"edited":         {"operator", resuming, string(edited)},
		"made up":        {"operator", resuming, "made-up"},
		"empty":          {"operator", resuming, ""},
		"long":           {"operator", resuming, cursor + cursor},
		"another stream": {"operator", api.OperationUpdatesAfter_Operation, cursor},
		"a cursor of the list": {
			"operator", resuming,
			val(must(api.ShipmentIds(s.as(t, "operator"))).Shipments.PageInfo.EndCursor),
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
	f := s.follow(t, token, api.ShipmentUpdates_Operation, nil)
	s.until(t, 5*time.Second, "caught up", func() bool { return f.received() > 0 })
	cursor := cursorOf(items(t, f)[0])
	s.ticks(t, 10)
	s.until(t, 20*time.Second, "kept no longer", func() bool { return len(s.logged(t)) == 0 })
	f = s.resumed(t, token, cursor)
	s.until(t, 5*time.Second, "caught up", func() bool { return f.received() > 1 })
	all := items(t, f)
	if gap, ok := all[0].(*api.ShipmentStreamStreamGap); !ok || gap.From != cursor || gap.Requery == "" || !upToDate(all[1]) {
		t.Errorf("it began with %s", asJSON(all))
	}
	after := cursorOf(all[1])
	f = s.resumed(t, token, after)
	s.until(t, 5*time.Second, "caught up", func() bool { return f.received() > 0 })
	all = items(t, f)
	if _, gap := all[0].(*api.ShipmentStreamStreamGap); gap {
		t.Errorf("nothing is missing after %v, and it says so: %s", after, asJSON(all))
	}
}
