package orders_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/process"
	"portico/process/orders"
	"portico/process/processtest"
	"portico/process/processtest/loaded"
	"portico/process/watch"
	company "portico/sandbox"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/ordering"
)

func TestAnOrderIsNeverWrittenAtAnotherPriceThanItsBuyerWasShown(t *testing.T) {
	w := processtest.New(t)
	erp := &dearer{ERP: w.ERP(t)}
	o := orderingAt(t, w, erp)
	flows := o.orders
	read := func(operation, order string) (*trade.Operation, *trade.Order) { return o.read(t, operation, order) }
	submit := func(key string) (*trade.Operation, *trade.Order) { return o.submit(t, key) }
	before := w.Now.Load().Calls()["erp/submit"]
	erp.now.Store(true) // and the price that was shown is still fresh
	op, order := submit("the price has risen")
	if op.State != trade.OperationAwaiting || order.Status != trade.OrderOnHold || order.Number != nil || len(order.Holds) != 1 ||
		order.Holds[0].Kind != trade.HoldPrice {
		t.Fatalf("at another price: %+v, the order is %+v", op, order)
	}
	changed, ok := op.Awaiting.Differences[0].(*trade.PriceChanged)
	if !ok || trade.SamePrice(changed.Expected, changed.Current.UnitPrice) {
		t.Fatalf("the buyer is asked %+v", op.Awaiting)
	}
	if len(changed.ChangedSteps) != 1 || changed.ChangedSteps[0].Kind != trade.ListStep {
		t.Errorf("what moved are %d steps", len(changed.ChangedSteps))
	}
	if n := w.Now.Load().Calls()["erp/submit"] - before; n != 0 {
		t.Errorf("the ERP was handed %d orders", n)
	}
	by := process.Submitter{Principal: "p", CorrelationID: "c"}
	if a, err := flows.Accept(t.Context(), buying, by, "a key to accept it", orders.Decision{OrderID: order.ID, Version: "0"},
		0); err != nil ||
		len(a.Errors) != 1 {
		t.Errorf("accepted at a version that showed other prices: %+v, %v", a, err)
	}
	erp.now.Store(false) // now it is as it was at first, which is another price than was shown last
	if a, err := flows.Accept(t.Context(), buying, by, "a key to accept it", orders.Decision{OrderID: order.ID, Version: order.Version},
		20*time.Second); err != nil || len(a.Errors) != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if op, order = read(op.ID, order.ID); op.State != trade.OperationAwaiting {
		t.Fatalf("written at a price that was not shown: %+v", op)
	}
	if a, err := flows.Accept(t.Context(), buying, by, "a key to accept that", orders.Decision{OrderID: order.ID, Version: order.Version},
		20*time.Second); err != nil || len(a.Errors) != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if op, order = read(op.ID, order.ID); op.State != trade.OperationCommitted || order.Number == nil {
		t.Errorf("accepted: %+v, the order is %+v", op, order)
	}
	if n := w.Now.Load().Calls()["erp/submit"] - before; n != 1 {
		t.Errorf("the ERP was handed %d orders, want 1", n)
	}
	o.request.CustomerPoNumber = "PO 2"
	o.prices.Purge()
	if op, order := submit("the price is as shown"); op.State != trade.OperationCommitted || order.Number == nil {
		t.Errorf("at the price shown: %+v, the order is %+v", op, order.Status)
	}
}

// listening is an ERP that hears under which trace an order is handed over.
type listening struct {
	*sandbox.ERP
	heard atomic.Pointer[string]
}

func (l *listening) SubmitOrder(ctx context.Context, key string, d trade.Draft) (sources.Receipt, error) {
	h := http.Header{}
	sources.Trace(ctx, h)
	parent := h.Get("Traceparent")
	l.heard.Store(&parent)
	return l.ERP.SubmitOrder(ctx, key, d)
}

