package replication

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade/operating"
)

// MarkUnread marks what the store holds of records as stale: their source has a newer version of each that could not be
// read or saved. A mark keeps the moment at which it was set first, and goes when a version at least as new is saved. What
// is no record of a subject, or was kept, marks nothing.
func MarkUnread(ctx context.Context, tx *store.Tx, records []operating.RejectedRecord) error {
	type origin struct{ subject, instance string }
	var origins []origin
	unread := map[origin][]operating.RejectedRecord{}
	for _, r := range records {
		if r.Subject == "" || r.SourceRef == nil || r.Kept {
			continue
		}
		of := origin{r.Subject, r.Instance}
		if unread[of] == nil {
			origins = append(origins, of)
		}
		unread[of] = append(unread[of], r)
	}
	for _, of := range origins {
		query := kindOf(of.subject).unread()
		if query == "" {
			continue
		}
		var refs, reasons store.TextArray
		for _, r := range unread[of] {
			refs, reasons = append(refs, printable(*r.SourceRef, longestRef)), append(reasons, printable(r.Reason, longestReason))
		}
		if _, err := tx.Exec(ctx, query, of.instance, refs, reasons, unread[of][0].At); err != nil {
			return fmt.Errorf("unread %s: %w", of.subject, err)
		}
	}
	return nil
}

// notNamed is why what [MarkUnnamed] marks is stale.
const notNamed = "Its source reported a change, and no longer names it. The next comparison with the source removes it."

// MarkUnnamed marks as stale what the store holds of an instance under references, by these versions of which it is not named: its key is
// none of these keys. What is stale already keeps its reason, and what is newer stays as it is.
func MarkUnnamed(ctx context.Context, tx *store.Tx, subject, instance string, versions map[string]int64, keys []string,
	at time.Time,
) error {
	k := kindOf(subject)
	if k.table == "" || len(versions) == 0 {
		return nil
	}
	var refs store.TextArray
	var sequences []int64
	for ref, version := range versions {
		refs, sequences = append(refs, ref), append(sequences, version)
	}
	query := "UPDATE " + k.rows() + " SET unread_since = $4, unread_reason = $5 FROM unnest($2::text[], $3::bigint[]) r(ref, sequence)" +
		" WHERE t.instance = $1 AND t.source_ref = r.ref AND t.sequence <= r.sequence AND t.unread_since IS NULL AND " + k.key + " <> ALL($6)"
	if _, err := tx.Exec(ctx, query, instance, refs, pq.Array(sequences), at, notNamed, store.TextArray(keys)); err != nil {
		return fmt.Errorf("%s that are not named: %w", subject, err)
	}
	return nil
}

// clearUnread takes the marks off what is held of records that could be read.
func clearUnread(ctx context.Context, tx *store.Tx, subject, instance string, refs []string) error {
	query := kindOf(subject).read()
	if query == "" {
		return nil
	}
	if _, err := tx.Exec(ctx, query, instance, store.TextArray(refs)); err != nil {
		return fmt.Errorf("unread %s: %w", subject, err)
	}
	return nil
}

// unread is the statement that marks rows of a kind: of an instance, $1, by references, $2, for the reasons in $3, as of $4.
// It is empty where the kind has no rows to mark.
func (k kind) unread() string {
	const reported = " FROM (SELECT DISTINCT ON (ref) ref, reason FROM unnest($2::text[], $3::text[]) x(ref, reason)) r WHERE "
	switch {
	case k.subject == ofTracking:
		return "UPDATE shipments t SET untracked_since = coalesce(t.untracked_since, $4), untracked_reason = r.reason" + reported +
			"$1 <> '' AND " + tracked("= r.ref")
	case k.table == "":
		return ""
	}
	return "UPDATE " + k.rows() + " SET unread_since = coalesce(t.unread_since, $4), unread_reason = r.reason" + reported +
		"t.instance = $1 AND t.source_ref = r.ref"
}

// read is the statement that takes the marks off rows of a kind: of an instance, $1, by references, $2.
func (k kind) read() string {
	switch {
	case k.subject == ofTracking:
		return "UPDATE shipments t SET untracked_since = NULL, untracked_reason = NULL WHERE $1 <> '' AND t.untracked_since IS NOT NULL AND " +
			tracked("= ANY($2)")
	case k.table == "":
		return ""
	}
	return "UPDATE " + k.rows() + " SET unread_since = NULL, unread_reason = NULL WHERE t.instance = $1 AND t.source_ref = ANY($2)" +
		" AND t.unread_since IS NOT NULL"
}

// ofTracking is the subject of what carriers report. It has no rows of its own: it is marked at the shipments that it is about.
const ofTracking = "tracking"

// tracked is the condition that a shipment t, or a package of it, has a tracking number.
func tracked(number string) string {
	return "(t.tracking_number " + number + " OR t.id IN (SELECT p.shipment_id FROM packages p WHERE p.tracking_number " + number + "))"
}
