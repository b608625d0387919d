package sources

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portico/trade"
	"portico/trade/operating"
)

// erp is an adapter that answers as it is told.
type erp struct {
	calls  atomic.Int64
	within atomic.Int64
	most   atomic.Int64
	sizes  []int
	mu     sync.Mutex
	answer func(ctx context.Context, call int64) error
	refuse func(q Query) error
	ping   func() error
}

func (*erp) Kind() trade.SourceKind { return trade.ERP }
func (e *erp) Ping(context.Context) error {
	if e.ping != nil {
		return e.ping()
	}
	return nil
}

func (e *erp) Orders(ctx context.Context, q Query) (Page[trade.Order], error) {
	n := e.calls.Add(1)
	in := e.within.Add(1)
	defer e.within.Add(-1)
	for {
		most := e.most.Load()
		if in <= most || e.most.CompareAndSwap(most, in) {
			break
		}
	}
	e.mu.Lock()
	e.sizes = append(e.sizes, len(q.Refs))
	e.mu.Unlock()
	var page Page[trade.Order]
	if e.refuse != nil {
		if err := e.refuse(q); err != nil {
			return page, err
		}
	}
	for _, r := range q.Refs {
		page.Records = append(page.Records, trade.Order{Number: &r})
	}
	if e.answer != nil {
		return page, e.answer(ctx, n)
	}
	return page, nil
}

func set(e *erp, l Limits) *Set {
	g := guard("erp", e, l)
	base := map[Subject]*guarded{}
	for _, s := range Subjects() {
		base[s] = g
	}
	s := &Set{names: []string{"erp"}, byName: map[string]*guarded{"erp": g}, base: base}
	if err := s.Apply(nil); err != nil {
		panic(err)
	}
	return s
}

var quick = Limits{Timeout: 200 * time.Millisecond, Concurrency: 4, Retries: 2, Batch: 10, BreakAfter: 5, BreakFor: 100 * time.Millisecond}

func TestABatchIsSplitAndPutTogetherInOrder(t *testing.T) {
	e := &erp{}
	var refs []string
	for i := range 25 {
		refs = append(refs, string(rune('a'+i)))
	}
	page, err := OrderRecords.Fetch(t.Context(), set(e, quick), Query{Refs: refs})
	if err != nil || !slices.Equal(e.sizes, []int{10, 10, 5}) {
		t.Fatalf("calls of %v, %v; want 10, 10, 5", e.sizes, err)
	}
	for i, o := range page.Records {
		if *o.Number != refs[i] || o.Provenance.Instance != "erp" {
			t.Errorf("record %d is %s of %q", i, *o.Number, o.Provenance.Instance)
		}
	}
}

// Prices says of each key what it was asked for.
func (e *erp) Prices(_ context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	e.mu.Lock()
	e.sizes = append(e.sizes, len(keys))
	e.mu.Unlock()
	told := make([]trade.PriceResult, len(keys))
	for i, k := range keys {
		told[i] = &trade.Price{SKU: k.SKU, ContractKey: k.Account}
	}
	return told, nil
}

