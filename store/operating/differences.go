package operating

import (
	"context"
	"fmt"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

type reconciliationRow struct {
	operating.Reconciliation
	TotalsJSON, SourceTotalsJSON         store.JSON[[]trade.Money]
	QuantitiesJSON, SourceQuantitiesJSON store.JSON[[]trade.Quantity]
}

func (r *reconciliationRow) trade() *operating.Reconciliation {
	c := &r.Reconciliation
	c.Totals, c.SourceTotals, c.Quantities, c.SourceQuantities = r.TotalsJSON.Value, r.SourceTotalsJSON.Value, r.QuantitiesJSON.Value,
		r.SourceQuantitiesJSON.Value
	return c
}

var reconciliations = store.Read(store.Relation[operating.Reconciliation]{
	Kind: "Reconciliation", From: "reconciliations c",
	Visible: func(s trade.Scope, a *store.Args) string { return store.OperatorOnly(s, a) + " AND c.at IS NOT NULL" },
	Columns: []store.Columns{store.Always(`c.id, c.capability, c.subject, c.held AS held_from, c.instance, c.at, c.count, c.source_count,
		c.totals AS totals_json, c.source_totals AS source_totals_json,
		c.quantities AS quantities_json, c.source_quantities AS source_quantities_json`)},
}, (*reconciliationRow).trade)

// Reconciliations reads reconciliations by id.
func Reconciliations(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*operating.Reconciliation, error) {
	return reconciliations.By(ctx, s, scope, "c.id", "", ids)
}

// ReconciliationList is the latest comparison per kind of record and source.
func ReconciliationList(scope trade.Scope) *store.List[operating.Reconciliation] {
	return &store.List[operating.Reconciliation]{
		Relation: reconciliations, Name: "reconciliations", Scope: scope,
		Order: []store.SortKey{
			store.Ascending("c.capability", "text"), store.Ascending("c.subject", "text"), store.Ascending("c.held", "text"),
			store.Ascending("c.instance", "text"),
		},
	}
}

var differences = store.Read(store.Relation[operating.RecordDifference]{
	Kind: "RecordDifference", From: "differences d JOIN reconciliations c ON c.subject = d.subject AND c.held = d.held AND c.instance = " +
		"d.instance", Visible: store.OperatorOnly,
	Columns: []store.Columns{store.Always(`d.key, nullif(d.field, '') AS field, d.value, d.source_value`)},
}, store.Identity[operating.RecordDifference])

// DifferenceList is the differences found below reconciliations, by their ids,
// newest first.
func DifferenceList(scope trade.Scope) *store.List[operating.RecordDifference] {
	return &store.List[operating.RecordDifference]{Relation: differences, Name: "differences", Scope: scope, Parent: "c.id", Order: newest}
}

// master are the subjects whose records are master data: others are documents,
// which one system writes.
const master = "('warehouses', 'categories', 'suppliers', 'accounts', 'credit', 'items', 'contracts', 'inventory')"

var conflicts = store.Read(store.Relation[operating.MasterDataConflict]{
	Kind: "MasterDataConflict", From: "differences d", Visible: func(s trade.Scope, a *store.Args) string {
		return store.OperatorOnly(s, a) + " AND d.held <> d.instance AND d.subject IN " + master
	},
	Columns: []store.Columns{store.Always(`d.id, d.capability, d.subject AS kind, d.key, coalesce(nullif(d.field, ''), 'record') AS field,
		d.held AS held_from, d.value AS held_value,
		d.instance, d.source_value, d.since, d.at, d.decided AS decided_value, coalesce(d.decided_by, '') AS decider_id, d.decided_at,
		CASE d.subject WHEN 'items' THEN (SELECT i.id FROM items i WHERE i.sku = d.key)
		WHEN 'inventory' THEN (SELECT i.id FROM items i WHERE i.sku = split_part(d.key, ' ', 1))
			WHEN 'accounts' THEN (SELECT a.id FROM accounts a WHERE a.number = d.key)
			WHEN 'credit' THEN (SELECT a.id FROM accounts a WHERE a.number = d.key)
			WHEN 'suppliers' THEN (SELECT p.id FROM trading_partners p WHERE p.code = d.key)
			WHEN 'warehouses' THEN (SELECT w.id FROM warehouses w WHERE w.code = d.key)
			WHEN 'categories' THEN (SELECT k.id FROM categories k WHERE k.code = d.key)
			WHEN 'contracts' THEN (SELECT k.id FROM contracts k WHERE k.number = d.key) END AS subject`)},
}, store.Identity[operating.MasterDataConflict])

// Conflicts reads master data conflicts by id.
func Conflicts(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*operating.MasterDataConflict, error) {
	return conflicts.By(ctx, s, scope, "d.id", "", ids)
}

// ConflictFilter narrows a list of conflicts; nil wants all. Decided are the kinds of record
// whose conflicts are decided by policy.
type ConflictFilter struct {
	Kinds   []string
	Open    *bool
	Decided []string
}

// ConflictList is the fields on which systems contradict each other, newest first.
func ConflictList(scope trade.Scope, f ConflictFilter) *store.List[operating.MasterDataConflict] {
	l := &store.List[operating.MasterDataConflict]{Relation: conflicts, Name: "conflicts", Scope: scope, Order: newest}
	if f.Kinds != nil {
		l.And("d.subject = ANY(" + l.Args.AddTexts(f.Kinds) + ")")
	}
	if f.Open != nil {
		decided := "(d.decided IS NOT NULL OR d.subject = ANY(" + l.Args.AddTexts(f.Decided) + "))"
		if *f.Open {
			decided = "NOT " + decided
		}
		l.And(decided)
	}
	return l
}

// LockConflict reads a conflict as it is now, within a scope, and holds it until the
// transaction ends; nil where there is none.
func LockConflict(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (*operating.MasterDataConflict, error) {
	var a store.Args
	query := `SELECT ` + conflicts.Columns[0].List + ` FROM ` + conflicts.From + ` WHERE d.id = ` + a.Add(store.Storable(id)) + ` AND ` +
		conflicts.Visible(scope, &a) + ` FOR UPDATE OF d`
	var rows []operating.MasterDataConflict
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// DecideConflict keeps what somebody decided about a conflict, and the operation that
// writes it. The conflict must be locked.
func DecideConflict(ctx context.Context, tx *store.Tx, id, value, by, operation string) error {
	const query = `UPDATE differences SET decided = $2, decided_by = $3, decided_at = clock_timestamp(), operation_id = $4 WHERE id = $1`
	if _, err := tx.Exec(ctx, query, id, value, by, operation); err != nil {
		return fmt.Errorf("conflict: %w", err)
	}
	return nil
}

// ReopenConflict forgets what was decided about a conflict, because its operation could not
// write it.
func ReopenConflict(ctx context.Context, tx *store.Tx, operation string) error {
	const query = `UPDATE differences SET decided = NULL, decided_by = NULL, decided_at = NULL, operation_id = NULL WHERE operation_id = $1`
	if _, err := tx.Exec(ctx, query, operation); err != nil {
		return fmt.Errorf("conflict: %w", err)
	}
	return nil
}

// EndConflict takes a conflict off the list once its operation has written the decision to
// both systems; where only its owner has taken it, the conflict stays, decided.
func EndConflict(ctx context.Context, tx *store.Tx, operation string, both bool) error {
	query := `UPDATE differences SET value = decided WHERE operation_id = $1`
	if both {
		query = `DELETE FROM differences WHERE operation_id = $1`
	}
	if _, err := tx.Exec(ctx, query, operation); err != nil {
		return fmt.Errorf("conflict: %w", err)
	}
	return nil
}

// newest is the order of differences.
var newest = []store.SortKey{store.Descending("d.since", "timestamptz"), store.Ascending("d.id", "text")}
