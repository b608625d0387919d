package ledger

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

// Audit writes an entry to the audit log, in the transaction of what was done.
func Audit(ctx context.Context, tx *store.Tx, e operating.AuditRecord) error {
	before, err := jsonText(e.Before)
	if err != nil {
		return err
	}
	after, err := jsonText(e.After)
	if err != nil {
		return err
	}
	const query = `INSERT INTO audit_entries (actor, action, subject, correlation_id, before, after)
		VALUES (nullif($1, ''), $2, $3, $4, $5, $6)`
	if _, err := tx.Exec(ctx, query, e.Actor, e.Action, e.Subject, e.CorrelationID, before, after); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}

// AuditFilter narrows the audit log. Action is an action or its beginning.
type AuditFilter struct {
	Subject, Actor, Action, CorrelationID string
	At                                    trade.DateRange
}

var auditLog = store.Read(store.Relation[operating.AuditEntry]{
	Kind: "AuditEntry", From: "audit_leaves f JOIN audit_entries e ON e.place = f.place", Visible: store.OperatorOnly,
	Columns: []store.Columns{store.Always(`e.id, f.index, e.at, coalesce(e.actor, '') AS actor_id, e.action, e.subject, e.correlation_id,
		e.before, e.after, encode(f.digest, 'hex') AS digest`)},
}, store.Identity[operating.AuditEntry])

// AuditEntries reads sealed entries of the audit log by id.
func AuditEntries(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*operating.AuditEntry, error) {
	return auditLog.By(ctx, s, scope, "e.id", "", ids)
}

// AuditList is the sealed entries of the audit log, newest first.
func AuditList(scope trade.Scope, f AuditFilter) *store.List[operating.AuditEntry] {
	l := &store.List[operating.AuditEntry]{
		Relation: auditLog, Name: "audit log", Scope: scope,
		Order: []store.SortKey{store.Descending("f.index", "bigint")},
	}
	for _, c := range []struct{ column, value string }{{"e.subject", f.Subject}, {"e.actor", f.Actor}, {"e.correlation_id", f.CorrelationID}} {
		if c.value != "" {
			l.And(c.column + " = " + l.Args.Add(c.value))
		}
	}
	if f.Action != "" {
		l.And("starts_with(e.action, " + l.Args.Add(f.Action) + ")")
	}
	l.Within("e.at", f.At, true)
	return l
}

// Leaf is an entry as it is sealed: its text is what its hash is of.
type Leaf struct {
	Index, Place int64
	Text         string
	Digest       []byte // as it was kept; nil where it is not sealed yet
}

// leafText is the text of an entry e, the same as long as nothing of it is changed.
const leafText = `jsonb_build_object('id', e.id, 'at', (extract(epoch FROM e.at) * 1000000)::bigint, 'actor', e.actor, 'action', e.action,
	'subject', e.subject, 'correlation', e.correlation_id, 'before', e.before, 'after', e.after)::text`

// lockAudit holds the tree for one process at a time.
const lockAudit = `SELECT pg_advisory_xact_lock(7203)`

// Places are those of the audit log after one, up to and with another.
type Places struct{ After, UpTo int64 }

// LastPlace is the last place of the audit log that is taken.
func LastPlace(ctx context.Context, tx *store.Tx) (place int64, err error) {
	if err := tx.Get(ctx, &place, `SELECT coalesce(max(place), 0) FROM audit_entries`); err != nil {
		return 0, fmt.Errorf("audit log: %w", err)
	}
	return place, nil
}

