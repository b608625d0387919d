package execution

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// TestNullsTravelAsFarAsTheSchemaSays holds answers to section 6.4.4 of the specification: what must not
// be null makes null of what it is in, as far as that may be, and each null is told once with its path.
func TestNullsTravelAsFarAsTheSchemaSays(t *testing.T) {
	const must, keeper, sku = "cannot return null for non-null field Shop.must", "cannot return null for non-null field " +
		"Shop.keeper", "cannot return null for non-null field Item.sku"
	for name, c := range map[string]struct {
		change func(w *town)
		query  string
		data   string
		errs   []string
	}{
		"nothing is missing": {nil, `{ shop(id: "a") { id must } }`, `{"shop":{"id":"a","must":"must a"}}`, nil},
		"what may be null":   {func(w *town) { w.shops[0].name = nil }, `{ shop(id: "a") { name id } }`, `{"shop":{"name":null,"id":"a"}}`, nil},
		"a leaf that must not be, in what may be": {
			func(w *town) { w.shops[0].must = nil }, `{ shop(id: "a") { id must } }`, `{"shop":null}`, []string{"shop.must: " + must},
		},
		"an object that must not be, in what may be": {
			func(w *town) { w.shops[0].keeper = nil }, `{ shop(id: "a") { id keeper { name } } }`, `{"shop":null}`,
			[]string{"shop.keeper: " + keeper},
		},
		"a leaf below an object that must not be": {
			func(w *town) { w.shops[0].keeper.name = nil }, `{ shop(id: "a") { id keeper { name } } }`, `{"shop":null}`,
			[]string{"shop.keeper.name: cannot return null for non-null field Person.name"},
		},
		"a leaf below an object that may be": {
			func(w *town) { w.shops[0].owner.name = nil }, `{ shop(id: "a") { id owner { name } } }`, `{"shop":{"id":"a","owner":null}}`,
			[]string{"shop.owner.name: cannot return null for non-null field Person.name"},
		},
		"up to the whole answer": {
			func(w *town) { w.shops[0].must = nil }, `{ must(id: "a") { must } }`, `null`, []string{"must.must: " + must},
		},
		"a root that must not be": {nil, `{ must(id: "z") { id } }`, `null`, []string{"must: cannot return null for non-null field Query.must"}},
		"a root that may be":      {nil, `{ shop(id: "z") { id } }`, `{"shop":null}`, nil},
		"a second null after one that must not be": {
			func(w *town) { w.shops[0].must, w.shops[0].owner = nil, nil }, `{ shop(id: "a") { must owner { name } } }`, `{"shop":null}`,
			[]string{"shop.must: " + must},
		},
		"a second null before one that must not be": {
			func(w *town) { w.shops[0].must, w.shops[0].owner = nil, nil }, `{ shop(id: "a") { owner { name } must id } }`, `{"shop":null}`,
			[]string{"shop.must: " + must},
		},
		"two that must not be are both told": {
			func(w *town) { w.shops[0].must, w.shops[0].keeper = nil, nil }, `{ shop(id: "a") { must keeper { name } owner { name } } }`,
			`{"shop":null}`,
			[]string{"shop.must: " + must, "shop.keeper: " + keeper},
		},
		"an element that must not be": {
			func(w *town) { w.shops[1].must = nil }, `{ shops { must } }`, `{"shops":null}`, []string{"shops[1].must: " + must},
		},
		"an element that may be": {
			func(w *town) { w.shops[1].must = nil }, `{ some { must } }`, `{"some":[{"must":"must a"},null,{"must":"must c"}]}`,
			[]string{"some[1].must: " + must},
		},
		"an element that is not there and may be": {
			func(w *town) { w.shops[1] = nil }, `{ some { id } }`, `{"some":[{"id":"a"},null,{"id":"c"}]}`, nil,
		},
		"an element that is not there and must": {
			func(w *town) { w.shops[1] = nil }, `{ shops { id } }`, `{"shops":null}`,
			[]string{"shops[1]: cannot return null for non-null element of field Query.shops"},
		},
		"text that is not there in a list of what must": {
			func(w *town) { w.shops[0].tags[1] = nil }, `{ shop(id: "a") { id tags } }`, `{"shop":{"id":"a","tags":null}}`,
			[]string{"shop.tags[1]: cannot return null for non-null element of field Shop.tags"},
		},
		"text that is not there in a list of what may": {nil, `{ shop(id: "a") { notes } }`, `{"shop":{"notes":["n",null]}}`, nil},
		"an empty list": {func(w *town) { w.shops[0].tags = []*string{} }, `{ shop(id: "a") { tags } }`, `{"shop":{"tags":[]}}`, nil},
		"no list":       {func(w *town) { w.shops[0].tags = nil }, `{ shop(id: "a") { tags } }`, `{"shop":{"tags":null}}`, nil},
		"a list of lists": {func(w *town) {
			w.items["b"][1].sku = nil
		}, `{ shops { id items { sku } } }`, `{"shops":[{"id":"a","items":[{"sku":"a1"},{"sku":"a2"}]},{"id":"b","items":null},` +
			`{"id":"c","items":[{"sku":"c1"},{"sku":"c2"}]}]}`, []string{"shops[1].items[1].sku: " + sku}},
		"every alias by its name": {
			func(w *town) { w.shops[0].must = nil }, `{ one: shop(id: "a") { two: must } }`, `{"one":null}`, []string{"one.two: " + must},
		},
		"a union's member is null": {
			func(w *town) { w.any = []any{(*shop)(nil), &item{sku: p("i")}} }, `{ any { ... on Item { sku } } }`, `{"any":[null,{"sku":"i"}]}`, nil,
		},
		"a union's member is null and must not be": {
			func(w *town) { w.any = []any{(*shop)(nil)} }, `{ every { __typename } }`, `{"every":null}`,
			[]string{"every[0]: cannot return null for non-null field Query.every"},
		},
		"a union's member is of no type": {
			func(w *town) { w.any = []any{7} }, `{ any { __typename } }`, `{"any":[null]}`, []string{"any[0]: unexpected type int for Query.any"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := mainStreet()
			if c.change != nil {
				c.change(w)
			}
			got := newAsking(t, w).one(t, c.query, nil)
			if got.data != c.data || !slices.Equal(got.errs, c.errs) {
				t.Errorf("got %s, %q\nwant %s, %q", got.data, got.errs, c.data, c.errs)
			}
		})
	}
}

