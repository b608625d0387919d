package main

import (
	"context"
	"time"
)

// streaming feeds the streams: it reads the log of changes, tells other processes of what
// this one commits and hears of theirs.
type streaming struct {
	*parts
	committed chan struct{} // has room for one: this process has committed changes
}

func newStreaming(p *parts) *streaming {
	s := &streaming{p, make(chan struct{}, 1)}
	p.store.Committed(func() {
		if !p.hub.Offered() {
			p.hub.Wake()
		}
		select {
		case s.committed <- struct{}{}:
		default:
		}
	})
	return s
}

const (
	tellAtMost = 5 * time.Millisecond // the least time between two notices of one process
	tryAgain   = time.Second
	forgetAt   = time.Minute
	forgetMany = 10_000
)

// run does all of it until ctx ends.
func (s *streaming) run(ctx context.Context) {
	go s.tell(ctx)
	go s.hear(ctx)
	if s.bus != nil {
		go s.relay(ctx)
		go s.bus.Listen(ctx, s.hub)
	}
	s.hub.Run(ctx, s.store, s.log)
}

// relay carries the log of changes to all processes while no other one does.
func (s *streaming) relay(ctx context.Context) {
	for failing := false; ctx.Err() == nil; pause(ctx, tryAgain) {
		_, err := s.store.Lead(ctx, "the log of changes", func(ctx context.Context) error { return s.bus.Relay(ctx, s.store) })
		if err != nil && ctx.Err() == nil && !failing {
			s.log.Warn("changes are not carried to other processes: they look by themselves", "err", err)
		}
		failing = err != nil
	}
}

// tell tells other processes, once for all that was committed in between. Where it fails they
// look by themselves.
func (s *streaming) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.committed:
		}
		if s.bus != nil && s.hub.Offered() && s.bus.Committed() == nil {
			pause(ctx, tellAtMost)
			continue
		}
		if err := s.store.TellOthers(ctx); err != nil && ctx.Err() == nil {
			s.log.Debug("other processes are not told of changes: they look by themselves", "err", err)
		}
		pause(ctx, tellAtMost)
	}
}

func (s *streaming) hear(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.store.Hear(ctx, s.dsn(), s.hub.Wake); err != nil && ctx.Err() == nil {
			s.log.Debug("changes of other processes are not heard of: they are looked for", "err", err)
		}
		pause(ctx, tryAgain)
	}
}

// forget removes what is older than it is kept, for ever where keep is 0.
func (p *parts) forget(ctx context.Context, what string, keep time.Duration, remove func(ctx context.Context, before time.Time, limit int) (int, error)) {
	for keep > 0 && ctx.Err() == nil {
		removed, err := remove(ctx, time.Now().Add(-keep), forgetMany)
		if err != nil && ctx.Err() == nil {
			p.log.Warn("what is kept no longer could not be removed; it is tried again", "what", what, "err", err)
		}
		if removed < forgetMany {
			pause(ctx, min(forgetAt, keep))
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
