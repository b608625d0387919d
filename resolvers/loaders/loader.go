package loaders

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"

	"portico/graph/execution"
	"portico/store"
	"portico/telemetry"
	"portico/trade"
)

var stragglers = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "portico_loader_stragglers_total", Help: "Keys that were loaded alone, because no level registered them.",
})

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector { return []prometheus.Collector{stragglers} }

// fetch reads the values of keys within one operation; what is not found is not in the map.
type fetch[K comparable, V any] func(l *Loaders, ctx context.Context, keys []K) (map[K]V, error)

// Loader loads one kind of value by one kind of key. It is made once and holds nothing: the
// keys and results of an operation stand in the operation's [Loaders], from the first use on,
// in a dataloader. The zero key names nothing and is not loaded; a key that is not found has
// the zero value.
//
// The keys of a level go in at once: the calls that share the loader announce
// theirs, wait for one another, and the first of them makes the one fetch. No
// timer takes part, so the number of fetches depends on the operation alone.
// The dataloader holds a thunk for each key from the moment it is announced, so
// that no key is fetched twice, be it loaded or on its way.
type Loader[K comparable, V any] struct{ fetch fetch[K, V] }

// made is a loader of what this package fetches itself.
func made[K comparable, V any](f fetch[K, V]) *Loader[K, V] { return &Loader[K, V]{f} }

// stored is a loader of what the store reads within the caller's scope.
func stored[K comparable, V any](read func(context.Context, *store.Store, trade.Scope, []K) (map[K]V, error)) *Loader[K, V] {
	return made(func(l *Loaders, ctx context.Context, keys []K) (map[K]V, error) {
		return read(ctx, l.Store, l.scope, keys)
	})
}

// held is what a loader holds for one operation.
type held[K comparable, V any] struct {
	of   *Loaders
	from *Loader[K, V]
	keys *dataloader.Loader[K, V]

	mu     sync.Mutex
	known  map[K]entry[K, V]
	rounds map[any]*round[K, V] // by level, while its calls announce keys
}

// entry is a key that is loaded or on its way.
type entry[K comparable, V any] struct {
	thunk dataloader.Thunk[V]
	place int // among the keys known, from 1 on
}

// fewKeys is how many keys there is room for before they are known: many
// parents may name few things.
const fewKeys = 64

// hold is what the loader holds for an operation, with room for about n more keys.
func (d *Loader[K, V]) hold(l *Loaders, n int) *held[K, V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, u := range l.used {
		if u.loader == d {
			return u.held.(*held[K, V]) //nolint:errcheck // only these are put in
		}
	}
	h := &held[K, V]{of: l, from: d, known: make(map[K]entry[K, V], n)}
	h.keys = dataloader.NewBatchedLoader(h.fetchAlone, dataloader.WithCache[K, V](h),
		dataloader.WithBatchCapacity[K, V](1), dataloader.WithInputCapacity[K, V](1), dataloader.WithWait[K, V](time.Hour)) // which nobody waits
	if l.used == nil {
		l.used = l.first[:0]
	}
	l.used = append(l.used, use{d, h})
	return h
}

// round is one fetch: first its keys, then what came back.
type round[K comparable, V any] struct {
	keys  []K
	few   [4]K // where keys are while they are no more
	found map[K]V
	err   error
	done  chan struct{}
}

func (r *round[K, V]) thunk(k K) dataloader.Thunk[V] {
	return func() (V, error) {
		<-r.done
		return r.found[k], r.err
	}
}

// All loads the values of keys, in their order, for the operation that ctx is of.
func (d *Loader[K, V]) All(ctx context.Context, keys []K) ([]V, error) {
	return d.in(ctx, From(ctx), keys)
}

// in loads the values of keys for an operation.
func (d *Loader[K, V]) in(ctx context.Context, l *Loaders, keys []K) ([]V, error) {
	level := execution.Level(ctx)
	h := d.hold(l, min(len(keys), fewKeys))
	places, first, own := h.register(level, keys)
	err := execution.Rendezvous(ctx)
	if level != nil {
		own = h.take(level)
	}
	h.run(ctx, own) // also when it failed: whoever announced beside us must not wait in vain
	if err != nil {
		return nil, err
	}
	// Duplicates collapse before the dataloader: many parents name few things.
	values := make([]V, len(keys))
	for i, k := range keys {
		p := places[i]
		if p == 0 {
			continue
		}
		if first[p-1] > 0 {
			values[i] = values[first[p-1]-1]
			continue
		}
		v, err := h.keys.Load(ctx, k)()
		if err != nil {
			return nil, err
		}
		values[i], first[p-1] = v, i+1
	}
	return values, nil
}

