package process

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// gatherings is a gather whose first serving is held until it is let go on.
type gatherings struct {
	Gather[int, int]
	mu      sync.Mutex
	begun   chan struct{} // when a serving begins
	on      chan struct{}
	batches [][]int
	fail    func(all []int) error
}

func newGatherings() *gatherings {
	g := &gatherings{begun: make(chan struct{}, 100), on: make(chan struct{})}
	g.Serve = func(_ context.Context, all []int) ([]int, error) {
		g.mu.Lock()
		g.batches = append(g.batches, slices.Sorted(slices.Values(all)))
		first := len(g.batches) == 1
		g.mu.Unlock()
		g.begun <- struct{}{}
		if first {
			<-g.on
		}
		if g.fail != nil {
			if err := g.fail(all); err != nil {
				return nil, err
			}
		}
		told := make([]int, len(all))
		for i, a := range all {
			told[i] = 10 * a
		}
		return told, nil
	}
	return g
}

// behind asks for the first, and for others while that is served.
func (g *gatherings) behind(t *testing.T, others ...int) map[int]error {
	t.Helper()
	failed := map[int]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	ask := func(a int) {
		told, err := g.Do(t.Context(), "k", a)
		if err == nil && told != 10*a {
			t.Errorf("%d is told %d", a, told)
		}
		mu.Lock()
		defer mu.Unlock()
		failed[a] = err
	}
	all.Go(func() { ask(0) })
	<-g.begun
	for _, a := range others {
		all.Go(func() { ask(a) })
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		g.Gather.mu.Lock()
		n := len(g.waiting["k"])
		g.Gather.mu.Unlock()
		if n == len(others) {
			break
		}
	}
	close(g.on)
	all.Wait()
	return failed
}

func TestCallsThatComeWhileOthersAreServedAreServedTogether(t *testing.T) {
	g := newGatherings()
	g.behind(t, 1, 2, 3)
	if len(g.batches) != 2 || !slices.Equal(g.batches[1], []int{1, 2, 3}) {
		t.Errorf("served as %v", g.batches)
	}
	kept := func() int { g.Gather.mu.Lock(); defer g.Gather.mu.Unlock(); return len(g.waiting) }
	for deadline := time.Now().Add(10 * time.Second); kept() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a key is kept that nobody asks for")
		}
	}
}

func TestNobodyFailsForAnothersSake(t *testing.T) {
	for what, fail := range map[string]func(){"an error": nil, "a panic": func() { panic("a defect") }} {
		t.Run(what, func(t *testing.T) {
			g := newGatherings()
			g.fail = func(all []int) error {
				if !slices.Contains(all, 2) {
					return nil
				}
				if fail != nil {
					fail()
				}
				return errors.New("refused")
			}
			failed := g.behind(t, 1, 2, 3)
			if failed[0] != nil || failed[1] != nil || failed[2] == nil || failed[3] != nil {
				t.Errorf("%v", failed)
			}
		})
	}
}

func TestOnlyCallsOfOneKeyAreServedTogether(t *testing.T) {
	g := newGatherings()
	var all sync.WaitGroup
	all.Go(func() { _, _ = g.Do(t.Context(), "one", 0) })
	<-g.begun
	if told, err := g.Do(t.Context(), "another", 1); told != 10 || err != nil { // it waits for nobody
		t.Errorf("%d, %v", told, err)
	}
	close(g.on)
	all.Wait()
}

func TestACallerWhoLeavesWaitsNoMore(t *testing.T) {
	g := newGatherings()
	var all sync.WaitGroup
	all.Go(func() { _, _ = g.Do(t.Context(), "k", 0) })
	<-g.begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Do(ctx, "k", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(g.on)
	all.Wait()
}
