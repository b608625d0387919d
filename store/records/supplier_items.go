package records

import (
	"context"
	"fmt"

	"portico/store"
	"portico/trade"
)

type supplierItemRow struct {
	trade.SupplierItem
	Least     store.NullDecimal
	LeastUnit string
	NextJSON  store.JSON[*trade.LeadTimeChange]
}

func (r *supplierItemRow) trade() *trade.SupplierItem {
	s := &r.SupplierItem
	if r.Least.Valid {
		s.MinimumQuantity = &trade.Quantity{Value: r.Least.Decimal, Unit: r.LeastUnit}
	}
	s.NextLeadTime = r.NextJSON.Value
	return s
}

// nextLead is the lead time that was announced and does not hold yet.
const nextLead = `(SELECT jsonb_build_object('leadTimeDays', c.lead_time_days, 'effectiveFrom', c.effective_from, 'reason', c.reason,
	'announcedAt', c.announced_at)
	FROM lead_time_changes c WHERE c.supplier_item_id = s.id AND c.state IN ('ANNOUNCED', 'APPLYING') ORDER BY c.announced_at DESC
	LIMIT 1) AS next_json`

var supplierItems = store.Read(store.Relation[trade.SupplierItem]{
	Kind: "SupplierItem", From: "supplier_items s JOIN items i ON i.id = s.item_id JOIN trading_partners p ON p.code = s.supplier_code",
	Visible: store.OwnSupplier("p.id"),
	Source:  (*trade.SupplierItem).From,
	Columns: []store.Columns{
		store.Always(`s.id, p.id AS "supplier_ref.id", p.code AS "supplier_ref.key", i.id AS "item_ref.id", i.sku AS "item_ref.key",
			s.supplier_part_number, s.lead_time_days,
			s.minimum AS least, coalesce(s.unit, '') AS least_unit`),
		store.When("nextLeadTime", nextLead),
		store.When("provenance", store.ProvenanceColumns("i")),
	},
}, (*supplierItemRow).trade)

// SupplierItems reads items in suppliers' ranges by id.
func SupplierItems(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.SupplierItem, error) {
	return supplierItems.By(ctx, s, scope, "s.id", "", ids)
}

// SuppliersOf reads who supplies items, preferred first, at most 20 each.
func SuppliersOf(ctx context.Context, s *store.Store, scope trade.Scope, items []string) (map[string][]*trade.SupplierItem, error) {
	found, err := supplierItems.Under(ctx, s, scope, "", "s.item_id", "s.item_id, s.position", items)
	return store.AtMost(found, 20), err
}

// RangeOf is what each of some suppliers supplies, by item number.
func RangeOf(scope trade.Scope) *store.List[trade.SupplierItem] {
	return &store.List[trade.SupplierItem]{
		Relation: supplierItems, Name: "items of partners", Scope: scope, Parent: "p.id",
		Order: []store.SortKey{store.Ascending("i.sku", "text"), store.Ascending("s.id", "text")},
	}
}

// LockSupplierItem reads an item in a supplier's range as it is now, within a scope, and
// holds it until the transaction ends; nil where there is none.
func LockSupplierItem(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (*trade.SupplierItem, error) {
	var a store.Args
	query := `SELECT ` + supplierItems.Columns[0].List + `, ` + nextLead + ` FROM ` + supplierItems.From + ` WHERE s.id = ` + a.Add(id) +
		` AND ` + supplierItems.Visible(scope, &a) + ` FOR UPDATE OF s`
	var rows []supplierItemRow
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].trade(), nil
}

// LeadTimeChange is a lead time that a supplier announced, with what is needed to write
// it to its source. OperationID is empty until that is begun.
type LeadTimeChange struct {
	ID, SupplierItemID, OperationID, Principal, CorrelationID string
	Days                                                      int
	From                                                      trade.Date
	Reason                                                    *string
}

// SaveLeadTime keeps a lead time, in the place of one that was announced for the same
// item and has not begun. The item must be locked.
func SaveLeadTime(ctx context.Context, tx *store.Tx, c *LeadTimeChange) error {
	if _, err := tx.Exec(ctx, `UPDATE lead_time_changes SET state = 'REPLACED' WHERE supplier_item_id = $1 AND state = 'ANNOUNCED'`,
		c.SupplierItemID); err != nil {
		return fmt.Errorf("lead time: %w", err)
	}
	const query = `INSERT INTO lead_time_changes (id, supplier_item_id, lead_time_days, effective_from, reason, principal, correlation_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`
	if _, err := tx.Exec(ctx, query, c.ID, c.SupplierItemID, c.Days, c.From.String(), c.Reason, c.Principal, c.CorrelationID); err != nil {
		return fmt.Errorf("lead time: %w", err)
	}
	return nil
}

// DueLeadTimes are the lead times that were announced and hold on a day, oldest first, at
// most 100.
func DueLeadTimes(ctx context.Context, s *store.Store, today trade.Date) ([]LeadTimeChange, error) {
	var due []LeadTimeChange
	const query = `SELECT id, supplier_item_id, lead_time_days AS days, principal, correlation_id FROM lead_time_changes
		WHERE state = 'ANNOUNCED' AND effective_from <= $1::date ORDER BY effective_from, id LIMIT 100`
	if err := s.Select(ctx, &due, query, today.String()); err != nil {
		return nil, fmt.Errorf("lead times: %w", err)
	}
	return due, nil
}

// ApplyLeadTime tells that an operation writes an announced lead time to its source. ok is
// false where that has begun, or another has replaced it.
func ApplyLeadTime(ctx context.Context, tx *store.Tx, id, operation string) (ok bool, err error) {
	result, err := tx.Exec(ctx, `UPDATE lead_time_changes SET state = 'APPLYING', operation_id = $2 WHERE id = $1 AND state = 'ANNOUNCED'`,
		id, operation)
	if err != nil {
		return false, fmt.Errorf("lead time: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// EndLeadTime tells how the operation that writes a lead time has ended.
func EndLeadTime(ctx context.Context, tx *store.Tx, operation string, applied bool) error {
	state := "REFUSED"
	if applied {
		state = "APPLIED"
	}
	if _, err := tx.Exec(ctx, `UPDATE lead_time_changes SET state = $2 WHERE operation_id = $1`, operation, state); err != nil {
		return fmt.Errorf("lead time: %w", err)
	}
	return nil
}

// ResolveAlertsAbout closes the alerts of a kind about something.
func ResolveAlertsAbout(ctx context.Context, tx *store.Tx, kind trade.AlertKind, subject, resolution string) error {
	const query = `UPDATE alerts SET state = 'RESOLVED', resolved_at = clock_timestamp(), resolution = $3 WHERE kind = $1 AND subject = $2
		AND state <> 'RESOLVED'`
	if _, err := tx.Exec(ctx, query, kind, subject, resolution); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	return nil
}