func TestEveryPriceIsToldToItsKeyWhileTheyMove(t *testing.T) {
	here, there := &erp{}, &erp{}
	s := set(here, quick)
	s.names, s.byName["next"] = append(s.names, "next"), guard("next", there, quick)
	shadow := "erp"
	if err := s.Apply([]operating.CapabilityRoute{{
		Capability: operating.Pricing, Primary: "next", Shadow: &shadow,
		PercentToPrimary: 50,
	}}); err != nil {
		t.Fatal(err)
	}
	prices, err := s.CachePrices(1000, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var keys []trade.PriceKey
	for i := range 45 {
		keys = append(keys, trade.PriceKey{Account: fmt.Sprint(10000 + i%9), SKU: fmt.Sprint("item ", i), Quantity: "1", Unit: "EA"})
	}
	told, err := prices.Ask(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]int{}
	for i, k := range keys {
		p := told[i].(*trade.Price)
		kept, ok := prices.Find(k, nil, time.Now())
		if p.SKU != k.SKU || p.ContractKey != k.Account || !ok || kept.(*trade.Price).SKU != k.SKU {
			t.Errorf("%s for %s is told the price of %s for %s", k.SKU, k.Account, p.SKU, p.ContractKey)
		}
		if want := map[bool]string{true: "next", false: "erp"}[Share(k.Account) < 50]; p.Provenance.Instance != want {
			t.Errorf("%s is served by %s, want %s", k.Account, p.Provenance.Instance, want)
		}
		sources[p.Provenance.Instance]++
	}
	if len(sources) != 2 {
		t.Errorf("prices are of %v: this shows nothing of a share", sources)
	}
}

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	for kind, want := range map[Kind]int64{
		Unavailable: 3, Uncertain: 3, Throttled: 3, Rejected: 1, NotFound: 1, Denied: 1, Garbled: 1,
		ByHand: 1,
	} {
		e := &erp{answer: func(context.Context, int64) error { return Fail(kind, "no") }}
		_, err := OrderRecords.Fetch(t.Context(), set(e, quick), Query{Limit: 1})
		if KindOf(err) != kind || e.calls.Load() != want {
			t.Errorf("%v: told as %v after %d calls, want %d", kind, KindOf(err), e.calls.Load(), want)
		}
	}
	e := &erp{answer: func(_ context.Context, n int64) error {
		if n < 3 {
			return Fail(Unavailable, "not yet")
		}
		return nil
	}}
	if _, err := OrderRecords.Fetch(t.Context(), set(e, quick), Query{Limit: 1}); err != nil {
		t.Errorf("the third attempt answers, and yet: %v", err)
	}
}

func TestASlowCallEndsAtItsDeadlineAndIsUncertain(t *testing.T) {
	e := &erp{answer: func(ctx context.Context, _ int64) error { <-ctx.Done(); return ctx.Err() }}
	l := quick
	l.Retries, l.Timeout = 0, 50*time.Millisecond
	_, err := OrderRecords.Fetch(t.Context(), set(e, l), Query{Limit: 1})
	if KindOf(err) != Uncertain {
		t.Errorf("told as %v: %v", KindOf(err), err)
	}
}

// TestAHangingSourceIsSaidToHangWhileItIsNotAsked has the circuit open: that no call is made then says nothing of the source.
//
// Cases: H1
func TestAHangingSourceIsSaidToHangWhileItIsNotAsked(t *testing.T) {
	e := &erp{answer: func(ctx context.Context, _ int64) error { <-ctx.Done(); return ctx.Err() }}
	l := quick
	l.Retries, l.Timeout, l.BreakAfter, l.BreakFor = 0, 10*time.Millisecond, 2, time.Minute
	s := set(e, l)
	for range 6 {
		_, _ = OrderRecords.Fetch(t.Context(), s, Query{Limit: 1})
	}
	h := s.Health()[0]
	if h.State != operating.SourceIsDown || h.Circuit != operating.CircuitOpen || h.Message == nil ||
		!strings.Contains(*h.Message, "in time") {
		t.Errorf("%+v, message %v", h, h.Message)
	}
}

// TestASourceThatEndsConnectionsIsSaidToRefuseThem has a source end connections without an answer, which is no lack of time.
func TestASourceThatEndsConnectionsIsSaidToRefuseThem(t *testing.T) {
	for name, kind := range map[string]Kind{"refused": Unavailable, "ended": Uncertain} {
		e := &erp{answer: func(context.Context, int64) error { return Fail(kind, "no answer") }}
		l := quick
		l.Retries, l.BreakAfter, l.BreakFor = 0, 2, time.Minute
		s := set(e, l)
		for range 6 {
			_, _ = OrderRecords.Fetch(t.Context(), s, Query{Limit: 1})
		}
		if h := s.Health()[0]; h.State != operating.SourceIsDown || h.Message == nil || !strings.Contains(*h.Message, "refuses connections") {
			t.Errorf("%s: %+v, message %v", name, h, h.Message)
		}
	}
}

