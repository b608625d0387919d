package loaders

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"
	"github.com/prometheus/client_golang/prometheus"

	"portico/execution"
	"portico/store"
)

var stragglers = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "portico_loader_stragglers_total", Help: "Keys that were loaded alone, because no level announced them.",
})

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector { return []prometheus.Collector{stragglers} }

// loader holds the keys and results of one operation in a dataloader. The zero
// key names nothing and is not loaded; a key that is not found has the zero
// value.
//
// The keys of a level go in at once: the calls that share the loader announce
// theirs, wait for one another, and the first of them makes the one fetch. No
// timer takes part, so the number of fetches depends on the operation alone.
// The dataloader holds a thunk for each key from the moment it is announced, so
// that no key is fetched twice, be it loaded or on its way.
type loader[K comparable, V any] struct {
	fetch func(context.Context, []K) (map[K]V, error)
	keys  *dataloader.Loader[K, V]

	mu     sync.Mutex
	known  map[K]dataloader.Thunk[V]
	rounds map[any]*round[K, V] // by level, while its calls announce keys
}

func newLoader[K comparable, V any](fetch func(context.Context, []K) (map[K]V, error)) *loader[K, V] {
	l := &loader[K, V]{fetch: fetch, known: map[K]dataloader.Thunk[V]{}, rounds: map[any]*round[K, V]{}}
	l.keys = dataloader.NewBatchedLoader(l.alone, dataloader.WithCache[K, V](results[K, V]{l}),
		dataloader.WithBatchCapacity[K, V](1), dataloader.WithInputCapacity[K, V](1), dataloader.WithWait[K, V](time.Hour)) // which nobody waits
	return l
}

// round is one fetch: first its keys, then what came back.
type round[K comparable, V any] struct {
	keys  []K
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

// All loads the values of keys, in their order.
func (l *loader[K, V]) All(ctx context.Context, keys []K) ([]V, error) {
	level := execution.Level(ctx)
	if level == nil {
		level = new(byte) // this call waits for nobody: a round of its own
	}
	l.announce(level, keys)
	if err := execution.Rendezvous(ctx); err != nil {
		l.run(ctx, l.take(level)) // whoever announced beside us must not wait in vain
		return nil, err
	}
	l.run(ctx, l.take(level))
	var none K
	values := make([]V, len(keys))
	for i, k := range keys {
		if k == none {
			continue
		}
		v, err := l.keys.Load(ctx, k)()
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// One loads the value of one key.
func (l *loader[K, V]) One(ctx context.Context, key K) (V, error) {
	values, err := l.All(ctx, []K{key})
	if err != nil {
		var none V
		return none, err
	}
	return values[0], nil
}

// announce puts the keys nobody asked for yet into the level's round.
func (l *loader[K, V]) announce(level any, keys []K) {
	var none K
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rounds[level]
	for _, k := range keys {
		if _, ok := l.known[k]; ok || k == none {
			continue
		}
		if r == nil {
			r = &round[K, V]{done: make(chan struct{})}
			l.rounds[level] = r
		}
		l.known[k] = r.thunk(k)
		r.keys = append(r.keys, k)
	}
}

// take hands the level's round to the first call that comes back for it.
func (l *loader[K, V]) take(level any) *round[K, V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rounds[level]
	delete(l.rounds, level)
	return r
}

func (l *loader[K, V]) run(ctx context.Context, r *round[K, V]) {
	if r == nil {
		return
	}
	defer close(r.done)
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("panic: %v", p)
		}
	}()
	r.found, r.err = l.fetch(store.Reading(ctx, execution.Reads(ctx)), r.keys)
}

// alone is the dataloader's own batch function, for a key that no level
// announced.
func (l *loader[K, V]) alone(ctx context.Context, keys []K) []*dataloader.Result[V] {
	stragglers.Add(float64(len(keys)))
	found, err := l.fetch(ctx, keys)
	out := make([]*dataloader.Result[V], len(keys))
	for i, k := range keys {
		out[i] = &dataloader.Result[V]{Data: found[k], Error: err}
	}
	return out
}

// results are what the dataloader keeps: a thunk for every key announced.
type results[K comparable, V any] struct{ l *loader[K, V] }

// Get is the thunk of a key.
func (c results[K, V]) Get(_ context.Context, k K) (dataloader.Thunk[V], bool) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	t, ok := c.l.known[k]
	return t, ok
}

// Set keeps the thunk of a key.
func (c results[K, V]) Set(_ context.Context, k K, t dataloader.Thunk[V]) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.l.known[k] = t
}

// Delete forgets a key.
func (c results[K, V]) Delete(_ context.Context, k K) bool {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	_, ok := c.l.known[k]
	delete(c.l.known, k)
	return ok
}

// Clear forgets all keys.
func (c results[K, V]) Clear() {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	clear(c.l.known)
}
