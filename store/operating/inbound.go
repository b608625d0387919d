package operating

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

type inboundDeliveryRow struct {
	operating.InboundDelivery
	About, Left pq.StringArray
}

func (r *inboundDeliveryRow) trade() *operating.InboundDelivery {
	r.Subjects, r.Unused = append([]string{}, r.About...), append([]string{}, r.Left...)
	return &r.InboundDelivery
}

var inboundDeliveries = store.Read(store.Relation[operating.InboundDelivery]{
	Kind: "InboundDelivery", From: "inbound_deliveries b", Visible: store.OperatorOnly,
	Columns: []store.Columns{store.Always(`b.id, b.instance, b.delivery_id, b.received_at, b.state, b.attempts, b.repeats, b.error,
		b.subjects AS about`), store.When("unused", "b.unused AS left")},
}, (*inboundDeliveryRow).trade)

// InboundDeliveries reads inbound deliveries by id.
func InboundDeliveries(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*operating.InboundDelivery,
	error,
) {
	return inboundDeliveries.By(ctx, s, scope, "b.id", "", ids)
}

// InboundFilter narrows a list of inbound deliveries.
type InboundFilter struct {
	Instance string
	State    []operating.InboundState
	Subject  string
	Received trade.DateRange
}

// InboundList is the inbound deliveries, newest first.
func InboundList(scope trade.Scope, f InboundFilter) *store.List[operating.InboundDelivery] {
	l := &store.List[operating.InboundDelivery]{
		Relation: inboundDeliveries, Name: "inbound deliveries", Scope: scope,
		Order: []store.SortKey{store.Descending("b.received_at", "timestamptz"), store.Descending("b.id", "text")},
	}
	if f.Instance != "" {
		l.And("b.instance = " + l.Args.Add(f.Instance))
	}
	if f.State != nil {
		l.And("b.state = ANY(" + l.Args.Add(pq.Array(f.State)) + ")")
	}
	if f.Subject != "" {
		l.And("b.subjects @> ARRAY[" + l.Args.Add(f.Subject) + "::text]")
	}
	l.Within("b.received_at", f.Received, true)
	return l
}

// KeptDelivery is an inbound delivery with its bytes.
type KeptDelivery struct {
	ID, Instance, DeliveryID string
	Body                     []byte
	Attempts                 int
}

// KeepDeliveries keeps deliveries, durably when it returns, and tells of each whether it was
// known already.
func KeepDeliveries(ctx context.Context, s *store.Store, all []KeptDelivery) (known []bool, err error) {
	instances, ids, bodies, place := make([]string, 0, len(all)), make([]string, 0, len(all)), make([][]byte, 0, len(all)), map[[2]string]int{}
	known = make([]bool, len(all))
	for i, d := range all {
		if _, twice := place[[2]string{d.Instance, d.DeliveryID}]; twice {
			known[i] = true // told twice at once: the first one counts
			continue
		}
		place[[2]string{d.Instance, d.DeliveryID}] = i
		instances, ids, bodies = append(instances, d.Instance), append(ids, d.DeliveryID), append(bodies, d.Body)
	}
	const query = `
		INSERT INTO inbound_deliveries AS b (instance, delivery_id, body)
		SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[]) t(instance, delivery_id, body) ORDER BY instance, delivery_id
		ON CONFLICT (instance, delivery_id) DO UPDATE SET repeats = b.repeats + 1 RETURNING instance, delivery_id, repeats > 0 AS known`
	var rows []struct {
		Instance   string
		DeliveryID string
		Known      bool
	}
	err = s.InTx(ctx, func(tx *store.Tx) error {
		return tx.Select(ctx, &rows, query, store.TextArray(instances), store.TextArray(ids), pq.ByteaArray(bodies))
	})
	if err != nil {
		return nil, fmt.Errorf("inbound deliveries: %w", err)
	}
	for _, r := range rows {
		known[place[[2]string{r.Instance, r.DeliveryID}]] = r.Known
	}
	return known, nil
}