// TestATraceGoesThroughTheQueue follows the correlation id of a request to the call that
// the ERP gets when a worker has taken its operation on.
func TestATraceGoesThroughTheQueue(t *testing.T) {
	w := processtest.New(t)
	erp := &listening{ERP: w.ERP(t)}
	o := orderingAt(t, w, erp)
	const trace = "0123456789abcdef0123456789abcdef"
	s, err := o.orders.Submit(t.Context(), processtest.Operator, process.Submitter{Principal: "p", CorrelationID: trace},
		"a key that is traced", o.request, 20*time.Second)
	if err != nil || s.OperationID == "" {
		t.Fatalf("%+v, %v", s, err)
	}
	if heard := erp.heard.Load(); heard == nil || !strings.HasPrefix(*heard, "00-"+trace+"-") || len(*heard) != 55 {
		t.Errorf("the ERP heard %v", heard)
	}
}

// late is an ERP that is searched by our references, and whose first answers do not come: what they are of is done later, or never.
type late struct {
	*sandbox.ERP
	sent, never atomic.Int64
	after       time.Duration
}

func (*late) Guarantee() operating.EffectGuarantee { return operating.ReferenceSearchable }

func (l *late) SubmitOrder(ctx context.Context, key string, d trade.Draft) (sources.Receipt, error) {
	if l.sent.Add(1) > 1 {
		return l.ERP.SubmitOrder(ctx, key, d)
	}
	if l.never.Load() == 0 {
		time.AfterFunc(l.after, func() { _, _ = l.ERP.SubmitOrder(context.WithoutCancel(ctx), key, d) })
	}
	return sources.Receipt{}, sources.Fail(sources.Uncertain, "the answer is late")
}

// TestWhatMayBeUnderWayIsLookedUpForAWhileBeforeItIsSentAgain has an ERP go on with an order whose answer nobody waits for any more.
//
// Cases: H26
func TestWhatMayBeUnderWayIsLookedUpForAWhileBeforeItIsSentAgain(t *testing.T) {
	w := processtest.New(t)
	erp := &late{ERP: w.ERP(t), after: 1500 * time.Millisecond}
	o := orderingWithin(t, w, erp, 3*time.Second) // so that it is sent again after six
	op, order := o.submit(t, "it is done after a while")
	if op.State != trade.OperationCommitted || order.Number == nil || erp.sent.Load() != 1 {
		t.Errorf("it was sent %d times, and is %s: %+v", erp.sent.Load(), op.State, op.Failure)
	}
	// What never arrived is sent again, once that is sure.
	erp.sent.Store(0)
	erp.never.Store(1)
	o.request.CustomerPoNumber = "PO 2"
	if op, order = o.submit(t, "it has never arrived"); op.State != trade.OperationCommitted || order.Number == nil || erp.sent.Load() != 2 {
		t.Errorf("it was sent %d times, and is %s: %+v", erp.sent.Load(), op.State, op.Failure)
	}
}

// blind is an ERP that neither knows our keys nor can be searched, and whose answers are
// lost.
type blind struct {
	*sandbox.ERP
	t    *testing.T
	lose atomic.Bool
}

func (*blind) Guarantee() operating.EffectGuarantee { return operating.AtMostOnce }

func (b *blind) SubmitOrder(ctx context.Context, key string, d trade.Draft) (sources.Receipt, error) {
	r, err := b.ERP.SubmitOrder(ctx, key, d)
	if b.lose.Load() {
		return sources.Receipt{}, sources.Fail(sources.Uncertain, "the answer is lost")
	}
	return r, err
}

func (b *blind) ReceiptByKey(context.Context, string) (sources.Receipt, error) {
	b.t.Error("it is searched by a reference")
	return sources.Receipt{}, sources.Fail(sources.Rejected, "it has none")
}

