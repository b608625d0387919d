package tracking

import (
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

func each(n int64) trade.Quantity {
	return trade.Quantity{Value: udecimal.MustFromInt64(n, 0), Unit: "EA"}
}

func TestWhyAnOrderStandsWhereItDoes(t *testing.T) {
	number, text := "1", "released"
	line := trade.OrderLine{ID: "oln_1", LineNumber: "10", Ordered: each(10), Confirmed: each(10), Shipped: each(4)}
	for name, c := range map[string]struct {
		order trade.Order
		rule  string
		used  string // the start of the only fact that counts
	}{
		"by its lines": {
			trade.Order{Number: &number, Status: trade.OrderPartiallyShipped, Raw: &trade.RawCode{Code: "20", Text: &text}},
			orderRule, "Line 10: 10 EA ordered, 10 confirmed, 4 shipped",
		},
		"by its source": {
			trade.Order{Number: &number, Status: trade.OrderRejected, Raw: &trade.RawCode{Code: "95"}},
			headerRule,
			"The source says 95",
		},
		"not handed over": {trade.Order{Status: trade.OrderQueued}, ownRule, "Placed here"},
	} {
		x := ExplainOrder(&c.order, []trade.OrderLine{line})
		if x.Status != string(c.order.Status) || x.Rule != c.rule {
			t.Errorf("%s: %s by %q", name, x.Status, x.Rule)
		}
		for _, f := range x.Facts {
			if f.Used != strings.HasPrefix(f.Message, c.used) {
				t.Errorf("%s: %q counts: %t", name, f.Message, f.Used)
			}
		}
	}
}

func TestWhyAPurchaseOrderStandsWhereItDoes(t *testing.T) {
	early, late := time.Now().Add(-time.Hour), time.Now()
	answers := []trade.PurchaseOrderResponse{
		{ID: "rsp_2", ResponseNumber: "R2", Kind: trade.ResponseChanged, Revision: 1, ReceivedAt: late},
		{ID: "rsp_1", ResponseNumber: "R1", Kind: trade.ResponseReceived, Revision: 1, ReceivedAt: early},
	}
	x := ExplainPurchaseOrder(&trade.PurchaseOrder{Revision: 1, Status: trade.POPendingReview, SourceStatus: trade.POSent}, answers)
	var used []string
	for _, f := range x.Facts {
		if f.Used {
			used = append(used, f.Message)
		} else if f.Ref != nil && *f.IgnoredBecause != IgnoredLate {
			t.Errorf("%s is ignored because it is %s", f.Message, *f.IgnoredBecause)
		}
	}
	if len(used) != 1 || !strings.HasPrefix(used[0], "Answer R2") || len(x.Facts) != 3 {
		t.Errorf("by its answer: %+v", x.Facts)
	}
	x = ExplainPurchaseOrder(&trade.PurchaseOrder{Revision: 1, Status: trade.POReceived, SourceStatus: trade.POReceived}, answers)
	for _, f := range x.Facts {
		if f.Used != strings.HasPrefix(f.Message, "The source says RECEIVED") {
			t.Errorf("by its source: %s counts: %t", f.Message, f.Used)
		}
	}
}
