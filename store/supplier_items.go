package store

import (
	"context"
	"fmt"

	"portico/trade"
)

type supplierItemRow struct {
	trade.SupplierItem
	Least     nullDecimal
	LeastUnit string
	NextJSON  jsonOf[*trade.LeadTimeChange]
}

func (r *supplierItemRow) trade() *trade.SupplierItem {
	s := &r.SupplierItem
	if r.Least.Valid {
		s.MinimumQuantity = &trade.Quantity{Value: r.Least.Decimal, Unit: r.LeastUnit}
	}
	s.NextLeadTime = r.NextJSON.value
	return s
}

// nextLead is the lead time that was announced and does not hold yet.
const nextLead = `(SELECT jsonb_build_object('leadTimeDays', c.lead_time_days, 'effectiveFrom', c.effective_from, 'reason', c.reason, 'announcedAt', c.announced_at)
	FROM lead_time_changes c WHERE c.supplier_item_id = s.id AND c.state IN ('ANNOUNCED', 'APPLYING') ORDER BY c.announced_at DESC LIMIT 1) AS next_json`

var supplierItems = read(relation[trade.SupplierItem]{
	kind: "SupplierItem", from: "supplier_items s JOIN items i ON i.id = s.item_id JOIN trading_partners p ON p.code = s.supplier_code", visible: ownSupplier("p.id"),
	source: (*trade.SupplierItem).From,
	columns: []columns{
		always(`s.id, p.id AS "supplier_ref.id", p.code AS "supplier_ref.key", i.id AS "item_ref.id", i.sku AS "item_ref.key", s.supplier_part_number, s.lead_time_days,
			s.minimum AS least, coalesce(s.unit, '') AS least_unit`),
		when("nextLeadTime", nextLead),
		when("provenance", provenance("i")),
	},
}, (*supplierItemRow).trade)

// SupplierItems reads items in suppliers' ranges by id.
func (s *Store) SupplierItems(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.SupplierItem, error) {
	return supplierItems.by(ctx, s, scope, "s.id", "", ids)
}

// SuppliersOf reads who supplies items, preferred first, at most 20 each.
func (s *Store) SuppliersOf(ctx context.Context, scope trade.Scope, items []string) (map[string][]*trade.SupplierItem, error) {
	found, err := supplierItems.under(ctx, s, scope, "", "s.item_id", "s.item_id, s.position", items)
	return atMost(found, 20), err
}

// RangeOf is what each of some suppliers supplies, by item number.
func RangeOf(scope trade.Scope) *List[trade.SupplierItem] {
	return &List[trade.SupplierItem]{relation: supplierItems, name: "items of partners", scope: scope, parent: "p.id", order: []sortKey{ascending("i.sku", "text"), ascending("s.id", "text")}}
}

// LockSupplierItem reads an item in a supplier's range as it is now, within a scope, and
// holds it until the transaction ends; nil where there is none.
func (s *Store) LockSupplierItem(ctx context.Context, tx *Tx, scope trade.Scope, id string) (*trade.SupplierItem, error) {
	var a args
	query := `SELECT ` + supplierItems.columns[0].list + `, ` + nextLead + ` FROM ` + supplierItems.from + ` WHERE s.id = ` + a.add(id) + ` AND ` + supplierItems.visible(scope, &a) + ` FOR UPDATE OF s`
	var rows []supplierItemRow
	if err := s.sel(ctx, tx, &rows, query, a.list...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].trade(), nil
}

// AnnouncedLeadTime is a lead time that a supplier announced, with what is needed to write
// it to its source. OperationID is empty until that is begun.
type AnnouncedLeadTime struct {
	ID, SupplierItemID, OperationID, Principal, CorrelationID string
	Days                                                      int
	From                                                      trade.Date
	Reason                                                    *string
}

// AnnounceLeadTime keeps a lead time, in the place of one that was announced for the same
// item and has not begun. The item must be locked.
func (s *Store) AnnounceLeadTime(ctx context.Context, tx *Tx, c *AnnouncedLeadTime) error {
	if _, err := s.Exec(ctx, tx, `UPDATE lead_time_changes SET state = 'REPLACED' WHERE supplier_item_id = $1 AND state = 'ANNOUNCED'`, c.SupplierItemID); err != nil {
		return fmt.Errorf("lead time: %w", err)
	}
	const query = `INSERT INTO lead_time_changes (id, supplier_item_id, lead_time_days, effective_from, reason, principal, correlation_id) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	if _, err := s.Exec(ctx, tx, query, c.ID, c.SupplierItemID, c.Days, c.From.String(), c.Reason, c.Principal, c.CorrelationID); err != nil {
		return fmt.Errorf("lead time: %w", err)
	}
	return nil
}

// DueLeadTimes are the lead times that were announced and hold by now, oldest first, at
// most 100.
func (s *Store) DueLeadTimes(ctx context.Context) ([]AnnouncedLeadTime, error) {
	var due []AnnouncedLeadTime
	const query = `SELECT id, supplier_item_id, lead_time_days AS days, principal, correlation_id FROM lead_time_changes
		WHERE state = 'ANNOUNCED' AND effective_from <= (now() AT TIME ZONE 'UTC')::date ORDER BY effective_from, id LIMIT 100`
	if err := s.sel(ctx, nil, &due, query); err != nil {
		return nil, fmt.Errorf("lead times: %w", err)
	}
	return due, nil
}

// ApplyLeadTime tells that an operation writes an announced lead time to its source. ok is
// false where that has begun, or another has replaced it.
func (s *Store) ApplyLeadTime(ctx context.Context, tx *Tx, id, operation string) (ok bool, err error) {
	result, err := s.Exec(ctx, tx, `UPDATE lead_time_changes SET state = 'APPLYING', operation_id = $2 WHERE id = $1 AND state = 'ANNOUNCED'`, id, operation)
	if err != nil {
		return false, fmt.Errorf("lead time: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// EndLeadTime tells how the operation that writes a lead time has ended.
func (s *Store) EndLeadTime(ctx context.Context, tx *Tx, operation string, applied bool) error {
	state := "REFUSED"
	if applied {
		state = "APPLIED"
	}
	if _, err := s.Exec(ctx, tx, `UPDATE lead_time_changes SET state = $2 WHERE operation_id = $1`, operation, state); err != nil {
		return fmt.Errorf("lead time: %w", err)
	}
	return nil
}

// ResolveAlertsAbout closes the alerts of a kind about something.
func (s *Store) ResolveAlertsAbout(ctx context.Context, tx *Tx, kind trade.AlertKind, subject, resolution string) error {
	const query = `UPDATE alerts SET state = 'RESOLVED', resolved_at = clock_timestamp(), resolution = $3 WHERE kind = $1 AND subject = $2 AND state <> 'RESOLVED'`
	if _, err := s.Exec(ctx, tx, query, kind, subject, resolution); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	return nil
}