// TestAnErrorCostsItsFieldAndIsToldWhereItIs has resolvers and accessors fail.
func TestAnErrorCostsItsFieldAndIsToldWhereItIs(t *testing.T) {
	down := errors.New("down")
	for name, c := range map[string]struct {
		change func(w *town)
		query  string
		data   string
		errs   []string
	}{
		"a root": {func(w *town) {
			w.fail["shop"] = down
		}, `{ shop(id: "a") { id } some { id } }`, `{"shop":null,"some":[{"id":"a"},{"id":"b"},{"id":"c"}]}`, []string{"shop: down"}},
		"a root that must not be": {func(w *town) { w.fail["must"] = down }, `{ must(id: "a") { id } }`, `null`, []string{"must: down"}},
		"all of a level": {
			func(w *town) { w.fail["best"] = down }, `{ shops { id best { sku } } }`,
			`{"shops":[{"id":"a","best":null},{"id":"b","best":null},{"id":"c","best":null}]}`,
			[]string{"shops[0].best: down", "shops[1].best: down", "shops[2].best: down"},
		},
		"one of a level": {
			func(w *town) { w.bad["best"] = map[string]error{"b": down} }, `{ shops { best { sku } } }`,
			`{"shops":[{"best":{"sku":"a1"}},{"best":null},{"best":{"sku":"c1"}}]}`,
			[]string{"shops[1].best: down"},
		},
		"one of a level of lists": {
			func(w *town) { w.bad["items"] = map[string]error{"c": down} }, `{ shops { items { sku shop { id } } } }`,
			`{"shops":[{"items":[{"sku":"a1","shop":{"id":"a"}},{"sku":"a2","shop":{"id":"a"}}]},{"items":[{"sku":"b1","shop":{"id":"b"}},` +
				`{"sku":"b2","shop":{"id":"b"}}]},{"items":null}]}`,
			[]string{"shops[2].items: down"},
		},
		"several of one": {
			func(w *town) {
				w.bad["best"] = map[string]error{"a": gqlerror.List{{Message: "one"}, {Message: "two"}}}
			}, `{ shop(id: "a") { best { sku } } }`, `{"shop":{"best":null}}`, []string{"shop.best: one", "shop.best: two"},
		},
		"too few results": {
			func(w *town) { w.broken["items"] = func() (any, int) { return [][]*item{nil}, 1 } }, `{ shops { items { sku } } }`,
			`{"shops":[{"items":null},{"items":null},{"items":null}]}`,
			[]string{
				"shops[0].items: resolver Shop.items returned 1 results for 3 parents",
				"shops[1].items: resolver Shop.items returned 1 results for 3 parents",
				"shops[2].items: resolver Shop.items returned 1 results for 3 parents",
			},
		},
		"a panic of a resolver": {
			func(w *town) { w.broken["items"] = func() (any, int) { panic("boom") } }, `{ shop(id: "a") { id items { sku } } }`,
			`{"shop":{"id":"a","items":null}}`,
			[]string{"shop.items: panicked: boom"},
		},
		"a panic of one of many": {
			func(w *town) { w.items["a"][0].shop = "boom" }, `{ shop(id: "a") { items { sku shop { id } } } }`,
			`{"shop":{"items":[{"sku":"a1","shop":null},{"sku":"a2","shop":{"id":"a"}}]}}`,
			[]string{"shop.items[0].shop: panicked: boom"},
		},
		"an error of one of many": {
			func(w *town) { w.items["a"][1].shop = "none" }, `{ shop(id: "a") { items { shop { id } } } }`,
			`{"shop":{"items":[{"shop":{"id":"a"}},{"shop":null}]}}`,
			[]string{"shop.items[1].shop: no such shop"},
		},
		"a number that JSON has not": {
			func(w *town) { w.shops[1].size = math.NaN() }, `{ some { id size } }`,
			`{"some":[{"id":"a","size":1.5},{"id":"b","size":null},{"id":"c","size":1.5}]}`,
			[]string{"some[1].size: cannot marshal infinite no NaN float values"},
		},
		"a number that JSON has not, and must": {
			func(w *town) { w.items["a"][0].price = math.NaN() }, `{ shop(id: "a") { id best { price } } }`, `{"shop":{"id":"a","best":null}}`,
			[]string{"shop.best.price: cannot marshal infinite no NaN float values"},
		},
		"a value that the enum has not": {
			func(w *town) { w.shops[0].kind = "BURNT" }, `{ shop(id: "a") { id kind } }`, `{"shop":{"id":"a","kind":null}}`,
			[]string{"shop.kind: a stored value is none of the schema's"},
		},
		"a panic of an accessor": {
			func(w *town) { w.shops[0].kind = "PANIC" }, `{ some { id kind } }`,
			`{"some":[{"id":"a","kind":null},{"id":"b","kind":"OPEN"},{"id":"c","kind":"OPEN"}]}`,
			[]string{"some[0].kind: panicked: boom"},
		},
		"a panic of an accessor of elements": {
			func(w *town) { w.shops[0].notes[0], w.shops[1].tags[1] = p("PANIC"), p("PANIC") },
			`{ a: shop(id: "a") { id notes } b: shop(id: "b") { id tags } }`, `{"a":{"id":"a","notes":[null,null]},"b":{"id":"b","tags":null}}`,
			[]string{"a.notes[0]: panicked: boom", "b.tags[1]: panicked: boom"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := mainStreet()
			c.change(w)
			got := newAsking(t, w).one(t, c.query, nil)
			if got.data != c.data || !slices.Equal(got.errs, c.errs) {
				t.Errorf("got %s, %q\nwant %s, %q", got.data, got.errs, c.data, c.errs)
			}
		})
	}
}