// RefuseDeliveries notes that so many deliveries of a source were refused for a reason: in one
// row a minute, and without their bytes, for anybody can send some.
func RefuseDeliveries(ctx context.Context, s *store.Store, instance, reason string, many int, now time.Time) error {
	const query = `
		INSERT INTO inbound_deliveries AS b (instance, delivery_id, state, error, repeats) VALUES ($1, $2, 'REFUSED', $3, $4 - 1)
		ON CONFLICT (instance, delivery_id) DO UPDATE SET repeats = b.repeats + $4`
	return s.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, query, instance, "refused "+now.UTC().Format("2006-01-02T15:04Z")+" "+reason, reason, many); err != nil {
			return fmt.Errorf("inbound deliveries: %w", err)
		}
		return nil
	})
}

const keptColumns = `id, instance, delivery_id, body, attempts`

// DueDeliveries holds deliveries that are to be applied until the transaction ends, oldest first
// and those that were tried before after those that were not; those that others hold are left
// out.
func DueDeliveries(ctx context.Context, tx *store.Tx, limit int) (due []KeptDelivery, err error) {
	const query = `SELECT ` + keptColumns +
		` FROM inbound_deliveries WHERE state IN ('RECEIVED', 'WAITING_FOR_SUBJECT') AND due_at <= clock_timestamp()
			ORDER BY due_at, received_at, id LIMIT $1 FOR UPDATE SKIP LOCKED`
	if err := tx.Select(ctx, &due, query, limit); err != nil {
		return nil, fmt.Errorf("inbound deliveries: %w", err)
	}
	return due, nil
}

// DeliveriesBetween are the deliveries of a source that arrived between two moments, or are
// about a record, after a place among them, in the order of their ids.
func DeliveriesBetween(ctx context.Context, s *store.Store, instance string, from, to *time.Time, subject, after string,
	limit int,
) (all []KeptDelivery, err error) {
	const query = `
		SELECT ` + keptColumns + ` FROM inbound_deliveries WHERE instance = $1 AND body IS NOT NULL AND id > $5
			AND ($2::timestamptz IS NULL OR received_at >= $2) AND ($3::timestamptz IS NULL OR received_at < $3)
			AND ($4 = '' OR subjects @> ARRAY[$4]) ORDER BY id LIMIT $6`
	if err := s.Select(ctx, &all, query, instance, from, to, subject, after, limit); err != nil {
		return nil, fmt.Errorf("inbound deliveries: %w", err)
	}
	return all, nil
}

// SettledDelivery is what became of a delivery. WaitsFor are identifiers of shipments that
// are not known yet.
type SettledDelivery struct {
	ID         string                 `json:"ID"`
	State      operating.InboundState `json:"State"`
	Error      string                 `json:"Error"`
	Subjects   []string               `json:"Subjects"`
	WaitsFor   []trade.Identifier     `json:"WaitsFor"`
	Unused     []string               `json:"Unused"` // paths of what was read and not used
	RetryAfter time.Duration          `json:"Again"`  // when it is to be looked at again, of one that is RECEIVED still or waits
}

// SettleDeliveries notes what became of deliveries.
func SettleDeliveries(ctx context.Context, tx *store.Tx, all []SettledDelivery) error {
	type row struct {
		SettledDelivery
		Keys  []string `json:"Keys"`
		After float64  `json:"After"`
	}
	rows := make([]row, len(all))
	for i, d := range all {
		rows[i] = row{SettledDelivery: d, After: d.RetryAfter.Seconds()}
		for _, id := range d.WaitsFor {
			rows[i].Keys = append(rows[i].Keys, waitKey(id))
		}
	}
	document, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("inbound deliveries: %w", err)
	}
	const query = `
		UPDATE inbound_deliveries b SET state = j ->> 'State', error = nullif(j ->> 'Error', ''), attempts = attempts + 1,
			subjects = ARRAY(SELECT jsonb_array_elements_text(nullif(j -> 'Subjects', 'null')) LIMIT 100),
			unused = ARRAY(SELECT jsonb_array_elements_text(nullif(j -> 'Unused', 'null')) LIMIT 100),
			waits_for = CASE WHEN jsonb_typeof(j -> 'Keys') = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(j -> 'Keys')) END,
			due_at = clock_timestamp() + (j ->> 'After')::float8 * interval '1 second'
		FROM jsonb_array_elements($1::jsonb) j WHERE b.id = j ->> 'ID'`
	if _, err := tx.Exec(ctx, query, string(document)); err != nil {
		return fmt.Errorf("inbound deliveries: %w", err)
	}
	return nil
}

