package operating

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

type alertRow struct {
	trade.Alert
	To           pq.StringArray
	RiskQuantity store.NullDecimal
	Unit         string
}

func (r *alertRow) trade() *trade.Alert {
	a := &r.Alert
	for _, side := range r.To {
		a.Audience = append(a.Audience, trade.Audience(side))
	}
	if r.RiskQuantity.Valid {
		a.AtRisk = &trade.Quantity{Value: r.RiskQuantity.Decimal, Unit: r.Unit}
	}
	return a
}

var alerts = store.Read(store.Relation[trade.Alert]{
	Kind: "Alert", From: "alerts w",
	// A supplier sees those about its own that are meant for suppliers.
	Visible: func(s trade.Scope, a *store.Args) string {
		own := store.OwnSupplier("w.supplier_id")(s, a)
		if s.Everything() {
			return own
		}
		return own + " AND 'SUPPLIER' = ANY(w.audience)"
	},
	Columns: []store.Columns{store.Always(`w.id, w.kind, w.severity, w.state, w.message, w.suggested_action, w.audience AS "to", w.queue,
		w.responsible, w.subject, coalesce(w.supplier_id, '') AS supplier_id,
		coalesce(w.deviation_id, '') AS deviation_id, w.at_risk AS risk_quantity, coalesce(w.unit, '') AS unit, w.raised_at,
		coalesce(w.taken_by, '') AS taker_id, w.acknowledged_at,
		w.resolved_at, w.resolution`)},
}, (*alertRow).trade)

// Alerts reads alerts by id.
func Alerts(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Alert, error) {
	return alerts.By(ctx, s, scope, "w.id", "", ids)
}

// AlertsOf reads the alerts that were raised for deviations, most urgent first.
func AlertsOf(ctx context.Context, s *store.Store, scope trade.Scope, deviations []string) (map[string][]*trade.Alert, error) {
	return alerts.Under(ctx, s, scope, "", "w.deviation_id", "w.urgency, w.raised_at, w.id", deviations)
}

// AlertFilter narrows a list of alerts. A nil State is those that are not resolved.
type AlertFilter struct {
	State   []trade.AlertState
	Kind    []trade.AlertKind
	Least   trade.Severity
	Queue   string
	Subject string
}

// AlertList is the alerts the scope sees, most urgent and newest first.
func AlertList(scope trade.Scope, f AlertFilter) *store.List[trade.Alert] {
	l := &store.List[trade.Alert]{
		Relation: alerts, Name: "alerts", Scope: scope,
		Order: []store.SortKey{
			store.Ascending("w.urgency", "integer"), store.Descending("w.raised_at", "timestamptz"),
			store.Ascending("w.id", "text"),
		},
	}
	if f.State == nil {
		l.And("w.state <> 'RESOLVED'")
	} else {
		l.And("w.state = ANY(" + l.Args.Add(pq.Array(f.State)) + ")")
	}
	if f.Kind != nil {
		l.And("w.kind = ANY(" + l.Args.Add(pq.Array(f.Kind)) + ")")
	}
	switch f.Least {
	case trade.Critical:
		l.And("w.urgency = 0")
	case trade.Warning:
		l.And("w.urgency <= 1")
	}
	if f.Queue != "" {
		l.And("w.queue = " + l.Args.Add(f.Queue))
	}
	if f.Subject != "" {
		l.And("w.subject = " + l.Args.Add(f.Subject))
	}
	return l
}

// IsAlert tells whether an alert is one that a filter lets through, within a scope.
func IsAlert(ctx context.Context, s *store.Store, scope trade.Scope, f AlertFilter, id string) (is bool, err error) {
	l := AlertList(scope, f)
	l.And("w.id = " + l.Args.Add(id))
	counts, err := l.Count(ctx, s, []string{""})
	return counts[""].Value > 0, err
}

// RaiseAlerts raises alerts, with the orders that they touch. One of a kind, about the same, is
// not raised again while it is open; what a person reports is.
func RaiseAlerts(ctx context.Context, tx *store.Tx, all []*trade.Alert) error {
	if len(all) == 0 {
		return nil
	}
	document, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	const query = `
		WITH raised AS (
			INSERT INTO alerts (id, kind, severity, message, suggested_action, audience, queue, responsible, subject, supplier_id, deviation_id,
			at_risk, unit)
			SELECT j ->> 'ID', j ->> 'Kind', j ->> 'Severity', j ->> 'Message', j ->> 'SuggestedAction',
			ARRAY(SELECT jsonb_array_elements_text(j -> 'Audience')), j ->> 'Queue',
				j ->> 'Responsible', j ->> 'Subject', nullif(j ->> 'SupplierID', ''), nullif(j ->> 'DeviationID', ''),
				(j #>> '{AtRisk,value}')::numeric, j #>> '{AtRisk,unit}'
			FROM jsonb_array_elements($1::jsonb) j ON CONFLICT DO NOTHING RETURNING id)
		INSERT INTO alert_orders (alert_id, order_id)
		SELECT DISTINCT r.id, o FROM raised r JOIN jsonb_array_elements($1::jsonb) j ON j ->> 'ID' = r.id,
		jsonb_array_elements_text(nullif(j -> 'OrderIDs', 'null')) o`
	if _, err := tx.Exec(ctx, query, string(document)); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	tx.MarkChanged()
	return nil
}

