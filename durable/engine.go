package durable

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jmoiron/sqlx"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"portico/store"
	"portico/trade"
)

const (
	// lease is for how long an operation is one process's, from its last sign of life,
	// and heartbeat the pause between two: what a killed process was at is taken over
	// within a few seconds.
	lease     = 4 * time.Second
	heartbeat = time.Second
	// sweepEvery is the pause between two looks for operations that nobody is at.
	sweepEvery = time.Second
	// workers are how many operations of a source are worked on at a time here.
	workers = 16
	// firstPause and longestPause are those between two attempts of a step.
	firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
	// patience is how often a step is tried whose failure says that somebody must look.
	patience = 8
)

// Engine plays the flows that are registered with it. River wakes it; what is to be
// done, and who may do it, stands in the operations alone.
type Engine struct {
	store  *store.Store
	log    *slog.Logger
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
	queues []string
	flows  map[trade.OperationKind]player

	mu      sync.Mutex
	waiting map[string][]chan struct{} // of operations that end here, by id
}

// Open connects an engine to the database; sources are those whose operations have a
// queue each, so that one that is down starves no other.
func Open(ctx context.Context, dsn func() string, st *store.Store, sources []string, log *slog.Logger) (*Engine, error) {
	config, err := pgxpool.ParseConfig(dsn())
	if err != nil {
		return nil, errors.New("the database's URL cannot be read")
	}
	delete(config.ConnConfig.RuntimeParams, "binary_parameters")              // lib/pq's own, and none of the database's
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error { // a password that was changed is used from the next one on
		fresh, err := pgx.ParseConfig(dsn())
		if err != nil {
			return errors.New("the database's URL cannot be read")
		}
		c.Host, c.Port, c.User, c.Password, c.Database = fresh.Host, fresh.Port, fresh.User, fresh.Password, fresh.Database
		return nil
	}
	config.MaxConns = 6 // it wakes and times, and writes nothing of ours
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	e := &Engine{store: st, log: log, pool: pool, flows: map[trade.OperationKind]player{}, waiting: map[string][]chan struct{}{}}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = st.Alone(ctx, func() error { _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); return err })
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, s := range sources {
		e.queues = append(e.queues, queueOf(s))
	}
	return e, nil
}

var noQueue = regexp.MustCompile(`[^a-z0-9]+`)

// queueOf is a source's queue, in the letters that River takes.
func queueOf(source string) string {
	return strings.Trim(noQueue.ReplaceAllString(strings.ToLower(source), "_"), "_")
}

// Register adds a flow. It is called before Run.
func Register[W any](e *Engine, f Flow[W]) { e.flows[f.Kind] = flowPlayer[W]{f} }

// job wakes the engine for an operation.
type job struct {
	Operation string `json:"operation"`
}

// Kind names the job.
func (job) Kind() string { return "operation" }

type worker struct {
	river.WorkerDefaults[job]
	engine *Engine
}

// Work plays an operation as far as it goes now.
func (w *worker) Work(ctx context.Context, j *river.Job[job]) error {
	wait, err := w.engine.play(ctx, j.Args.Operation)
	switch {
	case ctx.Err() != nil || err != nil:
		return river.JobSnooze(time.Second) // ours to count, not River's
	case wait > 0:
		return river.JobSnooze(wait)
	}
	return nil
}

// Timeout is none: a step's calls have their own.
func (*worker) Timeout(*river.Job[job]) time.Duration { return -1 }

// Run works until ctx ends, and lets what runs then come to the end of its step.
func (e *Engine) Run(ctx context.Context) error {
	all := river.NewWorkers()
	river.AddWorker(all, &worker{engine: e})
	queues := map[string]river.QueueConfig{}
	for _, q := range e.queues {
		queues[q] = river.QueueConfig{MaxWorkers: workers}
	}
	client, err := river.NewClient(riverpgxv5.New(e.pool), &river.Config{
		Workers: all, Queues: queues, Logger: slog.New(slog.DiscardHandler), FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 500 * time.Millisecond,
		CompletedJobRetentionPeriod: time.Minute,
	})
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	e.client = client
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	for tick := time.NewTicker(sweepEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := client.Stop(stop); err != nil {
				_ = client.StopAndCancel(context.WithoutCancel(ctx)) // others take over what it was at
			}
			return nil
		case <-tick.C:
			if err := e.sweep(ctx); err != nil && ctx.Err() == nil {
				e.log.Warn("looking for operations that nobody is at", "err", err)
			}
		}
	}
}

