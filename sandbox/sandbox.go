// Package sandbox is a whole trading company as real HTTP services: an ERP
// with a ledger, a warehouse system, a carrier and a small CRM, with words and
// codes of their own. It is what `make run` shows and what tests break.
//
// Its state is a deterministic seed and an append-only journal of every effect
// since: the journal, replayed, gives the same company again, and it is the
// change feed as well.
package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"
)

// Options say what company to run.
type Options struct {
	Folder  string        // keeps the journal; empty keeps it in memory only
	Seed    uint64        // of the deterministic data; 1 by default
	Scale   int           // multiplies the size; 1 by default
	Speed   float64       // of time; 1 by default, 0 stands still
	Latency time.Duration // of the slowest answers; 40 ms by default, the fastest take an eighth
	Epoch   time.Time     // the day the data ends; today by default
}

// Company is the running state.
type Company struct {
	opt     Options
	zone    *time.Location
	journal *journal

	mu        sync.RWMutex
	world     string // changes when the company begins anew
	epoch     time.Time
	now       time.Time // of the effect being applied
	customers table[customer]
	materials table[material]
	groups    table[group]
	vendors   table[vendor]
	agreement table[agreement]
	credits   table[credit]
	orders    table[salesOrder]
	purchases table[purchase]
	invoices  table[invoice]
	returns   table[returnOrder]
	sites     table[site]
	stock     table[stockRow]
	dispatch  table[dispatch]
	trackers  table[tracker]
	calendars table[calendar]
	// registered are the trackers that others registered, in that order.
	registered []string
	touched    []touch    // the change feed, in journal order
	taking     sync.Mutex // one write from outside at a time
	submitted  map[string]string
	docSeq     map[string]int
	overrides  map[string]map[string]any
	faults     faultSet
	calls      callLog
	speed      float64
	wake       chan struct{}
	moved      chan struct{} // has room for one: something was touched
}

// touch says that an effect changed a record.
type touch struct {
	Seq int    `json:"seq"`
	Svc string `json:"-"`
	Obj string `json:"obj"`
	Key string `json:"key"`
}

// Open makes the company, or makes it again from its journal.
func Open(opt Options) (*Company, error) {
	opt.Seed = cmp.Or(opt.Seed, 1)
	opt.Scale = cmp.Or(opt.Scale, 1)
	if opt.Epoch.IsZero() {
		opt.Epoch = time.Now()
	}
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		return nil, fmt.Errorf("time zone: %w", err)
	}
	c := &Company{
		opt: opt, zone: zone, speed: opt.Speed, submitted: map[string]string{}, docSeq: map[string]int{},
		overrides: map[string]map[string]any{}, wake: make(chan struct{}, 1), moved: make(chan struct{}, 1),
	}
	head := effect{Do: "begin", At: opt.Epoch.UTC().Truncate(time.Second), Seed: opt.Seed, Scale: opt.Scale}
	journal, past, err := openJournal(opt.Folder, head)
	if err != nil {
		return nil, err
	}
	c.journal = journal
	begin := past[0]
	c.opt.Seed, c.opt.Scale = begin.Seed, begin.Scale
	c.epoch, c.now = begin.At, begin.At
	c.world = fmt.Sprintf("%d-%d-%d", begin.Seed, begin.Scale, begin.At.Unix())
	c.seed()
	for _, e := range past[1:] {
		c.apply(e)
	}
	return c, nil
}

// Close ends the journal.
func (c *Company) Close() error { return c.journal.Close() }

// table keeps records by key, in the order of their keys.
type table[T any] struct {
	rows   map[string]*T
	keys   []string
	sorted bool
}

func (t *table[T]) put(key string, row *T) {
	if t.rows == nil {
		t.rows = map[string]*T{}
	}
	if _, known := t.rows[key]; !known {
		t.sorted = t.sorted && key > t.keys[len(t.keys)-1]
		t.keys = append(t.keys, key)
	}
	t.rows[key] = row
}

func (t *table[T]) get(key string) *T { return t.rows[key] }

// page returns up to limit records after a key. It sorts first, so it needs
// the write lock or an order that is sorted already; sort does that.
func (t *table[T]) page(after string, limit int) ([]*T, string) {
	from := sort.SearchStrings(t.keys, after)
	if from < len(t.keys) && t.keys[from] == after {
		from++
	}
	to := min(from+limit, len(t.keys))
	rows := make([]*T, 0, to-from)
	for _, k := range t.keys[from:to] {
		rows = append(rows, t.rows[k])
	}
	if to == len(t.keys) || to == 0 {
		return rows, ""
	}
	return rows, t.keys[to-1]
}

func (t *table[T]) sort() {
	if !t.sorted {
		slices.Sort(t.keys)
		t.sorted = len(t.keys) > 0
	}
}
