package edge

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

const goingAway = `
directive @sunset(on: String!, since: String!, replacement: String) on FIELD_DEFINITION | ENUM_VALUE | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
type Query {
  order(how: How, was: String @deprecated(reason: "nobody reads it") @sunset(on: "2028-01-31", since: "2026-02-01")): Order
}
type Order {
  number: String
  old: String @deprecated(reason: "It was never right.") @sunset(on: "2027-06-30", since: "2026-11-01", replacement: "Order.number")
}
enum How { FAST SLOW @deprecated(reason: "all are fast") @sunset(on: "2027-12-31", since: "2026-12-01") }
`

// TestWhatGoesAwayIsToldAndThenRefused asks with and without what is deprecated, before, during and after a brown-out.
func TestWhatGoesAwayIsToldAndThenRefused(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: goingAway})
	from := time.Date(2027, 5, 3, 10, 0, 0, 0, time.UTC)
	g := newGoneSoon(schema, []BrownOut{{Coordinate: "Order.old", From: from, To: from.Add(time.Hour)}})
	for query, want := range map[string]struct {
		names               int
		deprecation, sunset string
		refused             bool
	}{
		`{ order { number } }`:                   {},
		`{ order(how: FAST) { number } }`:        {},
		`{ order { old } }`:                      {1, "@1793491200", "Wed, 30 Jun 2027 00:00:00 GMT", true},
		`{ order(how: SLOW) { number } }`:        {1, "@1796083200", "Fri, 31 Dec 2027 00:00:00 GMT", false},
		`{ order(was: "x", how: SLOW) { old } }`: {3, "@1769904000", "Wed, 30 Jun 2027 00:00:00 GMT", true},
	} {
		doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
		if errs != nil {
			t.Fatal(errs)
		}
		named := g.usedBy(doc.Operations[0])
		h := http.Header{}
		setSunset(h, named)
		if len(named) != want.names || h.Get("Deprecation") != want.deprecation || h.Get("Sunset") != want.sunset {
			t.Errorf("%s: %d named, %v", query, len(named), h)
		}
		var extensions struct {
			Deprecations []struct{ Coordinate, SunsetOn, Replacement string }
		}
		if err := json.Unmarshal(append(appendSunset([]byte(`{"a":1`), named), '}'), &extensions); err != nil ||
			len(extensions.Deprecations) != want.names {
			t.Errorf("%s: extensions %v, %v", query, extensions, err)
		}
		for at, refused := range map[time.Time]bool{
			from.Add(-time.Second): false, from: want.refused,
			from.Add(time.Hour - time.Second): want.refused, from.Add(time.Hour): false,
		} {
			errs := g.refused(named, at)
			if (errs != nil) != refused {
				t.Errorf("%s at %s: refused %v", query, at, errs)
			}
			if refused && (errs[0].Extensions["code"] != "SUNSET" || errs[0].Extensions["replacement"] != "Order.number") {
				t.Errorf("%s: the refusal does not say what to use: %v", query, errs[0].Extensions)
			}
		}
	}
	if none := newGoneSoon(gqlparser.MustLoadSchema(&ast.Source{Input: "type Query { a: Int }"}),
		nil); none.usedBy(&ast.OperationDefinition{}) != nil || none.refused(nil, from) != nil {
		t.Error("a schema of which nothing goes away tells that something does")
	}
}
