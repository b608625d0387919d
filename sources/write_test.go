package sources

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"portico/trade"
	"portico/trade/operating"
)

// taker is an ERP that takes orders, as it is told to.
type taker struct {
	sent, asked atomic.Int64
	fail        error
}

func (*taker) Kind() trade.SourceKind               { return trade.ERP }
func (*taker) Ping(context.Context) error           { return nil }
func (*taker) Guarantee() operating.EffectGuarantee { return operating.KeyHonoured }

func (e *taker) receipt() (Receipt, error) {
	e.sent.Add(1)
	return Receipt{Number: "4711"}, e.fail
}

func (e *taker) SubmitOrder(context.Context, string, trade.Draft) (Receipt, error) {
	return e.receipt()
}

func (e *taker) ChangeOrder(context.Context, string, trade.OrderChange) (Receipt, error) {
	return e.receipt()
}

func (e *taker) CancelOrder(context.Context, string, string, string) (Receipt, error) {
	return e.receipt()
}

func (e *taker) RequestReturn(context.Context, string, trade.ReturnDraft) (Receipt, error) {
	return e.receipt()
}

func (e *taker) ReceiptByKey(context.Context, string) (Receipt, error) {
	e.asked.Add(1)
	return Receipt{}, e.fail
}

// writing are the ways to write to the source named erp.
func writing(s *Set) map[string]func(ctx context.Context) (Receipt, error) {
	return map[string]func(ctx context.Context) (Receipt, error){
		"submit": func(ctx context.Context) (Receipt, error) { return s.SubmitOrder(ctx, "erp", "k", trade.Draft{}) },
		"change": func(ctx context.Context) (Receipt, error) { return s.ChangeOrder(ctx, "erp", "k", trade.OrderChange{}) },
		"cancel": func(ctx context.Context) (Receipt, error) { return s.CancelOrder(ctx, "erp", "k", "1", "why") },
		"return": func(ctx context.Context) (Receipt, error) {
			return s.RequestReturn(ctx, "erp", "k", trade.ReturnDraft{})
		},
	}
}

func takers(e *taker) *Set {
	g := guard("erp", e, quick)
	return &Set{names: []string{"erp"}, byName: map[string]*guarded{"erp": g}}
}

// TestAWriteIsSentOnceWhateverBecomesOfIt fails writes in every way: whoever asked for one looks the key up
// before it is sent again.
func TestAWriteIsSentOnceWhateverBecomesOfIt(t *testing.T) {
	for _, kind := range []Kind{Unavailable, Throttled, Uncertain, Rejected, NotFound, Denied, Garbled, ByHand} {
		for name := range writing(takers(&taker{})) {
			e := &taker{fail: Fail(kind, "no")}
			r, err := writing(takers(e))[name](t.Context())
			if KindOf(err) != kind || r.Number != "" || e.sent.Load() != 1 {
				t.Errorf("%s that fails as %v: sent %d times, %v, %v", name, kind, e.sent.Load(), r, err)
			}
		}
	}
	e := &taker{fail: errors.New("connection reset")}
	if _, err := writing(takers(e))["submit"](t.Context()); KindOf(err) != Uncertain || e.sent.Load() != 1 {
		t.Errorf("an answer that is lost: sent %d times, %v", e.sent.Load(), err)
	}
}

func TestAKeyIsLookedUpAsOftenAsAnyRead(t *testing.T) {
	e := &taker{fail: Fail(Unavailable, "no")}
	if _, err := takers(e).ReceiptByKey(t.Context(), "erp", "k"); KindOf(err) != Unavailable || e.asked.Load() != 3 {
		t.Errorf("asked %d times, %v; want 3", e.asked.Load(), err)
	}
}

func TestWhatASystemDoesNotTakeIsForAPerson(t *testing.T) {
	s := takers(&taker{})
	for what, write := range map[string]func() (Receipt, error){
		"a ship notice":  func() (Receipt, error) { return s.SubmitDespatch(t.Context(), "erp", "k", trade.DespatchDraft{}) },
		"its withdrawal": func() (Receipt, error) { return s.Unannounce(t.Context(), "erp", "k", "1") },
		"a lead time":    func() (Receipt, error) { return s.SetLeadTime(t.Context(), "erp", "k", trade.LeadTime{}) },
		"a correction":   func() (Receipt, error) { return s.Correct(t.Context(), "erp", "k", operating.MasterDataChange{}) },
		"what a supplier confirmed": func() (Receipt, error) {
			return s.ConfirmPurchase(t.Context(), "erp", "k", trade.PurchaseConfirmation{})
		},
	} {
		if _, err := write(); KindOf(err) != ByHand || Reason(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.SubmitOrder(t.Context(), "other", "k", trade.Draft{}); KindOf(err) != Unavailable {
		t.Errorf("a source that is not there: %v", err)
	}
	if s.Guarantee("erp") != operating.KeyHonoured || s.Guarantee("other") != operating.ReadOnly || !s.TakesOrders("erp") ||
		s.TakesOrders("other") {
		t.Error("what a source promises is another one's")
	}
	if s := set(&erp{}, quick); s.Guarantee("erp") != operating.ReadOnly || s.TakesOrders("erp") {
		t.Error("a source that is read alone takes orders")
	}
}

// TestNothingIsWrittenToWhatIsPaused holds a source, and lets it go.
func TestNothingIsWrittenToWhatIsPaused(t *testing.T) {
	e := &taker{}
	s := takers(e)
	s.Pause(map[string]string{"erp": "stocktaking"})
	if _, err := s.SubmitOrder(t.Context(), "erp", "k", trade.Draft{}); KindOf(err) != Unavailable || RetryAfter(err) != pollPause ||
		e.sent.Load() != 0 {
		t.Errorf("sent %d times, %v", e.sent.Load(), err)
	}
	if why, wait := s.Paused("erp"); why != "The system is paused: stocktaking" || wait != pollPause {
		t.Errorf("held for %q, %v", why, wait)
	}
	s.Pause(nil)
	if r, err := s.SubmitOrder(t.Context(), "erp", "k", trade.Draft{}); err != nil || r.Number != "4711" {
		t.Errorf("%v, %v", r, err)
	}
	if why, wait := s.Paused("erp"); why != "" || wait != 0 {
		t.Errorf("held for %q, %v", why, wait)
	}
}

// TestAPlannedWindowHoldsFromItsFirstMomentToBeforeItsLast asks at the edges of windows.
func TestAPlannedWindowHoldsFromItsFirstMomentToBeforeItsLast(t *testing.T) {
	from := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
	windows := []operating.MaintenanceWindow{
		{From: from, To: from.Add(time.Hour)},
		{From: from.Add(2 * time.Hour), To: from.Add(3 * time.Hour)},
	}
	l := quick
	l.Maintenance = windows
	g := guard("erp", &taker{}, l)
	s := &Set{names: []string{"erp"}, byName: map[string]*guarded{"erp": g}}
	for after, c := range map[time.Duration]struct {
		held    bool
		planned int
	}{-1: {false, 2}, 0: {true, 2}, time.Hour - 1: {true, 2}, time.Hour: {false, 1}, 2 * time.Hour: {true, 1}, 3 * time.Hour: {false, 0}} {
		now := from.Add(after)
		until := s.HeldUntil("erp", now)
		if (until != nil) != c.held || len(g.planned(now)) != c.planned {
			t.Errorf("%v after its beginning: held until %v, %d planned", after, until, len(g.planned(now)))
		}
		if until != nil && !until.After(now) {
			t.Errorf("%v after its beginning it is held until %v", after, until)
		}
	}
}
