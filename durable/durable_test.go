package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jmoiron/sqlx"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"portico/durable"
	"portico/sources"
	"portico/store"
	"portico/store/storetest"
	"portico/trade"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// world is an engine on a database of its own, and what its flow has done.
type world struct {
	st     *store.Store
	dsn    string
	engine *durable.Engine
	flow   durable.Flow[work]
	mu     sync.Mutex
	done   []string
	do     func(r *durable.Run[work]) error // of the first step
}

type work struct{ Name string }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{do: func(*durable.Run[work]) error { return nil }}
	w.st, w.dsn = storetest.At(t)
	var err error
	if w.engine, err = durable.Open(t.Context(), func() string { return w.dsn }, w.st, []string{"erp", "next"}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.engine.Close)
	w.flow = durable.Flow[work]{Kind: trade.SubmitOrder, Steps: []durable.Step[work]{
		{Name: "first", Do: func(_ context.Context, r *durable.Run[work]) error { return w.do(r) }},
		{Name: "second", Do: func(_ context.Context, r *durable.Run[work]) error {
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
	id = durable.NewID("opr_")
	n := store.NewOperation{Lane: lane, Source: "erp", Fingerprint: name, Operation: trade.Operation{ID: id, Key: name, Principal: "p", CorrelationID: "c"}}
	ok, err := durable.Begin(t.Context(), w.engine, w.flow, n, work{name}, "ref", func(*sqlx.Tx) error { return nil })
	if err != nil || !ok {
		t.Fatalf("begun %v, %v", ok, err)
	}
	return id
}

func (w *world) wait(t *testing.T, id string) *trade.Operation {
	t.Helper()
	if err := w.engine.Wait(t.Context(), id, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	found, err := w.st.Operations(t.Context(), trade.OperatorScope(nil), []string{id})
	if err != nil || found[id] == nil || found[id].FinishedAt == nil {
		t.Fatalf("not ended: %+v, %v", found[id], err)
	}
	return found[id]
}

func TestAJobOfOursIsAsRiversOwn(t *testing.T) {
	w := newWorld(t)
	pool := w.pool(t)
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		t.Fatal(err)
	}
	id := w.begin(t, "lane", "ours")
	if _, err := client.Insert(t.Context(), args{id}, &river.InsertOpts{Queue: "erp"}); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(t.Context(), `SELECT to_jsonb(j) - '{id,created_at,scheduled_at}'::text[] FROM river_job j ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if len(all) != 2 || all[0] != all[1] {
		t.Errorf("ours is\n%s", fmt.Sprint(all))
	}
}

type args struct {
	Operation string `json:"operation"`
}

func (args) Kind() string { return "operation" }

func TestALaneIsPlayedInItsOrderAndOthersBesideIt(t *testing.T) {
	w := newWorld(t)
	w.do = func(r *durable.Run[work]) error {
		if r.Work.Name == "a1" && r.Attempt < 4 {
			return sources.Fail(sources.Unavailable, "not yet")
		}
		return nil
	}
	ids := []string{w.begin(t, "a", "a1"), w.begin(t, "a", "a2"), w.begin(t, "b", "b1")}
	w.run(t)
	for _, id := range ids {
		if o := w.wait(t, id); o.State != trade.OperationCommitted {
			t.Errorf("%s ended %s: %+v", o.Key, o.State, o.Steps)
		}
	}
	a1, a2, b1 := slices.Index(w.done, "a1"), slices.Index(w.done, "a2"), slices.Index(w.done, "b1")
	if a1 > a2 || b1 > a1 || len(w.done) != 3 {
		t.Errorf("done in the order %v", w.done)
	}
}

func TestARefusalEndsAnOperationAndFailuresThatNobodyMendsParkIt(t *testing.T) {
	w := newWorld(t)
	w.do = func(r *durable.Run[work]) error {
		if r.Work.Name == "refused" {
			return durable.Refuse(trade.ERPAtFault, "NO", "It will not.")
		}
		return sources.Fail(sources.Garbled, "no sense in it")
	}
	refused := w.begin(t, "a", "refused")
	w.run(t)
	o := w.wait(t, refused)
	if o.State != trade.OperationFailed || o.Failure == nil || o.Failure.Message != "It will not." || o.Steps[0].State != trade.StepFailed || o.Steps[1].State != trade.StepPending {
		t.Errorf("refused: %+v", o)
	}
	parked := w.begin(t, "b", "garbled")
	if o := w.wait(t, parked); o.State != trade.OperationParked || o.Steps[0].Attempts < 5 {
		t.Errorf("not parked: %+v", o)
	}
}

func TestWhatAnotherProcessHasTakenOnCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	id := w.begin(t, "a", "one")
	claimed, _, err := w.st.ClaimOperation(t.Context(), id, "the first", 50*time.Millisecond)
	if err != nil || claimed == nil {
		t.Fatalf("%v, %v", claimed, err)
	}
	if again, wait, err := w.st.ClaimOperation(t.Context(), id, "too early", time.Minute); again != nil || wait <= 0 || err != nil {
		t.Errorf("taken twice: %v, %v, %v", again, wait, err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		next, _, err := w.st.ClaimOperation(t.Context(), id, "the second", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if next != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a claim does not end")
		}
	}
	late := func(tx *sqlx.Tx) error {
		return w.st.SaveOperation(t.Context(), tx, id, "the first", trade.OperationCommitting, json.RawMessage(`{}`), 0, trade.OperationStep{State: trade.StepSucceeded}, nil)
	}
	if err := w.st.InTx(t.Context(), late); !errors.Is(err, store.ErrClaimLost) {
		t.Errorf("a late write: %v, want that the claim is lost", err)
	}
	if err := w.st.RenewClaim(t.Context(), id, "the first", time.Minute); !errors.Is(err, store.ErrClaimLost) {
		t.Errorf("a late sign of life: %v, want that the claim is lost", err)
	}
}

func TestAnOperationWhoseProcessDiedIsTakenUpWithTheAttemptCounted(t *testing.T) {
	w := newWorld(t)
	var attempts []int
	w.do = func(r *durable.Run[work]) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		attempts = append(attempts, r.Attempt)
		return nil
	}
	id := w.begin(t, "a", "one")
	// A process claims it, begins the first step, and is heard of no more; River knows
	// nothing of it any more either.
	claimed, _, err := w.st.ClaimOperation(t.Context(), id, "dead", 100*time.Millisecond)
	if err != nil || claimed == nil {
		t.Fatalf("%v, %v", claimed, err)
	}
	err = w.st.InTx(t.Context(), func(tx *sqlx.Tx) error {
		return w.st.SaveOperation(t.Context(), tx, id, "dead", trade.OperationCommitting, claimed.Work, 0, trade.OperationStep{State: trade.StepRunning, Attempts: 1}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	pool := w.pool(t)
	if _, err := pool.Exec(t.Context(), `DELETE FROM river_job`); err != nil {
		t.Fatal(err)
	}
	w.run(t)
	if o := w.wait(t, id); o.State != trade.OperationCommitted {
		t.Errorf("ended %s", o.State)
	}
	if !slices.Equal(attempts, []int{2}) {
		t.Errorf("attempts %v, want the second alone", attempts)
	}
}
