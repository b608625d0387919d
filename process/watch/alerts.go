package watch

import (
	"context"
	"errors"

	"portico/process"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/operating"
)

// Alerts are what people do about alerts.
type Alerts struct{ desk *process.Desk }

// NewAlerts makes them.
func NewAlerts(d *process.Desk) *Alerts { return &Alerts{d} }

// Take takes an alert: the caller looks after it from now on.
func (a *Alerts) Take(ctx context.Context, scope trade.Scope, by process.Submitter, key, alert string) (*process.Acted, error) {
	return a.move(ctx, scope, by, "acknowledgeAlert", "alert.acknowledge", key, alert, trade.AlertAcknowledged, nil)
}

// Resolve closes an alert.
func (a *Alerts) Resolve(ctx context.Context, scope trade.Scope, by process.Submitter, key, alert,
	resolution string,
) (*process.Acted, error) {
	if errs := process.RequireText(resolution, "Say how it was resolved.", "resolution"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	return a.move(ctx, scope, by, "resolveAlert", "alert.resolve", key, alert, trade.AlertResolved, &resolution)
}

func (a *Alerts) move(ctx context.Context, scope trade.Scope, by process.Submitter, mutation, action, key, alert string,
	to trade.AlertState, resolution *string,
) (*process.Acted, error) {
	return process.Once(ctx, a.desk.Store, by, mutation, key, []any{alert, resolution},
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			was, err := operatingstore.MoveAlert(ctx, tx, scope, alert, to, by.Principal, resolution)
			switch {
			case errors.Is(err, operatingstore.ErrNotTheirs):
				return spent, []trade.UserError{&trade.Forbidden{Refusal: trade.Refusal{
					Code:    trade.CodeForbidden,
					Message: "The buyer looks after this one: report to them with reportException.", Path: []string{"input", "alert"},
				}}}, nil
			case err != nil:
				return spent, nil, err
			case was == "":
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such alert.", "alert")}, nil
			case was == trade.AlertResolved || was == to:
				return spent, []trade.UserError{&trade.StateNotAllowed{Refusal: trade.Refusal{
						Code:    trade.CodeState,
						Message: "The alert is taken or closed already.", Path: []string{"input", "alert"},
					}, State: string(was), Allowed: stillAllowed(was)}},
					nil
			}
			return ledger.SpentKey{Subject: alert}, nil,
				ledger.Audit(ctx, tx, operating.AuditRecord{
					Actor: by.Principal, Action: action, Subject: alert, CorrelationID: by.CorrelationID,
					Before: map[string]any{"state": was}, After: map[string]any{"state": to},
				})
		})
}

func stillAllowed(s trade.AlertState) []string {
	if s == trade.AlertAcknowledged {
		return []string{"resolveAlert"}
	}
	return []string{}
}
