package events

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/trade"
)

// written is a log in memory. What is below horizon can be read.
type written struct {
	mu      sync.Mutex
	changes []trade.Change
	horizon uint64
	down    bool
}

func (w *written) LogEnd(context.Context) (trade.Place, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return trade.Place{}, errors.New("down")
	}
	return trade.Place{Transaction: w.horizon}, nil
}

func (w *written) Changes(_ context.Context, from trade.Place, limit int) (all []trade.Change, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return nil, errors.New("down")
	}
	for _, c := range w.changes {
		if from.Before(c.Place) && c.Transaction < w.horizon && len(all) < limit {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b trade.Change) int {
		if a.Before(b.Place) {
			return -1
		}
		return 1
	})
	return all, nil
}

func (w *written) LogWaits(_ context.Context, from trade.Place) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.changes, func(c trade.Change) bool { return from.Before(c.Place) }), nil
}

func (w *written) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func change(transaction uint64, subject string) trade.Change {
	return trade.Change{Place: trade.Place{Transaction: transaction, Seq: int64(transaction)}, Topic: trade.OfShipments, SubjectID: subject}
}

func all(*trade.Change) bool { return true }

// running is a hub that reads a log until the test ends.
func running(t *testing.T, w *written) *Hub {
	t.Helper()
	h := New()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go h.Run(ctx, w, slog.New(slog.DiscardHandler))
	return h
}

func (h *Hub) followed(ctx context.Context, t *testing.T, keep func(*trade.Change) bool) (trade.Place, <-chan trade.Change) {
	t.Helper()
	live, err := h.Subscribe(ctx, keep)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan trade.Change)
	go func() {
		defer close(out)
		for {
			c, ok := live.Next(ctx)
			if !ok {
				return
			}
			select {
			case out <- c:
			case <-ctx.Done():
				return
			}
		}
	}()
	return live.From, out
}

func TestAFollowerGetsWhatItWantsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &written{horizon: 10, changes: []trade.Change{change(5, "before")}}
		h := running(t, w)
		ctx, cancel := context.WithCancel(t.Context())
		place, got := h.followed(ctx, t, func(c *trade.Change) bool { return c.SubjectID != "b" })
		if place.Transaction != 10 {
			t.Errorf("it follows from %v", place)
		}
		w.set(func() {
			w.changes = append(w.changes, change(12, "c"), change(10, "a"), change(11, "b"))
			w.horizon = 13
		})
		h.Wake()
		for _, want := range []string{"a", "c"} {
			if c := <-got; c.SubjectID != want {
				t.Errorf("got %s, want %s", c.SubjectID, want)
			}
		}
		if later, _ := h.followed(ctx, t, all); later.Transaction != 12 {
			t.Errorf("who comes later follows from %v", later)
		}
		cancel()
		if _, open := <-got; open {
			t.Error("it goes on after its context")
		}
		synctest.Wait()
		if len(h.subscribers) > 0 {
			t.Error("it follows on after its context")
		}
	})
}

// TestATransactionThatCommitsLateIsNotMissed plants what a reader would miss that remembers
// the last number it saw.
func TestATransactionThatCommitsLateIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &written{horizon: 10}
		_, got := running(t, w).followed(t.Context(), t, all)
		w.set(func() { w.changes = append(w.changes, change(11, "fast")) }) // 10 still runs
		synctest.Wait()
		select {
		case c := <-got:
			t.Fatalf("%s is told before what was begun earlier", c.SubjectID)
		default:
		}
		w.set(func() {
			w.changes = append(w.changes, change(10, "slow"))
			w.horizon = 12
		})
		for _, want := range []string{"slow", "fast"} { // nobody wakes it: it looks by itself
			if c := <-got; c.SubjectID != want {
				t.Errorf("got %s, want %s", c.SubjectID, want)
			}
		}
	})
}

func TestWhoReadsTooSlowlyIsLetGoAndNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 3 * mostPending
		w := &written{horizon: 1}
		h := running(t, w)
		_, slow := h.followed(t.Context(), t, all)
		_, quick := h.followed(t.Context(), t, func(c *trade.Change) bool { return c.Transaction%1000 == 0 })
		w.set(func() {
			for i := range many { // more than it can have taken, and have pending besides
				w.changes = append(w.changes, change(uint64(i+1), ""))
			}
			w.horizon = many + 1
		})
		h.Wake()
		n := 0
		for range many / 1000 {
			<-quick
			n++
		}
		told := uint64(0)
		for c := range slow {
			if told++; c.Transaction != told { // all from the beginning, so that it can be resumed
				t.Fatalf("change %d is %v", told, c.Place)
			}
		}
		if n != many/1000 || told < mostPending || told >= many {
			t.Errorf("the quick one got %d, the slow one %d of %d", n, told, many)
		}
	})
}

func TestALogThatCannotBeReadLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &written{horizon: 10, down: true}
		h := running(t, w)
		synctest.Wait()
		w.set(func() { w.down = false })
		_, got := h.followed(t.Context(), t, all)
		w.set(func() { w.down, w.changes, w.horizon = true, append(w.changes, change(10, "a")), 11 })
		h.Wake()
		synctest.Wait()
		w.set(func() { w.down = false })
		if c := <-got; c.SubjectID != "a" {
			t.Errorf("got %+v", c)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := New().Subscribe(ctx, all); err == nil {
			t.Error("who does not wait follows a hub that does not run")
		}
	})
}

// TestWhatIsOfferedAndReadIsToldOnce offers changes that are read too, and some with others
// missing before them.
func TestWhatIsOfferedAndReadIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &written{horizon: 1}
		h := running(t, w)
		_, got := h.followed(t.Context(), t, all)
		next := func() uint64 { c := <-got; return c.Transaction }
		w.set(func() { w.changes = []trade.Change{change(1, ""), change(2, ""), change(3, ""), change(4, "")} })
		h.Offer(trade.Place{}, w.changes[:1])
		if n := next(); n != 1 || !h.Offered() {
			t.Errorf("offered: %d", n)
		}
		h.Offer(trade.Place{}, w.changes[:2]) // the first of them again
		if n := next(); n != 2 {
			t.Errorf("offered again: %d", n)
		}
		w.set(func() { w.horizon = 5 })
		h.Offer(w.changes[2].Place, w.changes[3:]) // what is between is read
		if a, b := next(), next(); a != 3 || b != 4 {
			t.Errorf("after what is missing: %d, %d", a, b)
		}
		h.Offer(w.changes[3].Place, nil)
		h.Offer(w.changes[1].Place, w.changes[2:])
		synctest.Wait()
		select {
		case c := <-got:
			t.Errorf("told again: %v", c.Place)
		default:
		}
		time.Sleep(offersEnd + time.Second)
		if h.Offered() {
			t.Error("nobody offers, and it waits for them")
		}
	})
}
