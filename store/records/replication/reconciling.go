package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade/operating"
)

// Comparison names what is compared: records of a subject as they are held from
// one source, with what a source says, which may be the same one.
type Comparison struct {
	Capability operating.Capability
	Subject    string
	Held       string
	Instance   string
}

// stands tells that both systems say what they said when a steward decided, or what was decided.
const stands = `(excluded.value IS NOT DISTINCT FROM t.value OR excluded.value = t.decided)
	AND (excluded.source_value IS NOT DISTINCT FROM t.source_value OR excluded.source_value = t.decided)`

// FileDifferences files what a comparison found: of the records with these keys,
// found are all differences.
func FileDifferences(ctx context.Context, tx *store.Tx, c Comparison, keys []string, found []operating.Difference) error {
	if found == nil {
		found = []operating.Difference{}
	}
	documents, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("differences: %w", err)
	}
	const solved = `
		DELETE FROM differences d WHERE subject = $1 AND held = $2 AND instance = $3 AND key = ANY($4)
			AND NOT EXISTS (SELECT FROM jsonb_array_elements($5::jsonb) r(j) WHERE j ->> 'Key' = d.key AND j ->> 'Field' = d.field)`
	if _, err := tx.Exec(ctx, solved, c.Subject, c.Held, c.Instance, pq.Array(keys), string(documents)); err != nil {
		return fmt.Errorf("differences: %w", err)
	}
	if len(found) == 0 {
		return nil
	}
	const file = `
		INSERT INTO differences AS t (capability, subject, held, instance, key, field, value, source_value)
		SELECT $1, $2, $3, $4, j ->> 'Key', j ->> 'Field', j ->> 'Value', j ->> 'SourceValue' FROM jsonb_array_elements($5::jsonb) r(j)
		ON CONFLICT (subject, held, instance, key, field) DO UPDATE SET value = excluded.value, source_value = excluded.source_value, at = now(),
			since = CASE WHEN (t.value, t.source_value) IS DISTINCT FROM (excluded.value, excluded.source_value) THEN now() ELSE t.since END,
			decided = CASE WHEN ` + stands + ` THEN t.decided END, decided_by = CASE WHEN ` + stands + ` THEN t.decided_by END,
			decided_at = CASE WHEN ` + stands + ` THEN t.decided_at END, operation_id = CASE WHEN ` + stands + ` THEN t.operation_id END`
	if _, err := tx.Exec(ctx, file, c.Capability, c.Subject, c.Held, c.Instance, string(documents)); err != nil {
		return fmt.Errorf("differences: %w", err)
	}
	return nil
}

// claimed is for how long a comparison is one process's, from its last page.
const claimed = "30 seconds"

// ClaimComparison takes a comparison on, unless another process is at it or the
// last one ended less than every ago. It goes on where the last one that was cut
// short had come to, with the sums it had then; after is empty at the beginning, and
// now is then the database's time.
func ClaimComparison(ctx context.Context, s *store.Store, c Comparison, every time.Duration) (after string, sums []byte, now time.Time,
	ok bool, err error,
) {
	var rows []struct {
		After string
		Sums  []byte
		Began time.Time
	}
	err = s.InTx(ctx, func(tx *store.Tx) error {
		const begin = `INSERT INTO reconciliations (capability, subject, held, instance) VALUES ($1, $2, $3, $4)
			ON CONFLICT (subject, held, instance) DO NOTHING`
		if _, err := tx.Exec(ctx, begin, c.Capability, c.Subject, c.Held, c.Instance); err != nil {
			return err
		}
		const claim = `
			UPDATE reconciliations SET claimed_until = now() + interval '` + claimed + `'
			WHERE subject = $1 AND held = $2 AND instance = $3 AND claimed_until < now() AND (at IS NULL OR at < now() - $4 * interval '1 second')
			RETURNING after, sums, now() AS began`
		return tx.Select(ctx, &rows, claim, c.Subject, c.Held, c.Instance, every.Seconds())
	})
	if err != nil || len(rows) == 0 {
		return "", nil, now, false, err
	}
	return rows[0].After, rows[0].Sums, rows[0].Began, true, nil
}

// SaveComparison records how far a comparison came.
func SaveComparison(ctx context.Context, tx *store.Tx, c Comparison, after string, sums []byte) error {
	const query = `
		UPDATE reconciliations SET after = $4, sums = $5, claimed_until = now() + interval '` + claimed +
		`' WHERE subject = $1 AND held = $2 AND instance = $3`
	if _, err := tx.Exec(ctx, query, c.Subject, c.Held, c.Instance, after, string(sums)); err != nil {
		return fmt.Errorf("reconciliations: %w", err)
	}
	return nil
}

// EndComparison records what a comparison that began at a moment found in all.
// Differences that it did not find again are removed; how many are left is told, and in how many records.
func EndComparison(ctx context.Context, tx *store.Tx, c Comparison, began time.Time, r operating.Reconciliation) (left, records int,
	err error,
) {
	const solved = `DELETE FROM differences WHERE subject = $1 AND held = $2 AND instance = $3 AND at < $4`
	if _, err := tx.Exec(ctx, solved, c.Subject, c.Held, c.Instance, began); err != nil {
		return 0, 0, fmt.Errorf("differences: %w", err)
	}
	args := []any{c.Subject, c.Held, c.Instance, r.Count, r.SourceCount}
	for _, sums := range []any{r.Totals, r.SourceTotals, r.Quantities, r.SourceQuantities} {
		text, err := json.Marshal(sums)
		if err != nil {
			return 0, 0, fmt.Errorf("reconciliations: %w", err)
		}
		args = append(args, string(text))
	}
	const end = `
		UPDATE reconciliations SET at = now(), after = '', sums = '{}', claimed_until = now(), count = $4, source_count = $5,
			totals = coalesce(nullif($6::jsonb, 'null'), '[]'), source_totals = coalesce(nullif($7::jsonb, 'null'), '[]'),
			quantities = coalesce(nullif($8::jsonb, 'null'), '[]'), source_quantities = coalesce(nullif($9::jsonb, 'null'), '[]')
		WHERE subject = $1 AND held = $2 AND instance = $3`
	if _, err := tx.Exec(ctx, end, args...); err != nil {
		return 0, 0, fmt.Errorf("reconciliations: %w", err)
	}
	var found struct{ Fields, Records int }
	if err := tx.Get(ctx, &found,
		`SELECT count(*) AS fields, count(DISTINCT key) AS records FROM differences WHERE subject = $1 AND held = $2 AND instance = $3`,
		c.Subject, c.Held, c.Instance); err != nil {
		return 0, 0, fmt.Errorf("differences: %w", err)
	}
	return found.Fields, found.Records, nil
}
