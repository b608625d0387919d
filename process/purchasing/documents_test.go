package purchasing_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/process"
	"portico/process/durable"
	"portico/process/processtest"
	"portico/process/processtest/loaded"
	"portico/process/purchasing"
	"portico/process/replica"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/store/storetest"
	"portico/trade"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// supply is a distributor that buys, and the supplier V2001 that it buys from.
type supply struct {
	world    *processtest.World
	st       *store.Store
	db       *sql.DB // past the store
	flows    *purchasing.Flows
	supplier trade.Scope
	keys     int
}

func supplying(t *testing.T) *supply {
	t.Helper()
	w := processtest.New(t)
	st, dsn := loaded.Database.At(t)
	set := w.Systems(t, sources.DefaultLimits, map[string]sources.Adapter{"erp": w.ERP(t)})
	log := slog.New(slog.DiscardHandler)
	engine, err := durable.Open(t.Context(), func() string { return dsn }, st, set.Names(), set.Paused, 0, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &supply{world: w, st: st, db: storetest.Connect(t, dsn)}
	s.flows = purchasing.New(process.NewDesk(st, set, engine, time.Now), purchasing.Signing{KeyID: "receipts", Key: key})
	r := replica.New(st, set, time.Now, log)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	running.Go(func() { _ = engine.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	processtest.Eventually(t, "loaded", func() bool { _, done := r.Progress(); return done })
	found, err := ledger.PartnersByCode(t.Context(), st, processtest.Operator, []string{"V2001"})
	if err != nil || found["V2001"] == nil {
		t.Fatalf("the supplier is %v, %v", found, err)
	}
	s.supplier = trade.SupplierScope(found["V2001"].ID, []string{"po:respond", "despatch:write"})
	return s
}

// control does something in the company.
func (s *supply) control(t *testing.T, do string, body, result any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.world.URL+"/control/"+do, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s: %s", do, response.Status)
	}
	if result == nil {
		return
	}
	if err := json.NewDecoder(response.Body).Decode(result); err != nil {
		t.Fatal(err)
	}
}

// bought is a purchase order of 1000 that the supplier was sent.
func (s *supply) bought(t *testing.T) *records.PurchaseOrderNow {
	t.Helper()
	var made struct{ PoNo string }
	s.control(t, "buy", map[string]any{
		"venNo": "V2001", "whs": "RTM", "items": []any{map[string]any{"matNo": "SCR-10001", "qty": 1000}},
	}, &made)
	var id string
	processtest.Eventually(t, "bought", func() bool {
		found, err := records.PurchaseOrdersByNumber(t.Context(), s.st, s.supplier, []string{made.PoNo})
		if err != nil {
			t.Fatal(err)
		}
		if po := found[made.PoNo]; po != nil && po.Status == trade.POSent {
			id = po.ID
		}
		return id != ""
	})
	return s.now(t, id)
}

// now is a purchase order as it is.
func (s *supply) now(t *testing.T, id string) (now *records.PurchaseOrderNow) {
	t.Helper()
	if err := s.st.InTx(t.Context(), func(tx *store.Tx) (err error) {
		now, err = records.LockPurchaseOrder(t.Context(), tx, s.supplier, id)
		return err
	}); err != nil || now == nil {
		t.Fatalf("purchase order %s: %v, %v", id, now, err)
	}
	return now
}

// origin is the supplier with a key of its own.
func (s *supply) origin() purchasing.Origin {
	s.keys++
	return purchasing.Origin{
		Scope: s.supplier, By: process.Submitter{Principal: "supplier", CorrelationID: "c"}, Key: fmt.Sprintf("a key of a document %d", s.keys),
	}
}

func (s *supply) receive(t *testing.T, from purchasing.Origin, d purchasing.Document) *process.Acted {
	t.Helper()
	done, err := s.flows.Receive(t.Context(), from, d, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func (s *supply) respond(t *testing.T, r *trade.ResponseRequest) *process.Acted {
	t.Helper()
	return s.receive(t, s.origin(), s.flows.OrderResponse(r))
}

// promising is a response that so much comes of the order's line.
func (s *supply) promising(po *records.PurchaseOrderNow, quantity int64) *trade.ResponseRequest {
	s.keys++
	return &trade.ResponseRequest{
		PurchaseOrderID: po.ID, Revision: po.Revision, ResponseNumber: "R-" + strconv.Itoa(s.keys), Kind: trade.ResponseChanged,
		Lines: []trade.LineAcknowledgment{{LineID: po.LinesKnown[0].ID, Status: trade.AckQuantityChanged, Quantity: pieces(quantity)}},
	}
}

func pieces(n int64) *trade.Quantity {
	return &trade.Quantity{Value: udecimal.MustFromInt64(n, 0), Unit: "EA"}
}

func (s *supply) operation(t *testing.T, id string) *trade.Operation {
	t.Helper()
	found, err := ledger.Operations(t.Context(), s.st, processtest.Operator, []string{id})
	if err != nil || found[id] == nil {
		t.Fatalf("operation %q: %v, %v", id, found, err)
	}
	return found[id]
}

// deviations are the states of those of a response.
func (s *supply) deviations(t *testing.T, response string) (states []trade.DeviationState) {
	t.Helper()
	found, err := ledger.DeviationsIn(t.Context(), s.st, processtest.Operator, []string{response})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found[response] {
		states = append(states, d.State)
	}
	return states
}

// calls are how often the ERP was asked to do something.
func (s *supply) calls(do string) int { return s.world.Now.Load().Calls()["erp/"+do] }

// refusedWith is the one refusal of a document, of which nothing may be there.
func refusedWith[E trade.UserError](t *testing.T, done *process.Acted) E {
	t.Helper()
	var none E
	if done.OperationID != "" || done.SubjectID != "" || len(done.Errors) != 1 {
		t.Fatalf("it is not refused with one error: %+v", done)
	}
	e, ok := done.Errors[0].(E)
	if !ok {
		t.Fatalf("refused with %T %v, want %T", done.Errors[0], trade.RefusalOf(done.Errors[0]), none)
	}
	return e
}

// TestDocumentsOfSuppliers sends documents to purchase orders of their own, within the standard tolerance: 5 % of the quantity,
// and beyond it a planner decides.
func TestDocumentsOfSuppliers(t *testing.T) {
	s := supplying(t)
	for name, test := range map[string]func(*testing.T, *supply){
		"within the tolerance it is written without a person":        withinTolerance,
		"beyond the tolerance it waits, and a new one supersedes it": beyondTolerance,
		"a second response with its number is a duplicate":           duplicateNumber,
		"a response to an old revision is a version conflict":        oldRevision,
		"a key stands for one input":                                 keyOfAnother,
		"more is despatched than was ordered":                        overDespatched,
		"of what another supplier was sent there is nothing":         ofAnother,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
	// Last, for they change how far the supplier is let in, and the profile of all.
	t.Run("of a test nothing stays but how it went", func(t *testing.T) { ofATester(t, s) })
	t.Run("beyond the tolerance its profile refuses it", func(t *testing.T) { refusedByProfile(t, s) })
}

func withinTolerance(t *testing.T, s *supply) {
	po, before := s.bought(t), s.calls("confirm")
	done := s.respond(t, s.promising(po, 960))
	if op := s.operation(t, done.OperationID); op.State != trade.OperationCommitted {
		t.Fatalf("the operation is %+v", op)
	}
	if n := s.calls("confirm") - before; n != 1 {
		t.Errorf("the ERP was handed %d confirmations, want 1", n)
	}
	if now := s.now(t, po.ID); now.Status != trade.POChanged || now.Answered != po.Revision {
		t.Errorf("the purchase order is %s, answered at revision %d", now.Status, now.Answered)
	}
	if states := s.deviations(t, done.SubjectID); !slices.Equal(states, []trade.DeviationState{trade.DeviationAutoAccepted}) {
		t.Errorf("the deviations are %v", states)
	}
}

func beyondTolerance(t *testing.T, s *supply) {
	po, before := s.bought(t), s.calls("confirm")
	waits := s.respond(t, s.promising(po, 900))
	op := s.operation(t, waits.OperationID)
	if op.State != trade.OperationAwaiting || op.Awaiting == nil || op.Awaiting.ResponseID != waits.SubjectID {
		t.Fatalf("the operation is %+v", op)
	}
	if now := s.now(t, po.ID); now.Status != trade.POPendingReview {
		t.Errorf("the purchase order is %s", now.Status)
	}
	if states := s.deviations(t, waits.SubjectID); !slices.Equal(states, []trade.DeviationState{trade.DeviationPending}) {
		t.Errorf("the deviations are %v", states)
	}
	if n := s.calls("confirm") - before; n != 0 {
		t.Errorf("the ERP was handed %d confirmations before anybody decided", n)
	}
	next := s.respond(t, s.promising(po, 970))
	if op := s.operation(t, next.OperationID); op.State != trade.OperationCommitted {
		t.Errorf("the operation of the new response is %+v", op)
	}
	if op := s.operation(t, waits.OperationID); op.State != trade.OperationFailed || op.Failure == nil || op.Failure.Code != "SUPERSEDED" {
		t.Errorf("the operation that waited is %+v", op)
	}
	if states := s.deviations(t, waits.SubjectID); !slices.Equal(states, []trade.DeviationState{trade.DeviationWithdrawn}) {
		t.Errorf("the deviations that waited are %v", states)
	}
	if n := s.calls("confirm") - before; n != 1 {
		t.Errorf("the ERP was handed %d confirmations, want 1", n)
	}
}

func refusedByProfile(t *testing.T, s *supply) {
	po, before := s.bought(t), s.calls("confirm")
	profiles, err := records.Tolerances(t.Context(), s.st, processtest.Operator, []string{"tol_standard"})
	if err != nil || profiles["tol_standard"] == nil {
		t.Fatalf("the profile: %v, %v", profiles, err)
	}
	strict := *profiles["tol_standard"]
	strict.OutOfTolerance = trade.RefuseBeyond
	planner := process.Submitter{Principal: "planner", CorrelationID: "c"}
	if done, err := s.flows.SaveTolerance(t.Context(), planner, "a key of a profile", strict); err != nil || done.Errors != nil {
		t.Fatalf("%+v, %v", done, err)
	}
	e := refusedWith[*trade.ToleranceExceeded](t, s.respond(t, s.promising(po, 900)))
	if e.Deviation.Field != trade.QuantityDeviates || !slices.Equal(e.Path, []string{"input", "lines", "0"}) {
		t.Errorf("refused for %+v at %v", e.Deviation, e.Path)
	}
	kept, err := ledger.ResponsesTo(t.Context(), s.st, processtest.Operator, []string{po.ID})
	if err != nil || len(kept[po.ID]) != 0 || s.now(t, po.ID).Status != trade.POSent {
		t.Errorf("%d responses are kept of it, %v; the purchase order is %s", len(kept[po.ID]), err, s.now(t, po.ID).Status)
	}
	if n := s.calls("confirm") - before; n != 0 {
		t.Errorf("the ERP was handed %d confirmations", n)
	}
}

func duplicateNumber(t *testing.T, s *supply) {
	po := s.bought(t)
	first := s.promising(po, 1000)
	done := s.respond(t, first)
	if done.Errors != nil {
		t.Fatal(trade.RefusalOf(done.Errors[0]))
	}
	other := s.promising(s.bought(t), 990) // of another purchase order: numbers are the supplier's
	other.ResponseNumber = first.ResponseNumber
	if e := refusedWith[*trade.DuplicateDocument](t, s.respond(t, other)); e.Existing != done.SubjectID {
		t.Errorf("it is a duplicate of %s, want %s", e.Existing, done.SubjectID)
	}
}

func oldRevision(t *testing.T, s *supply) {
	po := s.bought(t)
	s.control(t, "revise?purchase="+url.QueryEscape(po.Number), nil, nil)
	processtest.Eventually(t, "revised", func() bool { return s.now(t, po.ID).Revision > po.Revision })
	now := s.now(t, po.ID)
	if e := refusedWith[*trade.VersionConflict](t, s.respond(t, s.promising(po, 1000))); e.CurrentVersion != strconv.Itoa(now.Revision) {
		t.Errorf("the current version is told as %s, want %d", e.CurrentVersion, now.Revision)
	}
}

func keyOfAnother(t *testing.T, s *supply) {
	po, from := s.bought(t), s.origin()
	r := s.promising(po, 1000)
	done := s.receive(t, from, s.flows.OrderResponse(r))
	if done.Errors != nil {
		t.Fatal(trade.RefusalOf(done.Errors[0]))
	}
	same := s.receive(t, from, s.flows.OrderResponse(r))
	if !same.Replayed || same.OperationID != done.OperationID || same.SubjectID != done.SubjectID {
		t.Errorf("the same once more: %+v, want %+v", same, done)
	}
	e := refusedWith[*trade.IdempotencyConflict](t, s.receive(t, from, s.flows.OrderResponse(s.promising(po, 999))))
	if e.OperationID != done.OperationID {
		t.Errorf("the key stands for %q, want %q", e.OperationID, done.OperationID)
	}
}

func overDespatched(t *testing.T, s *supply) {
	po := s.bought(t)
	notice := func(number string, quantity int64) *trade.DespatchRequest {
		return &trade.DespatchRequest{
			Number: number, ShipFrom: trade.Address{Name: new("Acme"), Line1: new("Kade 1"), City: new("Rotterdam"), Country: "NL"},
			Lines: []trade.DespatchLine{{LineID: po.LinesKnown[0].ID, Shipped: *pieces(quantity)}},
		}
	}
	refusedWith[*trade.StateNotAllowed](t, s.receive(t, s.origin(), s.flows.DespatchAdvice(notice("D-0", 1000)))) // nothing was confirmed
	if done := s.respond(t, s.promising(po, 1000)); s.operation(t, done.OperationID).State != trade.OperationCommitted {
		t.Fatalf("confirmed: %+v", done)
	}
	before := s.calls("announce")
	e := refusedWith[*trade.InvalidInput](t, s.receive(t, s.origin(), s.flows.DespatchAdvice(notice("D-1", 1051))))
	if e.Code != trade.CodeQuantity || strings.Join(e.Path, ".") != "input.lines.0.shipped" {
		t.Errorf("beyond the tolerance: %+v", e.Refusal)
	}
	if n := s.calls("announce") - before; n != 0 {
		t.Errorf("the ERP was handed %d notices", n)
	}
	done := s.receive(t, s.origin(), s.flows.DespatchAdvice(notice("D-2", 1050)))
	if op := s.operation(t, done.OperationID); op.State != trade.OperationCommitted {
		t.Fatalf("within the tolerance: %+v", op)
	}
	if e := refusedWith[*trade.DuplicateDocument](t, s.receive(t, s.origin(), s.flows.DespatchAdvice(notice("D-2", 1)))); e.Existing !=
		done.SubjectID {
		t.Errorf("it is a duplicate of %s, want %s", e.Existing, done.SubjectID)
	}
	withdrawn := s.receive(t, s.origin(),
		s.flows.DespatchWithdrawal(purchasing.Withdrawal{DespatchID: done.SubjectID, Reason: "It is the wrong truck."}))
	if op := s.operation(t, withdrawn.OperationID); op.State != trade.OperationCommitted {
		t.Fatalf("withdrawn: %+v", op)
	}
}

func ofATester(t *testing.T, s *supply) {
	po, before := s.bought(t), s.calls("confirm")
	if _, err := s.db.ExecContext(t.Context(), `INSERT INTO partner_profiles (partner_id, stage) VALUES ($1, 'TESTING')`,
		s.supplier.Supplier()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := s.db.ExecContext(t.Context(), `DELETE FROM partner_profiles`); err != nil {
			t.Fatal(err)
		}
	}()
	test := func() (passed bool) {
		t.Helper()
		if err := s.db.QueryRowContext(t.Context(), `SELECT passed FROM partner_tests WHERE partner_id = $1`, s.supplier.Supplier()).
			Scan(&passed); err != nil {
			t.Fatal(err)
		}
		return passed
	}
	bad := s.promising(po, 1000)
	bad.Lines = nil
	bad.Kind, bad.Revision = trade.ResponseAccepted, po.Revision+1
	if refusedWith[*trade.VersionConflict](t, s.respond(t, bad)); test() {
		t.Error("a test that was refused has passed")
	}
	if done := s.respond(t, s.promising(po, 1000)); done.Errors != nil || done.OperationID != "" || done.SubjectID != "" || !test() {
		t.Errorf("a test without a mistake: %+v, passed: %v", done, test())
	}
	kept, err := ledger.ResponsesTo(t.Context(), s.st, processtest.Operator, []string{po.ID})
	if err != nil || len(kept[po.ID]) != 0 || s.now(t, po.ID).Status != trade.POSent || s.calls("confirm") != before {
		t.Errorf("what stays of tests: %d responses, %v; the purchase order is %s", len(kept[po.ID]), err, s.now(t, po.ID).Status)
	}
}

func ofAnother(t *testing.T, s *supply) {
	po := s.bought(t)
	found, err := ledger.PartnersByCode(t.Context(), s.st, processtest.Operator, []string{"V2002"})
	if err != nil || found["V2002"] == nil {
		t.Fatalf("the other supplier is %v, %v", found, err)
	}
	from := s.origin()
	from.Scope = trade.SupplierScope(found["V2002"].ID, []string{"po:respond", "despatch:write"})
	if e := refusedWith[*trade.InvalidInput](t, s.receive(t, from, s.flows.OrderResponse(s.promising(po, 1000)))); e.Code !=
		trade.CodeNotFound {
		t.Errorf("another supplier's response: %+v", e.Refusal)
	}
}
