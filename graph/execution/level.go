package execution

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// bare marks an error whose own path must not be used.
type bare struct{ error }

func (b bare) Unwrap() error { return b.error }

// gate opens when every call of a level that shares a loader has named its keys or ended.
type gate struct {
	left atomic.Int32
	open chan struct{}
}

type stateKey struct{}

// callContext is the context of a call, which knows the call's state.
type callContext struct {
	context.Context
	state *state
}

// Value is the state, or what the context above holds.
func (c *callContext) Value(key any) any {
	if _, ok := key.(stateKey); ok {
		return c.state
	}
	return c.Context.Value(key)
}

func (s *state) leave() {
	if s.gate != nil && !s.left {
		s.left = true
		if s.gate.left.Add(-1) == 0 {
			close(s.gate.open)
		}
	}
}

// Rendezvous is called by a loader once it knows the keys of its call. It returns when all
// calls of this level that share the loader have done the same.
func Rendezvous(ctx context.Context) error {
	s, _ := ctx.Value(stateKey{}).(*state)
	if s == nil || s.gate == nil || s.left {
		return nil
	}
	s.leave()
	s.run.leave()
	defer s.run.enter()
	select {
	case <-s.gate.open:
		return nil
	case <-s.run.dead:
		return *s.run.broken.Load()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errorsOf lists what one field error stands for.
func errorsOf(err error) []error {
	if list, ok := errors.AsType[gqlerror.List](err); ok {
		out := make([]error, len(list))
		for i, e := range list {
			out[i] = e
		}
		return out
	}
	return []error{err}
}

// Reads tells whether an operation reads a field or gives an argument, by its
// schema coordinate: "Type.field" or "Type.field(argument:)". It is nil where
// no operation of this executor is running.
func Reads(ctx context.Context) func(coordinate string) bool {
	s, _ := ctx.Value(stateKey{}).(*state)
	if s == nil {
		return nil
	}
	return s.run.p.read
}

// Level is the token under which a loader collects keys until Rendezvous returns: equal for
// the calls that wait for one another, nil for a call that waits for nobody.
func Level(ctx context.Context) any {
	if s, _ := ctx.Value(stateKey{}).(*state); s != nil && s.gate != nil && !s.left {
		return s.gate
	}
	return nil
}
