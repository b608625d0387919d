package operating

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"
	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

// MeasuredBy is what measures are asked over and broken down by.
type MeasuredBy struct {
	From, Until time.Time                   // Until is not of it
	Measures    []operating.BusinessMeasure // nil is all
	Keys        bool                        // a result for each key, instead of one for all
}

type measuredRow struct {
	Measure    operating.BusinessMeasure
	Key        *string
	SupplierID string
	Samples    int64
	Half, Most *float64
	Hits       udecimal.Decimal
	Percent    store.NullDecimal
	Orders     int64
}

func (r *measuredRow) trade() *operating.MeasureResult {
	m := &operating.MeasureResult{Measure: r.Measure, Key: r.Key, Samples: int(r.Samples)}
	if r.Samples == 0 {
		return m
	}
	span := func(seconds *float64) *time.Duration {
		if seconds == nil {
			return nil
		}
		d := time.Duration(*seconds * float64(time.Second)).Round(time.Millisecond)
		return &d
	}
	switch d := r.Measure.Definition(); {
	case d == nil:
	case d.Unit == operating.InTime:
		m.P50, m.P95 = span(r.Half), span(r.Most)
	case d.Unit == operating.PerThousand:
		if r.Orders > 0 {
			if n, err := r.Hits.Mul(udecimal.MustFromInt64(1000, 0)).Div(udecimal.MustFromInt64(r.Orders, 0)); err == nil {
				n = n.RoundBank(2)
				m.Count = &n
			}
		}
	case r.Percent.Valid:
		m.Percent = &r.Percent.Decimal
	}
	return m
}

// figures are what a result is made of.
const figures = `sum(m.cases)::bigint AS samples, percentile_cont(0.5) WITHIN GROUP (ORDER BY m.seconds) AS half,
	percentile_cont(0.95) WITHIN GROUP (ORDER BY m.seconds) AS most,
	sum(m.hits) AS hits, round(100 * sum(m.hits) / nullif(sum(m.cases), 0), 2) AS percent`

// MeasureResults is what measures come to, each that has cases, in their order. It is for operators.
func MeasureResults(ctx context.Context, s *store.Store, scope trade.Scope, by MeasuredBy) ([]*operating.MeasureResult, error) {
	a := store.Args{}
	where := store.OperatorOnly(scope, &a)
	key := "NULL::text"
	if by.Keys {
		key = "m.key"
	}
	from, until := a.Add(by.From), a.Add(by.Until)
	where += " AND m.at >= " + from + " AND m.at < " + until
	if by.Measures != nil {
		where += " AND m.measure = ANY(" + a.Add(pq.Array(by.Measures)) + ")"
	}
	query := `SELECT m.measure, ` + key + ` AS key, '' AS supplier_id, ` + figures + `,
			CASE WHEN m.measure = 'SUPPORT_TICKETS' THEN (SELECT count(*) FROM orders o WHERE o.placed_at >= ` + from + ` AND o.placed_at < ` +
		until + `) ELSE 0 END AS orders
		FROM measured m WHERE ` + where + ` GROUP BY 1, 2 ORDER BY 1, 2`
	var rows []measuredRow
	if err := s.Select(ctx, &rows, query, a.List...); err != nil {
		return nil, fmt.Errorf("measures: %w", err)
	}
	all := make([]*operating.MeasureResult, len(rows))
	for i := range rows {
		all[i] = rows[i].trade()
	}
	return all, nil
}

// Scorecards are what suppliers come to, by their ids: each sees its own.
func Scorecards(ctx context.Context, s *store.Store, scope trade.Scope, from, until time.Time,
	suppliers []string,
) (map[string][]*operating.MeasureResult, error) {
	a := store.Args{}
	where := store.OwnSupplier("m.supplier_id")(scope, &a) + " AND m.supplier_id = ANY(" + a.AddTexts(suppliers) + ") AND m.at >= " +
		a.Add(from) + " AND m.at < " + a.Add(until)
	var rows []measuredRow
	if err := s.Select(ctx, &rows,
		`SELECT m.measure, NULL::text AS key, m.supplier_id, `+figures+`, 0::bigint AS orders FROM measured m
			WHERE `+where+` GROUP BY m.supplier_id, m.measure ORDER BY m.measure`, a.List...); err != nil {
		return nil, fmt.Errorf("scorecards: %w", err)
	}
	all := map[string][]*operating.MeasureResult{}
	for i := range rows {
		all[rows[i].SupplierID] = append(all[rows[i].SupplierID], rows[i].trade())
	}
	return all, nil
}
