package durable_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/operating"
	"portico/store/storetest"
	"portico/trade"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestAJobOfOursIsAsRiversOwn(t *testing.T) {
	w := newWorld(t)
	pool := w.pool(t)
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		t.Fatal(err)
	}
	id := w.begin(t, "lane", "ours")
	if _, err := client.Insert(t.Context(), args{id, "erp"}, &river.InsertOpts{Queue: "erp"}); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(t.Context(), `SELECT to_jsonb(j) - '{id,created_at,scheduled_at}'::text[] FROM river_job j ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if len(all) != 2 || all[0] != all[1] {
		t.Errorf("ours is\n%s", fmt.Sprint(all))
	}
}

type args struct {
	Operation string `json:"operation"`
	Source    string `json:"source"`
}

func (args) Kind() string { return "operation" }

func TestALaneIsPlayedInItsOrderAndOthersBesideIt(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorld(t)
	w.do = func(r *durable.Run[work]) error {
		if r.Work.Name == "a1" && r.Attempt < 4 {
			return sources.Fail(sources.Unavailable, "not yet")
		}
		return nil
	}
	ids := []string{w.begin(t, "a", "a1"), w.begin(t, "a", "a2"), w.begin(t, "b", "b1")}
	w.run(t)
	for _, id := range ids {
		if o := w.wait(t, id); o.State != trade.OperationCommitted {
			t.Errorf("%s ended %s: %+v", o.Key, o.State, o.Steps)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	a1, a2, b1 := slices.Index(w.done, "a1"), slices.Index(w.done, "a2"), slices.Index(w.done, "b1")
	if a1 > a2 || b1 > a1 || len(w.done) != 3 {
		t.Errorf("done in the order %v", w.done)
	}
}

func TestARefusalEndsAnOperationAndFailuresThatNobodyMendsParkIt(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorld(t)
	w.do = func(r *durable.Run[work]) error {
		if r.Work.Name == "refused" {
			return durable.Refuse(trade.ERPAtFault, "NO", "It will not.")
		}
		return sources.Fail(sources.Garbled, "no sense in it")
	}
	refused := w.begin(t, "a", "refused")
	w.run(t)
	o := w.wait(t, refused)
	if o.State != trade.OperationFailed || o.Failure == nil || o.Failure.Message != "It will not." || o.Steps[0].State != trade.StepFailed ||
		o.Steps[1].State != trade.StepPending || o.FinishedAt == nil {
		t.Errorf("refused: %+v", o)
	}
	parked := w.begin(t, "b", "garbled")
	if o := w.wait(t, parked); o.State != trade.OperationParked || o.Steps[0].Attempts < 5 {
		t.Errorf("not parked: %+v", o)
	}
}

func TestWhatAnotherProcessHasTakenOnCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	id := w.begin(t, "a", "one")
	claimed, _, err := ledger.ClaimOperation(t.Context(), w.st, id, "the first", 50*time.Millisecond)
	if err != nil || claimed == nil {
		t.Fatalf("%v, %v", claimed, err)
	}
	if again, wait, err := ledger.ClaimOperation(t.Context(), w.st, id, "too early", time.Minute); again != nil || wait <= 0 || err != nil {
		t.Errorf("taken twice: %v, %v, %v", again, wait, err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		next, _, err := ledger.ClaimOperation(t.Context(), w.st, id, "the second", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if next != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a claim does not end")
		}
	}
	late := func(tx *store.Tx) error {
		claimed.Steps[0].State = trade.StepSucceeded
		return ledger.SaveOperation(t.Context(), tx, claimed, "the first", 0, nil)
	}
	if err := w.st.InTx(t.Context(), late); !errors.Is(err, ledger.ErrClaimLost) {
		t.Errorf("a late write: %v, want that the claim is lost", err)
	}
	if err := ledger.RenewClaim(t.Context(), w.st, id, "the first", time.Minute); !errors.Is(err, ledger.ErrClaimLost) {
		t.Errorf("a late sign of life: %v, want that the claim is lost", err)
	}
}

func TestAnOperationWhoseProcessDiedIsTakenUpWithTheAttemptCounted(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorld(t)
	var attempts []int
	w.do = func(r *durable.Run[work]) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		attempts = append(attempts, r.Attempt)
		return nil
	}
	id := w.begin(t, "a", "one")
	// A process claims it, begins the first step, and is heard of no more; River knows
	// nothing of it any more either.
	claimed, _, err := ledger.ClaimOperation(t.Context(), w.st, id, "dead", 100*time.Millisecond)
	if err != nil || claimed == nil {
		t.Fatalf("%v, %v", claimed, err)
	}
	err = w.st.InTx(t.Context(), func(tx *store.Tx) error {
		claimed.State, claimed.Steps[0].State, claimed.Steps[0].Attempts = trade.OperationCommitting, trade.StepRunning, 1
		return ledger.SaveOperation(t.Context(), tx, claimed, "dead", 0, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	pool := w.pool(t)
	if _, err := pool.Exec(t.Context(), `DELETE FROM river_job`); err != nil {
		t.Fatal(err)
	}
	w.run(t)
	if o := w.wait(t, id); o.State != trade.OperationCommitted {
		t.Errorf("ended %s", o.State)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(attempts, []int{2}) {
		t.Errorf("attempts %v, want the second alone", attempts)
	}
}

func TestAQuestionLetsAnOperationRestUntilItIsAnswered(t *testing.T) {
	w := newWorld(t)
	w.do = func(r *durable.Run[work]) error {
		if r.Work.Name == "asks" {
			return &durable.Question{Awaiting: trade.AwaitedDecision{
				By: trade.ForCustomer, Message: "Is it so?",
				Differences: []trade.UserError{&trade.InvalidInput{Refusal: trade.Refusal{Code: trade.CodeMinimum}}},
			}}
		}
		return nil
	}
	asks, after := w.begin(t, "a", "asks"), w.begin(t, "a", "after")
	w.run(t)
	o := w.wait(t, asks)
	if o.State != trade.OperationAwaiting || o.Awaiting == nil || len(o.Awaiting.Differences) != 1 || o.FinishedAt != nil {
		t.Fatalf("it does not wait: %+v", o)
	}
	if o := w.wait(t, after); o.State != trade.OperationCommitted {
		t.Errorf("one that rests holds its lane up: %s", o.State)
	}
	if err := w.decided(t, func(tx *store.Tx) error {
		return durable.Answer(t.Context(), w.engine, tx, asks, func(w *work) { w.Name = "answered" })
	}); err != nil {
		t.Fatal(err)
	}
	if o := w.ended(t, asks); o.State != trade.OperationCommitted || o.Awaiting != nil {
		t.Errorf("answered: %+v", o)
	}
	if err := w.decided(t, func(tx *store.Tx) error {
		return w.engine.Drop(t.Context(), tx, asks,
			trade.OperationFailure{})
	}); !errors.Is(err, durable.ErrState) {
		t.Errorf("dropped after its end: %v", err)
	}
}

func TestWhatWasDoneIsUndoneLastStepFirst(t *testing.T) {
	w := newWorld(t)
	var undone []int
	w.undo = func(r *durable.Run[work]) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.undone = append(w.undone, "first")
		if undone = append(undone, r.Attempt); len(undone) == 1 {
			return sources.Fail(sources.Unavailable, "not yet") // a failed undo is tried again
		}
		return nil
	}
	w.second = func(r *durable.Run[work]) error {
		if r.Work.Name == "fails" {
			return durable.Refuse(trade.ERPAtFault, "NO", "It will not.")
		}
		return nil
	}
	fails := w.begin(t, "a", "fails")
	w.run(t)
	o := w.ended(t, fails)
	w.mu.Lock()
	times := len(undone)
	w.mu.Unlock()
	if o.State != trade.OperationFailed || o.Failure.Code != "NO" || o.Steps[0].State != trade.StepUndone ||
		o.Steps[1].State != trade.StepFailed || times != 2 {
		t.Errorf("refused half-way: %+v, undone %d times", o, times)
	}
	done := w.begin(t, "a", "done")
	if o := w.wait(t, done); o.State != trade.OperationCommitted {
		t.Fatalf("%+v", o)
	}
	if err := w.decided(t, func(tx *store.Tx) error { return w.engine.Compensate(t.Context(), tx, done) }); err != nil {
		t.Fatal(err)
	}
	if o := w.ended(t, done); o.State != trade.OperationCompensated || o.Steps[0].State != trade.StepUndone ||
		o.Steps[1].State != trade.StepUndone {
		t.Errorf("compensated: %+v", o)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	// the one that failed half-way, and then this one
	if want := []string{"first", "first", "second", "first"}; !slices.Equal(w.undone, want) {
		t.Errorf("undone in the order %v, want %v", w.undone, want)
	}
}

func TestADeadLetterIsTriedAgainOrGivenUp(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorld(t)
	var well atomic.Bool
	w.do = func(*durable.Run[work]) error {
		if well.Load() {
			return nil
		}
		return sources.Fail(sources.Denied, "no")
	}
	again, drop := w.begin(t, "a", "again"), w.begin(t, "b", "drop")
	w.run(t)
	for _, id := range []string{again, drop} {
		if o := w.wait(t, id); o.State != trade.OperationParked {
			t.Fatalf("not parked: %+v", o)
		}
	}
	if err := w.decided(t, func(tx *store.Tx) error { return w.engine.Discard(t.Context(), tx, drop) }); err != nil {
		t.Fatal(err)
	}
	if o := w.ended(t, drop); o.State != trade.OperationFailed || o.Failure.Code != "DISCARDED" {
		t.Errorf("given up: %+v", o)
	}
	well.Store(true)
	if err := w.decided(t, func(tx *store.Tx) error { return w.engine.Retry(t.Context(), tx, again) }); err != nil {
		t.Fatal(err)
	}
	if o := w.ended(t, again); o.State != trade.OperationCommitted {
		t.Errorf("tried again: %+v", o)
	}
}

// TestAnOperatorEndsALongPause has a source ask to be left alone for a day, which is heeded for minutes, and an operator who knows better.
//
// Cases: H22
func TestAnOperatorEndsALongPause(t *testing.T) {
	w := newWorld(t)
	var well atomic.Bool
	w.do = func(*durable.Run[work]) error {
		if well.Load() {
			return nil
		}
		return &sources.Error{Kind: sources.Throttled, After: 24 * time.Hour, Err: errors.New("throttled")}
	}
	id := w.begin(t, "a", "again")
	w.run(t)
	var waiting ledger.Waiting
	for deadline := time.Now().Add(20 * time.Second); waiting.Due == nil; time.Sleep(20 * time.Millisecond) {
		before, err := ledger.OperationsBefore(t.Context(), w.st, []string{id})
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("it does not wait: %+v, %v", before, err)
		}
		waiting = before[id]
	}
	if wait := time.Until(*waiting.Due); wait > sources.LongestRetry+time.Minute || wait < time.Minute {
		t.Errorf("it waits for %s, want %s", wait, sources.LongestRetry)
	}
	well.Store(true)
	if err := w.decided(t, func(tx *store.Tx) error { return w.engine.Hasten(t.Context(), tx, "erp") }); err != nil {
		t.Fatal(err)
	}
	if o := w.ended(t, id); o.State != trade.OperationCommitted {
		t.Errorf("it is not attempted: %+v", o)
	}
}

func TestAnUnknownOutcomeIsSettled(t *testing.T) {
	w := newWorld(t)
	w.do = func(r *durable.Run[work]) error {
		if r.Attempt > 1 {
			return nil
		}
		return &durable.Doubt{Message: "nobody knows"}
	}
	happened, not := w.begin(t, "a", "happened"), w.begin(t, "b", "not")
	w.run(t)
	for _, id := range []string{happened, not} {
		if o := w.wait(t, id); o.State != trade.OperationUnknown {
			t.Fatalf("known: %+v", o)
		}
	}
	for id, did := range map[string]bool{happened: true, not: false} {
		if err := w.decided(t, func(tx *store.Tx) error { return w.engine.Settle(t.Context(), tx, id, did, "the ERP's") }); err != nil {
			t.Fatal(err)
		}
	}
	if o := w.ended(t, happened); o.State != trade.OperationCommitted || o.Steps[0].Attempts != 1 || !w.did("the ERP's") {
		t.Errorf("what happened is done again: %+v", o)
	}
	if o := w.ended(t, not); o.State != trade.OperationCommitted || o.Steps[0].Attempts != 2 {
		t.Errorf("what did not happen is not done: %+v", o)
	}
}

func TestWhatNoProgramCanDoIsParkedAtOnceAndSettled(t *testing.T) {
	w := newWorld(t)
	w.do = func(*durable.Run[work]) error { return &durable.Chore{Message: "change it there"} }
	id := w.begin(t, "a", "by hand")
	w.run(t)
	if o := w.wait(t, id); o.State != trade.OperationParked || o.Steps[0].Attempts != 1 || o.Failure.Code != "BY_HAND" ||
		o.Failure.Message != "change it there" {
		t.Fatalf("not parked: %+v", o)
	}
	if err := w.decided(t, func(tx *store.Tx) error { return w.engine.Settle(t.Context(), tx, id, true, "done there") }); err != nil {
		t.Fatal(err)
	}
	if o := w.ended(t, id); o.State != trade.OperationCommitted || o.Steps[0].Attempts != 1 || !w.did("done there") {
		t.Errorf("what was done by hand is done again: %+v", o)
	}
}

func TestNothingIsBegunWhileASourceIsHeld(t *testing.T) {
	w := newWorld(t)
	w.paused.Store(true)
	w.run(t)
	id := w.begin(t, "a", "one")
	if err := w.engine.Wait(t.Context(), id, 300*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	found, err := ledger.Operations(t.Context(), w.st, trade.OperatorScope(nil), []string{id})
	if err != nil || found[id].State != trade.OperationAccepted || found[id].Steps[0].Attempts != 0 {
		t.Fatalf("begun: %+v, %v", found[id], err)
	}
	w.paused.Store(false)
	if o := w.wait(t, id); o.State != trade.OperationCommitted || o.Steps[0].Attempts != 1 {
		t.Errorf("not begun: %+v", o)
	}
}

func TestWhatHasEndedIsKeptForAWhileAndWhatHasNotUntilItIsDecided(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorldKeeping(t, 5*time.Second, time.Now)
	w.second = func(r *durable.Run[work]) error {
		if r.Work.Name == "rests" {
			return &durable.Doubt{Message: "nobody knows"}
		}
		return nil
	}
	w.run(t)
	resting, ended := w.begin(t, "a", "rests"), w.begin(t, "b", "ends")
	w.wait(t, resting)
	w.wait(t, ended)
	err := w.st.InTx(t.Context(), func(tx *store.Tx) error {
		for _, id := range []string{"alr_resolved", "alr_open"} {
			if err := operating.RaiseAlerts(t.Context(), tx,
				[]*trade.Alert{{
					ID: id, Kind: trade.AlertReported, Severity: trade.Info, Message: "m", Audience: []trade.Audience{trade.ForOperator},
					Queue: "q", Subject: "s",
				}}); err != nil {
				return err
			}
		}
		words := "done"
		if was, err := operating.MoveAlert(t.Context(), tx, trade.OperatorScope(nil), "alr_resolved", trade.AlertResolved, "p",
			&words); err != nil || was != trade.AlertOpen {
			return fmt.Errorf("resolved: %s, %w", was, err)
		}
		return ledger.SpendKey(t.Context(), tx, "p", "m", "a key", ledger.SpentKey{Fingerprint: "f", Subject: "s"})
	})
	if err != nil {
		t.Fatal(err)
	}
	there := func(id string) bool {
		found, err := ledger.Operations(t.Context(), w.st, trade.OperatorScope(nil), []string{id})
		if err != nil {
			t.Fatal(err)
		}
		return found[id] != nil
	}
	spent := func() bool {
		k, err := ledger.FindSpentKey(t.Context(), w.st, "p", "m", "a key")
		if err != nil {
			t.Fatal(err)
		}
		return k != nil
	}
	if !there(ended) || !spent() {
		t.Error("removed too early")
	}
	for deadline := time.Now().Add(20 * time.Second); there(ended) || spent(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("kept for ever")
		}
	}
	if !there(resting) {
		t.Error("an operation that nobody has decided about is removed")
	}
	alerts, err := operating.Alerts(t.Context(), w.st, trade.OperatorScope(nil), []string{"alr_resolved", "alr_open"})
	if err != nil || alerts["alr_resolved"] != nil || alerts["alr_open"] == nil {
		t.Errorf("alerts that are kept: %v, %v", alerts, err)
	}
	w.begin(t, "b", "ends") // its key can be spent again
}

// TestAStepInPartsGoesOnWhereItWas has a step of a hundred parts, two of which fail twice at first, and whose source is paused on the
// way: each part counts once, and what it saved is there.
//
// Cases: H3
func TestAStepInPartsGoesOnWhereItWas(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorld(t)
	const parts, pausedAt = 100, 30
	var tried, saved, most int
	w.do = func(r *durable.Run[work]) error {
		done := len(r.Work.Name) - 1
		if (done == 5 || done == 70) && r.Attempt <= 2 {
			return sources.Fail(sources.Unavailable, "not now")
		}
		tried, most = tried+1, max(most, r.Attempt)
		r.Work.Name += "+"
		if done == pausedAt {
			w.paused.Store(true)
		}
		r.Save(func(tx *store.Tx) error {
			saved++
			return ledger.SaveProgress(t.Context(), tx, r.ID, trade.OperationProgress{Found: done + 1, Changes: done})
		})
		if done+1 < parts {
			return durable.ErrMore
		}
		return nil
	}
	w.run(t)
	id := w.begin(t, "a", "p")
	now := func() *trade.Operation {
		found, err := ledger.Operations(t.Context(), w.st, trade.OperatorScope(nil), []string{id})
		if err != nil || found[id] == nil {
			t.Fatal(found, err)
		}
		return found[id]
	}
	rests := func() bool { return w.paused.Load() && now().State == trade.OperationQueued }
	for deadline := time.Now().Add(20 * time.Second); !rests(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to its pause: %+v", now())
		}
		if err := w.engine.Wait(t.Context(), id, 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if p := now().Progress; p == nil || p.Found != pausedAt+1 {
		t.Errorf("while its source is paused it goes on: %+v", p)
	}
	w.paused.Store(false)
	o := w.ended(t, id)
	if o.State != trade.OperationCommitted || *o.Progress != (trade.OperationProgress{Found: parts, Changes: parts - 1}) ||
		tried != parts || saved != parts || most != 3 {
		t.Errorf("%+v, progress %+v; %d parts were done, %d saved, the most attempts of one were %d", o, o.Progress, tried, saved, most)
	}
}

// TestAClockThatIsAheadForgetsNoKey removes what is old on a process whose clock is two days ahead.
//
// Cases: H25
func TestAClockThatIsAheadForgetsNoKey(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorldKeeping(t, time.Hour, func() time.Time { return time.Now().Add(48 * time.Hour) })
	w.run(t)
	ended := w.begin(t, "a", "ends")
	w.wait(t, ended)
	remove := func(want bool) {
		t.Helper()
		if err := durable.Remove(w.engine, t.Context()); err != nil {
			t.Fatal(err)
		}
		found, err := ledger.Operations(t.Context(), w.st, trade.OperatorScope(nil), []string{ended})
		if err != nil || (found[ended] != nil) != want {
			t.Errorf("it is there: %v, %v, want %v", found[ended] != nil, err, want)
		}
	}
	remove(true)
	if _, err := storetest.Connect(t, w.dsn).ExecContext(t.Context(), `UPDATE operations
		SET submitted_at = submitted_at - interval '2 hours', finished_at = finished_at - interval '2 hours'`); err != nil {
		t.Fatal(err)
	}
	remove(false)
}

func TestOneThatRestsHoldsUpItsOwnSubjectAlone(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorld(t)
	w.do = func(r *durable.Run[work]) error {
		if r.Work.Name == "rests" && r.Attempt == 1 {
			return &durable.Doubt{Message: "nobody knows"}
		}
		return nil
	}
	w.run(t)
	order, another := "ord_1", "ord_2"
	resting := w.beginOn(t, "a", "rests", &order)
	w.wait(t, resting)
	behind, beside := w.beginOn(t, "a", "on the same", &order), w.beginOn(t, "a", "on another", &another)
	if o := w.wait(t, beside); o.State != trade.OperationCommitted {
		t.Errorf("another subject waits: %+v", o)
	}
	if err := w.engine.Wait(t.Context(), behind, 3*time.Second); err != nil { // the sweep has looked, too
		t.Fatal(err)
	}
	if w.did("on the same") {
		t.Error("an operation has overtaken one on its subject that rests")
	}
	if err := w.decided(t, func(tx *store.Tx) error { return w.engine.Settle(t.Context(), tx, resting, true, "the ERP's") }); err != nil {
		t.Fatal(err)
	}
	if o := w.ended(t, behind); o.State != trade.OperationCommitted {
		t.Errorf("it is not woken: %+v", o)
	}
}
