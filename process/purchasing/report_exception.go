package purchasing

import (
	"context"

	"portico/process"
	"portico/process/durable"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/operating"
)

// Report is an exception that one side reports to the other. Nothing in it is trusted.
type Report struct {
	Subject  string          `json:"Subject"`
	Severity trade.Severity  `json:"Severity"`
	Message  string          `json:"Message"`
	AtRisk   *trade.Quantity `json:"AtRisk"`
}

// ReportException tells the other side of something about a purchase order, a line of
// one or a ship notice: a supplier the buyers, and an operator the supplier. It is no
// [Document]: either side reports, nothing of it is signed, and a partner may report before it is let in.
func (p *Flows) ReportException(ctx context.Context, scope trade.Scope, by process.Submitter, key string,
	r Report,
) (*process.Acted, error) {
	if errs := process.RequireText(r.Message, "Say what is wrong.", "message"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	if r.AtRisk != nil && !r.AtRisk.Value.IsPos() {
		return &process.Acted{Errors: []trade.UserError{process.Invalid(trade.CodeInvalidInput,
			"The quantity must be more than nothing.", "atRisk")}}, nil
	}
	return process.Once(ctx, p.desk.Store, by, "reportException", key, r,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			supplier, called, err := operatingstore.SupplierOf(ctx, tx, scope, r.Subject)
			if err != nil {
				return spent, nil, err
			}
			if supplier == "" {
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such purchase order, line or despatch advice.",
					"subject")}, nil
			}
			side := trade.ForOperator
			if scope.Supplier() == "" {
				side = trade.ForSupplier
			}
			a := &trade.Alert{
				ID: durable.NewID("alr_"), Kind: trade.AlertReported, Severity: r.Severity, Message: called + ": " + r.Message,
				Audience: []trade.Audience{side}, Queue: trade.Queues[trade.AlertReported],
				Subject: r.Subject, SupplierID: supplier, AtRisk: r.AtRisk,
			}
			if side == trade.ForOperator { // who reports sees it, too, and whether it was taken
				a.Audience = append(a.Audience, trade.ForSupplier)
			}
			if err := operatingstore.RaiseAlerts(ctx, tx, []*trade.Alert{a}); err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: a.ID}, nil,
				ledger.Audit(ctx, tx, operating.AuditRecord{
					Actor: by.Principal, Action: "exception.report", Subject: r.Subject,
					CorrelationID: by.CorrelationID, After: map[string]any{"alert": a.ID, "severity": r.Severity},
				})
		})
}
