package process

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// MostGathered is how many calls are served together.
const MostGathered = 64

// Gather serves calls together that come while others are being served, as a database
// gathers commits: the more come, the less each takes, and one that comes alone waits for
// nobody. Only calls of one key are together. Where serving some together fails, each is
// served alone, so that none fails for another's sake; serve may be called again with what
// it was called with before. It is for what is soon done: whoever comes waits for it.
type Gather[A, R any] struct {
	// Serve gives the results of some calls, in their order.
	Serve func(ctx context.Context, all []A) ([]R, error)

	mu      sync.Mutex
	waiting map[string][]*gatheredCall[A, R] // by key; a key that is there is being served
}

type gatheredCall[A, R any] struct {
	ctx    context.Context
	asked  A
	result R
	err    error
	served chan struct{}
}

// Do serves one call. When ctx ends before, what becomes of the call is not known.
func (g *Gather[A, R]) Do(ctx context.Context, key string, a A) (result R, err error) {
	c := &gatheredCall[A, R]{ctx: ctx, asked: a, served: make(chan struct{})}
	g.mu.Lock()
	if g.waiting == nil {
		g.waiting = map[string][]*gatheredCall[A, R]{}
	}
	others, serving := g.waiting[key]
	if !serving {
		g.waiting[key] = nil
		g.mu.Unlock()
		defer g.next(key)
		g.serveAlone(c)
		return c.result, c.err
	}
	g.waiting[key] = append(others, c)
	g.mu.Unlock()
	select {
	case <-c.served:
		return c.result, c.err
	case <-ctx.Done():
		return result, ctx.Err()
	}
}

// next lets those be served that wait, by somebody else than a caller, whose own call is
// done.
func (g *Gather[A, R]) next(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waiting := g.waiting[key]
	if len(waiting) == 0 {
		delete(g.waiting, key)
		return
	}
	n := min(len(waiting), MostGathered)
	g.waiting[key] = waiting[n:]
	go func() {
		defer g.next(key)
		g.together(waiting[:n])
	}()
}

func (g *Gather[A, R]) together(all []*gatheredCall[A, R]) {
	if len(all) > 1 {
		asked := make([]A, len(all))
		for i, c := range all {
			asked[i] = c.asked
		}
		if result, err := g.safely(context.WithoutCancel(all[0].ctx), asked); err == nil {
			for i, c := range all {
				c.result = result[i]
				close(c.served)
			}
			return
		}
	}
	for _, c := range all {
		g.serveAlone(c)
		close(c.served)
	}
}

func (g *Gather[A, R]) serveAlone(c *gatheredCall[A, R]) {
	result, err := g.safely(c.ctx, []A{c.asked})
	if c.err = err; err == nil {
		c.result = result[0]
	}
}

// safely serves calls; a defect is an error of theirs, and not the end of the process.
func (g *Gather[A, R]) safely(ctx context.Context, all []A) (result []R, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return g.Serve(ctx, all)
}
