package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// patience is how long a part may take to end once it was told to, before it is left behind.
const patience = 20 * time.Second

// part is one thing that a server runs in the background.
type part struct {
	// name is for the log, and for the parts that outlive it.
	name string
	// run works until ctx ends. It may end before; where that is a failure, the server ends.
	run func(ctx context.Context) error
	// outlives names the parts that must have ended before this one is told to. They stand
	// before it in the list, so that there are no circles.
	outlives []string
}

// until is a part's run that cannot fail.
func until(run func(ctx context.Context)) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		run(ctx)
		return nil
	}
}

// runAll runs parts until ctx ends or one of them fails, ends each when those that it outlives
// are over, and waits for all. It returns the first failure, or why ctx ended.
func runAll(ctx context.Context, log *slog.Logger, parts []part) error {
	stopping, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	over := map[string]chan struct{}{}
	for _, p := range parts {
		if over[p.name] != nil {
			panic("two parts are named " + p.name)
		}
		var outlived []chan struct{}
		for _, name := range p.outlives {
			if over[name] == nil {
				panic(p.name + " outlives " + name + ", which is not before it")
			}
			outlived = append(outlived, over[name])
		}
		over[p.name] = start(stopping, stop, log, p, outlived)
	}
	<-stopping.Done()
	for _, ended := range over {
		<-ended
	}
	return context.Cause(stopping)
}

// start runs a part. What it returns is closed when the part is over, or left behind.
func start(stopping context.Context, stop context.CancelCauseFunc, log *slog.Logger, p part, outlived []chan struct{}) chan struct{} {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(stopping))
	returned, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(returned)
		if err := p.run(ctx); err != nil && ctx.Err() == nil {
			stop(fmt.Errorf("%s: %w", p.name, err))
		}
	}()
	go func() {
		defer close(over)
		defer cancel(nil)
		select {
		case <-returned:
			return
		case <-stopping.Done():
		}
		for _, other := range outlived {
			<-other
		}
		cancel(context.Cause(stopping))
		select {
		case <-returned:
		case <-time.After(patience):
			log.ErrorContext(ctx, "a part does not end; it is left behind", "part", p.name)
		}
	}()
	return over
}
