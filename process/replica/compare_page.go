package replica

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"portico/sources"
	"portico/store"
	"portico/store/records/replication"
	"portico/trade/operating"
)

// comparePage compares records that are held with what the source says of them.
// What is older here than in its own source is not a difference but news: it is
// read again, and so is what differs.
func (r *Copy) comparePage(ctx context.Context, s sources.Subject, c replication.Comparison, now *run, held []replication.Held,
	next string,
) error {
	var refs, keys, reread []string
	for _, h := range held {
		refs = append(refs, h.Ref)
	}
	slices.Sort(refs)
	answer, theirs, err := r.ask(ctx, s, c, slices.Compact(refs))
	if err != nil {
		return err
	}
	own := c.Held == c.Instance
	var found []operating.Difference
	for _, h := range held {
		ours, err := says(h.Says)
		if err != nil {
			return fmt.Errorf("%s %s: %w", c.Subject, h.Key, err)
		}
		now.Held.add(s, ours)
		keys = append(keys, h.Key)
		t, there := theirs[h.Key]
		switch {
		case !there && slices.Contains(answer.unread, h.Ref):
			if own { // to be rejected by name, and marked
				reread = append(reread, h.Ref)
			}
		case !there:
			found = append(found, operating.Difference{Key: h.Key, Value: &isThere})
			now.miss(h.Key, h.Ref)
		default:
			now.Reported.add(s, t.says)
			different := differences(h.Key, flat(ours), flat(t.says), own)
			switch {
			case !own || t.sequence == h.Sequence:
				found = append(found, different...)
			case t.sequence > h.Sequence && len(different) > 0:
				now.Corrected++
			}
			if own && t.sequence >= h.Sequence && len(different) > 0 {
				reread = append(reread, h.Ref)
			}
		}
	}
	if len(reread) > 0 {
		if err := r.rereadRecords(ctx, s, c.Instance, reread); err != nil {
			return err
		}
	}
	sums, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("comparison: %w", err)
	}
	return r.store.InTx(ctx, func(tx *store.Tx) error {
		if err := replication.FileDifferences(ctx, tx, c, keys, found); err != nil {
			return err
		}
		if own && s == sources.OfOrders { // what an earlier release derived of their packages, or did not
			if err := replication.DeriveDeliveredOf(ctx, tx, keys); err != nil {
				return err
			}
		}
		return replication.SaveComparison(ctx, tx, c, next, sums)
	})
}

// isThere is the value of a record that is missing on the other side.
var isThere = "there"

// ask reads what a source says under references, by natural key.
func (r *Copy) ask(ctx context.Context, s sources.Subject, c replication.Comparison, refs []string) (batch,
	map[string]reportedRecord, error,
) {
	if len(refs) == 0 {
		return batch{}, nil, nil
	}
	answer, err := r.read(ctx, s, c.Instance, sources.Query{Refs: refs})
	if err != nil {
		return answer, nil, err
	}
	byKey, err := keyed(answer)
	return answer, byKey, err
}

func keyed(b batch) (map[string]reportedRecord, error) {
	all, err := b.reported()
	byKey := make(map[string]reportedRecord, len(all))
	for _, t := range all {
		byKey[t.key] = t
	}
	return byKey, err
}

// rereadRecords reads records and saves them.
func (r *Copy) rereadRecords(ctx context.Context, s sources.Subject, source string, refs []string) error {
	b, err := r.read(ctx, s, source, sources.Query{Refs: refs})
	if err != nil {
		return err
	}
	unknown, err := b.save(ctx, r.store, nothing)
	if err != nil || len(unknown) == 0 {
		return err
	}
	return r.store.InTx(ctx, func(tx *store.Tx) error { return replication.RejectRecords(ctx, tx, unknown) })
}
