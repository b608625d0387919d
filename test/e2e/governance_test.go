package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestWhatClientsAskForIsCounted asks, and finds it in what is exported for those who change
// the schema.
//
// Covers: G04 G14
func TestWhatClientsAskForIsCounted(t *testing.T) {
	t.Parallel()
	s := start(t, folder(t, true)) // where nobody has asked for anything
	for range 3 {
		s.good(t, "buyer", `{ orders(first: 2) { nodes { customerPoNumber lines(first: 1) { nodes { ordered { unit } } } } } }`, nil)
	}
	if a := s.query(t, "buyer", `{ orders(first: 2) { nodes { nothing } } }`, nil); len(a.Errors) == 0 {
		t.Error("nothing was asked for, and answered")
	}
	exported := func() string { return s.command(t, "governance", "--usage") }
	s.until(t, 20*time.Second, "counted", func() bool { return strings.Contains(exported(), `"Order.customerPoNumber"`) })
	var all []struct {
		Coordinate, Client string
		Calls              int
		LastUsedAt         time.Time
	}
	if err := json.Unmarshal([]byte(exported()), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, u := range all {
		if u.Client != "development" || time.Since(u.LastUsedAt) > time.Minute {
			t.Errorf("%+v", u)
		}
		found[u.Coordinate] = u.Calls
	}
	if found["Order.customerPoNumber"] != 3 || found["Query.orders(first:)"] != 3 || found["Order.lines"] != 3 ||
		found["Quantity.unit"] != 3 ||
		len(found) > 20 {
		t.Errorf("counted: %v", found)
	}
	s.good(t, "buyer", `{ orders(first: 2) { nodes { customerPoNumber } } }`, nil)
	if err := s.stop(); err != nil { // what was not kept yet is kept now
		t.Fatal(err)
	}
	again := start(t, s.data)
	t.Cleanup(func() { _ = again.stop() })
	if out := again.command(t, "governance", "--usage"); !strings.Contains(strings.Join(strings.Fields(out), ""),
		`"Order.customerPoNumber","client":"development","calls":4`) {
		t.Errorf("after a restart: %s", out)
	}
}
