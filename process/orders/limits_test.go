package orders_test

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/process"
	"portico/process/orders"
	"portico/process/processtest"
	"portico/process/processtest/loaded"
	"portico/sources"
	"portico/store"
	"portico/trade"
	"portico/trade/ordering"
)

func refusals(all []trade.UserError) (texts []string) {
	for _, e := range all {
		r := trade.RefusalOf(e)
		texts = append(texts, string(r.Code)+": "+r.Message)
	}
	return texts
}

// TestOrdersThatComeAtOnceCountEachOther submits more than a buyer may order alone in a
// month, and one number several times, all at the same time.
func TestOrdersThatComeAtOnceCountEachOther(t *testing.T) {
	w := processtest.New(t)
	o := orderingAt(t, w, w.ERP(t))
	v, err := o.orders.Validate(t.Context(), processtest.Operator, process.Submitter{}, o.request)
	if err != nil {
		t.Fatal(err)
	}
	limit := v.Totals.Total
	limit.Amount = limit.Amount.Mul(udecimal.MustFromInt64(5, 0))
	const many = 24
	placed := make([]*orders.Submission, 2*many)
	var all sync.WaitGroup
	for i := range placed {
		r := *o.request
		by := process.Submitter{Principal: "unlimited", CorrelationID: "c"}
		r.CustomerPoNumber = "number " + strconv.Itoa(i/4)
		if i < many {
			r.CustomerPoNumber = "alone " + strconv.Itoa(i)
			by = process.Submitter{
				Principal: "limited", CorrelationID: "c",
				Limits: []ordering.SpendingLimit{{Limit: limit, Period: ordering.PerMonth}},
			}
		}
		all.Go(func() {
			s, err := o.orders.Submit(t.Context(), processtest.Operator, by, "at the same time "+strconv.Itoa(i), &r, 0)
			if err != nil {
				t.Error(err)
			}
			placed[i] = s
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	waiting, refused := 0, 0
	for i, s := range placed {
		switch {
		case s.OperationID == "" && i < many:
			t.Errorf("refused: %v", refusals(s.Errors))
		case s.OperationID == "":
			if trade.RefusalOf(s.Errors[0]).Code != trade.CodeDuplicateNumber {
				t.Errorf("refused: %v", refusals(s.Errors))
			}
			refused++
		default:
			if op, _ := o.read(t, s.OperationID, s.OrderID); op.State == trade.OperationAwaiting && i < many {
				waiting++
			} else if op.State == trade.OperationAwaiting {
				t.Errorf("one without a limit waits: %+v", op.Awaiting)
			}
		}
	}
	if waiting != many-5 || refused != many-many/4 {
		t.Errorf("%d of %d wait for approval, want %d; %d are refused for their number, want %d", waiting, many, many-5, refused, many-many/4)
	}
}

// TestALimitThatCannotBeReadLetsNothingThroughAlone has a token that says something else
// than limits.
func TestALimitThatCannotBeReadLetsNothingThroughAlone(t *testing.T) {
	w := processtest.New(t)
	o := orderingAt(t, w, w.ERP(t))
	by := process.Submitter{Principal: "p", CorrelationID: "c", UnreadableLimits: true}
	if v, err := o.orders.Validate(t.Context(), processtest.Operator, by, o.request); err != nil || !v.NeedsApproval {
		t.Errorf("checked: %+v, %v", v, err)
	}
	s, err := o.orders.Submit(t.Context(), processtest.Operator, by, "whose limits nobody can read", o.request, 0)
	if err != nil || s.OperationID == "" {
		t.Fatalf("%+v, %v", s, err)
	}
	if op, order := o.read(t, s.OperationID, s.OrderID); op.State != trade.OperationAwaiting || order.Status != trade.OrderPendingApproval {
		t.Errorf("the operation is %s, the order %s", op.State, order.Status)
	}
}

// TestCreditThatWasOnlyLastKnownIsAskedForBeforeTheERPIs submits while the account's credit
// is known from before alone, and has changed by now.
func TestCreditThatWasOnlyLastKnownIsAskedForBeforeTheERPIs(t *testing.T) {
	w := processtest.New(t)
	st, dsn := loaded.Database.Under(t, store.Limits{"CreditPosition": time.Nanosecond}) // it is always stale
	o := orderingOn(t, w, map[string]sources.Adapter{"erp": w.ERP(t)}, st, dsn)
	before := w.Now.Load().Calls()["erp/submit"]
	o.set.Pause(map[string]string{"erp": "stocktaking"})
	s, err := o.orders.Submit(t.Context(), processtest.Operator, process.Submitter{Principal: "p", CorrelationID: "c"},
		"its credit is last known", o.request, 0)
	if err != nil || s.OperationID == "" || !slices.Contains(s.Provisional, ordering.CreditCheck) {
		t.Fatalf("%+v, %v, %v", s, err, refusals(s.Errors))
	}
	if err := w.Now.Load().Change("erp", "credits", "10001", map[string]any{"hold": true}); err != nil {
		t.Fatal(err)
	}
	o.set.Pause(nil)
	processtest.Eventually(t, "asked", func() bool { op, _ := o.read(t, s.OperationID, ""); return op.State == trade.OperationAwaiting })
	op, order := o.read(t, s.OperationID, s.OrderID)
	if _, ok := op.Awaiting.Differences[0].(*trade.CreditBlocked); !ok || order.Status != trade.OrderOnHold || len(order.Holds) != 1 ||
		order.Holds[0].Kind != trade.HoldCredit {
		t.Errorf("asked %+v, the order is %+v", op.Awaiting, order)
	}
	if n := w.Now.Load().Calls()["erp/submit"] - before; n != 0 {
		t.Errorf("the ERP was handed %d orders", n)
	}
}