// TestKeysStandWhereTheyAreAskedFirst holds an answer to section 6.3.2: fields of one key are one, where the
// first of them stands.
func TestKeysStandWhereTheyAreAskedFirst(t *testing.T) {
	for _, c := range [][2]string{
		{`{ shop(id: "a") { name id } }`, `{"shop":{"name":"shop a","id":"a"}}`},
		{`{ shop(id: "a") { id name id } }`, `{"shop":{"id":"a","name":"shop a"}}`},
		{`{ shop(id: "a") { x: id id } }`, `{"shop":{"x":"a","id":"a"}}`},
		{`{ shop(id: "a") { owner { name } id owner { nick } } }`, `{"shop":{"owner":{"name":"owner a","nick":null},"id":"a"}}`},
		{`{ shop(id: "a") { ...f name } } fragment f on Shop { must id }`, `{"shop":{"must":"must a","id":"a","name":"shop a"}}`},
		{`{ shop(id: "a") { name ...f ...f } } fragment f on Shop { id name }`, `{"shop":{"name":"shop a","id":"a"}}`},
		{`{ shop(id: "a") { ... on Shop { id } ... { name } } }`, `{"shop":{"id":"a","name":"shop a"}}`},
		{`{ shop(id: "a") { __typename id } __typename }`, `{"shop":{"__typename":"Shop","id":"a"},"__typename":"Query"}`},
		{`{ a: shop(id: "a") { id } b: shop(id: "b") { id } }`, `{"a":{"id":"a"},"b":{"id":"b"}}`},
		{
			`{ shop(id: "a") { items { sku } best { sku price } items { price } } }`,
			`{"shop":{"items":[{"sku":"a1","price":2},{"sku":"a2","price":3.25}],"best":{"sku":"a1","price":2}}}`,
		},
		{
			`{ any { __typename ... on Item { sku } ... on Shop { id } } }`,
			`{"any":[{"__typename":"Shop","id":"q"},{"__typename":"Item","sku":"i"}]}`,
		},
		{
			`{ any { ... on Shop { best { sku } } ... on Item { shop { id } } ... on Any { __typename } } }`,
			`{"any":[{"best":null,"__typename":"Shop"},{"shop":{"id":"b"},"__typename":"Item"}]}`,
		},
		{`{ shop(id: "a") { id @skip(if: true) name @include(if: false) must } }`, `{"shop":{"must":"must a"}}`},
		{`{ shop(id: "a") { ...f @skip(if: true) ... @include(if: false) { name } id } } fragment f on Shop { must }`, `{"shop":{"id":"a"}}`},
	} {
		query, want := c[0], c[1]
		w := mainStreet()
		w.any = []any{&shop{id: "q"}, &item{sku: p("i"), shop: "b"}}
		if got := newAsking(t, w).one(t, query, nil); got.data != want || got.errs != nil {
			t.Errorf("%s\ngot  %s, %q\nwant %s", query, got.data, got.errs, want)
		}
	}
}

