package loaders

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"portico/store"
	"portico/trade"
)

// asking is a loader of what nobody but a test asks for, which keeps what it is asked: the
// value of a key is the key with an exclamation mark, and what begins with "no" is not found.
type asking struct {
	*Loader[string, string]
	mu    sync.Mutex
	asked [][]string
	fails map[string]error // by a key of the fetch
}

func newAsking() *asking {
	a := &asking{fails: map[string]error{}}
	a.Loader = made(func(_ *Loaders, _ context.Context, keys []string) (map[string]string, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.asked = append(a.asked, slices.Clone(keys))
		found := map[string]string{}
		for _, k := range keys {
			if err := a.fails[k]; err != nil {
				return nil, err
			}
			if k == "panic" {
				panic(k)
			}
			if k[:2] != "no" {
				found[k] = k + "!"
			}
		}
		return found, nil
	})
	return a
}

// operation is the context of an operation with loaders of its own.
func operation(t *testing.T) context.Context {
	t.Helper()
	return With(t.Context(), New(Shared{}, trade.Scope{}))
}

func want[T any](t *testing.T, what string, got, want []T, same func(a, b T) bool) {
	t.Helper()
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func text(a, b string) bool { return a == b }

func TestTheKeysOfACallAreOneFetchAndEachGoesOnce(t *testing.T) {
	a := newAsking()
	got, err := a.All(operation(t), []string{"k1", "k2", "k1", "", "none", "k2"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "values, in the order of their keys", got, []string{"k1!", "k2!", "k1!", "", "", "k2!"}, text)
	want(t, "fetches", a.asked, [][]string{{"k1", "k2", "none"}}, slices.Equal[[]string])
}

func TestNoKeyIsFetchedTwiceInAnOperation(t *testing.T) {
	a, ctx := newAsking(), operation(t)
	for _, keys := range [][]string{{"k1", "none"}, {"none", "k1"}, {"k2", "k1"}} {
		if _, err := a.All(ctx, keys); err != nil {
			t.Fatal(err)
		}
	}
	if one, err := a.One(ctx, "k2"); err != nil || one != "k2!" {
		t.Errorf("one is %q, %v", one, err)
	}
	want(t, "fetches", a.asked, [][]string{{"k1", "none"}, {"k2"}}, slices.Equal[[]string])
	if _, err := a.One(operation(t), "k1"); err != nil {
		t.Fatal(err)
	}
	if len(a.asked) != 3 {
		t.Errorf("another operation was answered from the first: %d fetches, want 3", len(a.asked))
	}
}

// TestTheCallsOfALevelShareOneFetch plays two calls of one level in the order in which the
// executor lets them: both announce, and then both come back for the fetch.
func TestTheCallsOfALevelShareOneFetch(t *testing.T) {
	a, ctx, level := newAsking(), operation(t), "a level"
	h := a.hold(From(ctx), 2)
	h.register(level, []string{"k1", "k2"})
	h.register(level, []string{"k2", "k3"})
	other := a.hold(From(ctx), 1)
	if other != h {
		t.Fatal("the loader holds two sets for one operation")
	}
	h.run(ctx, h.take(level))
	if second := h.take(level); second != nil {
		t.Errorf("the second call makes a fetch of %q, too", second.keys)
	}
	got, err := a.All(ctx, []string{"k3", "k1"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "values", got, []string{"k3!", "k1!"}, text)
	want(t, "fetches", a.asked, [][]string{{"k1", "k2", "k3"}}, slices.Equal[[]string])
}

// TestAKeyOnItsWayIsWaitedFor asks for a key that a call of another level has announced and
// not fetched yet.
func TestAKeyOnItsWayIsWaitedFor(t *testing.T) {
	a, ctx := newAsking(), operation(t)
	h := a.hold(From(ctx), 1)
	h.register("another level", []string{"k1"})
	got := make(chan string)
	go func() {
		v, err := a.One(ctx, "k1")
		if err != nil {
			v = err.Error()
		}
		got <- v
	}()
	h.run(ctx, h.take("another level"))
	if v := <-got; v != "k1!" {
		t.Errorf("got %q", v)
	}
	want(t, "fetches", a.asked, [][]string{{"k1"}}, slices.Equal[[]string])
}

func TestAFetchThatFailsFailsItsOwnKeysAlone(t *testing.T) {
	a, ctx, down := newAsking(), operation(t), errors.New("the source is down")
	a.fails["k2"] = down
	if _, err := a.All(ctx, []string{"k1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.All(ctx, []string{"k1", "k2"}); !errors.Is(err, down) {
		t.Errorf("a call for a key whose fetch fails: %v, want %v", err, down)
	}
	got, err := a.All(ctx, []string{"k1", "k3", "none"})
	if err != nil {
		t.Fatalf("keys of other fetches fail, too: %v", err)
	}
	want(t, "values", got, []string{"k1!", "k3!", ""}, text)
	if _, err := a.One(ctx, "k2"); !errors.Is(err, down) {
		t.Errorf("the same key later in the operation: %v, want %v", err, down)
	}
	want(t, "fetches", a.asked, [][]string{{"k1"}, {"k2"}, {"k3", "none"}}, slices.Equal[[]string])
	if v, err := newAsking().One(ctx, "k2"); err != nil || v != "k2!" {
		t.Errorf("another loader of the operation: %q, %v", v, err)
	}
}

// TestAFetchThatPanicsFailsItsKeys holds that nobody waits in vain for it.
func TestAFetchThatPanicsFailsItsKeys(t *testing.T) {
	a, ctx := newAsking(), operation(t)
	for range 2 {
		if _, err := a.One(ctx, "panic"); err == nil {
			t.Error("a key whose fetch panicked has a value")
		}
	}
	if len(a.asked) != 1 {
		t.Errorf("%d fetches, want 1", len(a.asked))
	}
}

// counted is how many keys were loaded alone until now.
func counted(t *testing.T) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(Metrics()...)
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return all[0].GetMetric()[0].GetCounter().GetValue()
}

// TestAKeyThatNoLevelAnnouncedIsLoadedAndCounted loads past the levels, by the dataloader's own batch function.
func TestAKeyThatNoLevelAnnouncedIsLoadedAndCounted(t *testing.T) {
	a, ctx := newAsking(), operation(t)
	before := counted(t)
	for range 2 {
		v, err := a.hold(From(ctx), 1).keys.Load(ctx, "k1")()
		if err != nil || v != "k1!" {
			t.Errorf("got %q, %v", v, err)
		}
	}
	if n := counted(t) - before; n != 1 || len(a.asked) != 1 {
		t.Errorf("%v stragglers are counted and %d fetches made, want 1 and 1", n, len(a.asked))
	}
}

// TestEveryFetchIsMadeInTheScopeOfItsCaller runs two operations of two callers side by side on one loader.
func TestEveryFetchIsMadeInTheScopeOfItsCaller(t *testing.T) {
	shared := Shared{Store: &store.Store{}}
	d := stored(func(_ context.Context, st *store.Store, s trade.Scope, keys []string) (map[string]string, error) {
		if st != shared.Store {
			t.Error("another store is read")
		}
		found := map[string]string{}
		for _, k := range keys {
			found[k] = k + " for " + s.Buyer().Key
		}
		return found, nil
	})
	seen := map[string]string{}
	var mu sync.Mutex
	var calls sync.WaitGroup
	for _, caller := range []string{"A1", "A2"} {
		ctx := With(t.Context(), New(shared, trade.CustomerScope([]trade.Ref{{ID: "acc_" + caller, Key: caller}}, nil)))
		for _, key := range []string{"k1", "k2"} {
			calls.Go(func() {
				v, err := d.One(ctx, key)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				seen[caller+" "+key] = v
			})
		}
	}
	calls.Wait()
	wanted := map[string]string{"A1 k1": "k1 for A1", "A1 k2": "k2 for A1", "A2 k1": "k1 for A2", "A2 k2": "k2 for A2"}
	if !maps.Equal(seen, wanted) {
		t.Errorf("got %q, want %q", seen, wanted)
	}
}

// TestAnOperationHoldsManyLoaders goes past the room for the first ones.
func TestAnOperationHoldsManyLoaders(t *testing.T) {
	ctx := operation(t)
	var all []*asking
	for range 30 {
		all = append(all, newAsking())
	}
	for range 2 {
		for _, a := range all {
			if v, err := a.One(ctx, "k1"); err != nil || v != "k1!" {
				t.Fatalf("got %q, %v", v, err)
			}
		}
	}
	for i, a := range all {
		if len(a.asked) != 1 {
			t.Errorf("loader %d made %d fetches, want 1", i, len(a.asked))
		}
	}
}

// listing is a list that keeps what it is asked.
type listing struct {
	asked [][]string
	err   error
}

func (r *listing) page(_ context.Context, _ *Loaders, sig string, parents []string) (map[string]any, error) {
	r.asked = append(r.asked, parents)
	out := map[string]any{}
	for _, p := range parents {
		out[p] = sig + " of " + p
	}
	return out, r.err
}

func (r *listing) count(context.Context, *Loaders, []string) (map[string]trade.TotalCount, error) {
	return nil, r.err
}

func (r *listing) facets(context.Context, *Loaders) ([]*trade.ItemFacet, error) { return nil, r.err }

func TestPagesOfAListAreReadForAllItsParentsAtOnce(t *testing.T) {
	ctx := operation(t)
	l := From(ctx)
	lines, invoices := &listing{}, &listing{}
	l.lists = map[string]listReader{"lines": lines, "invoices": invoices}
	keys := []pageKey{{"lines", "o1"}, {"invoices", "o1"}, {"lines", "o2"}, {"lines", "o1"}, {"invoices", "o3"}}
	got, err := listPages.All(ctx, keys)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "pages", got, []any{"lines of o1", "invoices of o1", "lines of o2", "lines of o1", "invoices of o3"},
		func(a, b any) bool { return a == b })
	want(t, "reads of lines", lines.asked, [][]string{{"o1", "o2"}}, slices.Equal[[]string])
	want(t, "reads of invoices", invoices.asked, [][]string{{"o1", "o3"}}, slices.Equal[[]string])
}

func BenchmarkOperation(b *testing.B) {
	keys := []string{"a", "b", "c", "d"}
	var few [10]*Loader[string, string]
	for i := range few {
		few[i] = made(func(_ *Loaders, _ context.Context, keys []string) (map[string]string, error) {
			found := make(map[string]string, len(keys))
			for _, k := range keys {
				found[k] = k
			}
			return found, nil
		})
	}
	for name, uses := range map[string]int{"none used": 0, "three used": 3, "ten used": 10} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ctx := With(b.Context(), New(Shared{}, trade.Scope{}))
				for _, d := range few[:uses] {
					if _, err := d.All(ctx, keys); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