func TestCallsAtATimeAreBounded(t *testing.T) {
	e := &erp{answer: func(ctx context.Context, _ int64) error {
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond): // the time that a call takes
		}
		return nil
	}}
	s := set(e, quick)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() { _, _ = OrderRecords.Fetch(t.Context(), s, Query{Limit: 1}) })
	}
	all.Wait()
	if e.most.Load() > 4 || e.most.Load() < 2 {
		t.Errorf("%d calls at a time, want at most 4", e.most.Load())
	}
}

// TestWorkThatNobodyWaitsForLeavesPlacesToCallers has eight comparisons ask at once a source that answers none of them yet.
func TestWorkThatNobodyWaitsForLeavesPlacesToCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answered := make(chan struct{})
		type comparison struct{}
		e := &erp{answer: func(ctx context.Context, _ int64) error {
			if ctx.Value(comparison{}) != nil { // a caller is answered at once
				<-answered
			}
			return nil
		}}
		limits := quick
		limits.Timeout = 30 * time.Second
		s := set(e, limits)
		var background sync.WaitGroup
		for range 8 {
			background.Go(func() {
				ctx := context.WithValue(Background(t.Context()), comparison{}, true)
				if _, err := OrderRecords.Fetch(ctx, s, Query{Limit: 1}); err != nil {
					t.Errorf("a comparison got %v", err)
				}
			})
		}
		synctest.Wait()
		if n := e.within.Load(); n != 2 {
			t.Errorf("%d of 4 places are taken by work that nobody waits for, want 2", n)
		}
		begun := time.Now()
		if _, err := OrderRecords.Fetch(t.Context(), s, Query{Limit: 1}); err != nil || time.Since(begun) > 0 {
			t.Errorf("a caller got %v after %s, want its answer at once", err, time.Since(begun))
		}
		time.Sleep(20 * time.Second) // of the bubble's clock: who waits for a place waits so long
		close(answered)
		background.Wait()
		g := s.byName["erp"]
		if calls, spent := g.calls.Load(), time.Duration(g.spent.Load()); calls != 9 || spent != 40*time.Second {
			t.Errorf("%d calls took %s, want the 20 s of the two that were made: waiting for a place is no slowness of the source", calls, spent)
		}
		if n := e.calls.Load(); n != 9 {
			t.Errorf("%d calls, want all 9", n)
		}
	})
}

func TestTheCircuitOpensFailsFastAndCloses(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	e := &erp{answer: func(context.Context, int64) error {
		if down.Load() {
			return Fail(Unavailable, "down")
		}
		return nil
	}}
	s := set(e, quick)
	for range 30 {
		_, _ = OrderRecords.Fetch(t.Context(), s, Query{Limit: 1})
	}
	if n := e.calls.Load(); n > 10 {
		t.Errorf("a dead source was called %d times by 30 reads", n)
	}
	h := s.Health()[0]
	if h.State != operating.SourceIsDown || h.Circuit != operating.CircuitOpen || h.Message == nil {
		t.Errorf("health is %+v", h)
	}
	_, err := OrderRecords.Fetch(t.Context(), s, Query{Limit: 1})
	if KindOf(err) != Unavailable || RetryAfter(err) <= 0 {
		t.Errorf("with the circuit open: %v, to be tried after %v", err, RetryAfter(err))
	}
	down.Store(false)
	deadline := time.Now().Add(5 * time.Second)
	for {
		if _, err := OrderRecords.Fetch(t.Context(), s, Query{Limit: 1}); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the circuit did not close again")
		}
	}
	if h := s.Health()[0]; h.State != operating.SourceUp || h.LastSuccessAt == nil {
		t.Errorf("health is %+v, want it up", h)
	}
}

