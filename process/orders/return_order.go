package orders

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/quagmt/udecimal"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/ordering"
)

// ReturnRequest is a return as a buyer asks for it. Nothing in it is trusted.
type ReturnRequest struct {
	OrderID string              `json:"OrderID"`
	Lines   []ReturnRequestLine `json:"Lines"`
}

// ReturnRequestLine is a line to send back.
type ReturnRequestLine struct {
	LineID   string             `json:"LineID"`
	Quantity trade.Quantity     `json:"Quantity"`
	Reason   trade.ReturnReason `json:"Reason"`
	Comment  *string            `json:"Comment"`
}

// returnWork is what the steps of a return work on.
type returnWork struct {
	Draft  trade.ReturnDraft `json:"Draft"`
	Ref    string            `json:"Ref"`
	Number string            `json:"Number"`
}

// RequestReturn asks to send goods back, at most what was shipped and is not returned.
func (o *Flows) RequestReturn(ctx context.Context, scope trade.Scope, by process.Submitter, key string, q *ReturnRequest,
	wait time.Duration,
) (*process.Acted, error) {
	if errs := checkReturn(q); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	lines, err := o.linesOf(ctx, scope, q.OrderID)
	if err != nil {
		return nil, err
	}
	done, err := process.Once(ctx, o.desk.Store, by, "requestReturn", key, q,
		func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			now, err := records.LockOrder(ctx, tx, scope, q.OrderID)
			if err != nil {
				return spent, nil, err
			}
			if now == nil {
				return spent, []trade.UserError{noOrder()}, nil
			}
			if refusal := o.allowed(scope, by, trade.ActReturn, now); refusal != nil {
				return spent, []trade.UserError{refusal}, nil
			}
			asked, err := records.ReturnsAsked(ctx, tx, now.ID)
			if err != nil {
				return spent, nil, err
			}
			if errs := returnable(q, lines, asked); errs != nil {
				return spent, errs, nil
			}
			n := o.operationOn(now, by, key, print, now.AccountID)
			id := durable.NewID("ret_")
			ref := "PORTICO-" + n.ID[len("opr_"):]
			n.Subject, n.After = &id, map[string]any{"order": now.ID, "lines": len(q.Lines), "input": print}
			pending := &trade.Return{
				ID: id, OrderRef: trade.Ref{ID: now.ID}, AccountRef: trade.Ref{ID: now.AccountID},
				Status: trade.ReturnRequested, RequestedAt: o.desk.Now().UTC(), ExternalRef: &ref,
			}
			work := returnWork{Ref: ref, Draft: trade.ReturnDraft{Account: now.AccountNumber, OrderNumber: *now.Number}}
			for _, l := range q.Lines {
				line := lines[l.LineID]
				pending.LinesKnown = append(pending.LinesKnown,
					trade.ReturnLine{OrderLineID: line.ID, Quantity: l.Quantity, Reason: l.Reason, Comment: l.Comment})
				work.Draft.Lines = append(work.Draft.Lines,
					trade.ReturnDraftLine{LineNumber: line.LineNumber, SKU: *line.SKU, Quantity: l.Quantity, Reason: l.Reason, Comment: l.Comment})
			}
			if err := records.PlaceReturn(ctx, tx, pending); err != nil {
				return spent, nil, err
			}
			spent = ledger.SpentKey{OperationID: n.ID, Subject: id}
			return spent, nil, process.Begin(ctx, o.desk, tx, o.requestReturn(), n, work, ref)
		})
	return process.Await(ctx, o.desk, o.wakeable(), done, err, wait)
}

