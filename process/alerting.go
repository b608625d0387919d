package process

import (
	"context"
	"errors"

	"portico/process/durable"
	"portico/store"
	"portico/trade"
)

// Report is an exception that one side reports to the other. Nothing in it is trusted.
type Report struct {
	Subject  string          `json:"Subject"`
	Severity trade.Severity  `json:"Severity"`
	Message  string          `json:"Message"`
	AtRisk   *trade.Quantity `json:"AtRisk"`
}

// ReportException tells the other side of something about a purchase order, a line of
// one or a ship notice: a supplier the buyers, and an operator the supplier.
func (p *Purchasing) ReportException(ctx context.Context, scope trade.Scope, by Submitter, key string, r Report) (*Acted[trade.CommonError], error) {
	if errs := said[trade.CommonError](r.Message, "Say what is wrong.", "message"); errs != nil {
		return &Acted[trade.CommonError]{Errors: errs}, nil
	}
	if r.AtRisk != nil && !r.AtRisk.Value.IsPos() {
		return &Acted[trade.CommonError]{Errors: []trade.CommonError{invalid(trade.CodeInvalidInput, "The quantity must be more than nothing.", "atRisk")}}, nil
	}
	return once(ctx, p.store, by, "reportException", key, r, func(tx *store.Tx, _ string) (spent store.SpentKey, errs []trade.CommonError, err error) {
		supplier, called, err := p.store.SupplierOf(ctx, tx, scope, r.Subject)
		if err != nil {
			return spent, nil, err
		}
		if supplier == "" {
			return spent, []trade.CommonError{invalid(trade.CodeNotFound, "There is no such purchase order, line or ship notice.", "subject")}, nil
		}
		side := trade.ForOperator
		if scope.Supplier() == "" {
			side = trade.ForSupplier
		}
		a := &trade.Alert{
			ID: durable.NewID("alr_"), Kind: trade.AlertReported, Severity: r.Severity, Message: called + ": " + r.Message, Audience: []trade.Audience{side}, Queue: trade.Queues[trade.AlertReported],
			Subject: r.Subject, SupplierID: supplier, AtRisk: r.AtRisk,
		}
		if side == trade.ForOperator { // who reports sees it, too, and whether it was taken
			a.Audience = append(a.Audience, trade.ForSupplier)
		}
		if err := p.store.Raise(ctx, tx, []*trade.Alert{a}); err != nil {
			return spent, nil, err
		}
		return store.SpentKey{Subject: a.ID}, nil, p.store.Audit(ctx, tx, trade.AuditRecord{Actor: by.Principal, Action: "exception.report", Subject: r.Subject, CorrelationID: by.CorrelationID, After: map[string]any{"alert": a.ID, "severity": r.Severity}})
	})
}

// TakeAlert takes an alert: the caller looks after it from now on.
func (p *Purchasing) TakeAlert(ctx context.Context, scope trade.Scope, by Submitter, key, alert string) (*Acted[trade.CommonError], error) {
	return p.moveAlert(ctx, scope, by, "acknowledgeAlert", "alert.acknowledge", key, alert, trade.AlertAcknowledged, nil)
}

// ResolveAlert closes an alert.
func (p *Purchasing) ResolveAlert(ctx context.Context, scope trade.Scope, by Submitter, key, alert, resolution string) (*Acted[trade.CommonError], error) {
	if errs := said[trade.CommonError](resolution, "Say how it was resolved.", "resolution"); errs != nil {
		return &Acted[trade.CommonError]{Errors: errs}, nil
	}
	return p.moveAlert(ctx, scope, by, "resolveAlert", "alert.resolve", key, alert, trade.AlertResolved, &resolution)
}

func (p *Purchasing) moveAlert(ctx context.Context, scope trade.Scope, by Submitter, mutation, action, key, alert string, to trade.AlertState, resolution *string) (*Acted[trade.CommonError], error) {
	return once(ctx, p.store, by, mutation, key, []any{alert, resolution}, func(tx *store.Tx, _ string) (spent store.SpentKey, errs []trade.CommonError, err error) {
		was, err := p.store.MoveAlert(ctx, tx, scope, alert, to, by.Principal, resolution)
		switch {
		case errors.Is(err, store.ErrNotTheirs):
			return spent, []trade.CommonError{&trade.Forbidden{Refusal: trade.Refusal{Code: trade.CodeForbidden, Message: "The buyer looks after this one: report to them with reportException.", Path: []string{"input", "alert"}}}}, nil
		case err != nil:
			return spent, nil, err
		case was == "":
			return spent, []trade.CommonError{invalid(trade.CodeNotFound, "There is no such alert.", "alert")}, nil
		case was == trade.AlertResolved || was == to:
			return spent, []trade.CommonError{&trade.StateNotAllowed{Refusal: trade.Refusal{Code: trade.CodeState, Message: "The alert is taken or closed already.", Path: []string{"input", "alert"}}, State: string(was), Allowed: stillAllowed(was)}}, nil
		}
		return store.SpentKey{Subject: alert}, nil, p.store.Audit(ctx, tx, trade.AuditRecord{Actor: by.Principal, Action: action, Subject: alert, CorrelationID: by.CorrelationID, Before: map[string]any{"state": was}, After: map[string]any{"state": to}})
	})
}

func stillAllowed(s trade.AlertState) []string {
	if s == trade.AlertAcknowledged {
		return []string{"resolveAlert"}
	}
	return []string{}
}
