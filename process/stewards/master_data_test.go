package stewards

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/process/processtest"
	"portico/process/processtest/loaded"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// unwilling is an ERP that takes a correction from no program.
type unwilling struct{ *sandbox.ERP }

func (unwilling) Correct(context.Context, string, operating.MasterDataChange) (sources.Receipt, error) {
	return sources.Receipt{}, sources.Fail(sources.ByHand, "Make it by hand.")
}

// TestASettledConflictIsOffTheListUnlessTheOtherSystemKeepsToIt decides the brand of an item on which two ERPs differ.
func TestASettledConflictIsOffTheListUnlessTheOtherSystemKeepsToIt(t *testing.T) {
	for name, c := range map[string]struct {
		willing bool
		left    int
	}{"both take it": {true, 0}, "the other one takes it by hand": {false, 1}} {
		t.Run(name, func(t *testing.T) {
			here, there := processtest.New(t), processtest.New(t)
			other := sources.Adapter(there.ERP(t))
			if !c.willing {
				other = unwilling{there.ERP(t)}
			}
			st, dsn := loaded.Database.At(t)
			db := storetest.Connect(t, dsn)
			set := here.Systems(t, sources.DefaultLimits, map[string]sources.Adapter{"erp": here.ERP(t), "erp2": other})
			engine, err := durable.Open(t.Context(), func() string { return dsn }, st, set.Names(), set.Paused, 0, time.Now,
				slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(engine.Close)
			flows := New(process.NewDesk(st, set, engine, time.Now))
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- engine.Run(ctx) }()
			t.Cleanup(func() { stop(); <-ended })

			var item struct{ SKU, Brand string }
			if err := st.Get(t.Context(), &item, `SELECT sku, brand FROM items WHERE brand IS NOT NULL ORDER BY sku LIMIT 1`); err != nil {
				t.Fatal(err)
			}
			if _, err := there.ERP(t).Correct(t.Context(), "by hand", operating.MasterDataChange{
				Kind: "items", Key: item.SKU, Field: "brand", Was: item.Brand, Value: "Another",
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(t.Context(), `INSERT INTO differences (id, capability, subject, key, field, held, instance,
				value, source_value) VALUES ('mdc_1', 'ITEMS', 'items', $1, 'brand', 'erp', 'erp2', $2, 'Another')`, item.SKU, item.Brand); err != nil {
				t.Fatal(err)
			}
			a, err := flows.Resolve(t.Context(), trade.OperatorScope(nil), process.Submitter{Principal: "a steward", CorrelationID: "c"},
				"a key that is long enough", Verdict{Conflict: "mdc_1", Value: "Decided", Reason: "the catalogue says so"}, time.Minute)
			if err != nil || len(a.Errors) > 0 {
				t.Fatalf("%+v, %v", a, err)
			}
			processtest.Eventually(t, "committed", func() bool {
				var state trade.OperationState
				err := st.Get(t.Context(), &state, `SELECT state FROM operations WHERE id = $1`, a.OperationID)
				return err == nil && state == trade.OperationCommitted
			})
			var left []struct{ Value, Decided string }
			if err := st.Select(t.Context(), &left, `SELECT value, decided FROM differences`); err != nil || len(left) != c.left {
				t.Fatalf("%d conflicts are left, want %d; %v", len(left), c.left, err)
			}
			for _, conflict := range left {
				if conflict.Decided != "Decided" || conflict.Value != "Decided" {
					t.Errorf("it is left as %+v", conflict)
				}
			}
			if err := st.Get(t.Context(), &item.Brand, `SELECT brand FROM items WHERE sku = $1`, item.SKU); err != nil || item.Brand != "Decided" {
				t.Errorf("the brand is %q, %v", item.Brand, err)
			}
		})
	}
}
