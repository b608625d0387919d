package replica

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"portico/process"
	"portico/sources"
	"portico/store/records/replication"
	"portico/trade"
)

// HasStream tells whether it is the stream of a kind of record of a source that is copied.
func (r *Copy) HasStream(stream string) bool {
	instance, name, _ := strings.Cut(stream, "/")
	return replication.Holds(name) && slices.Contains(r.sources.Copies(sources.Subject(name)), instance)
}

// ReplayPage reads records again that a source reported in a span of time, or that were rejected in it, in the order of their references.
func (r *Copy) ReplayPage(ctx context.Context, q process.Replay, after string) (found trade.OperationProgress, next string, err error) {
	instance, name, _ := strings.Cut(q.Stream, "/")
	refs, err := replication.ReportedBetween(ctx, r.store, name, instance, q.From, q.To, q.Subject, after, loadPage)
	if err != nil || len(refs) == 0 {
		return found, "", err
	}
	if err := r.replaySome(ctx, sources.Subject(name), instance, refs, q.DryRun, &found); err != nil || len(refs) < loadPage {
		return found, "", err
	}
	return found, refs[len(refs)-1], nil
}

// replaySome reads some records again, counts those that are otherwise than held, and
// saves them, unless it is to count only.
func (r *Copy) replaySome(ctx context.Context, s sources.Subject, instance string, refs []string, dry bool,
	found *trade.OperationProgress,
) error {
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