// TestALevelIsOneCall counts the calls of resolvers: one for all parents that ask for the same, wherever they
// stand at one depth.
func TestALevelIsOneCall(t *testing.T) {
	for query, want := range map[string][]string{
		`{ shops { best { sku } } }`:                     {"best 3", "shops 1"},
		`{ shops { best { shop { best { sku } } } } }`:   {"best 3", "best 3", "item.shop 3", "shops 1"},
		`{ shops { items { sku } x: items { price } } }`: {"items 3", "shops 1"},
		`{ shops { items(first: 1) { sku } x: items(first: 2) { sku } } }`: {
			`items 3 {"first":1}`, `items 3 {"first":2}`, "shops 1",
		},
		`{ a: shop(id: "a") { best { sku } } b: shop(id: "b") { best { price } } }`: {
			"best 2", `shop 1 {"id":"a"}`, `shop 1 {"id":"b"}`,
		},
		`{ a: shop(id: "a") { items { shop { id } } best { shop { id } } } }`: {
			"best 1", "item.shop 3", "items 1", `shop 1 {"id":"a"}`,
		},
		`{ a: shop(id: "z") { best { sku } } }`: {`shop 1 {"id":"z"}`},
		`{ some { id } }`:                       {"some 1"},
		`{ any { ... on Shop { best { sku } } ... on Item { shop { best { sku } } } } }`:          {"any 1", "best 1", "best 1", "item.shop 1"},
		`{ shops { items @skip(if: true) { sku } best @include(if: false) { shop { id } } id } }`: {"shops 1"},
	} {
		w := mainStreet()
		w.any = []any{w.shops[0], &item{sku: p("i"), shop: "b"}}
		got := newAsking(t, w).one(t, query, nil)
		if slices.Sort(w.asked); !slices.Equal(w.asked, want) || got.errs != nil {
			t.Errorf("%s\nasked %q, want %q; %q", query, w.asked, want, got.errs)
		}
	}
}

