package bus

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"portico/events"
	"portico/trade"
)

// TestWhatWasLostOnTheWayIsReadFromTheLog offers a process the end of the log without what is before it: it
// tells nothing of that before it has read the rest.
func TestWhatWasLostOnTheWayIsReadFromTheLog(t *testing.T) {
	t.Parallel()
	s := serving(t)
	mine := &written{closed: true}
	mine.write(3)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hub := events.New()
	go hub.Run(ctx, mine, slog.New(slog.DiscardHandler))
	f := follow(t, hub)
	sending, listening := s.bus(t), s.bus(t)
	until(t, "prepared", func() bool { return sending.prepare(ctx) == nil })
	go listening.Listen(ctx, hub)
	until(t, "offered to", func() bool {
		return sending.send(ctx, message{After: trade.Place{Transaction: 4}}) == nil && hub.Offered()
	})
	mine.write(3)
	mine.mu.Lock()
	last := slices.Clone(mine.changes[5:])
	after := mine.changes[4].Place
	mine.mu.Unlock()
	if err := sending.send(ctx, message{after, last}); err != nil {
		t.Fatal(err)
	}
	if err := sending.send(ctx, message{After: last[0].Place}); err != nil { // so that it is known to be there
		t.Fatal(err)
	}
	looks := func() int { mine.mu.Lock(); defer mine.mu.Unlock(); return mine.tries }
	before := looks()
	until(t, "looked for", func() bool { return looks() > before })
	if got := f.places(); len(got) != 0 {
		t.Errorf("told of %v, before what is ahead of it", got)
	}
	mine.mu.Lock()
	mine.closed = false
	mine.mu.Unlock()
	until(t, "told of all", func() bool { return len(f.places()) >= 3 })
	if got := f.places(); !slices.Equal(got, []uint64{4, 5, 6}) {
		t.Errorf("told of %v, want 4, 5 and 6", got)
	}
}
