package watch

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"portico/process"
	"portico/process/durable"
	company "portico/sandbox"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/store"
	"portico/store/ledger"
	"portico/store/storetest"
	"portico/trade"
)

// threePages is a stream of three pages, each of two messages of which one changes something. The second fails at first.
type threePages struct {
	failed bool
	asked  []string
}

func (p *threePages) HasStream(stream string) bool { return stream == "erp/orders" }

func (p *threePages) ReplayPage(_ context.Context, q process.Replay, after string) (trade.OperationProgress, string, error) {
	p.asked = append(p.asked, after)
	found := trade.OperationProgress{Found: 2, Changes: 1}
	switch after {
	case "":
		return found, "1", nil
	case "1":
		if !p.failed {
			p.failed = true
			return trade.OperationProgress{}, "", sources.Fail(sources.Unavailable, "not now")
		}
		return found, "2", nil
	}
	if q.To == nil {
		return found, "", sources.Fail(sources.Garbled, "it has no end")
	}
	return found, "", nil
}

// Cases: H3
func TestAReplayGoesOnPageByPage(t *testing.T) {
	st, dsn := storetest.At(t)
	engine, err := durable.Open(t.Context(), func() string { return dsn }, st, []string{"erp"},
		func(string) (string, time.Duration) { return "", 0 }, 0, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	set, err := sandbox.OpenCompany("http://localhost:1", company.Key) // nobody is asked
	if err != nil {
		t.Fatal(err)
	}
	pages := &threePages{}
	o := NewOperators(process.NewDesk(st, set, engine, time.Now), pages)
	by := process.Submitter{Principal: "an operator", CorrelationID: "c"}
	now := time.Now()
	before := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		q    process.Replay
		code trade.ErrorCode
	}{
		"no reason":            {process.Replay{Stream: "erp/orders"}, trade.CodeInvalidInput},
		"no such stream":       {process.Replay{Stream: "erp/nothing", Reason: "r"}, trade.CodeNotFound},
		"ends before it began": {process.Replay{Stream: "erp/orders", From: &now, To: &before, Reason: "r"}, trade.CodeInvalidInput},
		"ends as it began":     {process.Replay{Stream: "erp/orders", From: &now, To: &now, Reason: "r"}, trade.CodeInvalidInput},
	} {
		a, err := o.Replay(t.Context(), by, "a key of "+name+", long enough", c.q, 0)
		if err != nil || len(a.Errors) != 1 {
			t.Fatalf("%s: %+v, %v", name, a, err)
		}
		if refusal, ok := a.Errors[0].(*trade.InvalidInput); !ok || refusal.Code != c.code {
			t.Errorf("%s: %+v", name, a.Errors[0])
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	q := process.Replay{Stream: "erp/orders", From: &before, Reason: "codes were corrected"}
	a, err := o.Replay(t.Context(), by, "a key of one that goes on", q, 20*time.Second)
	if err != nil || len(a.Errors) > 0 || a.OperationID == "" {
		t.Fatalf("%+v, %v", a, err)
	}
	found, err := ledger.Operations(t.Context(), st, trade.OperatorScope(nil), []string{a.OperationID})
	op := found[a.OperationID]
	if err != nil || op == nil || op.State != trade.OperationCommitted || op.Progress == nil ||
		*op.Progress != (trade.OperationProgress{Found: 6, Changes: 3}) {
		t.Errorf("%+v, %v: the pages that were asked for begin after %s", op, err, strconv.Quote(join(pages.asked)))
	}
	again, err := o.Replay(t.Context(), by, "a key of one that goes on", q, 0)
	if err != nil || !again.Replayed || again.OperationID != a.OperationID {
		t.Errorf("under its key it is another: %+v, %v", again, err)
	}
	// The release before kept what a replay came to as its answer.
	const old = "a key of the release before"
	print, err := process.Fingerprint(q)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.InTx(t.Context(), func(tx *store.Tx) error {
		return ledger.SpendKey(t.Context(), tx, by.Principal, "replay", old,
			ledger.SpentKey{Fingerprint: print, Subject: q.Stream, Answer: json.RawMessage(`{"Found": 7, "Changes": 5}`)})
	}); err != nil {
		t.Fatal(err)
	}
	spent, err := o.Replay(t.Context(), by, old, q, 0)
	if err != nil || !spent.Replayed || spent.OperationID != "" {
		t.Fatalf("%+v, %v", spent, err)
	}
	if found, err := ReplayedBefore(spent); err != nil || found != (trade.OperationProgress{Found: 7, Changes: 5}) {
		t.Errorf("of a key of the release before: %+v, %v", found, err)
	}
}

func join(all []string) (text string) {
	for _, s := range all {
		text += "[" + s + "]"
	}
	return text
}
