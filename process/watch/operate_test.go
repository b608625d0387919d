package watch

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/store/ledger"
	"portico/store/storetest"
	"portico/trade"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// Cases: H2
func TestWhatIsAllowedIsNotRefused(t *testing.T) {
	st, dsn := storetest.At(t)
	engine, err := durable.Open(t.Context(), func() string { return dsn }, st, nil,
		func(string) (string, time.Duration) { return "", 0 }, 0, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	nothing := func(context.Context, *durable.Run[struct{}]) error { return nil }
	durable.Register(engine, durable.Flow[struct{}]{
		Kind: trade.SubmitOrder, Steps: []durable.Step[struct{}]{{Name: "first", Do: nothing, Undo: nothing}, {Name: "last", Do: nothing}},
	})
	durable.Register(engine, durable.Flow[struct{}]{
		Kind: trade.RequestReturn, Steps: []durable.Step[struct{}]{{Name: "only", Do: nothing}},
	})
	o := NewOperators(process.NewDesk(st, nil, engine, time.Now))
	for kind, want := range map[trade.OperationKind][]string{trade.SubmitOrder: {"compensate"}, trade.RequestReturn: {}, "NO_FLOW": {}} {
		if got := o.deedsIn(&ledger.Claimed{Kind: kind, State: trade.OperationCommitted}); !slices.Equal(got, want) {
			t.Errorf("of a committed %s %v is allowed, want %v", kind, got, want)
		}
	}
}
