package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"golang.org/x/time/rate"

	"portico/store"
	"portico/trade"
	"portico/trade/clock"
)

const (
	// lease is for how long an operation is one process's at least, from its last sign of life,
	// and heartbeat the pause between two: what a killed process was at is taken over
	// within a few seconds. See [pauses].
	lease     = 4 * time.Second
	heartbeat = time.Second
	// sweepEvery is the pause between two looks for operations that nobody is at.
	sweepEvery = time.Second
	// workers are how many operations of a source are worked on at a time here.
	workers = 16
	// begunPerSecond is how many operations of a source are begun in a second here, so that
	// one that comes back is not met by all that waited, and who orders meanwhile is not
	// slowed by what is worked off.
	begunPerSecond = 50
	// firstPause and longestPause are those between two attempts of a step.
	firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
	// restartPause is the pause between two attempts to begin, and stillWaits the one between two lines that say so.
	restartPause, stillWaits = 250 * time.Millisecond, time.Minute
	// removeEvery is the pause between two looks for operations that are kept no longer, and
	// removeAtOnce how many are removed in one transaction.
	removeEvery, removeAtOnce = 10 * time.Minute, 1000
	// patience is how often a step is tried whose failure says that somebody must look.
	patience = 8
)

// Engine plays the flows that are registered with it. River wakes it; what is to be
// done, and who may do it, stands in the operations alone.
type Engine struct {
	store   *store.Store
	log     *slog.Logger
	pool    *pgxpool.Pool
	sources []string
	paused  func(source string) (why string, wait time.Duration)
	keep    time.Duration
	now     func() time.Time
	flows   map[trade.OperationKind]player
	busy    map[string]*atomic.Int64 // workers at operations, by source
	pace    map[string]*rate.Limiter // at which operations are begun, by source
	pauses  pauses

	woken    map[string]chan struct{} // that there may be work, by source
	stopping chan struct{}

	mu      sync.Mutex
	waiting map[string]chan struct{} // of operations that whoever began them waits for, by id
	taken   map[string]int           // operations that workers here are at or about to be, by id
}

// Open connects an engine to the database; sources are those whose operations have a
// queue each, so that one that is down starves no other. While held gives a source's
// queue a pause, and why, none of its operations is begun. Operations that have ended, and
// keys, are kept for so long, and removed then; 0 is for ever. now is the clock of operations
// and their steps.
func Open(ctx context.Context, dsn func() string, st *store.Store, sources []string,
	paused func(source string) (why string, wait time.Duration), keep time.Duration, now func() time.Time, log *slog.Logger,
) (*Engine, error) {
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
	e := &Engine{
		store: st, log: log, pool: pool, sources: sources, paused: paused, keep: keep, now: now,
		flows: map[trade.OperationKind]player{},
		busy:  map[string]*atomic.Int64{}, pace: map[string]*rate.Limiter{}, waiting: map[string]chan struct{}{}, taken: map[string]int{},
		woken: map[string]chan struct{}{}, stopping: make(chan struct{}),
	}
	for _, s := range sources {
		e.woken[s] = make(chan struct{}, 1)
		e.busy[s], e.pace[s] = &atomic.Int64{}, rate.NewLimiter(begunPerSecond, begunPerSecond)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = st.RunAlone(ctx, func() error { _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); return err })
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("durable: %w", err)
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

// Run works until ctx ends, and lets what runs then come to the end of its step.
func (e *Engine) Run(ctx context.Context) error {
	all := river.NewWorkers()
	river.AddWorker(all, &worker{engine: e})
	queues := map[string]river.QueueConfig{}
	for _, s := range e.sources {
		queues[queueOf(s)] = river.QueueConfig{MaxWorkers: workers}
	}
	config := &river.Config{
		Workers: all, Queues: queues, Logger: slog.New(slog.DiscardHandler), FetchCooldown: 5 * time.Millisecond,
		CompletedJobRetentionPeriod: time.Minute,
	}
	client, err := e.startRiver(ctx, config)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if client == nil { // ctx has ended
		return nil
	}
	go e.pauses.watch(ctx)
	for _, s := range e.sources {
		go e.notify(ctx, s)
	}
	if e.keep > 0 {
		loop := clock.Loop{Task: "operations that are kept no longer", Every: min(removeEvery, e.keep), Log: e.log}
		go loop.Run(ctx, clock.Pass(e.remove))
	}
	loop := clock.Loop{Task: "operations that nobody is at", Every: sweepEvery, Late: true, Log: e.log}
	loop.Run(ctx, clock.Pass(e.sweep))
	close(e.stopping)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := client.Stop(stop); err != nil {
		_ = client.StopAndCancel(context.WithoutCancel(ctx)) // others take over what it was at
	}
	return nil
}

// startRiver starts a client. While that fails, as while the database cannot be reached or is too slow, it tries until ctx ends, says
// so once a minute, and returns none then; operations are kept meanwhile, and played once it is back.
func (e *Engine) startRiver(ctx context.Context, config *river.Config) (*river.Client[pgx.Tx], error) {
	var said time.Time
	for ; ctx.Err() == nil; _ = clock.Pause(ctx, restartPause) {
		client, err := river.NewClient(riverpgxv5.New(e.pool), config)
		if err != nil {
			return nil, err
		}
		if err = client.Start(context.WithoutCancel(ctx)); err == nil {
			return client, nil
		}
		if now := e.now(); now.Sub(said) >= stillWaits {
			e.log.WarnContext(ctx, "the queue of operations cannot be read; they wait for it", "err", err)
			said = now
		}
	}
	return nil, nil
}

// Board is a client by which the queue can be looked at.
func (e *Engine) Board() (*river.Client[pgx.Tx], error) {
	client, err := river.NewClient(riverpgxv5.New(e.pool), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	return client, nil
}

// Close ends the engine's connections.
func (e *Engine) Close() { e.pool.Close() }

// pauseAfter is the pause after a failed attempt, by how many there were.
func pauseAfter(attempt int) time.Duration {
	d := min(firstPause<<min(attempt-1, 10), longestPause)
	return d/2 + time.Duration(mathrand.Int64N(int64(d/2)+1)) //nolint:gosec // no secret: it only has to differ
}
