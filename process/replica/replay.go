package replica

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/process"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records/replication"
	"portico/trade"
)

// Replay reads records again that a source told in a span of time, or that were set aside
// in it, as the mappings of today read them, and applies them, unless it is to count
// only. Applied twice they are as once: an older version never replaces a newer one.
func (r *Copy) Replay(ctx context.Context, by process.Submitter, key string, q process.Replay) (*process.Acted,
	*process.Replayed, error,
) {
	if errs := process.RequireText(q.Reason, process.SayWhy, "reason"); errs != nil {
		return &process.Acted{Errors: errs}, nil, nil
	}
	found := &process.Replayed{}
	done, err := process.Once(ctx, r.store, by, "replay", key, q,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			instance, name, _ := strings.Cut(q.Stream, "/")
			s := sources.Subject(name)
			if !replication.Holds(name) || !slices.Contains(r.sources.Copies(s), instance) {
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound,
					"There is no such stream: it is a source instance and a subject, such as "+r.sources.Serving(sources.OfOrders, "")+"/orders.",
					"stream")}, nil
			}
			refs, err := replication.ReportedBetween(ctx, r.store, name, instance, q.From, q.To, q.Subject, process.MostReplayed+1)
			if err != nil {
				return spent, nil, err
			}
			if len(refs) > process.MostReplayed {
				return spent, []trade.UserError{process.Invalid(trade.CodeMaximum,
					fmt.Sprintf("There is more than %d of it: name a shorter time.", process.MostReplayed), "from")}, nil
			}
			for some := range slices.Chunk(refs, loadPage) {
				if err := r.replaySome(ctx, s, instance, some, q.DryRun, found); err != nil {
					return spent, nil, err
				}
			}
			spent, err = q.Spend(ctx, tx, by, found)
			return spent, nil, err
		})
	if sources.KindOf(err) == sources.Unavailable || sources.KindOf(err) == sources.Throttled {
		after := max(sources.RetryAfter(err), time.Second)
		return &process.Acted{Errors: []trade.UserError{&trade.SourceUnavailable{
			Refusal: trade.Refusal{
				Code: trade.CodeUnavailable, Message: "The source does not answer: its records cannot be reread now.",
				Path: []string{"input", "stream"},
			}, System: trade.ERP, RetryAfter: &after,
		}}}, nil, nil
	}
	if err == nil && len(done.Errors) == 0 {
		err = json.Unmarshal(done.Answer, found)
	}
	return done, found, err
}

// replaySome reads some records again, counts those that are otherwise than held, and
// saves them, unless it is to count only.
func (r *Copy) replaySome(ctx context.Context, s sources.Subject, instance string, refs []string, dry bool, found *process.Replayed) error {
	b, err := r.read(ctx, s, instance, sources.Query{Refs: refs})
	if err != nil {
		return err
	}
	reported, err := keyed(b)
	if err != nil {
		return err
	}
	held, err := replication.HeldOf(ctx, r.store, string(s), instance, refs)
	if err != nil {
		return err
	}
	found.Found += b.rows
	for _, h := range held {
		ours, err := says(h.Says)
		if err != nil {
			return fmt.Errorf("%s %s: %w", s, h.Key, err)
		}
		t, there := reported[h.Key]
		if delete(reported, h.Key); there && t.sequence >= h.Sequence && len(differences(h.Key, flat(ours), flat(t.says), true)) > 0 {
			found.Changes++
		}
	}
	found.Changes += len(reported) // which are not held at all
	if dry {
		return nil
	}
	return r.rereadRecords(ctx, s, instance, refs)
}
