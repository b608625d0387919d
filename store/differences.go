package store

import (
	"context"
	"fmt"

	"portico/trade"
)

type reconciliationRow struct {
	trade.Reconciliation
	TotalsJSON, SourceTotalsJSON         jsonOf[[]trade.Money]
	QuantitiesJSON, SourceQuantitiesJSON jsonOf[[]trade.Quantity]
}

func (r *reconciliationRow) trade() *trade.Reconciliation {
	c := &r.Reconciliation
	c.Totals, c.SourceTotals, c.Quantities, c.SourceQuantities = r.TotalsJSON.value, r.SourceTotalsJSON.value, r.QuantitiesJSON.value, r.SourceQuantitiesJSON.value
	return c
}

var reconciliations = read(relation[trade.Reconciliation]{
	kind: "Reconciliation", from: "reconciliations c", visible: func(s trade.Scope, a *args) string { return operatorOnly(s, a) + " AND c.at IS NOT NULL" },
	columns: []columns{always(`c.id, c.capability, c.subject, c.held AS held_from, c.instance, c.at, c.count, c.source_count, c.totals AS totals_json, c.source_totals AS source_totals_json,
		c.quantities AS quantities_json, c.source_quantities AS source_quantities_json`)},
}, (*reconciliationRow).trade)

// Reconciliations reads reconciliations by id.
func (s *Store) Reconciliations(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Reconciliation, error) {
	return reconciliations.by(ctx, s, scope, "c.id", "", ids)
}

// ReconciliationList is the latest comparison per kind of record and source.
func ReconciliationList(scope trade.Scope) *List[trade.Reconciliation] {
	return &List[trade.Reconciliation]{
		relation: reconciliations, name: "reconciliations", scope: scope, order: []sortKey{ascending("c.capability", "text"), ascending("c.subject", "text"), ascending("c.held", "text"), ascending("c.instance", "text")},
	}
}

var differences = read(relation[trade.RecordDifference]{
	kind: "RecordDifference", from: "differences d JOIN reconciliations c ON c.subject = d.subject AND c.held = d.held AND c.instance = d.instance", visible: operatorOnly,
	columns: []columns{always(`d.key, nullif(d.field, '') AS field, d.value, d.source_value`)},
}, same[trade.RecordDifference])

// DifferenceList is the differences found below reconciliations, by their ids,
// newest first.
func DifferenceList(scope trade.Scope) *List[trade.RecordDifference] {
	return &List[trade.RecordDifference]{relation: differences, name: "differences", scope: scope, parent: "c.id", order: newest}
}

// master are the subjects whose records are master data: others are documents,
// which one system writes.
const master = "('warehouses', 'categories', 'suppliers', 'accounts', 'credit', 'items', 'contracts', 'inventory')"

var conflicts = read(relation[trade.MasterDataConflict]{
	kind: "MasterDataConflict", from: "differences d", visible: func(s trade.Scope, a *args) string {
		return operatorOnly(s, a) + " AND d.held <> d.instance AND d.subject IN " + master
	},
	columns: []columns{always(`d.id, d.capability, d.subject AS kind, d.key, coalesce(nullif(d.field, ''), 'record') AS field, d.held AS held_from, d.value AS held_value,
		d.instance, d.source_value, d.since, d.at, d.decided AS decided_value, coalesce(d.decided_by, '') AS decider_id, d.decided_at,
		CASE d.subject WHEN 'items' THEN (SELECT i.id FROM items i WHERE i.sku = d.key) WHEN 'inventory' THEN (SELECT i.id FROM items i WHERE i.sku = split_part(d.key, ' ', 1))
			WHEN 'accounts' THEN (SELECT a.id FROM accounts a WHERE a.number = d.key) WHEN 'credit' THEN (SELECT a.id FROM accounts a WHERE a.number = d.key)
			WHEN 'suppliers' THEN (SELECT p.id FROM trading_partners p WHERE p.code = d.key) WHEN 'warehouses' THEN (SELECT w.id FROM warehouses w WHERE w.code = d.key)
			WHEN 'categories' THEN (SELECT k.id FROM categories k WHERE k.code = d.key) WHEN 'contracts' THEN (SELECT k.id FROM contracts k WHERE k.number = d.key) END AS subject`)},
}, same[trade.MasterDataConflict])

// Conflicts reads master data conflicts by id.
func (s *Store) Conflicts(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.MasterDataConflict, error) {
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
func ConflictList(scope trade.Scope, f ConflictFilter) *List[trade.MasterDataConflict] {
	l := &List[trade.MasterDataConflict]{relation: conflicts, name: "conflicts", scope: scope, order: newest}
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
func (s *Store) LockConflict(ctx context.Context, tx *Tx, scope trade.Scope, id string) (*trade.MasterDataConflict, error) {
	var a args
	query := `SELECT ` + conflicts.columns[0].list + ` FROM ` + conflicts.from + ` WHERE d.id = ` + a.add(storable(id)) + ` AND ` + conflicts.visible(scope, &a) + ` FOR UPDATE OF d`
	var rows []trade.MasterDataConflict
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

// newest is the order of differences.
var newest = []sortKey{descending("d.since", "timestamptz"), ascending("d.id", "text")}
