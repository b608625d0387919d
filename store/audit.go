package store

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"portico/trade"
	"portico/trade/operating"
)

// Audit writes an entry to the audit log, in the transaction of what was done.
func (s *Store) Audit(ctx context.Context, tx *Tx, e operating.AuditRecord) error {
	before, err := jsonText(e.Before)
	if err != nil {
		return err
	}
	after, err := jsonText(e.After)
	if err != nil {
		return err
	}
	const query = `INSERT INTO audit_entries (actor, action, subject, correlation_id, before, after) VALUES (nullif($1, ''), $2, $3, $4, $5, $6)`
	if _, err := s.Exec(ctx, tx, query, e.Actor, e.Action, e.Subject, e.CorrelationID, before, after); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}

// AuditFilter narrows the audit log. Action is an action or its beginning.
type AuditFilter struct {
	Subject, Actor, Action, CorrelationID string
	At                                    trade.DateRange
}

var auditLog = read(relation[operating.AuditEntry]{
	kind: "AuditEntry", from: "audit_leaves f JOIN audit_entries e ON e.place = f.place", visible: operatorOnly,
	columns: []columns{always(`e.id, f.index, e.at, coalesce(e.actor, '') AS actor_id, e.action, e.subject, e.correlation_id, e.before, e.after, encode(f.digest, 'hex') AS digest`)},
}, same[operating.AuditEntry])

// AuditEntries reads sealed entries of the audit log by id.
func (s *Store) AuditEntries(ctx context.Context, scope trade.Scope, ids []string) (map[string]*operating.AuditEntry, error) {
	return auditLog.by(ctx, s, scope, "e.id", "", ids)
}

// AuditList is the sealed entries of the audit log, newest first.
func AuditList(scope trade.Scope, f AuditFilter) *List[operating.AuditEntry] {
	l := &List[operating.AuditEntry]{relation: auditLog, name: "audit log", scope: scope, order: []sortKey{{"f.index", "bigint", true}}}
	for _, c := range []struct{ column, value string }{{"e.subject", f.Subject}, {"e.actor", f.Actor}, {"e.correlation_id", f.CorrelationID}} {
		if c.value != "" {
			l.and(c.column + " = " + l.args.add(c.value))
		}
	}
	if f.Action != "" {
		l.and("starts_with(e.action, " + l.args.add(f.Action) + ")")
	}
	within(l, "e.at", f.At, true)
	return l
}

// Leaf is an entry as it is sealed: its text is what its hash is of.
type Leaf struct {
	Index, Place int64
	Text         string
	Digest       []byte // as it was kept; nil where it is not sealed yet
}

// leafText is the text of an entry e, the same as long as nothing of it is changed.
const leafText = `jsonb_build_object('id', e.id, 'at', (extract(epoch FROM e.at) * 1000000)::bigint, 'actor', e.actor, 'action', e.action, 'subject', e.subject, 'correlation', e.correlation_id, 'before', e.before, 'after', e.after)::text`

// lockAudit holds the tree for one process at a time.
const lockAudit = `SELECT pg_advisory_xact_lock(7203)`

// Unsealed are entries of the audit log that are in no tree yet, in the order in which
// they were written, at most so many, and how many are in it. Until the transaction ends
// no other process seals any.
func (s *Store) Unsealed(ctx context.Context, tx *Tx, most int) (leaves []Leaf, size int64, err error) {
	if _, err := s.Exec(ctx, tx, lockAudit); err != nil {
		return nil, 0, fmt.Errorf("audit log: %w", err)
	}
	if err := s.get(ctx, tx, &size, `SELECT coalesce(max(index) + 1, 0) FROM audit_leaves`); err != nil {
		return nil, 0, fmt.Errorf("audit log: %w", err)
	}
	// Transactions commit in another order than they take places, so that an earlier
	// place may come later: it is not asked for what comes after the last one sealed.
	const query = `
		SELECT e.place, ` + leafText + ` AS text FROM audit_entries e WHERE e.place > coalesce((SELECT max(place) FROM audit_leaves), 0) - 100000
			AND NOT EXISTS (SELECT FROM audit_leaves f WHERE f.place = e.place) ORDER BY e.place LIMIT $1`
	if err := s.sel(ctx, tx, &leaves, query, most); err != nil {
		return nil, 0, fmt.Errorf("audit log: %w", err)
	}
	for i := range leaves {
		leaves[i].Index = size + int64(i)
	}
	return leaves, size, nil
}

// SaveLeaves keeps entries as sealed, with the hashes that they add to the tree.
func (s *Store) SaveLeaves(ctx context.Context, tx *Tx, leaves []Leaf, digests [][]byte, firstHash int64, hashes [][]byte) error {
	indexes, places := make([]int64, len(leaves)), make([]int64, len(leaves))
	for i, l := range leaves {
		indexes[i], places[i] = l.Index, l.Place
	}
	if _, err := s.Exec(ctx, tx, `INSERT INTO audit_leaves (index, place, digest) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])`, pq.Array(indexes), pq.Array(places), pq.ByteaArray(digests)); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	const query = `INSERT INTO audit_hashes (index, hash) SELECT $1 + n - 1, h FROM unnest($2::bytea[]) WITH ORDINALITY x(h, n)`
	if _, err := s.Exec(ctx, tx, query, firstHash, pq.ByteaArray(hashes)); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}

// TreeHashes reads hashes of the tree by index.
func (s *Store) TreeHashes(ctx context.Context, tx *Tx, indexes []int64) (map[int64][]byte, error) {
	var rows []struct {
		Index int64
		Hash  []byte
	}
	if err := s.sel(ctx, tx, &rows, `SELECT index, hash FROM audit_hashes WHERE index = ANY($1)`, pq.Array(indexes)); err != nil {
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
func (s *Store) Leaves(ctx context.Context, from int64, most int) (leaves []Leaf, err error) {
	const query = `SELECT f.index, f.place, CASE WHEN e.id IS NULL THEN '' ELSE ` + leafText + ` END AS text, f.digest FROM audit_leaves f LEFT JOIN audit_entries e ON e.place = f.place WHERE f.index >= $1 ORDER BY f.index LIMIT $2`
	if err := s.sel(ctx, nil, &leaves, query, from, most); err != nil {
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
func (s *Store) PartnerLeaves(ctx context.Context, scope trade.Scope, partner, purchaseOrder string) (leaves []PartnerLeaf, err error) {
	if !scope.Everything() {
		return nil, nil
	}
	const query = `
		SELECT coalesce(f.index, -1) AS index, ` + leafText + ` AS text FROM audit_entries e LEFT JOIN audit_leaves f ON f.place = e.place
		WHERE e.subject = $1 AND (e.action = 'message.receive' AND e.after -> 'purchaseOrders' ? $2 OR starts_with(e.action, 'partner.key.')) ORDER BY e.place`
	if err := s.sel(ctx, nil, &leaves, query, partner, purchaseOrder); err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	return leaves, nil
}
