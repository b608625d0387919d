package bus

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/events"
	"portico/test/e2e/ports"
	"portico/trade"
)

// written is a log in memory, which is read as often as it says.
type written struct {
	mu      sync.Mutex
	changes []trade.Change
	closed  bool // only where it ends is told
	reads   int
	tries   int // to read it, though it was closed
}

func (w *written) LogEnd(context.Context) (trade.Place, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return trade.Place{Transaction: uint64(len(w.changes) + 1)}, nil
}

func (w *written) Changes(_ context.Context, from trade.Place, limit int) (all []trade.Change, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries++
	if w.closed {
		return nil, errors.New("closed")
	}
	w.reads++
	for _, c := range w.changes {
		if from.Before(c.Place) && len(all) < limit {
			all = append(all, c)
		}
	}
	return all, nil
}

func (w *written) LogWaits(context.Context, trade.Place) (bool, error) { return false, nil }

func (w *written) write(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	shift := time.Minute
	for range n {
		at := uint64(len(w.changes) + 1)
		w.changes = append(w.changes,
			trade.Change{
				Place: trade.Place{Transaction: at, Seq: int64(at)}, Topic: trade.OfOrders, SubjectID: "ord",
				Party: trade.Party{AccountID: "acc"}, Related: []string{"a"}, EtaShift: &shift, At: time.Now(),
			})
	}
}

// server is a NATS server of the version that go.mod names.
type server struct {
	addr, folder string
	cmd          *exec.Cmd
}

func (s *server) start(t *testing.T) {
	t.Helper()
	binary, err := exec.Command("go", "tool", "-n", "nats-server").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.Command(strings.TrimSpace(string(binary)), "-a", "127.0.0.1", "-p", port, "-js", "-sd", s.folder)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func serving(t *testing.T) *server {
	t.Helper()
	addr, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: addr, folder: t.TempDir()}
	s.start(t)
	return s
}

func (s *server) bus(t *testing.T) *Bus {
	t.Helper()
	b, err := Open("nats://"+s.addr, "portico", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// follower gathers what a hub tells.
type follower struct {
	mu   sync.Mutex
	told []trade.Change
}

func follow(t *testing.T, hub *events.Hub) *follower {
	t.Helper()
	live, err := hub.Subscribe(t.Context(), func(*trade.Change) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{}
	go func() {
		for {
			c, ok := live.Next(t.Context())
			if !ok {
				return
			}
			f.mu.Lock()
			f.told = append(f.told, c)
			f.mu.Unlock()
		}
	}()
	return f
}

func (f *follower) places() (all []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.told {
		all = append(all, c.Transaction)
	}
	return all
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not %s within 20 s", what)
		}
	}
}

// TestChangesComeOverNATS has a process told of changes that cannot read the log itself, and
// then, when it can, of those that came while no server was there.
func TestChangesComeOverNATS(t *testing.T) {
	t.Parallel()
	s := serving(t)
	log, mine := &written{}, &written{closed: true}
	log.write(3)
	mine.changes = slices.Clone(log.changes)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hub := events.New()
	go hub.Run(ctx, mine, slog.New(slog.DiscardHandler))
	relaying, listening := s.bus(t), s.bus(t)
	relay := func() {
		for ctx.Err() == nil {
			_ = relaying.Relay(ctx, log)
			time.Sleep(50 * time.Millisecond)
		}
	}
	f := follow(t, hub)
	go listening.Listen(ctx, hub)
	go relay()
	until(t, "offered to", hub.Offered)
	log.write(1000)
	if err := listening.Committed(); err != nil {
		t.Fatal(err)
	}
	until(t, "told", func() bool { return len(f.places()) == 1000 })
	for i, p := range f.places() {
		if p != uint64(i+4) {
			t.Fatalf("change %d is %d", i, p)
		}
	}
	f.mu.Lock()
	if c := f.told[0]; c.AccountID != "acc" || c.EtaShift == nil || *c.EtaShift != time.Minute || c.Related[0] != "a" ||
		c.Topic != trade.OfOrders || c.At.IsZero() {
		t.Errorf("told of %+v", c)
	}
	f.mu.Unlock()
	s.stop()
	until(t, "not offered to", func() bool { return !hub.Offered() })
	log.write(10)
	mine.mu.Lock()
	mine.changes, mine.closed = slices.Clone(log.changes), false // whoever hears nothing reads by itself
	mine.mu.Unlock()
	until(t, "told without NATS", func() bool { return len(f.places()) == 1010 })
	s.start(t)
	until(t, "offered to again", hub.Offered)
	mine.mu.Lock()
	mine.closed = true
	mine.mu.Unlock()
	log.write(10)
	mine.mu.Lock()
	mine.changes, mine.closed = slices.Clone(log.changes), false // for the first after a relay began may be read
	mine.mu.Unlock()
	until(t, "told over NATS again", func() bool { return len(f.places()) == 1020 })
	if all := f.places(); !slices.IsSorted(all) || len(slices.Compact(all)) != 1020 {
		t.Error("told twice, or out of order")
	}
}
