package durable

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// job wakes the engine for an operation of a source.
type job struct {
	Operation string `json:"operation"`
	Source    string `json:"source"`
}

// Kind names the job.
func (job) Kind() string { return "operation" }

type worker struct {
	river.WorkerDefaults[job]
	engine *Engine
}

// Work plays an operation as far as it goes now.
func (w *worker) Work(ctx context.Context, j *river.Job[job]) error {
	busy := w.engine.busy[j.Args.Source]
	if busy == nil {
		return nil // a source that this process does not have
	}
	busy.Add(1)
	defer busy.Add(-1)
	w.engine.take(j.Args.Operation, 1)
	defer w.engine.take(j.Args.Operation, -1)
	if !w.engine.admitted(ctx, j.Args.Source) {
		return river.JobSnooze(time.Second)
	}
	wait, err := w.engine.play(ctx, j.Args.Operation)
	switch {
	case ctx.Err() != nil || err != nil:
		return river.JobSnooze(time.Second) // ours to count, not River's
	case wait > 0:
		return river.JobSnooze(wait)
	}
	return nil
}

// take counts workers here that are at an operation, or about to be.
func (e *Engine) take(id string, more int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.taken[id] += more; e.taken[id] == 0 {
		delete(e.taken, id)
	}
}

// admitted waits while a source is held: its queue stands still then, and no attempt is
// counted. ok is false when the engine stops before.
func (e *Engine) admitted(ctx context.Context, source string) (ok bool) {
	for {
		_, wait := e.paused(source)
		if wait <= 0 {
			return e.pace[source].Wait(ctx) == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-e.stopping:
			return false
		case <-time.After(wait):
		}
	}
}

// Timeout is none: a step's calls have their own.
func (*worker) Timeout(*river.Job[job]) time.Duration { return -1 }