// TestVariablesAreThoseOfTheRequest asks one document with other variables: what was decoded for one request
// is no other's, however deep the variable stands.
func TestVariablesAreThoseOfTheRequest(t *testing.T) {
	for query, key := range map[string]string{
		`query ($v: ID) { found(in: {id: $v}) }`:                     `{"id":%q}`,
		`query ($v: ID) { found(in: {within: {within: {id: $v}}}) }`: `{"within":{"within":{"id":%q}}}`,
		`query ($v: ID!) { found(in: {ids: ["x", $v]}) }`:            `{"ids":["x",%q]}`,
		`query ($v: ID!) { found(in: {ids: [$v], id: "y"}) }`:        `{"id":"y","ids":[%q]}`,
	} {
		a := newAsking(t, mainStreet())
		for _, v := range []string{"one", "two", "one"} {
			want := string(AppendString([]byte(`{"found":`), fmt.Sprintf(key, v))) + "}"
			if got := a.one(t, query, map[string]any{"v": v}); got.data != want {
				t.Errorf("%s with %s: %s, want %s", query, v, got.data, want)
			}
		}
	}
	a := newAsking(t, mainStreet())
	for _, v := range []string{"a", "b", "a"} {
		if got, want := a.one(t, `query ($v: ID!) { shop(id: $v) { id } }`, map[string]any{"v": v}).data, `{"shop":{"id":"`+v+`"}}`; got != want {
			t.Errorf("the shop %s: %s", v, got)
		}
	}
}

// TestConditionsAreThoseOfTheRequest asks one document under all values of what it skips and includes by.
func TestConditionsAreThoseOfTheRequest(t *testing.T) {
	a := newAsking(t, mainStreet())
	const query = `query ($skip: Boolean!, $with: Boolean = true) { shop(id: "a") { id @skip(if: $skip) ...f @include(if: $with) ` +
		`must } } fragment f on Shop { name @skip(if: $skip) owner { name } }`
	for range 2 {
		for _, c := range []struct {
			vars map[string]any
			want string
		}{
			{map[string]any{"skip": false}, `{"shop":{"id":"a","name":"shop a","owner":{"name":"owner a"},"must":"must a"}}`},
			{map[string]any{"skip": true}, `{"shop":{"owner":{"name":"owner a"},"must":"must a"}}`},
			{map[string]any{"skip": true, "with": false}, `{"shop":{"must":"must a"}}`},
			{map[string]any{"skip": false, "with": false}, `{"shop":{"id":"a","must":"must a"}}`},
		} {
			if got := a.one(t, query, c.vars); got.data != c.want || got.errs != nil {
				t.Errorf("%v: %s, %q; want %s", c.vars, got.data, got.errs, c.want)
			}
		}
	}
}

// TestAnAnswerCarriesAHundredErrors has more fields fail than anybody reads.
func TestAnAnswerCarriesAHundredErrors(t *testing.T) {
	w := mainStreet()
	for len(w.shops) < 130 {
		w.shops = append(w.shops, &shop{id: fmt.Sprint("s", len(w.shops))})
	}
	got := newAsking(t, w).one(t, `{ some { must } }`, nil)
	if len(got.errs) != maxErrors || strings.Count(got.data, "null") != 127 {
		t.Errorf("%d errors and %d nulls, want %d and 127", len(got.errs), strings.Count(got.data, "null"), maxErrors)
	}
}