func TestACallerWhoGoesAwayIsNoFailureOfTheSource(t *testing.T) {
	for name, ended := range map[string]func(context.Context) error{
		"as it is":          func(ctx context.Context) error { return ctx.Err() },
		"as a lost answer":  func(context.Context) error { return Fail(Uncertain, "no answer") },
		"as no connection":  func(context.Context) error { return Fail(Unavailable, "not reachable") },
		"as half an answer": func(context.Context) error { return io.ErrUnexpectedEOF },
	} {
		e := &erp{answer: func(ctx context.Context, _ int64) error { <-ctx.Done(); return ended(ctx) }}
		s := set(e, quick)
		for range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			if _, err := OrderRecords.Fetch(ctx, s, Query{Limit: 1}); !errors.Is(err, context.Canceled) {
				t.Fatalf("told by the adapter %s: got %v, want the caller's own cancellation", name, err)
			}
		}
		if h := s.Health()[0]; h.Circuit != operating.CircuitClosed || h.State != operating.SourceUp {
			t.Errorf("told by the adapter %s: callers who went away opened the circuit: %+v", name, h)
		}
	}
}

// TestACallerWhoGoesAwayIsNoSuccessEither has callers go away between failures, and while the circuit lets one call try.
func TestACallerWhoGoesAwayIsNoSuccessEither(t *testing.T) {
	var patient atomic.Bool
	e := &erp{answer: func(ctx context.Context, _ int64) error {
		if patient.Load() {
			return Fail(Unavailable, "down")
		}
		<-ctx.Done()
		return ctx.Err()
	}}
	once := quick
	once.Retries = 0
	s := set(e, once)
	goAway := func() {
		t.Helper()
		patient.Store(false)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if _, err := OrderRecords.Fetch(ctx, s, Query{Limit: 1}); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want the caller's own cancellation", err)
		}
	}
	for range once.BreakAfter {
		goAway()
		patient.Store(true)
		if _, err := OrderRecords.Fetch(t.Context(), s, Query{Limit: 1}); KindOf(err) != Unavailable {
			t.Fatal(err)
		}
	}
	if h := s.Health()[0]; h.Circuit != operating.CircuitOpen {
		t.Errorf("%d failures, with callers who went away between them, leave the circuit %s", once.BreakAfter, h.Circuit)
	}
	s.byName["erp"].breaker.HalfOpen()
	goAway()
	if h := s.Health()[0]; h.Circuit == operating.CircuitClosed || h.State != operating.SourceIsDown {
		t.Errorf("a caller who went away while one call could try leaves it %s, %s", h.State, h.Circuit)
	}
}

func TestRoutesMustLeadToASourceThatServesThem(t *testing.T) {
	all := map[Subject]string{}
	for _, s := range Subjects() {
		all[s] = "erp"
	}
	for name, c := range map[string]map[Subject]string{
		"nothing": {}, "a subject unknown": {"weather": "erp"}, "a source unknown": {OfWarehouses: "wms"}, "a port not served": all,
	} {
		if _, err := NewSet([]Source{{"erp", &erp{}, quick}}, c); err == nil {
			t.Errorf("%s: routes were taken", name)
		}
	}
}