// UnappendedEntries are entries of the audit log that are in no tree yet, in the order in which
// they were written, at most so many, and how many are in it. It looks at the newest 100,000
// places and at some older ones besides. Until the transaction ends no other process seals any.
func UnappendedEntries(ctx context.Context, tx *store.Tx, older Places, most int) (leaves []Leaf, size int64, err error) {
	if _, err := tx.Exec(ctx, lockAudit); err != nil {
		return nil, 0, fmt.Errorf("audit log: %w", err)
	}
	if size, err = TreeSize(ctx, tx); err != nil {
		return nil, 0, err
	}
	// Transactions commit in another order than they take places, so that an earlier
	// place may come later: it is not asked for what comes after the last one sealed.
	const query = `
		SELECT e.place, ` + leafText + ` AS text FROM audit_entries e
		WHERE (e.place > coalesce((SELECT max(place) FROM audit_leaves), 0) - 100000 OR e.place > $2 AND e.place <= $3)
			AND NOT EXISTS (SELECT FROM audit_leaves f WHERE f.place = e.place) ORDER BY e.place LIMIT $1`
	if err := tx.Select(ctx, &leaves, query, most, older.After, older.UpTo); err != nil {
		return nil, 0, fmt.Errorf("audit log: %w", err)
	}
	for i := range leaves {
		leaves[i].Index = size + int64(i)
	}
	return leaves, size, nil
}

// TreeSize is how many entries are in the tree.
func TreeSize(ctx context.Context, from store.Reader) (size int64, err error) {
	if err := from.Get(ctx, &size, `SELECT coalesce(max(index) + 1, 0) FROM audit_leaves`); err != nil {
		return 0, fmt.Errorf("audit log: %w", err)
	}
	return size, nil
}

// SaveLeaves keeps entries as sealed, with the hashes that they add to the tree.
func SaveLeaves(ctx context.Context, tx *store.Tx, leaves []Leaf, digests [][]byte, firstHash int64, hashes [][]byte) error {
	indexes, places := make([]int64, len(leaves)), make([]int64, len(leaves))
	for i, l := range leaves {
		indexes[i], places[i] = l.Index, l.Place
	}
	if _, err := tx.Exec(ctx, `INSERT INTO audit_leaves (index, place, digest) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])`,
		pq.Array(indexes), pq.Array(places), pq.ByteaArray(digests)); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	const query = `INSERT INTO audit_hashes (index, hash) SELECT $1 + n - 1, h FROM unnest($2::bytea[]) WITH ORDINALITY x(h, n)`
	if _, err := tx.Exec(ctx, query, firstHash, pq.ByteaArray(hashes)); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}

// TreeHashes reads hashes of the tree by index.
func TreeHashes(ctx context.Context, from store.Reader, indexes []int64) (map[int64][]byte, error) {
	var rows []struct {
		Index int64
		Hash  []byte
	}
	if err := from.Select(ctx, &rows, `SELECT index, hash FROM audit_hashes WHERE index = ANY($1)`, pq.Array(indexes)); err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	all := map[int64][]byte{}
	for _, r := range rows {
		all[r.Index] = r.Hash
	}
	return all, nil
}

// Leaves hands out the sealed entries from an index on, in their order, as they are in
// the database now; an entry that is gone has an empty text.
func Leaves(ctx context.Context, s *store.Store, from int64, most int) (leaves []Leaf, err error) {
	const query = `SELECT f.index, f.place, CASE WHEN e.id IS NULL THEN '' ELSE ` + leafText +
		` END AS text, f.digest FROM audit_leaves f LEFT JOIN audit_entries e ON e.place = f.place WHERE f.index >= $1 ORDER BY f.index LIMIT $2`
	if err := s.Select(ctx, &leaves, query, from, most); err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	return leaves, nil
}

// PartnerLeaf is an entry of the audit log about a partner's messages or keys; its index
// is -1 while it is not sealed.
type PartnerLeaf struct {
	Index int64
	Text  string
}

// PartnerLeaves are the entries about messages of a partner on a purchase order that were
// received, and about its keys, in the order in which they were written.
func PartnerLeaves(ctx context.Context, s *store.Store, scope trade.Scope, partner, purchaseOrder string) (leaves []PartnerLeaf,
	err error,
) {
	if !scope.Everything() {
		return nil, nil
	}
	const query = `
		SELECT coalesce(f.index, -1) AS index, ` + leafText + ` AS text FROM audit_entries e LEFT JOIN audit_leaves f ON f.place = e.place
		WHERE e.subject = $1 AND (e.action = 'message.receive' AND e.after -> 'purchaseOrders' ? $2 OR starts_with(e.action, 'partner.key.'))
		ORDER BY e.place`
	if err := s.Select(ctx, &leaves, query, partner, purchaseOrder); err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	return leaves, nil
}
