package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/quagmt/udecimal"

	"portico/process"
	"portico/process/durable"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/operating"
)

// longestWindow is the longest time that a measure is held to an objective over.
const longestWindow = 400 * 24 * time.Hour

// SaveObjective makes an objective, or changes the one with the id of o, whose version was seen.
func (o *Operators) SaveObjective(ctx context.Context, by process.Submitter, key string,
	n operating.Objective,
) (*process.Acted, error) {
	if errs := checkObjective(&n); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	return process.Once(ctx, o.desk.Store, by, "saveObjective", key, n,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			before := map[string]any{"version": n.Version}
			if n.ID == "" {
				n.ID, before = durable.NewID("obj_"), nil
			}
			saved, current, err := operatingstore.SaveObjective(ctx, tx, &n)
			switch {
			case err != nil:
				return spent, nil, err
			case !saved && current != "":
				return spent, []trade.UserError{&trade.VersionConflict{
					Refusal: trade.Refusal{
						Code: trade.CodeVersionConflict, Message: "The objective has changed since it was read: look at it again.",
						Path: []string{"input", "expectedVersion"},
					}, CurrentVersion: current, ChangedFields: []string{},
				}}, nil
			case !saved:
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound,
					"There is no such objective, another has its name, or there are too many.", "name")}, nil
			}
			return ledger.SpentKey{Subject: n.ID}, nil, ledger.Audit(ctx, tx, operating.AuditRecord{
				Actor: by.Principal, Action: "objective.save", Subject: n.ID, CorrelationID: by.CorrelationID, Before: before,
				After: map[string]any{"objective": n},
			})
		})
}

func checkObjective(o *operating.Objective) (errs []trade.UserError) {
	wrong := func(message string, path ...string) {
		errs = append(errs, process.Invalid(trade.CodeInvalidInput, message, path...))
	}
	errs = append(process.RequireText(o.Name, "The name is missing.", "name"),
		process.RequireText(o.Queue, "Say whose it is.", "queue")...)
	if (o.ID == "") != (o.Version == "") {
		wrong("To change an objective give its id and the version that was seen; a new one has neither.", "expectedVersion")
	}
	if o.Window < time.Minute || o.Window > longestWindow {
		wrong("The time must be from a minute to 400 days.", "window")
	}
	hundred := udecimal.MustFromInt64(100, 0)
	switch unit := o.Measure.Definition().Unit; {
	case unit == operating.PerThousand:
		wrong("Tickets are reported; no objective applies to them.", "measure")
	case unit == operating.InTime && (o.Maximum == nil || o.Percent != nil):
		wrong("This measure is a time: give the maximum of its 95th percentile, and no percentage.", "maximum")
	case unit != operating.InTime && (o.Percent == nil || o.Maximum != nil):
		wrong("This measure is a percentage: give its bound, and no maximum.", "percent")
	case o.Maximum != nil && *o.Maximum <= 0:
		wrong("The maximum must be more than nothing.", "maximum")
	case o.Percent != nil && (o.Percent.IsNeg() || o.Percent.GreaterThan(hundred) || !o.Percent.RoundBank(4).Equal(*o.Percent)):
		wrong("The percentage must be from 0 to 100, with at most 4 decimals.", "percent")
	}
	return errs
}

// TicketCount is how many tickets a help desk opened in some days.
type TicketCount struct {
	From   trade.Date `json:"From"`
	To     trade.Date `json:"To"`
	Count  int        `json:"Count"`
	Source string     `json:"Source"`
}

// RecordTickets records a count, in the place of the one of the same help desk and days.
func (o *Operators) RecordTickets(ctx context.Context, by process.Submitter, key string, n TicketCount) (*process.Acted, error) {
	errs := process.RequireText(n.Source, "Say which help desk it is from.", "source")
	if n.Count < 0 {
		errs = append(errs, process.Invalid(trade.CodeInvalidInput, "The count must not be less than nothing.", "count"))
	}
	if n.To.Before(n.From) {
		errs = append(errs, process.Invalid(trade.CodeInvalidInput, "The days end before they begin.", "period", "to"))
	}
	if errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	return process.Once(ctx, o.desk.Store, by, "recordSupportTickets", key, n,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			subject := fmt.Sprintf("%s/%s/%s", n.Source, n.From, n.To)
			tally := operatingstore.Tally{
				Measure: operating.SupportTickets, Subject: subject, Key: n.Source, At: n.To.Time(), Cases: 1,
				Hits: int64(n.Count),
			}
			if err := operatingstore.KeepTallies(ctx, tx, []operatingstore.Tally{tally}); err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: subject}, nil, ledger.Audit(ctx, tx, operating.AuditRecord{
				Actor: by.Principal, Action: "tickets.record", Subject: subject, CorrelationID: by.CorrelationID,
				After: map[string]any{"count": n.Count},
			})
		})
}