func TestASourceThatCannotBeUsedSaysWhatToDo(t *testing.T) {
	var wrong, denied error
	e := &erp{ping: func() error { return wrong }, answer: func(context.Context, int64) error { return denied }}
	s := set(e, quick)
	up := func(what string) {
		t.Helper()
		if h := s.Health()[0]; h.State != operating.SourceUp || h.Message != nil {
			t.Errorf("%s: %+v", what, h)
		}
	}
	down := func(what, says string) {
		t.Helper()
		if h := s.Health()[0]; h.State != operating.SourceIsDown || h.Message == nil || !strings.Contains(*h.Message, says) {
			t.Errorf("%s: %+v, want %q", what, h, says)
		}
	}
	read := func() { _, _ = OrderRecords.Fetch(t.Context(), s, Query{Limit: 1}) }
	read()
	up("nothing is wrong")

	denied = Fail(Denied, "the password was not taken")
	read()
	down("denied", "Correct the user or key")
	denied = nil
	read()
	up("let in again")

	wrong = Fail(Rejected, "activate the module stock")
	if err := s.Check(t.Context(), "erp"); KindOf(err) != Rejected {
		t.Errorf("%v", err)
	}
	down("a module is missing", "activate the module stock")
	read()
	down("it answers, and the module is missing still", "activate the module stock")
	wrong = nil
	if err := s.Check(t.Context(), "erp"); err != nil {
		t.Error(err)
	}
	up("mended")
}

func TestWritesWaitWhileASourceIsInAPlannedWindow(t *testing.T) {
	now := time.Now()
	window := func(from, to time.Duration) operating.MaintenanceWindow {
		return operating.MaintenanceWindow{From: now.Add(from), To: now.Add(to)}
	}
	limits := quick
	limits.Maintenance = []operating.MaintenanceWindow{window(-2*time.Hour, -time.Hour), window(time.Hour, 2*time.Hour)}
	s := set(&erp{}, limits)
	if why, wait := s.Paused("erp"); wait != 0 || s.HeldUntil("erp", now) != nil {
		t.Errorf("between two windows: %q, %s", why, wait)
	}
	if h := s.Health()[0]; h.State != operating.SourceUp || len(h.Maintenance) != 1 {
		t.Errorf("between two windows: %+v", h)
	}
	limits.Maintenance = append(limits.Maintenance, window(-time.Minute, time.Hour))
	s = set(&erp{}, limits)
	if why, wait := s.Paused("erp"); wait <= 0 || wait > pollPause || !strings.Contains(why, "planned window") {
		t.Errorf("in a window: %q, %s", why, wait)
	}
	if until := s.HeldUntil("erp", now); until == nil || !until.Equal(now.Add(time.Hour)) {
		t.Errorf("it ends at %v", until)
	}
	if h := s.Health()[0]; h.State != operating.SourceMaintenance {
		t.Errorf("in a window: %+v", h)
	}
	s.Pause(map[string]string{"erp": "stocktaking"})
	if why, _ := s.Paused("erp"); !strings.Contains(why, "stocktaking") || s.HeldUntil("erp", now) != nil {
		t.Errorf("paused in a window: %q", why)
	}
}

// TestASourceIsDownUntilACallSucceeds opens a circuit and lets its time pass: that it may be tried again does not make it answer.
//
// Cases: H1
func TestASourceIsDownUntilACallSucceeds(t *testing.T) {
	e := &erp{}
	s := set(e, quick)
	state := func() (operating.SourceState, operating.CircuitState) {
		h := s.Health()[0]
		return h.State, h.Circuit
	}
	e.ping = func() error { return Fail(Unavailable, "away") }
	for range quick.BreakAfter {
		_ = s.Check(t.Context(), "erp")
	}
	if state, circuit := state(); state != operating.SourceIsDown || circuit != operating.CircuitOpen {
		t.Fatalf("after failures it is %s, %s", state, circuit)
	}
	s.byName["erp"].breaker.HalfOpen()
	if state, circuit := state(); state != operating.SourceIsDown || circuit != operating.CircuitHalfOpen {
		t.Errorf("half open it is %s, %s", state, circuit)
	}
	e.ping = nil
	if err := s.Check(t.Context(), "erp"); err != nil {
		t.Fatal(err)
	}
	if state, circuit := state(); state != operating.SourceUp || circuit != operating.CircuitClosed {
		t.Errorf("once it answers it is %s, %s", state, circuit)
	}
}
