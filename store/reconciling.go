package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/trade"
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
const stands = `(excluded.value IS NOT DISTINCT FROM t.value OR excluded.value = t.decided) AND (excluded.source_value IS NOT DISTINCT FROM t.source_value OR excluded.source_value = t.decided)`

// FileDifferences files what a comparison found: of the records with these keys,
// found are all differences.
func (s *Store) FileDifferences(ctx context.Context, tx *Tx, c Comparison, keys []string, found []operating.Difference) error {
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
	if _, err := s.Exec(ctx, tx, solved, c.Subject, c.Held, c.Instance, pq.Array(keys), string(documents)); err != nil {
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
	if _, err := s.Exec(ctx, tx, file, c.Capability, c.Subject, c.Held, c.Instance, string(documents)); err != nil {
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
func (s *Store) ClaimComparison(ctx context.Context, c Comparison, every time.Duration) (after string, sums []byte, now time.Time, ok bool, err error) {
	var rows []struct {
		After string
		Sums  []byte
		Began time.Time
	}
	err = s.InTx(ctx, func(tx *Tx) error {
		const begin = `INSERT INTO reconciliations (capability, subject, held, instance) VALUES ($1, $2, $3, $4) ON CONFLICT (subject, held, instance) DO NOTHING`
		if _, err := s.Exec(ctx, tx, begin, c.Capability, c.Subject, c.Held, c.Instance); err != nil {
			return err
		}
		const claim = `
			UPDATE reconciliations SET claimed_until = now() + interval '` + claimed + `'
			WHERE subject = $1 AND held = $2 AND instance = $3 AND claimed_until < now() AND (at IS NULL OR at < now() - $4 * interval '1 second') RETURNING after, sums, now() AS began`
		return s.sel(ctx, tx, &rows, claim, c.Subject, c.Held, c.Instance, every.Seconds())
	})
	if err != nil || len(rows) == 0 {
		return "", nil, now, false, err
	}
	return rows[0].After, rows[0].Sums, rows[0].Began, true, nil
}

// SaveComparison records how far a comparison came.
func (s *Store) SaveComparison(ctx context.Context, tx *Tx, c Comparison, after string, sums []byte) error {
	const query = `
		UPDATE reconciliations SET after = $4, sums = $5, claimed_until = now() + interval '` + claimed + `' WHERE subject = $1 AND held = $2 AND instance = $3`
	if _, err := s.Exec(ctx, tx, query, c.Subject, c.Held, c.Instance, after, string(sums)); err != nil {
		return fmt.Errorf("reconciliations: %w", err)
	}
	return nil
}

// EndComparison records what a comparison that began at a moment found in all.
// Differences that it did not find again are removed; how many are left is told, and in how many records.
func (s *Store) EndComparison(ctx context.Context, tx *Tx, c Comparison, began time.Time, r operating.Reconciliation) (left, records int, err error) {
	const solved = `DELETE FROM differences WHERE subject = $1 AND held = $2 AND instance = $3 AND at < $4`
	if _, err := s.Exec(ctx, tx, solved, c.Subject, c.Held, c.Instance, began); err != nil {
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
	if _, err := s.Exec(ctx, tx, end, args...); err != nil {
		return 0, 0, fmt.Errorf("reconciliations: %w", err)
	}
	var found struct{ Fields, Records int }
	if err := s.get(ctx, tx, &found, `SELECT count(*) AS fields, count(DISTINCT key) AS records FROM differences WHERE subject = $1 AND held = $2 AND instance = $3`, c.Subject, c.Held, c.Instance); err != nil {
		return 0, 0, fmt.Errorf("differences: %w", err)
	}
	return found.Fields, found.Records, nil
}

type reconciliationRow struct {
	operating.Reconciliation
	TotalsJSON, SourceTotalsJSON         jsonOf[[]trade.Money]
	QuantitiesJSON, SourceQuantitiesJSON jsonOf[[]trade.Quantity]
}

func (r *reconciliationRow) trade() *operating.Reconciliation {
	c := &r.Reconciliation
	c.Totals, c.SourceTotals, c.Quantities, c.SourceQuantities = r.TotalsJSON.value, r.SourceTotalsJSON.value, r.QuantitiesJSON.value, r.SourceQuantitiesJSON.value
	return c
}

var reconciliations = read(relation[operating.Reconciliation]{
	kind: "Reconciliation", from: "reconciliations c", visible: func(s trade.Scope, a *args) string { return operatorOnly(s, a) + " AND c.at IS NOT NULL" },
	columns: []columns{always(`c.id, c.capability, c.subject, c.held AS held_from, c.instance, c.at, c.count, c.source_count, c.totals AS totals_json, c.source_totals AS source_totals_json,
		c.quantities AS quantities_json, c.source_quantities AS source_quantities_json`)},
}, (*reconciliationRow).trade)

// Reconciliations reads reconciliations by id.
func (s *Store) Reconciliations(ctx context.Context, scope trade.Scope, ids []string) (map[string]*operating.Reconciliation, error) {
	return reconciliations.by(ctx, s, scope, "c.id", "", ids)
}

// ReconciliationList is the latest comparison per kind of record and source.
func ReconciliationList(scope trade.Scope) *List[operating.Reconciliation] {
	return &List[operating.Reconciliation]{
		relation: reconciliations, name: "reconciliations", scope: scope, order: []sortKey{{"c.capability", "text", false}, {"c.subject", "text", false}, {"c.held", "text", false}, {"c.instance", "text", false}},
	}
}

var differences = read(relation[operating.RecordDifference]{
	kind: "RecordDifference", from: "differences d JOIN reconciliations c ON c.subject = d.subject AND c.held = d.held AND c.instance = d.instance", visible: operatorOnly,
	columns: []columns{always(`d.key, nullif(d.field, '') AS field, d.value, d.source_value`)},
}, same[operating.RecordDifference])

// DifferenceList is the differences found below reconciliations, by their ids,
// newest first.
func DifferenceList(scope trade.Scope) *List[operating.RecordDifference] {
	return &List[operating.RecordDifference]{relation: differences, name: "differences", scope: scope, parent: "c.id", order: newest}
}

// master are the subjects whose records are master data: others are documents,
// which one system writes.
const master = "('warehouses', 'categories', 'suppliers', 'accounts', 'credit', 'items', 'contracts', 'inventory')"

var conflicts = read(relation[operating.MasterDataConflict]{
	kind: "MasterDataConflict", from: "differences d", visible: func(s trade.Scope, a *args) string {
		return operatorOnly(s, a) + " AND d.held <> d.instance AND d.subject IN " + master
	},
	columns: []columns{always(`d.id, d.capability, d.subject AS kind, d.key, coalesce(nullif(d.field, ''), 'record') AS field, d.held AS held_from, d.value AS held_value,
		d.instance, d.source_value, d.since, d.at, d.decided AS decided_value, coalesce(d.decided_by, '') AS decider_id, d.decided_at,
		CASE d.subject WHEN 'items' THEN (SELECT i.id FROM items i WHERE i.sku = d.key) WHEN 'inventory' THEN (SELECT i.id FROM items i WHERE i.sku = split_part(d.key, ' ', 1))
			WHEN 'accounts' THEN (SELECT a.id FROM accounts a WHERE a.number = d.key) WHEN 'credit' THEN (SELECT a.id FROM accounts a WHERE a.number = d.key)
			WHEN 'suppliers' THEN (SELECT p.id FROM trading_partners p WHERE p.code = d.key) WHEN 'warehouses' THEN (SELECT w.id FROM warehouses w WHERE w.code = d.key)
			WHEN 'categories' THEN (SELECT k.id FROM categories k WHERE k.code = d.key) WHEN 'contracts' THEN (SELECT k.id FROM contracts k WHERE k.number = d.key) END AS subject`)},
}, same[operating.MasterDataConflict])

// Conflicts reads master data conflicts by id.
func (s *Store) Conflicts(ctx context.Context, scope trade.Scope, ids []string) (map[string]*operating.MasterDataConflict, error) {
	return conflicts.by(ctx, s, scope, "d.id", "", ids)
}

// ConflictFilter narrows a list of conflicts; nil wants all. Decided are the kinds of record
// whose conflicts are decided by policy.
type ConflictFilter struct {
	Kinds   []string
	Open    *bool
	Decided []string
}

// ConflictList is the fields on which systems contradict each other, newest first.
func ConflictList(scope trade.Scope, f ConflictFilter) *List[operating.MasterDataConflict] {
	l := &List[operating.MasterDataConflict]{relation: conflicts, name: "conflicts", scope: scope, order: newest}
	if f.Kinds != nil {
		l.and("d.subject = ANY(" + l.args.set(f.Kinds) + ")")
	}
	if f.Open != nil {
		decided := "(d.decided IS NOT NULL OR d.subject = ANY(" + l.args.set(f.Decided) + "))"
		if *f.Open {
			decided = "NOT " + decided
		}
		l.and(decided)
	}
	return l
}

// LockConflict reads a conflict as it is now, within a scope, and holds it until the
// transaction ends; nil where there is none.
func (s *Store) LockConflict(ctx context.Context, tx *Tx, scope trade.Scope, id string) (*operating.MasterDataConflict, error) {
	var a args
	query := `SELECT ` + conflicts.columns[0].list + ` FROM ` + conflicts.from + ` WHERE d.id = ` + a.add(storable(id)) + ` AND ` + conflicts.visible(scope, &a) + ` FOR UPDATE OF d`
	var rows []operating.MasterDataConflict
	if err := s.sel(ctx, tx, &rows, query, a.list...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// DecideConflict keeps what somebody decided about a conflict, and the operation that
// writes it. The conflict must be locked.
func (s *Store) DecideConflict(ctx context.Context, tx *Tx, id, value, by, operation string) error {
	const query = `UPDATE differences SET decided = $2, decided_by = $3, decided_at = clock_timestamp(), operation_id = $4 WHERE id = $1`
	if _, err := s.Exec(ctx, tx, query, id, value, by, operation); err != nil {
		return fmt.Errorf("conflict: %w", err)
	}
	return nil
}

// ReopenConflict forgets what was decided about a conflict, because its operation could not
// write it.
func (s *Store) ReopenConflict(ctx context.Context, tx *Tx, operation string) error {
	const query = `UPDATE differences SET decided = NULL, decided_by = NULL, decided_at = NULL, operation_id = NULL WHERE operation_id = $1`
	if _, err := s.Exec(ctx, tx, query, operation); err != nil {
		return fmt.Errorf("conflict: %w", err)
	}
	return nil
}

// EndConflict takes a conflict off the list once its operation has written the decision to
// both systems; where only its owner has taken it, the conflict stays, decided.
func (s *Store) EndConflict(ctx context.Context, tx *Tx, operation string, both bool) error {
	query := `UPDATE differences SET value = decided WHERE operation_id = $1`
	if both {
		query = `DELETE FROM differences WHERE operation_id = $1`
	}
	if _, err := s.Exec(ctx, tx, query, operation); err != nil {
		return fmt.Errorf("conflict: %w", err)
	}
	return nil
}