// TestWhatASourceCanNeitherRepeatNorTellIsSettledByAnOperator loses an answer of an ERP
// of which nobody can ask whether it did the work: it is never sent twice.
func TestWhatASourceCanNeitherRepeatNorTellIsSettledByAnOperator(t *testing.T) {
	w := processtest.New(t)
	erp := &blind{ERP: w.ERP(t), t: t}
	o := orderingAt(t, w, erp)
	before := w.Now.Load().Calls()["erp/submit"]
	erp.lose.Store(true)
	op, order := o.submit(t, "its answer is lost")
	if op.State != trade.OperationUnknown || op.Failure == nil || op.Failure.Code != "OUTCOME_UNKNOWN" {
		t.Fatalf("%+v", op)
	}
	erp.lose.Store(false)
	operators := watch.NewOperators(process.NewDesk(o.st, nil, o.engine, time.Now))
	by := process.Submitter{Principal: "an operator", CorrelationID: "c"}
	if a, err := operators.Settle(t.Context(), by, "settled without it",
		watch.Settlement{Operation: op.ID, Happened: true, Reason: "seen"}); err != nil || len(a.Errors) != 1 {
		t.Errorf("settled without a reference: %+v, %v", a, err)
	}
	number := w.Now.Load().Document("PORTICO-" + op.ID[len("opr_"):])
	if a, err := operators.Settle(t.Context(), by, "settled, as it was seen",
		watch.Settlement{Operation: op.ID, Happened: true, ExternalRef: number, Reason: "seen"}); err != nil || len(a.Errors) != 0 {
		t.Fatalf("settled: %+v, %v", a, err)
	}
	processtest.Eventually(t, "settled", func() bool { op, order = o.read(t, op.ID, order.ID); return op.State == trade.OperationCommitted })
	if order.Number == nil || *order.Number != number {
		t.Errorf("the order is %+v, and the ERP's %s", order, number)
	}
	if n := w.Now.Load().Calls()["erp/submit"] - before; n != 1 {
		t.Errorf("the ERP was handed %d orders, want 1", n)
	}
}

// TestOrdersAreHeldWhileTheirERPIsAndHandedOverInTheirOrder pauses an ERP: orders are
// acknowledged, no attempt is counted, and one account's come in the order of their
// acceptance.
func TestOrdersAreHeldWhileTheirERPIsAndHandedOverInTheirOrder(t *testing.T) {
	w := processtest.New(t)
	o := orderingAt(t, w, w.ERP(t))
	o.submit(t, "so that the price is known")
	o.set.Pause(map[string]string{"erp": "stocktaking"})
	var ids []string
	for n := range 30 {
		o.request.CustomerPoNumber = "held " + strconv.Itoa(n)
		s, err := o.orders.Submit(t.Context(), processtest.Operator, process.Submitter{Principal: "p", CorrelationID: "c"},
			"the key of held "+strconv.Itoa(100+n), o.request, 20*time.Second)
		if err != nil || s.OperationID == "" {
			t.Fatalf("%+v, %v, %v", s, err, refusals(s.Errors))
		}
		ids = append(ids, s.OperationID)
	}
	op, _ := o.read(t, ids[29], "")
	if op.State != trade.OperationAccepted || op.Steps[0].Attempts != 0 {
		t.Errorf("while it is paused: %+v", op)
	}
	if before, err := ledger.OperationsBefore(t.Context(), o.st, ids[29:]); err != nil || before[ids[29]].Before != 29 {
		t.Errorf("before the last are %v, %v", before, err)
	}
	o.set.Pause(nil)
	processtest.Eventually(t, "all handed over", func() bool { op, _ := o.read(t, ids[29], ""); return op.State == trade.OperationCommitted })
	var taken []string
	for _, key := range w.Now.Load().EffectRefs() {
		if i := slices.Index(ids, "opr_"+strings.TrimPrefix(key, "PORTICO-")); i >= 0 {
			taken = append(taken, ids[i])
		}
	}
	if !slices.Equal(taken, ids) {
		t.Errorf("handed over in another order, or not once: %d of %d", len(taken), len(ids))
	}
}