// ResolveAlertsOf closes the alerts that were raised for deviations.
func ResolveAlertsOf(ctx context.Context, tx *store.Tx, deviations []string, resolution string) error {
	const query = `UPDATE alerts SET state = 'RESOLVED', resolved_at = clock_timestamp(), resolution = $2 WHERE deviation_id = ANY($1)
		AND state <> 'RESOLVED' AND NOT 'SUPPLIER' = ANY(audience)`
	if _, err := tx.Exec(ctx, query, store.TextArray(deviations), resolution); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	return nil
}

// ErrNotTheirs tells a supplier who would take or close an alert that the buyer looks after.
var ErrNotTheirs = errors.New("the alert is the other side's")

// MoveAlert takes an alert, or closes it with a resolution, within a scope. was is the
// state it was in, empty where there is none; one that is there already, or closed, stays.
// It fails with [ErrNotTheirs] where a supplier sees an alert that is not for suppliers alone.
func MoveAlert(ctx context.Context, tx *store.Tx, scope trade.Scope, id string, to trade.AlertState, by string,
	resolution *string,
) (was trade.AlertState, err error) {
	var a store.Args
	var rows []struct {
		State  trade.AlertState
		Shared bool
	}
	if err := tx.Select(ctx, &rows,
		`SELECT w.state, w.audience <> '{SUPPLIER}' AS shared FROM alerts w WHERE w.id = `+a.Add(id)+` AND `+alerts.Visible(scope,
			&a)+` FOR UPDATE`, a.List...); err != nil || len(rows) == 0 {
		return "", err
	}
	if rows[0].Shared && !scope.Everything() {
		return "", ErrNotTheirs
	}
	if rows[0].State == trade.AlertResolved || rows[0].State == to {
		return rows[0].State, nil
	}
	const query = `
		UPDATE alerts SET state = $2, taken_by = coalesce(taken_by, $3), acknowledged_at = coalesce(acknowledged_at, clock_timestamp()),
			resolved_at = CASE WHEN $2 = 'RESOLVED' THEN clock_timestamp() END, resolution = $4 WHERE id = $1`
	tx.MarkChanged()
	_, err = tx.Exec(ctx, query, id, to, by, resolution)
	return rows[0].State, err
}

// SupplierOf is the supplier of a purchase order, of a line of one or of a ship notice, and
// what the document is called, within a scope; both are empty where there is none.
func SupplierOf(ctx context.Context, tx *store.Tx, scope trade.Scope, subject string) (supplier, called string, err error) {
	var a store.Args
	id := a.Add(subject)
	var rows []struct{ SupplierID, Called string }
	query := `SELECT d.supplier_id, 'Purchase order ' || d.number AS called FROM purchase_orders d
			WHERE d.id IN (` + id + `, (SELECT l.purchase_order_id FROM purchase_order_lines l WHERE l.id = ` + id + `)) AND ` +
		store.OwnSupplier("d.supplier_id")(scope, &a) + `
		UNION ALL SELECT n.supplier_id, 'Ship notice ' || n.number FROM despatch_advices n WHERE n.id = ` + id + ` AND ` +
		store.OwnSupplier("n.supplier_id")(scope, &a)
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil || len(rows) == 0 {
		return "", "", err
	}
	return rows[0].SupplierID, rows[0].Called, nil
}

// RaiseOverdueAlerts raises an alert for each purchase order whose answer is due and has not
// come, to the buyer and its supplier, and closes those of orders that were answered. It
// tells how many it raised.
func RaiseOverdueAlerts(ctx context.Context, s *store.Store) (raised int, err error) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		const closing = `
			UPDATE alerts w SET state = 'RESOLVED', resolved_at = clock_timestamp(), resolution = 'The supplier answered.' FROM purchase_orders d
			WHERE w.kind = 'ACKNOWLEDGMENT_OVERDUE' AND w.state <> 'RESOLVED' AND d.id = w.subject
			AND (d.state NOT IN ('ISSUED', 'SENT', 'RECEIVED_BY_SUPPLIER') OR d.acknowledge_by > clock_timestamp())`
		if _, err := tx.Exec(ctx, closing); err != nil {
			return err
		}
		const raising = `
			INSERT INTO alerts (id, kind, severity, message, suggested_action, audience, queue, responsible, subject, supplier_id)
			SELECT 'alr_' || replace(gen_random_uuid()::text, '-', ''), 'ACKNOWLEDGMENT_OVERDUE', 'WARNING',
			'Purchase order ' || d.number || ' is not acknowledged; it was due on ' || to_char(d.acknowledge_by AT TIME ZONE 'UTC',
			'YYYY-MM-DD HH24:MI') || ' UTC.',
				'Answer it with respondToPurchaseOrder.', '{OPERATOR,SUPPLIER}', 'purchasing', 'PARTNER', d.id, d.supplier_id
			FROM purchase_orders d WHERE d.state IN ('ISSUED', 'SENT', 'RECEIVED_BY_SUPPLIER') AND d.acknowledge_by < clock_timestamp()
				AND NOT EXISTS (SELECT FROM alerts w WHERE w.kind = 'ACKNOWLEDGMENT_OVERDUE' AND w.subject = d.id AND w.state <> 'RESOLVED')
			ORDER BY d.acknowledge_by LIMIT 500 ON CONFLICT DO NOTHING`
		result, err := tx.Exec(ctx, raising)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if raised = int(n); raised > 0 {
			tx.MarkChanged()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("overdue acknowledgments: %w", err)
	}
	return raised, nil
}