// TestStatisticsAreWhatWasDone counts what an operation took.
func TestStatisticsAreWhatWasDone(t *testing.T) {
	a := newAsking(t, mainStreet())
	ctx := a.direct(t.Context(), t, `{ shops { id best { sku shop { id } } } }`)
	for range 3 {
		data, did := a.Answer(ctx)
		if want := (Statistics{Calls: 3, Saved: 4, Objects: 9}); did != want {
			t.Errorf("%+v, want %+v", did, want)
		}
		if want := `{"shops":[{"id":"a","best":{"sku":"a1","shop":{"id":"a"}}},{"id":"b","best":{"sku":"b1","shop":{"id":"b"}}},` +
			`{"id":"c","best":{"sku":"c1","shop":{"id":"c"}}}]}`; string(
			data,
		) != want {
			t.Errorf("with a buffer that was used before: %s", data)
		}
		Recycle(data)
	}
}

// TestNobodyIsAskedForWhoIsGone ends a caller before anything is asked.
func TestNobodyIsAskedForWhoIsGone(t *testing.T) {
	w := mainStreet()
	a := newAsking(t, w)
	ctx, cancel := context.WithCancel(a.direct(t.Context(), t, `{ shops { id } }`))
	cancel()
	data, _ := a.Answer(ctx)
	if string(data) != `{"shops":null}` || len(w.asked) != 0 || len(graphql.GetErrors(ctx)) != 1 {
		t.Errorf("got %s, %v, asked %q", data, graphql.GetErrors(ctx), w.asked)
	}
}

// TestCallsThatShareALoaderMeet has two calls of one level, and one of the next, announce what they want.
func TestCallsThatShareALoaderMeet(t *testing.T) {
	w := mainStreet()
	levels := make(chan any, 10)
	met := make(chan struct{}, 10)
	w.before = func(ctx context.Context) {
		levels <- Level(ctx)
		if reads := Reads(ctx); !reads("Shop.best") || reads("Shop.size") || !reads("Shop.items(first:)") || reads("Query.found(in:)") {
			t.Error("a call is told that another is read than what is asked for")
		}
		if err := Rendezvous(ctx); err != nil {
			t.Error(err)
		}
		met <- struct{}{}
	}
	got := newAsking(
		t,
		w,
	).one(t, `{ shops { best { shop { id } } items(first: 2) { sku } } any { ... on Shop { best { sku } }`+
		` } every { ... on Item { shop { id } } } }`, nil)
	if got.errs != nil {
		t.Fatal(got.errs)
	}
	close(levels)
	if len(met) != 2 { // of best, for the shops, and of the shops of these items
		t.Errorf("%d calls, want 2", len(met))
	}
	if Level(t.Context()) != nil || Reads(t.Context()) != nil || Rendezvous(t.Context()) != nil {
		t.Error("outside of an operation there is a level, or somebody to wait for")
	}
}

// TestCallsOfOneLevelWaitForEachOther has both of two calls arrive before either goes on.
func TestCallsOfOneLevelWaitForEachOther(t *testing.T) {
	w := mainStreet()
	w.any = []any{w.shops[0], &item{sku: p("i"), shop: "b"}}
	arrived := make(chan any, 2)
	w.before = func(ctx context.Context) {
		level := Level(ctx)
		arrived <- level
		if level == nil {
			t.Error("a call of two that share a loader has no level")
		}
		if err := Rendezvous(ctx); err != nil {
			t.Error(err)
		}
		if len(arrived) != 2 {
			t.Error("a call went on before the other had said what it wants")
		}
		if Level(ctx) != nil {
			t.Error("after it met the others a call has a level still")
		}
	}
	got := newAsking(t, w).one(t, `{ any { ... on Shop { best { sku } } ... on Item { shop { id } } } }`, nil)
	if want := `{"any":[{"best":{"sku":"a1"}},{"shop":{"id":"b"}}]}`; got.data != want || len(arrived) != 2 || <-arrived != <-arrived {
		t.Errorf("got %s, %q", got.data, got.errs)
	}
}