// TestOrdersThatASourceHasForgottenAreListedAndNotSentAgain lets an ERP come back as it was
// before an order of ours.
func TestOrdersThatASourceHasForgottenAreListedAndNotSentAgain(t *testing.T) {
	w := processtest.New(t)
	o := orderingAt(t, w, w.ERP(t))
	op, order := o.submit(t, "an order that is forgotten")
	if op.State != trade.OperationCommitted {
		t.Fatalf("%+v", op)
	}
	next := w.Begin(t, company.Options{Epoch: time.Now().Add(-time.Hour)})
	processtest.Eventually(t, "listed", func() bool {
		page, err := records.RejectedList(processtest.Operator).Page(t.Context(), o.st, []string{"erp"}, store.PageArgs{First: 20})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page["erp"].Nodes {
			if r.Kind == "forgotten" && r.SourceRef != nil && *r.SourceRef == *order.Number && strings.Contains(r.Reason, op.ID) {
				return true
			}
		}
		return false
	})
	alerts, err := operatingstore.SystemAlerts(t.Context(), o.st, time.Hour, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(alerts, func(a *trade.Alert) bool {
		return a.Kind == trade.AlertForgotten && a.Severity == trade.Critical && a.Subject == order.ID &&
			strings.Contains(a.Message, *order.Number)
	}) {
		t.Errorf("nobody is alerted: %+v", alerts)
	}
	if n := next.Calls()["erp/submit"]; n != 0 {
		t.Errorf("the ERP was handed %d orders by themselves", n)
	}
}

// TestAWriteToAnOrderOfAnotherSystemIsRefusedAndListed changes an order that lies in a
// system which orders are not written to any more.
func TestAWriteToAnOrderOfAnotherSystemIsRefusedAndListed(t *testing.T) {
	w := processtest.New(t)
	st, dsn := loaded.Database.At(t)
	o := orderingOn(t, w, map[string]sources.Adapter{"erp": w.ERP(t), "next": w.ERP(t)}, st, dsn)
	op, order := o.submit(t, "an order of the first ERP")
	if op.State != trade.OperationCommitted {
		t.Fatalf("%+v", op)
	}
	if err := o.set.Apply([]operating.CapabilityRoute{{Capability: operating.Orders, Primary: "next", PercentToPrimary: 100}}); err != nil {
		t.Fatal(err)
	}
	by := process.Submitter{Principal: "p", CorrelationID: "of the refused write"}
	a, err := o.orders.Cancel(t.Context(), trade.OperatorScope([]string{"order:write"}), by, "to cancel it elsewhere",
		orders.Cancellation{OrderID: order.ID, Version: order.Version, Reason: "not wanted"}, 0)
	if err != nil || len(a.Errors) != 1 || trade.RefusalOf(a.Errors[0]).Code != trade.CodeState ||
		!strings.Contains(trade.RefusalOf(a.Errors[0]).Message, "not written to any more") {
		t.Fatalf("%+v, %v", a, err)
	}
	var listed int
	if err := storetest.Connect(t,
		dsn).QueryRow(`SELECT count(*) FROM audit_entries WHERE action = 'write.refused' AND subject = $1 AND correlation_id = $2`, order.ID,
		by.CorrelationID).Scan(&listed); err != nil || listed != 1 {
		t.Errorf("it is listed %d times, %v", listed, err)
	}
}

// TestNoStatementOnAnOrdersWayReadsAWholeTable loads a company, places an order, changes and
// cancels it, and looks how PostgreSQL plans all that was asked for on the way.
func TestNoStatementOnAnOrdersWayReadsAWholeTable(t *testing.T) {
	w := processtest.New(t)
	st, dsn := storetest.At(t)
	o := orderingOn(t, w, map[string]sources.Adapter{"erp": w.ERP(t)}, st, dsn)
	op, order := o.submit(t, "an order to be looked at")
	if op.State != trade.OperationCommitted {
		t.Fatalf("%+v", op)
	}
	by := process.Submitter{Principal: "p", CorrelationID: "c"}
	if a, err := o.orders.Cancel(t.Context(), buying, by, "and to be cancelled",
		orders.Cancellation{OrderID: order.ID, Version: order.Version, Reason: "not wanted"}, 20*time.Second); err != nil || len(a.Errors) > 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	statements := st.Statements()
	if len(statements) < 60 {
		t.Errorf("%d statements were seen: is this all?", len(statements))
	}
	for _, s := range storetest.Scanned(t, dsn, statements) {
		t.Errorf("no index serves %s", s)
	}
	if len(storetest.Scanned(t, dsn, []string{"SELECT id FROM orders WHERE comment = $1"})) != 1 {
		t.Error("a statement that no index serves is not found")
	}
}

// searchable is an ERP that does not know our keys and can be searched by a reference, whose
// first answer is lost.
type searchable struct {
	*sandbox.ERP
	sent, lost atomic.Int64
}

func (*searchable) Guarantee() operating.EffectGuarantee { return operating.ReferenceSearchable }

func (s *searchable) SubmitOrder(ctx context.Context, key string, d trade.Draft) (sources.Receipt, error) {
	s.sent.Add(1)
	r, err := s.ERP.SubmitOrder(ctx, key, d)
	if s.lost.Add(1) == 1 {
		return sources.Receipt{}, sources.Fail(sources.Uncertain, "the answer is lost")
	}
	return r, err
}

// TestALostAnswerIsLookedUpAndNotSentAgain loses an answer of an ERP that would take the
// same order twice.
func TestALostAnswerIsLookedUpAndNotSentAgain(t *testing.T) {
	w := processtest.New(t)
	erp := &searchable{ERP: w.ERP(t)}
	o := orderingAt(t, w, erp)
	op, order := o.submit(t, "its answer is lost")
	if op.State != trade.OperationCommitted || order.Number == nil {
		t.Errorf("%+v, the order is %+v", op, order)
	}
	if n := erp.sent.Load(); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}

// slowPrices is an ERP that thinks long about one quantity.
type slowPrices struct {
	*sandbox.ERP
	once      sync.Once
	asked, on chan struct{}
}

func (s *slowPrices) Prices(ctx context.Context, keys []trade.PriceKey) ([]trade.PriceResult, error) {
	if slices.ContainsFunc(keys, func(k trade.PriceKey) bool { return k.Quantity == "2000" }) {
		s.once.Do(func() { close(s.asked) })
		select {
		case <-s.on:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.ERP.Prices(ctx, keys)
}

// TestNobodyWaitsForAnothersQuestionToTheERP submits while another of the same caller's
// orders waits for its price.
func TestNobodyWaitsForAnothersQuestionToTheERP(t *testing.T) {
	w := processtest.New(t)
	erp := &slowPrices{ERP: w.ERP(t), asked: make(chan struct{}), on: make(chan struct{})}
	o := orderingAt(t, w, erp)
	slow := *o.request
	slow.CustomerPoNumber = "slow"
	slow.Lines = []ordering.OrderRequestLine{o.request.Lines[0]}
	slow.Lines[0].Quantity.Value = udecimal.MustFromInt64(2000, 0)
	by := process.Submitter{Principal: "p", CorrelationID: "c"}
	ended := make(chan error, 1)
	go func() {
		_, err := o.orders.Submit(t.Context(), processtest.Operator, by, "whose price takes long", &slow, 0)
		ended <- err
	}()
	<-erp.asked
	s, err := o.orders.Submit(t.Context(), processtest.Operator, by, "whose price is known", o.request, 0)
	select {
	case <-ended:
		t.Error("the ERP did not think long: this shows nothing")
	default:
	}
	if err != nil || s.OperationID == "" {
		t.Errorf("%+v, %v", s, err)
	}
	close(erp.on)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