// checkReturn refuses what no fact is needed for.
func checkReturn(q *ReturnRequest) (errs []trade.UserError) {
	if n := len(q.Lines); n == 0 || n > mostChanges {
		return []trade.UserError{process.Invalid(trade.CodeInvalidInput,
			fmt.Sprintf("A return has 1 to %d lines; this one has %d.", mostChanges, n), "lines")}
	}
	requests := make([]ordering.OrderRequestLine, len(q.Lines))
	for i, l := range q.Lines {
		requests[i].Quantity = l.Quantity
		if l.Comment != nil {
			errs = append(errs, trade.CheckText(*l.Comment, "lines", strconv.Itoa(i), "comment")...)
		}
		if l.Reason == trade.ReturnOther && (l.Comment == nil || trade.Blank(*l.Comment)) {
			errs = append(errs, process.Invalid(trade.CodeInvalidInput, "The reason OTHER needs a comment that says which.",
				"lines", strconv.Itoa(i), "comment"))
		}
		if ordering.Counted(l.Quantity.Unit) && !whole(l.Quantity.Value) {
			errs = append(errs, process.Invalid(trade.CodeMultiple, "It is sent back in whole "+l.Quantity.Unit+".",
				"lines", strconv.Itoa(i), "quantity"))
		}
		if slices.ContainsFunc(q.Lines[:i], func(b ReturnRequestLine) bool { return b.LineID == l.LineID && b.Reason == l.Reason }) {
			errs = append(errs, process.Invalid(trade.CodeInvalidInput, "The line stands twice, for the same reason.", "lines", strconv.Itoa(i),
				"line"))
		}
	}
	return append(errs, ordering.CheckLines(requests)...)
}

func whole(d udecimal.Decimal) bool { return d.Trunc(0).Equal(d) }

// returnable refuses what was not shipped, or was sent back or asked to be before.
func returnable(q *ReturnRequest, lines map[string]*trade.OrderLine, asked map[string]udecimal.Decimal) (errs []trade.UserError) {
	taken := map[string]udecimal.Decimal{}
	for i, l := range q.Lines {
		at := strconv.Itoa(i)
		line := lines[l.LineID]
		if line == nil || line.SKU == nil {
			errs = append(errs, process.Invalid(trade.CodeNotFound, "The order has no such line.", "lines", at, "line"))
			continue
		}
		if l.Quantity.Unit != line.Shipped.Unit {
			errs = append(errs, process.Invalid(trade.CodeUnit, "It is sent back in "+line.Shipped.Unit+".", "lines", at, "quantity", "unit"))
			continue
		}
		taken[l.LineID] = taken[l.LineID].Add(l.Quantity.Value)
		open := line.Shipped.Value.Sub(line.Returned.Value).Sub(asked[l.LineID])
		if taken[l.LineID].GreaterThan(open) {
			errs = append(errs, process.Invalid(trade.CodeQuantity, fmt.Sprintf("At most %s %s can be sent back.", open, line.Shipped.Unit),
				"lines", at, "quantity"))
		}
	}
	return errs
}

// requestReturn is the flow of a return to its order's ERP.
func (o *Flows) requestReturn() durable.Flow[returnWork] {
	return durable.Flow[returnWork]{
		Kind: trade.RequestReturn, Action: "return.request",
		Steps: []durable.Step[returnWork]{
			{
				Name: "request", System: &process.ERP, What: "Asks the ERP for the return, under its reference.",
				Settle: func(w *returnWork, ref string) { w.Number = ref },
				Do: func(ctx context.Context, r *durable.Run[returnWork]) error {
					receipt, err := o.desk.HandOver(ctx, r.Source, r.Work.Ref, r.Attempted, func() (sources.Receipt, error) {
						return o.desk.Sources.RequestReturn(ctx, r.Source, r.Work.Ref, r.Work.Draft)
					})
					r.Work.Number = receipt.Number
					return err
				},
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the return as the ERP has it.",
				Do: func(ctx context.Context, r *durable.Run[returnWork]) error {
					return process.Reread(ctx, o.desk, r, sources.ReturnRecords, replication.SaveReturns, r.Work.Number)
				},
			},
		},
		Refused: func(ctx context.Context, tx *store.Tx, r *durable.Run[returnWork], _ trade.OperationFailure) error {
			return records.SetReturnStatus(ctx, tx, r.Subject, trade.ReturnRejected)
		},
	}
}
