package tryton_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/sources"
	"portico/sources/sourcetest"
	"portico/sources/tryton"
)

// written is a server that has categories and parties alone, and says when they
// were written. Nothing else of it is asked for here.
type written struct {
	mu    sync.Mutex
	rows  map[string]map[int]time.Time // by model and id
	calls int
	most  int // rows in one answer
}

func (s *written) set(model string, at time.Time, ids ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[model] == nil {
		s.rows[model] = map[int]time.Time{}
	}
	for _, id := range ids {
		s.rows[model][id] = at
	}
}

func (s *written) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var c call
	_ = json.NewDecoder(r.Body).Decode(&c)
	answer := func(v any) { _ = json.NewEncoder(w).Encode(map[string]any{"id": 1, "result": v}) }
	switch c.Method {
	case "common.db.login":
		answer([]any{2, "key"})
		return
	case "model.res.user.get_preferences":
		answer(map[string]any{"company": 2})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	var domain, order []json.RawMessage
	var limit int
	_, _, _ = json.Unmarshal(c.Params[0], &domain), json.Unmarshal(c.Params[2], &limit), json.Unmarshal(c.Params[3], &order)
	since, lastID := time.Time{}, 0
	for _, d := range domain {
		var parts []json.RawMessage
		_ = json.Unmarshal(d, &parts)
		switch string(parts[0]) {
		case `"OR"`:
			var or []json.RawMessage
			_ = json.Unmarshal(parts[1], &or)
			var at map[string]any
			_ = json.Unmarshal(or[2], &at)
			n := func(k string) int { return int(at[k].(float64)) }
			since = time.Date(n("year"), time.Month(n("month")), n("day"), n("hour"), n("minute"), n("second"), n("microsecond")*1000, time.UTC)
		case `"id"`:
			_ = json.Unmarshal(parts[2], &lastID)
		}
	}
	type row struct {
		ID   int    `json:"id"`
		Code string `json:"code"`
		At   string `json:"_timestamp"`
		when time.Time
	}
	model := strings.TrimSuffix(strings.TrimPrefix(c.Method, "model."), ".search_read")
	rows := []row{}
	for id, at := range s.rows[model] {
		if id > lastID && !at.Before(since) {
			rows = append(rows, row{id, fmt.Sprint("P", id), fmt.Sprintf("%d.%06d", at.Unix(), at.Nanosecond()/1000), at})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return a.ID - b.ID })
	if strings.Contains(string(order[0]), "DESC") {
		slices.SortFunc(rows, func(a, b row) int { return b.when.Compare(a.when) })
	}
	rows = rows[:min(len(rows), limit)]
	s.most = max(s.most, len(rows))
	answer(rows)
}

func feed(t *testing.T) (*written, sources.Changes) {
	t.Helper()
	s := &written{rows: map[string]map[int]time.Time{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	a, err := tryton.Open(tryton.Config{URL: server.URL + "/erp", User: "portico"},
		sources.Credentials{Key: func() string { return sourcetest.Secret }})
	if err != nil {
		t.Fatal(err)
	}
	return s, a
}

var begun = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func ask(t *testing.T, c sources.Changes, after string) sources.Feed {
	t.Helper()
	f, err := c.Changes(t.Context(), after, 10)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func refs(f sources.Feed, subject sources.Subject) (all []string) {
	for _, c := range f.Changes {
		if c.Subject == subject {
			all = append(all, c.Ref)
		}
	}
	return all
}

func TestChangesAreToldOnceAndAgainToWhoDidNotTakeThem(t *testing.T) {
	s, c := feed(t)
	s.set("product.category", begun, 1, 2)
	now := ask(t, c, "")
	if len(now.Changes) > 0 {
		t.Fatalf("from now: %v", now.Changes)
	}
	ask(t, c, now.Next) // the overlap tells again what was before, as after a start
	quiet := ask(t, c, ask(t, c, now.Next).Next)
	if len(quiet.Changes) > 0 {
		t.Errorf("nothing was written, and %v is told", quiet.Changes)
	}
	s.set("product.category", begun.Add(time.Minute), 2)
	first := ask(t, c, quiet.Next)
	again := ask(t, c, quiet.Next) // it could not be saved
	for _, f := range []sources.Feed{first, again} {
		if got := refs(f, sources.OfCategories); !slices.Equal(got, []string{"2"}) {
			t.Errorf("told %v, want 2", got)
		}
	}
	if f := ask(t, c, again.Next); len(f.Changes) > 0 {
		t.Errorf("told again: %v", f.Changes)
	}
}

func TestATransactionThatEndsLateIsNotMissed(t *testing.T) {
	s, c := feed(t)
	s.set("product.category", begun, 1)
	f := ask(t, c, ask(t, c, "").Next)
	s.set("product.category", begun.Add(90*time.Second), 2)
	f = ask(t, c, f.Next)
	s.set("product.category", begun.Add(10*time.Second), 3) // it began before, and ends now
	f = ask(t, c, f.Next)
	if got := refs(f, sources.OfCategories); !slices.Equal(got, []string{"3"}) {
		t.Errorf("told %v, want 3", got)
	}
}

func TestTenThousandRecordsOfOneMomentAreToldWhole(t *testing.T) {
	s, c := feed(t)
	s.set("product.category", begun, 1)
	f := ask(t, c, ask(t, c, "").Next)
	ids := make([]int, 10_000)
	for i := range ids {
		ids[i] = i + 10
	}
	s.set("party.party", begun.Add(time.Hour), ids...)
	f = ask(t, c, f.Next)
	if n := len(refs(f, sources.OfAccounts)); n != len(ids) {
		t.Errorf("%d of %d are told", n, len(ids))
	}
	if s.most > 1000 {
		t.Errorf("%d rows in one answer: the load on the ERP has no bound", s.most)
	}
}

func TestATrytonThatWentBackBeginsAnew(t *testing.T) {
	s, c := feed(t)
	for i, model := range []string{"product.category", "party.party", "product.product", "sale.sale"} {
		s.set(model, begun.Add(time.Duration(i)*time.Hour), 1, 2)
	}
	f := ask(t, c, ask(t, c, "").Next)
	f = ask(t, c, f.Next)

	// One record that is deleted is no reason.
	s.mu.Lock()
	delete(s.rows["product.category"], 2)
	delete(s.rows["product.category"], 1)
	s.mu.Unlock()
	if g := ask(t, c, f.Next); g.Epoch != f.Epoch {
		t.Error("a deleted record began a new epoch")
	}

	// Restored to a day before, and worked with since.
	for _, model := range []string{"product.category", "party.party", "product.product", "sale.sale"} {
		s.set(model, begun.AddDate(0, 0, -1), 1, 2)
	}
	s.set("party.address", begun.AddDate(0, 0, 1), 7)
	g := ask(t, c, f.Next)
	if g.Epoch == f.Epoch || len(g.Changes) > 0 {
		t.Errorf("epoch %s after %s, %v", g.Epoch, f.Epoch, g.Changes)
	}
	if h := ask(t, c, g.Next); h.Epoch != g.Epoch {
		t.Error("the new epoch does not hold")
	}
}

func TestAPlaceThatIsNoneIsRefused(t *testing.T) {
	_, c := feed(t)
	for _, after := range []string{"7", "{}", "x"} {
		if _, err := c.Changes(t.Context(), after, 10); sources.KindOf(err) != sources.Rejected {
			t.Errorf("%s: %v", after, err)
		}
	}
}
