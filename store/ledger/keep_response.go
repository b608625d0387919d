package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"portico/store"
	"portico/trade"
	"portico/trade/ordering"
)

// KeepResponse keeps an answer with what it says of lines and where it deviates. It fails
// with [ErrSpent] where the supplier's number of it is known already.
func KeepResponse(ctx context.Context, tx *store.Tx, r *trade.PurchaseOrderResponse, lines []trade.LineAcknowledgment,
	all []trade.Deviation,
) error {
	type keptDeviation struct {
		trade.Deviation
		Cause ordering.CommitmentCause `json:"Cause"`
	}
	kept := make([]keptDeviation, len(all))
	for i, d := range all {
		kept[i] = keptDeviation{d, ordering.CauseOfDeviation(d.Field)}
	}
	document, err := json.Marshal(struct {
		Deviations []keptDeviation              `json:"Deviations"`
		Lines      []trade.LineAcknowledgment   `json:"Lines"`
		Response   *trade.PurchaseOrderResponse `json:"Response"`
	}{kept, lines, r})
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	const query = `
		WITH kept AS (
			INSERT INTO purchase_order_responses (id, purchase_order_id, supplier_id, response_number, supplier_order_number, kind, revision,
			operation_id)
			SELECT j ->> 'ID', j ->> 'PurchaseOrderID', j ->> 'SupplierID', j ->> 'ResponseNumber', j ->> 'SupplierOrderNumber', j ->> 'Kind',
			(j ->> 'Revision')::int, nullif(j ->> 'OperationID', '')
			FROM (SELECT $1::jsonb -> 'Response' AS j) x ON CONFLICT (supplier_id, response_number) DO NOTHING RETURNING id, supplier_id),
		said AS (
			INSERT INTO line_acknowledgments (response_id, position, purchase_order_line_id, supplier_id, status, quantity, unit, price, price_per,
			currency, promised_ship_date,
				promised_delivery_date, substitute, reason)
			SELECT k.id, p, j ->> 'LineID', k.supplier_id, j ->> 'Status', (j #>> '{Quantity,value}')::numeric,
			coalesce(j #>> '{Quantity,unit}', j #>> '{UnitPrice,per,unit}'),
				(j #>> '{UnitPrice,price,amount}')::numeric, (j #>> '{UnitPrice,per,value}')::numeric, j #>> '{UnitPrice,price,currency}',
				(j ->> 'PromisedShipDate')::date,
				(j ->> 'PromisedDeliveryDate')::date, nullif(j -> 'Substitute', 'null'), j ->> 'Reason'
			FROM kept k, jsonb_array_elements(nullif($1::jsonb -> 'Lines', 'null')) WITH ORDINALITY AS l(j, p)),
		differ AS (
			INSERT INTO deviations (id, response_id, purchase_order_line_id, supplier_id, position, field, expected, proposed, delta, tolerance,
			within_tolerance, state, decided_at, review)
			SELECT j ->> 'ID', k.id, j ->> 'LineID', k.supplier_id, p, j ->> 'Field', j ->> 'Expected', j ->> 'Proposed', (j ->> 'Delta')::numeric,
			(j ->> 'Limit')::numeric,
				(j ->> 'WithinTolerance')::boolean, j ->> 'State', CASE WHEN j ->> 'State' <> 'PENDING' THEN clock_timestamp() END,
				nullif(j -> 'Review', 'null')
			FROM kept k, jsonb_array_elements(nullif($1::jsonb -> 'Deviations', 'null')) WITH ORDINALITY AS l(j, p)),
		hit AS (
			INSERT INTO supply_impacts (deviation_id, order_line_id, cause, accepted_at)
			SELECT j ->> 'ID', c ->> 'OrderLineID', j ->> 'Cause', CASE WHEN j ->> 'State' = 'AUTO_ACCEPTED' THEN clock_timestamp() END
			FROM kept k, jsonb_array_elements(nullif($1::jsonb -> 'Deviations', 'null')) AS l(j),
			jsonb_array_elements(nullif(j #> '{Review,Commitments}', 'null')) AS c)
		SELECT id FROM kept`
	var ids []string
	if err := tx.Select(ctx, &ids, query, string(document)); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if len(ids) == 0 {
		return ErrSpent
	}
	return nil
}

// ResponseByNumber is the id of a supplier's answer with a number of theirs; empty where
// there is none.
func ResponseByNumber(ctx context.Context, tx *store.Tx, supplier, number string) (id string, err error) {
	var ids []string
	if err := tx.Select(ctx, &ids, `SELECT id FROM purchase_order_responses WHERE supplier_id = $1 AND response_number = $2`, supplier,
		number); err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

// SetAnswer sets what the last answer made of a purchase order at a revision of it.
func SetAnswer(ctx context.Context, tx *store.Tx, purchaseOrder string, answer trade.PurchaseOrderStatus, revision int) error {
	const query = `UPDATE purchase_orders SET answer = nullif($2, ''), answered_revision = $3, received_at = now() WHERE id = $1`
	if _, err := tx.Exec(ctx, query, purchaseOrder, answer, revision); err != nil {
		return fmt.Errorf("purchase order: %w", err)
	}
	return nil
}

// Decision is what was decided about a deviation.
type Decision struct {
	State   trade.DeviationState
	By      string
	Comment *string
	Counter *trade.CounterProposal
}

// DecideDeviations decides deviations that are pending, by id, and their supply impacts
// with them.
func DecideDeviations(ctx context.Context, tx *store.Tx, ids []string, d Decision) error {
	counter, err := jsonText(d.Counter)
	if err != nil {
		return err
	}
	const query = `
		WITH decided AS (UPDATE deviations SET state = $2, decided_by = nullif($3, ''), decided_at = clock_timestamp(), comment = $4, counter = $5
			WHERE id = ANY($1) AND state = 'PENDING' RETURNING id)
		UPDATE supply_impacts i SET accepted_at = clock_timestamp() FROM decided d WHERE i.deviation_id = d.id AND $2 = 'ACCEPTED'`
	if _, err := tx.Exec(ctx, query, store.TextArray(ids), d.State, d.By, d.Comment, counter); err != nil {
		return fmt.Errorf("deviation: %w", err)
	}
	return nil
}
