package purchasing

import (
	"context"

	"github.com/quagmt/udecimal"

	"portico/process"
	"portico/process/durable"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/operating"
)

// SaveTolerance makes a tolerance profile, or changes the one with the id of t, whose
// version was seen.
func (p *Flows) SaveTolerance(ctx context.Context, by process.Submitter, key string,
	t trade.ToleranceProfile,
) (*process.Acted, error) {
	if errs := checkTolerance(&t); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	return process.Once(ctx, p.desk.Store, by, "saveToleranceProfile", key, t,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			before := map[string]any{"version": t.Version}
			if t.ID == "" {
				t.ID, before = durable.NewID("tol_"), nil
			}
			saved, current, err := records.SaveTolerance(ctx, tx, &t)
			switch {
			case err != nil:
				return spent, nil, err
			case !saved && current != "":
				return spent, []trade.UserError{&trade.VersionConflict{
					Refusal: trade.Refusal{
						Code: trade.CodeVersionConflict, Message: "The profile has changed since it was read: look at it again.",
						Path: []string{"input", "expectedVersion"},
					}, CurrentVersion: current, ChangedFields: []string{},
				}}, nil
			case !saved:
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such profile, or another has its name.", "name")},
					nil
			}
			return ledger.SpentKey{Subject: t.ID}, nil, ledger.Audit(ctx, tx, operating.AuditRecord{
				Actor: by.Principal, Action: "tolerance.save", Subject: t.ID, CorrelationID: by.CorrelationID, Before: before,
				After: map[string]any{"profile": t},
			})
		})
}

// mostPercent and mostDays are more than any tolerance.
var mostPercent = udecimal.MustFromInt64(10_000, 0)

const mostDays = 366

func checkTolerance(t *trade.ToleranceProfile) (errs []trade.UserError) {
	errs = process.RequireText(t.Name, "The name is missing.", "name")
	if (t.ID == "") != (t.Version == "") {
		errs = append(errs, process.Invalid(trade.CodeInvalidInput,
			"To change a profile give its id and the version that was seen; a new one has neither.", "expectedVersion"))
	}
	for _, p := range []struct {
		v    *udecimal.Decimal
		name string
	}{{t.OverQuantityPercent, "overQuantityPercent"}, {t.UnderQuantityPercent, "underQuantityPercent"}, {t.PricePercent, "pricePercent"}} {
		if p.v != nil && (p.v.IsNeg() || p.v.GreaterThan(mostPercent) || !p.v.RoundBank(4).Equal(*p.v)) {
			errs = append(errs, process.Invalid(trade.CodeInvalidInput, "Percents are 0 to 10000, with at most 4 decimals.", p.name))
		}
	}
	for _, d := range []struct {
		v    *int
		name string
	}{{t.EarlyDays, "earlyDays"}, {t.LateDays, "lateDays"}} {
		if d.v != nil && (*d.v < 0 || *d.v > mostDays) {
			errs = append(errs, process.Invalid(trade.CodeInvalidInput, "Days are 0 to 366.", d.name))
		}
	}
	return errs
}
