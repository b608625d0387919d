package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/store"
	"portico/store/ledger"
	"portico/trade"
)

// replayWork is how far a replay is. Its fields are stored: they are added to, and never renamed. After is the place of the page that was
// replayed last.
type replayWork struct {
	Stream  string     `json:"Stream"`
	From    *time.Time `json:"From"`
	To      *time.Time `json:"To"`
	Subject string     `json:"Subject"`
	DryRun  bool       `json:"DryRun"`
	After   string     `json:"After"`
	Found   int        `json:"Found"`
	Changes int        `json:"Changes"`
}

// Replay has what a stream reported read again, as the mappings of today read it, by an operation that goes on page by page, however
// much it is. Where no end is named it ends with what was reported until now.
func (o *Operators) Replay(ctx context.Context, by process.Submitter, key string, q process.Replay, wait time.Duration,
) (*process.Acted, error) {
	if errs := process.RequireText(q.Reason, process.SayWhy, "reason"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	if q.From != nil && q.To != nil && !q.From.Before(*q.To) {
		return &process.Acted{Errors: []trade.UserError{process.Invalid(trade.CodeInvalidInput, "It ends before it begins.", "to")}}, nil
	}
	source, _, _ := strings.Cut(q.Stream, "/")
	done, err := process.Once(ctx, o.desk.Store, by, "replay", key, q,
		func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			if o.replayerOf(q.Stream) == nil {
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such stream: it is a source instance and a subject, "+
					"such as erp/orders, or carrier/deliveries for what a source pushed.", "stream")}, nil
			}
			until := q.To
			if until == nil {
				now, err := o.desk.Store.Now(ctx)
				if err != nil {
					return spent, nil, err
				}
				until = &now
			}
			n := ledger.NewOperation{
				Lane: "replay " + q.Stream, Fingerprint: print,
				After: map[string]any{"stream": q.Stream, "from": q.From, "to": q.To, "subject": q.Subject, "dryRun": q.DryRun, "reason": q.Reason},
				Operation: trade.Operation{
					ID: durable.NewID("opr_"), CorrelationID: by.CorrelationID, Key: key, Principal: by.Principal, Source: source,
				},
			}
			work := replayWork{Stream: q.Stream, From: q.From, To: until, Subject: q.Subject, DryRun: q.DryRun}
			return ledger.SpentKey{OperationID: n.ID, Subject: q.Stream}, nil, process.Begin(ctx, o.desk, tx, o.replay(), n, work, "")
		})
	return process.Await(ctx, o.desk, source, done, err, wait)
}

// ReplayedBefore is what came of a replay whose key was spent before replays were operations; nothing of others.
func ReplayedBefore(a *process.Acted) (found trade.OperationProgress, err error) {
	if len(a.Answer) == 0 {
		return found, nil
	}
	if err := json.Unmarshal(a.Answer, &found); err != nil {
		return found, fmt.Errorf("replay: %w", err)
	}
	return found, nil
}

func (o *Operators) replayerOf(stream string) process.Replayer {
	for _, r := range o.replayers {
		if r.HasStream(stream) {
			return r
		}
	}
	return nil
}

// replay is the flow of a replay.
func (o *Operators) replay() durable.Flow[replayWork] {
	return durable.Flow[replayWork]{
		Kind: trade.Replay, Action: "replay",
		Steps: []durable.Step[replayWork]{{
			Name: "replay", What: "Reads again what the stream reported, page by page, and applies it, unless it is to be counted only.",
			Do: func(ctx context.Context, r *durable.Run[replayWork]) error {
				w := &r.Work
				replayer := o.replayerOf(w.Stream)
				if replayer == nil {
					return durable.Refuse(trade.CallerAtFault, "NOT_FOUND", "There is no stream "+w.Stream+" any more.")
				}
				found, next, err := replayer.ReplayPage(ctx,
					process.Replay{Stream: w.Stream, From: w.From, To: w.To, Subject: w.Subject, DryRun: w.DryRun}, w.After)
				if err != nil {
					return err
				}
				w.Found, w.Changes, w.After = w.Found+found.Found, w.Changes+found.Changes, next
				progress := trade.OperationProgress{Found: w.Found, Changes: w.Changes}
				r.Save(func(tx *store.Tx) error { return ledger.SaveProgress(ctx, tx, r.ID, progress) })
				if next != "" {
					return durable.ErrMore
				}
				return nil
			},
		}},
	}
}
