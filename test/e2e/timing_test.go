package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestForeignAndMissingTakeTheSameTime asks for records of others and for records
// that are not there, in turn, and compares how long the answers take: by the
// chance that one of the first takes longer than one of the second, which is one
// half where they are alike. With 1,200 of each its standard deviation is 0.012,
// and a statement more, or a decision made at another place, shows as 0.9.
//
// Covers: C02
func TestForeignAndMissingTakeTheSameTime(t *testing.T) {
	t.Parallel()
	s := portico(t)
	const pairs, off = 1200, 0.08
	others := s.good(t, "buyer-other",
		`{ orders(first: 50, orderBy: PLACED_AT_ASC) { nodes { id number } } shipments(first: 50) { nodes { id } } }`, nil)
	foreign := func(list string, i int, field string) string {
		nodes := others.at(list, "nodes").([]any)
		return nodes[i%len(nodes)].(map[string]any)[field].(string)
	}
	token := s.token(t, "buyer")
	for name, c := range map[string]struct {
		query  string
		theirs func(i int) string
	}{
		"an order by id": {`query ($x: ID!) { node(id: $x) { id } }`, func(i int) string { return foreign("orders", i, "id") }},
		"an order by number": {
			`query ($x: _Any!) { _entities(representations: [$x]) { __typename } }`,
			func(i int) string { return foreign("orders", i, "number") },
		},
		"a shipment by id": {`query ($x: ID!) { node(id: $x) { id } }`, func(i int) string { return foreign("shipments", i, "id") }},
	} {
		took := func(key string) float64 {
			var x any = key
			if name == "an order by number" {
				x = map[string]any{"__typename": "Order", "number": key}
			}
			at := time.Now()
			a, err := s.ask(t.Context(), token, c.query, map[string]any{"x": x})
			d := time.Since(at)
			if err != nil || len(a.Errors) > 0 || !strings.Contains(a.Body, "null") {
				t.Fatalf("%s: %v %s", name, err, a.Body)
			}
			return float64(d)
		}
		type measured struct {
			took   float64
			theirs bool
		}
		var all []measured
		for i := range pairs {
			theirs := c.theirs(i)
			missing := theirs[:len(theirs)-6] + fmt.Sprintf("%06d", (i*7919)%1_000_000)
			if i%2 == 0 {
				all = append(all, measured{took(theirs), true}, measured{took(missing), false})
			} else {
				all = append(all, measured{took(missing), false}, measured{took(theirs), true})
			}
		}
		slices.SortFunc(all, func(a, b measured) int { return cmp.Compare(a.took, b.took) })
		var ranks float64
		for rank, m := range all {
			if m.theirs {
				ranks += float64(rank + 1)
			}
		}
		chance := (ranks - pairs*(pairs+1)/2) / (pairs * pairs)
		t.Logf("%s: %.3f", name, chance)
		if chance < 0.5-off || chance > 0.5+off {
			t.Errorf("%s: the chance that one of others' takes longer than one that is not there is %.3f", name, chance)
		}
	}
}