// One loads the value of one key.
func (d *Loader[K, V]) One(ctx context.Context, key K) (V, error) {
	values, err := d.All(ctx, []K{key})
	if err != nil {
		var none V
		return none, err
	}
	return values[0], nil
}

// register puts the keys nobody asked for yet into the level's round and tells
// the place of each key among all that are known, from 1 on; the zero key has
// none. In first there is room for a number at each place. Without a level
// there is nobody to wait for, and the round is the caller's own.
func (h *held[K, V]) register(level any, keys []K) (places, first []int, own *round[K, V]) {
	var none K
	h.mu.Lock()
	defer h.mu.Unlock()
	places = make([]int, len(keys), 2*len(keys)+len(h.known))
	if level != nil {
		own = h.rounds[level]
	}
	for i, k := range keys {
		if k == none {
			continue
		}
		e, ok := h.known[k]
		if !ok {
			if own == nil {
				own = h.begin(level, len(keys))
			}
			e = entry[K, V]{own.thunk(k), len(h.known) + 1}
			h.known[k] = e
			own.keys = append(own.keys, k)
		}
		places[i] = e.place
	}
	return places, places[len(keys) : len(keys)+len(h.known)], own
}

// begin makes a level's round, for about n keys.
func (h *held[K, V]) begin(level any, n int) *round[K, V] {
	r := &round[K, V]{done: make(chan struct{})}
	if r.keys = r.few[:0]; n > len(r.few) {
		r.keys = make([]K, 0, min(n, fewKeys))
	}
	if level != nil {
		if h.rounds == nil {
			h.rounds = map[any]*round[K, V]{}
		}
		h.rounds[level] = r
	}
	return r
}

// take hands the level's round to the first call that comes back for it.
func (h *held[K, V]) take(level any) *round[K, V] {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rounds[level]
	delete(h.rounds, level)
	return r
}

func (h *held[K, V]) run(ctx context.Context, r *round[K, V]) {
	if r == nil {
		return
	}
	defer close(r.done)
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("panic: %v", p)
		}
	}()
	if !telemetry.Recording(ctx) {
		r.found, r.err = h.from.fetch(h.of, store.Reading(ctx, execution.Reads(ctx)), r.keys)
		return
	}
	of := reflect.TypeFor[V]().String()
	if reflect.TypeFor[K]() == reflect.TypeFor[pageKey]() {
		of = "pages of lists"
	}
	ctx, span := telemetry.Part(ctx, "load", attribute.String("of", of), attribute.Int("keys", len(r.keys)))
	r.found, r.err = h.from.fetch(h.of, store.Reading(ctx, execution.Reads(ctx)), r.keys)
	telemetry.End(span, r.err, "load failed")
}

// fetchAlone is the dataloader's own batch function, for a key that no level
// announced.
func (h *held[K, V]) fetchAlone(ctx context.Context, keys []K) []*dataloader.Result[V] {
	stragglers.Add(float64(len(keys)))
	found, err := h.from.fetch(h.of, ctx, keys)
	out := make([]*dataloader.Result[V], len(keys))
	for i, k := range keys {
		out[i] = &dataloader.Result[V]{Data: found[k], Error: err}
	}
	return out
}

// What is held is the dataloader's cache: a thunk for every key announced.

// Get is the thunk of a key.
func (h *held[K, V]) Get(_ context.Context, k K) (dataloader.Thunk[V], bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.known[k]
	return e.thunk, ok
}

// Set keeps the thunk of a key.
func (h *held[K, V]) Set(_ context.Context, k K, t dataloader.Thunk[V]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known[k] = entry[K, V]{t, len(h.known) + 1}
}

// Delete forgets a key.
func (h *held[K, V]) Delete(_ context.Context, k K) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.known[k]
	delete(h.known, k)
	return ok
}

// Clear forgets all keys.
func (h *held[K, V]) Clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.known)
}