// Close ends the engine's connections.
func (e *Engine) Close() { e.pool.Close() }

// sweep wakes workers for operations that are due and that nobody is at.
func (e *Engine) sweep(ctx context.Context) error {
	var orphans []store.Orphan
	err := e.store.InTx(ctx, func(tx *sqlx.Tx) (err error) {
		if orphans, err = e.store.Orphans(ctx, tx); err != nil {
			return err
		}
		for _, o := range orphans {
			if err := enqueue(ctx, tx, o.ID, o.Source); err != nil {
				return err
			}
		}
		return nil
	})
	if len(orphans) > 0 && err == nil {
		e.log.Info("operations taken up again", "operations", len(orphans))
	}
	return err
}

// enqueue puts a job that wakes the engine into River's table, in the transaction of
// what it is about; [TestAJobOfOursIsAsRiversOwn] holds it to River's own.
func enqueue(ctx context.Context, tx *sqlx.Tx, operation, source string) error {
	args, err := json.Marshal(job{operation})
	if err != nil {
		return err
	}
	const query = `INSERT INTO river_job (state, queue, kind, args, max_attempts, priority) VALUES ('available', $1, $2, $3, 25, 1)`
	if _, err := tx.ExecContext(ctx, query, queueOf(source), job{}.Kind(), string(args)); err != nil {
		return fmt.Errorf("job: %w", err)
	}
	return nil
}

// wake tells River that there is work, once that is committed. Where the notice is
// lost, the next look finds it.
func (e *Engine) wake(ctx context.Context, source string) {
	text, _ := json.Marshal(map[string]string{"queue": queueOf(source)})
	_, _ = e.pool.Exec(ctx, `SELECT pg_notify(current_schema() || '.river_insert', $1)`, string(text))
}

// NewID is an id of a kind of thing, such as opr_.
func NewID(prefix string) string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return prefix + hex.EncodeToString(b)
}

// Begin keeps an operation of a flow, together with what write does. ok is false,
// and nothing is written, when its key is spent. ref is the reference under which its
// effect is known at its source.
func Begin[W any](ctx context.Context, e *Engine, f Flow[W], n store.NewOperation, work W, ref string, write func(tx *sqlx.Tx) error) (ok bool, err error) {
	if n.Work, err = json.Marshal(work); err != nil {
		return false, fmt.Errorf("work: %w", err)
	}
	n.Kind, n.Steps = f.Kind, f.steps(ref)
	err = e.store.InTx(ctx, func(tx *sqlx.Tx) error {
		if ok, err = e.store.BeginOperation(ctx, tx, &n); err != nil || !ok {
			return err
		}
		if err := write(tx); err != nil {
			return err
		}
		return enqueue(ctx, tx, n.ID, n.Source)
	})
	if ok && err == nil {
		e.wake(ctx, n.Source)
	}
	return ok, err
}

// Wait waits until an operation ends, at most so long.
func (e *Engine) Wait(ctx context.Context, id string, most time.Duration) error {
	ended := make(chan struct{})
	e.mu.Lock()
	e.waiting[id] = append(e.waiting[id], ended)
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.waiting, id)
		e.mu.Unlock()
	}()
	limit := time.After(most)
	look := time.NewTicker(100 * time.Millisecond) // it may end in another process
	defer look.Stop()
	for {
		select {
		case <-ended:
			return nil
		case <-limit:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
			if done, err := e.store.Ended(ctx, id); err != nil || done {
				return err
			}
		}
	}
}

func (e *Engine) ended(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.waiting[id] {
		close(c)
	}
	delete(e.waiting, id)
}

// pauseAfter is the pause after a failed attempt, by how many there were.
func pauseAfter(attempt int) time.Duration {
	d := min(firstPause<<min(attempt-1, 10), longestPause)
	return d/2 + time.Duration(mathrand.Int64N(int64(d/2)+1))
}
