package durable

import (
	"context"
	"encoding/json"
	"time"

	"portico/store/ledger"
)

// noticeEvery is the shortest pause between two notices to one queue: a notice locks out
// all others of the database while it is given.
const noticeEvery = 3 * time.Millisecond

// Wake tells workers that there may be work, once that is committed; it waits for nothing.
// Where the notice is lost, their next look finds it.
func (e *Engine) Wake(source string) {
	select {
	case e.woken[source] <- struct{}{}:
	default: // one is to be given already, or there is no such queue
	}
}

// notify gives notices to the workers of a source's queue, on all processes.
func (e *Engine) notify(ctx context.Context, source string) {
	text, _ := json.Marshal(map[string]string{"queue": queueOf(source)}) // cannot fail
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.woken[source]:
			_, _ = e.pool.Exec(ctx, `SELECT pg_notify(current_schema() || '.river_insert', $1)`, string(text))
			time.Sleep(noticeEvery)
		}
	}
}

// Wait waits until an operation ends or rests, at most so long. One process waits for
// an operation in one place: where it was begun.
func (e *Engine) Wait(ctx context.Context, id string, most time.Duration) error {
	ended := make(chan struct{})
	e.mu.Lock()
	e.waiting[id] = ended
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
			if done, err := ledger.IsSettled(ctx, e.store, id); err != nil || done {
				return err
			}
		}
	}
}

func (e *Engine) ended(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.waiting[id]; c != nil {
		close(c)
		delete(e.waiting, id)
	}
}
