package durable_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"portico/process/durable"
	"portico/store"
	"portico/store/ledger"
	"portico/store/storetest"
	"portico/trade"
)

// world is an engine on a database of its own, and what its flow has done.
type world struct {
	st     *store.Store
	dsn    string
	engine *durable.Engine
	flow   durable.Flow[work]
	mu     sync.Mutex
	done   []string
	undone []string                         // of the second step, and of the first where a test says so
	do     func(r *durable.Run[work]) error // of the first step
	undo   func(r *durable.Run[work]) error // of the first step
	second func(r *durable.Run[work]) error
	paused atomic.Bool
}

func (w *world) held(string) (string, time.Duration) {
	if w.paused.Load() {
		return "paused", 20 * time.Millisecond
	}
	return "", 0
}

type work struct{ Name string }

func newWorld(t *testing.T) *world { t.Helper(); return newWorldKeeping(t, 0, time.Now) }

func newWorldKeeping(t *testing.T, keep time.Duration, now func() time.Time) *world {
	t.Helper()
	w := &world{do: func(*durable.Run[work]) error { return nil }, undo: func(*durable.Run[work]) error { return nil }}
	w.st, w.dsn = storetest.At(t)
	var err error
	if w.engine, err = durable.Open(t.Context(), func() string { return w.dsn }, w.st, []string{"erp", "next"}, w.held, keep, now,
		slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.engine.Close)
	w.flow = durable.Flow[work]{Kind: trade.SubmitOrder, Action: "work", Steps: []durable.Step[work]{
		{
			Name: "first", Do: func(_ context.Context, r *durable.Run[work]) error { return w.do(r) },
			Undo:   func(_ context.Context, r *durable.Run[work]) error { return w.undo(r) },
			Settle: func(w *work, ref string) { w.Name = ref },
		},
		{Name: "second", Undo: func(_ context.Context, _ *durable.Run[work]) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.undone = append(w.undone, "second")
			return nil
		}, Do: func(_ context.Context, r *durable.Run[work]) error {
			if w.second != nil {
				if err := w.second(r); err != nil {
					return err
				}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.done = append(w.done, r.Work.Name)
			return nil
		}},
	}}
	durable.Register(w.engine, w.flow)
	return w
}

// run lets the engine work until the test ends.
func (w *world) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// pool are connections of River's kind, past the engine's own.
func (w *world) pool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), strings.ReplaceAll(w.dsn, " binary_parameters=yes", ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// begin keeps an operation in a lane.
func (w *world) begin(t *testing.T, lane, name string) (id string) {
	t.Helper()
	return w.beginOn(t, lane, name, nil)
}

// beginOn keeps an operation in a lane, on a subject unless it is nil.
func (w *world) beginOn(t *testing.T, lane, name string, subject *string) (id string) {
	t.Helper()
	id = durable.NewID("opr_")
	n := ledger.NewOperation{
		Lane: lane, Fingerprint: name,
		Operation: trade.Operation{ID: id, Key: name, Principal: "p", CorrelationID: "c", Source: "erp", Subject: subject},
	}
	err := w.st.InTx(t.Context(), func(tx *store.Tx) error {
		begun, err := durable.Begin(t.Context(), w.engine, tx, w.flow, durable.Beginning[work]{Operation: n, Work: work{name}, Ref: "ref"})
		if err == nil && len(begun) == 0 {
			err = errors.New("the key is spent")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.engine.Wake("erp")
	return id
}

func (w *world) wait(t *testing.T, id string) *trade.Operation {
	t.Helper()
	if err := w.engine.Wait(t.Context(), id, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	found, err := ledger.Operations(t.Context(), w.st, trade.OperatorScope(nil), []string{id})
	if err != nil || found[id] == nil || found[id].FinishedAt == nil && !found[id].State.Rests() {
		t.Fatalf("not ended: %+v, %v", found[id], err)
	}
	return found[id]
}

// did tells whether the second step of something was done.
func (w *world) did(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.done, name)
}

// decided runs a decision about an operation.
func (w *world) decided(t *testing.T, decide func(tx *store.Tx) error) error {
	t.Helper()
	err := w.st.InTx(t.Context(), decide)
	w.engine.Wake("erp")
	return err
}

// ended waits until an operation has ended.
func (w *world) ended(t *testing.T, id string) *trade.Operation {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if o := w.wait(t, id); o.FinishedAt != nil || time.Now().After(deadline) {
			return o
		}
	}
}
