package execution

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
)

// TestMutationsRunOneAfterTheOther asks two writes of one record, and what stands below each.
func TestMutationsRunOneAfterTheOther(t *testing.T) {
	w := mainStreet()
	got := newAsking(
		t,
		w,
	).one(t, `mutation { a: rename(id: "a", name: "first") { name best { sku }`+
		` } b: rename(id: "a", name: "second") { name best { sku } } sold }`, nil)
	if want := `{"a":{"name":"first","best":{"sku":"a1"}},"b":{"name":"second","best":{"sku":"a1"}},"sold":7}`; got.data != want ||
		got.errs != nil {
		t.Errorf("got %s, %q; want %s", got.data, got.errs, want)
	}
	want := []string{
		`rename 1 {"id":"a","name":"first"}`,
		"was shop a",
		"best 1",
		`rename 1 {"id":"a","name":"second"}`,
		"was first",
		"best 1",
		"sold 1",
	}
	if !slices.Equal(w.asked, want) {
		t.Errorf("asked %q\nwant  %q", w.asked, want)
	}
}

// TestAMutationThatFailsStopsNothing runs what comes after a write that failed.
func TestAMutationThatFailsStopsNothing(t *testing.T) {
	w := mainStreet()
	w.fail["rename"] = errors.New("refused")
	got := newAsking(t, w).one(t, `mutation { rename(id: "a", name: "x") { id } sold }`, nil)
	if got.data != "null" || !slices.Equal(got.errs, []string{"rename: refused"}) || len(w.asked) != 2 {
		t.Errorf("got %s, %q, asked %q", got.data, got.errs, w.asked)
	}
}

// TestASubscriptionAnswersEachEvent plays a stream to its end.
func TestASubscriptionAnswersEachEvent(t *testing.T) {
	w := mainStreet()
	w.shops[1].must = nil
	got := newAsking(t, w).ask(t.Context(), t, `subscription { renamed(many: 3) { id must best { sku } } }`, nil)
	want := []told{
		{`{"renamed":{"id":"a","must":"must a","best":{"sku":"a1"}}}`, nil},
		{`null`, []string{"renamed.must: cannot return null for non-null field Shop.must"}},
		{`{"renamed":{"id":"c","must":"must c","best":{"sku":"c1"}}}`, nil},
	}
	if !slices.EqualFunc(got, want, func(a, b told) bool { return a.data == b.data && slices.Equal(a.errs, b.errs) }) {
		t.Errorf("got %q, want %q", got, want)
	}
	w.fail["renamed"] = errors.New("no stream")
	a := newAsking(t, w)
	ctx := a.direct(t.Context(), t, `subscription { renamed(many: 1) { id } }`)
	if s := a.Subscribe(ctx); s != nil || graphql.GetErrors(ctx).Error() != "input:1:16: renamed no stream\n" {
		t.Errorf("a stream that does not open: %v, %v", s, graphql.GetErrors(ctx))
	}
}

// denial lets everybody read all but some fields.
type denial struct {
	role string
	of   map[string]bool
}

func (d *denial) Key(context.Context) string { return d.role }

func (d *denial) Deny(_ context.Context, coordinate string) error {
	if d.of[coordinate] {
		return errors.New(d.role + " may not read it")
	}
	return nil
}

// TestWhatIsDeniedIsSaidOnceAndNotAsked holds plans to the rights of who asks, and keeps them apart.
func TestWhatIsDeniedIsSaidOnceAndNotAsked(t *testing.T) {
	w := mainStreet()
	a := newAsking(t, w)
	guest := &denial{"guest", map[string]bool{"Shop.best": true, "Shop.name": true}}
	const query = `{ shops { id name best { sku } } }`
	for range 2 {
		a.Rights, w.asked = guest, nil
		got := a.one(t, query, nil)
		if want := `{"shops":[{"id":"a","name":null,"best":null},{"id":"b","name":null,"best":null},` +
			`{"id":"c","name":null,"best":null}]}`; got.data != want {
			t.Errorf("a guest is told %s", got.data)
		}
		if want := []string{"shops[0].name: guest may not read it", "shops[0].best: guest may not read it"}; !slices.Equal(got.errs, want) {
			t.Errorf("a guest is told %q, want %q", got.errs, want)
		}
		if !slices.Equal(w.asked, []string{"shops 1"}) {
			t.Errorf("for a guest %q is asked", w.asked)
		}
		a.Rights = &denial{role: "owner"}
		if got := a.one(t, query, nil); got.errs != nil || !strings.Contains(got.data, `"best":{"sku":"b1"}`) {
			t.Errorf("an owner is told %s, %q", got.data, got.errs)
		}
	}
	a.Rights = &denial{"stranger", map[string]bool{"Shop.must": true}}
	if got := a.one(t, `{ shop(id: "a") { id must } }`, nil); got.data != `{"shop":null}` || len(got.errs) != 1 {
		t.Errorf("what must not be null and is denied: %s, %q", got.data, got.errs)
	}
}