func waitKey(id trade.Identifier) string { return string(id.Scheme) + " " + id.Value }

// WakeDeliveries lets deliveries be applied that wait for shipments with these numbers. Those
// that are being looked at just now are left: who looks at them may wait for these shipments.
func WakeDeliveries(ctx context.Context, tx *store.Tx, numbers []string) error {
	const query = `
		WITH keys AS (
			SELECT 'TRACKING_NUMBER ' || tracking_number AS key FROM shipments WHERE number = ANY($1) AND tracking_number <> ''
			UNION ALL SELECT 'DESPATCH_ADVICE ' || number FROM shipments WHERE number = ANY($1)
			UNION ALL SELECT 'TRACKING_NUMBER ' || p.tracking_number FROM shipments d JOIN packages p ON p.shipment_id = d.id
			WHERE d.number = ANY($1) AND p.tracking_number <> ''
			UNION ALL SELECT 'SSCC ' || u.sscc FROM despatch_advices n JOIN handling_units u ON u.despatch_advice_id = n.id
			WHERE n.shipment_number = ANY($1)
			UNION ALL SELECT 'DESPATCH_ADVICE ' || n.number FROM despatch_advices n WHERE n.shipment_number = ANY($1)
			UNION ALL SELECT (r ->> 'scheme') || ' ' || (r ->> 'value') FROM despatch_advices n, jsonb_array_elements(n.refs) r
			WHERE n.shipment_number = ANY($1)
			UNION ALL SELECT 'SSCC ' || p.sscc FROM shipments d JOIN packages p ON p.shipment_id = d.id WHERE d.number = ANY($1)
			AND p.sscc IS NOT NULL
			UNION ALL SELECT 'PO_NUMBER ' || o.number FROM shipments d JOIN shipment_purchase_orders x ON x.shipment_id = d.id
			JOIN purchase_orders o ON o.id = x.purchase_order_id WHERE d.number = ANY($1)
			UNION ALL SELECT (r ->> 'scheme') || ' ' || (r ->> 'value') FROM shipments d,
			jsonb_array_elements(CASE jsonb_typeof(d.refs) WHEN 'array' THEN d.refs ELSE '[]' END) r WHERE d.number = ANY($1))
		UPDATE inbound_deliveries SET state = 'RECEIVED', due_at = '-infinity' WHERE id IN (
			SELECT id FROM inbound_deliveries WHERE state = 'WAITING_FOR_SUBJECT' AND waits_for && (SELECT array_agg(key) FROM keys)
			FOR UPDATE SKIP LOCKED)`
	if _, err := tx.Exec(ctx, query, store.TextArray(numbers)); err != nil {
		return fmt.Errorf("inbound deliveries: %w", err)
	}
	return nil
}

// RemoveDeliveries removes at most limit deliveries from before a moment that are done with,
// and tells how many.
func RemoveDeliveries(ctx context.Context, s *store.Store, before time.Time, limit int) (removed int, err error) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		const query = `WITH gone AS (DELETE FROM inbound_deliveries WHERE id IN (SELECT id FROM inbound_deliveries WHERE received_at < $1
			AND state <> 'RECEIVED' ORDER BY received_at LIMIT $2) RETURNING 1)
			SELECT count(*) FROM gone`
		return tx.Get(ctx, &removed, query, before, limit)
	})
	if err != nil {
		return 0, fmt.Errorf("inbound deliveries: %w", err)
	}
	return removed, nil
}
