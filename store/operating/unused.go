package operating

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

// unusedFor is how long a field is listed after a record had it last.
const unusedFor = 30 * 24 * time.Hour

// NoteUnused notes fields of a source's records of a kind that are used for nothing, by path, each with the reference of a record that
// has it. Those of the source that no record has had for 30 days are removed.
func NoteUnused(ctx context.Context, st *store.Store, instance, subject string, fields map[string]string, at time.Time) error {
	storable := make(map[string]string, len(fields))
	for path, ref := range fields { // a source may name a field with what no text may have
		storable[store.Storable(path)] = store.Storable(ref)
	}
	document, err := json.Marshal(storable)
	if err != nil {
		return fmt.Errorf("unused fields: %w", err)
	}
	return st.InTx(ctx, func(tx *store.Tx) error {
		const note = `
			INSERT INTO unused_fields (instance, subject, path, source_ref, first_seen_at, last_seen_at)
			SELECT $1, $2, f.key, f.value, $4, $4 FROM jsonb_each_text($3::jsonb) f ORDER BY f.key
			ON CONFLICT (instance, subject, path) DO UPDATE SET source_ref = excluded.source_ref,
				last_seen_at = greatest(unused_fields.last_seen_at, excluded.last_seen_at)`
		if _, err := tx.Exec(ctx, note, instance, subject, string(document), at); err != nil {
			return fmt.Errorf("unused fields of %s: %w", instance, err)
		}
		const forget = `DELETE FROM unused_fields WHERE instance = $1 AND last_seen_at < $2`
		if _, err := tx.Exec(ctx, forget, instance, at.Add(-unusedFor)); err != nil {
			return fmt.Errorf("unused fields of %s: %w", instance, err)
		}
		return nil
	})
}

var unusedFields = store.Read(store.Relation[operating.UnusedField]{
	Kind: "UnusedField", From: "unused_fields u", Visible: store.OperatorOnly,
	Columns: []store.Columns{store.Always(`u.instance, u.subject AS kind, u.path, u.source_ref, u.first_seen_at, u.last_seen_at`)},
}, store.Identity[operating.UnusedField])

// UnusedFieldList is the fields below sources that are used for nothing, by kind and path.
func UnusedFieldList(scope trade.Scope) *store.List[operating.UnusedField] {
	return &store.List[operating.UnusedField]{
		Relation: unusedFields, Name: "unused fields", Scope: scope, Parent: "u.instance",
		Order: []store.SortKey{store.Ascending("u.subject", "text"), store.Ascending("u.path", "text")},
	}
}
