package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"portico/store"
	"portico/trade"
)

// OrdersOfLines are the ids of the purchase orders of lines, within a scope, in order.
func OrdersOfLines(ctx context.Context, tx *store.Tx, scope trade.Scope, lines []string) ([]string, error) {
	var a store.Args
	var ids []string
	query := `SELECT DISTINCT l.purchase_order_id FROM purchase_order_lines l WHERE l.id = ANY(` + a.AddTexts(lines) + `) AND ` +
		store.OwnSupplier("l.supplier_id")(scope, &a) + ` ORDER BY 1`
	if err := tx.Select(ctx, &ids, query, a.List...); err != nil {
		return nil, fmt.Errorf("purchase orders: %w", err)
	}
	return ids, nil
}

// OwnPurchaseOrders are those of some purchase orders, by id, that are within a scope.
func OwnPurchaseOrders(ctx context.Context, tx *store.Tx, scope trade.Scope, ids []string) ([]string, error) {
	var a store.Args
	var own []string
	query := `SELECT d.id FROM purchase_orders d WHERE d.id = ANY(` + a.AddTexts(ids) + `) AND ` +
		store.OwnSupplier("d.supplier_id")(scope, &a)
	if err := tx.Select(ctx, &own, query, a.List...); err != nil {
		return nil, fmt.Errorf("purchase orders: %w", err)
	}
	return own, nil
}

// OrdersOfDespatch are the ids of the purchase orders that a ship notice covers, within a
// scope, in order.
func OrdersOfDespatch(ctx context.Context, tx *store.Tx, scope trade.Scope, despatch string) ([]string, error) {
	var a store.Args
	var ids []string
	query := `SELECT DISTINCT l.purchase_order_id FROM despatch_lines d JOIN purchase_order_lines l ON l.id = d.purchase_order_line_id
		WHERE d.despatch_advice_id = ` + a.Add(despatch) + ` AND ` + store.OwnSupplier("l.supplier_id")(scope, &a) + ` ORDER BY 1`
	if err := tx.Select(ctx, &ids, query, a.List...); err != nil {
		return nil, fmt.Errorf("purchase orders: %w", err)
	}
	return ids, nil
}

