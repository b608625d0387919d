package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

// Everything is the scope of an operator.
var Everything = trade.OperatorScope(nil)

// From is where a record of the source erp comes from.
func From(ref string, version int64) trade.Provenance {
	now := time.Now()
	return trade.Provenance{System: trade.ERP, Instance: "erp", SourceRef: &ref, Sequence: version, AsOf: &now}
}

// Account is an account as the source erp reports it.
func Account(number, name string, version int64) trade.Account {
	return trade.Account{
		Number: number, Name: name, Status: trade.AccountActive, Currency: "EUR", Provenance: From(number, version),
		Locations: []trade.AccountLocation{{
			Code: "01", Roles: []trade.LocationRole{trade.ShipTo, trade.BillTo},
			Address: trade.Address{Country: "NL"},
		}},
	}
}

// Order is an order of an account, with lines of two each, as the source erp reports it.
func Order(number, account string, version int64, lines ...string) trade.Order {
	eur := trade.Money{Amount: udecimal.MustFromInt64(0, 0), Currency: "EUR"}
	qty := func(n int64) trade.Quantity { return trade.Quantity{Value: udecimal.MustFromInt64(n, 0), Unit: "EA"} }
	o := trade.Order{
		Number: &number, AccountRef: trade.Key(account), ShipToRef: trade.Key("01"), BillToRef: trade.Key("01"), Holds: []trade.OrderHold{},
		Totals: &trade.Totals{Subtotal: eur, Discount: eur, Total: eur}, PlacedAt: time.Now(), Provenance: From(number, version),
	}
	for _, l := range lines {
		o.LinesKnown = append(o.LinesKnown, trade.OrderLine{
			LineNumber: l, Description: "line " + l, Ordered: qty(2), Confirmed: qty(2), Allocated: qty(2), Backordered: qty(0), Shipped: qty(0),
			Delivered: qty(0),
			Invoiced:  qty(0), Cancelled: qty(0), Returned: qty(0), UnitPrice: &trade.UnitPrice{Price: eur, Per: qty(1)}, Amount: &eur,
			ScheduleKnown: []trade.ScheduleLine{{Quantity: qty(2)}},
		})
	}
	o.Derive()
	return o
}

// Save saves records in a transaction, and returns those that were rejected.
func Save[T any](t testing.TB, s *store.Store, save func(context.Context, *store.Tx, []T) ([]operating.RejectedRecord, error),
	records ...T,
) []operating.RejectedRecord {
	t.Helper()
	var rejected []operating.RejectedRecord
	err := s.InTx(t.Context(), func(tx *store.Tx) (err error) {
		rejected, err = save(t.Context(), tx, records)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rejected
}
