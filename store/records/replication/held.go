package replication

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"

	"portico/store"
)

// Held is a record as the store holds it: its natural key, its source's reference
// and version, and what it says, in the shape in which a source tells it.
type Held struct {
	Key      string
	Ref      string
	Sequence int64
	Says     []byte
}

// object is a JSON object of names and expressions.
func object(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%s'%s', %s", [...]string{"", ", "}[min(i, 1)], pairs[i], pairs[i+1]) //nolint:gosec // it is as long as that
	}
	return "jsonb_build_object(" + b.String() + ")"
}

// givenBy is an object of a column, or null where that is null.
func givenBy(column, object string) string {
	return "CASE WHEN " + column + " IS NOT NULL THEN " + object + " END"
}

func money(amount, currency string) string {
	return givenBy(amount, object("amount", amount, "currency", currency))
}

func quantity(value, unit string) string { return givenBy(value, object("value", value, "unit", unit)) }

func sumsOf(alias string) string {
	pairs := make([]string, 0, 10)
	for _, sum := range []string{"subtotal", "discount", "freight", "tax", "total"} {
		pairs = append(pairs, sum, money(alias+"."+sum, alias+".currency"))
	}
	return object(pairs...)
}

// keyOf is the natural key of what a row refers to.
func keyOf(key, table, id string) string {
	return object("key", "(SELECT x."+key+" FROM "+table+" x WHERE x.id = "+id+")")
}

// below are the rows below a record, as an array.
func below(says, from, where, order string) string {
	return "(SELECT jsonb_agg(" + says + " ORDER BY " + order + ") FROM " + from + " WHERE " + where + ")"
}

func unitPriceOf(alias string) string {
	return object("price", money(alias+".price", alias+".currency"), "per", quantity(alias+".price_per", alias+".unit"))
}

func quantities(alias string, pairs ...string) []string {
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, pairs[i], quantity(alias+"."+pairs[i+1], alias+".unit"))
	}
	return all
}

var (
	orderLine = append([]string{
		"LineNumber", "l.line_number", "ItemRef", keyOf("sku", "items", "l.item_id"), "Description", "l.description", "UnitPrice",
		unitPriceOf("l"),
		"Amount", money("l.amount", "l.currency"), "Status", "coalesce(l.source_status, l.status)",
		"Delivered", quantity("coalesce(l.source_delivered, l.delivered)", "l.unit"),
	}, quantities("l", "Ordered", "ordered", "Confirmed", "confirmed", "Allocated", "allocated", "Backordered", "backordered", "Shipped",
		"shipped", "Invoiced", "invoiced", "Cancelled", "cancelled", "Returned", "returned")...)
	purchaseLine = append([]string{
		"LineNumber", "l.line_number", "ItemRef", keyOf("sku", "items", "l.item_id"), "UnitPrice",
		unitPriceOf("l"),
	},
		quantities("l", "Ordered", "ordered", "Acknowledged", "acknowledged", "Shipped", "shipped", "Received", "received", "Cancelled",
			"cancelled")...)
)

// HeldAfter reads records of a subject that a source has told, for a number of its
// references after one, in order. next is the last of them, or empty at the end.
func HeldAfter(ctx context.Context, s *store.Store, subject, instance, after string, limit int) (held []Held, next string, err error) {
	var refs []string
	h := kindOf(subject)
	const page = `SELECT DISTINCT t.source_ref FROM %s WHERE t.instance = $1 AND t.source_ref > $2 ORDER BY 1 LIMIT $3`
	if err := s.Select(ctx, &refs, fmt.Sprintf(page, h.rows()), instance, after, limit); err != nil {
		return nil, "", fmt.Errorf("%s held: %w", subject, err)
	}
	if len(refs) == limit {
		next = refs[limit-1]
	}
	held, err = HeldOf(ctx, s, subject, instance, refs)
	return held, next, err
}

// HeldOf reads the records of a subject that a source has told under references.
func HeldOf(ctx context.Context, s *store.Store, subject, instance string, refs []string) (held []Held, err error) {
	h := kindOf(subject)
	query := fmt.Sprintf(`SELECT %s AS key, t.source_ref AS ref, t.sequence, %s AS says FROM %s WHERE t.instance = $1
		AND t.source_ref = ANY($2)`, h.key, h.says, h.rows())
	if err := s.Select(ctx, &held, query, instance, pq.Array(refs)); err != nil {
		return nil, fmt.Errorf("%s held: %w", subject, err)
	}
	return held, nil
}

// RemoveHeld deletes records that their source has no more, by keys and by the
// references they were told under, with their parts. One that others refer to stays;
// how many went is told.
func RemoveHeld(ctx context.Context, s *store.Store, subject, instance string, refs, keys []string) (gone int, err error) {
	h := kindOf(subject)
	query := `DELETE FROM ` + h.rows() + ` WHERE t.instance = $1 AND t.source_ref = ANY($2) AND ` + h.key + ` = ANY($3)`
	err = s.InTx(ctx, func(tx *store.Tx) error {
		result, err := tx.Exec(ctx, query, instance, pq.Array(refs), pq.Array(keys))
		if err != nil {
			return fmt.Errorf("removing %s: %w", subject, err)
		}
		n, err := result.RowsAffected()
		gone = int(n)
		return err
	})
	if _, refused := store.Refused(err); !refused {
		return gone, err
	}
	if len(keys) == 1 {
		return 0, nil
	}
	for _, half := range [][]string{keys[:len(keys)/2], keys[len(keys)/2:]} {
		n, err := RemoveHeld(ctx, s, subject, instance, refs, half)
		if gone += n; err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// ReportedBetween are the references of records of a subject that a source told, or that were
// set aside of what it told, in a span of time, after one of them, in their order, at most so
// many; with id, of that record alone.
func ReportedBetween(ctx context.Context, s *store.Store, subject, instance string, from, to *time.Time, id, after string,
	limit int,
) (refs []string, err error) {
	query := fmt.Sprintf(`
		SELECT ref FROM (
			(SELECT t.source_ref AS ref FROM %s
			WHERE t.instance = $1 AND t.source_ref > $5 AND ($4 = '' OR to_jsonb(t) ->> 'id' = $4) GROUP BY 1
			HAVING ($2::timestamptz IS NULL OR max(t.received_at) >= $2) AND ($3::timestamptz IS NULL OR max(t.received_at) < $3)
			ORDER BY 1 LIMIT $6)
			UNION
			(SELECT source_ref FROM rejected_records WHERE instance = $1 AND source_ref > $5 AND $4 = ''
			AND ($2::timestamptz IS NULL OR at >= $2) AND ($3::timestamptz IS NULL OR at < $3) ORDER BY 1 LIMIT $6)) x
		ORDER BY ref LIMIT $6`,
		kindOf(subject).rows())
	if err := s.Select(ctx, &refs, query, instance, from, to, id, after, limit); err != nil {
		return nil, fmt.Errorf("%s held: %w", subject, err)
	}
	return refs, nil
}