// DespatchByNumber is the id of a supplier's ship notice with a number of theirs; empty
// where there is none.
func DespatchByNumber(ctx context.Context, tx *store.Tx, supplier, number string) (string, error) {
	var ids []string
	if err := tx.Select(ctx, &ids, `SELECT id FROM despatch_advices WHERE supplier_id = $1 AND number = $2`, supplier, number); err != nil ||
		len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

// KeepDespatch keeps a ship notice to a warehouse with its units and lines. It fails with
// [ErrSpent] where the supplier's number of it is known already.
func KeepDespatch(ctx context.Context, tx *store.Tx, id, operation, supplier, warehouse string, r *trade.DespatchRequest) error {
	document, err := json.Marshal(struct {
		ID        string                 `json:"ID"`
		Operation string                 `json:"Operation"`
		R         *trade.DespatchRequest `json:"R"`
		Supplier  string                 `json:"Supplier"`
		Warehouse string                 `json:"Warehouse"`
	}{id, operation, r, supplier, warehouse})
	if err != nil {
		return fmt.Errorf("despatch advice: %w", err)
	}
	const query = `
		WITH kept AS (
			INSERT INTO despatch_advices (id, supplier_id, number, status, ship_from, warehouse_id, despatched_at, expected_at, carrier_scac, refs,
			operation_id)
			SELECT j ->> 'ID', j ->> 'Supplier', j #>> '{R,Number}', 'SUBMITTED',
				jsonb_strip_nulls(jsonb_build_object('name', j #> '{R,ShipFrom,name}', 'gln', j #> '{R,ShipFrom,gln}',
				'street', concat_ws(', ', j #>> '{R,ShipFrom,line1}', j #>> '{R,ShipFrom,line2}'), 'postalCode', j #> '{R,ShipFrom,postalCode}',
				'city', j #> '{R,ShipFrom,city}', 'region', j #> '{R,ShipFrom,region}', 'country', j #> '{R,ShipFrom,country}')),
				j ->> 'Warehouse', (j #>> '{R,DespatchedAt}')::timestamptz, (j #>> '{R,ExpectedAt}')::timestamptz, j #>> '{R,CarrierSCAC}',
				coalesce(nullif(j #> '{R,References}', 'null'), '[]'), j ->> 'Operation'
			FROM (SELECT $1::jsonb AS j) d ON CONFLICT (supplier_id, number) DO NOTHING RETURNING id, supplier_id),
		packed AS (
			INSERT INTO handling_units (despatch_advice_id, position, supplier_id, sscc, parent, package_type, weight, weight_unit)
			SELECT k.id, p, k.supplier_id, u ->> 'SSCC', u ->> 'Parent', u ->> 'PackageType', (u #>> '{Weight,value}')::numeric,
			u #>> '{Weight,unit}'
			FROM kept k, jsonb_array_elements(nullif($1::jsonb #> '{R,Units}', 'null')) WITH ORDINALITY AS x(u, p)),
		listed AS (
			INSERT INTO despatch_lines (despatch_advice_id, position, supplier_id, purchase_order_line_id, sscc, unit, shipped, backordered,
			outstanding, outstanding_reason, oversupplied, lot, serials, expires_on)
			SELECT k.id, p, k.supplier_id, l ->> 'LineID', l ->> 'SSCC', l #>> '{Shipped,unit}', (l #>> '{Shipped,value}')::numeric,
			(l #>> '{Backordered,value}')::numeric, (l #>> '{Outstanding,value}')::numeric,
				l ->> 'OutstandingReason', (l #>> '{Oversupplied,value}')::numeric, l ->> 'Lot',
				ARRAY(SELECT jsonb_array_elements_text(nullif(l -> 'Serials', 'null'))), (l ->> 'ExpiresOn')::date
			FROM kept k, jsonb_array_elements(nullif($1::jsonb #> '{R,Lines}', 'null')) WITH ORDINALITY AS x(l, p))
		SELECT id FROM kept`
	var ids []string
	if err := tx.Select(ctx, &ids, query, string(document)); err != nil {
		return fmt.Errorf("despatch advice: %w", err)
	}
	if len(ids) == 0 {
		return ErrSpent
	}
	return nil
}

// UnitsInUse are those of some SSCC that a ship notice of the last year has which was neither rejected nor withdrawn. Until the
// transaction ends, nobody else takes one of them.
func UnitsInUse(ctx context.Context, tx *store.Tx, numbers []string) (used []string, err error) {
	const lock = `SELECT pg_advisory_xact_lock(hashtextextended(n, 8)) FROM (SELECT DISTINCT left(u, 10) AS n FROM unnest($1::text[]) u
		ORDER BY 1) x` // by the beginning, which is a company's
	if _, err := tx.Exec(ctx, lock, store.TextArray(numbers)); err != nil {
		return nil, fmt.Errorf("handling units: %w", err)
	}
	const query = `SELECT DISTINCT u.sscc FROM handling_units u JOIN despatch_advices n ON n.id = u.despatch_advice_id
		WHERE u.sscc = ANY($1) AND n.status NOT IN ('REJECTED', 'CANCELLED') AND n.received_at > now() - interval '1 year'`
	if err := tx.Select(ctx, &used, query, store.TextArray(numbers)); err != nil {
		return nil, fmt.Errorf("handling units: %w", err)
	}
	return used, nil
}

// DespatchNow is a ship notice as a write about it meets it.
type DespatchNow struct {
	ID, Number, SupplierID, SupplierCode, OperationID, ShipmentNumber string
	Status                                                            trade.DespatchStatus
}

// LockDespatch reads a ship notice as it is now, within a scope, and holds it until the
// transaction ends; nil where there is none.
func LockDespatch(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (*DespatchNow, error) {
	var a store.Args
	query := `SELECT n.id, n.number, n.supplier_id, p.code AS supplier_code, n.operation_id,
		coalesce(n.shipment_number, '') AS shipment_number, n.status
		FROM despatch_advices n JOIN trading_partners p ON p.id = n.supplier_id WHERE n.id = ` + a.Add(id) + ` AND ` +
		store.OwnSupplier("n.supplier_id")(scope, &a) + ` FOR UPDATE OF n`
	var rows []DespatchNow
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// SetDespatch sets where a ship notice stands, and the number of the shipment that it became
// unless that is empty.
func SetDespatch(ctx context.Context, tx *store.Tx, id string, status trade.DespatchStatus, shipment string) error {
	const query = `UPDATE despatch_advices SET status = $2, shipment_number = coalesce(nullif($3, ''), shipment_number) WHERE id = $1`
	if _, err := tx.Exec(ctx, query, id, status, shipment); err != nil {
		return fmt.Errorf("despatch advice: %w", err)
	}
	return nil
}

// NumbersOf are the numbers of the purchase orders that a ship notice covers, which is locked.
func NumbersOf(ctx context.Context, tx *store.Tx, despatch string) ([]string, error) {
	var numbers []string
	const query = `SELECT DISTINCT o.number FROM despatch_lines d JOIN purchase_order_lines l ON l.id = d.purchase_order_line_id
		JOIN purchase_orders o ON o.id = l.purchase_order_id WHERE d.despatch_advice_id = $1 ORDER BY 1`
	if err := tx.Select(ctx, &numbers, query, despatch); err != nil {
		return nil, fmt.Errorf("purchase orders: %w", err)
	}
	return numbers, nil
}
