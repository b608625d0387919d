package operating

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

// The log of changes is written with what changes, in its transaction: by triggers where many
// write, and here where more has to be known. Its places are
// pairs of transaction and number, for numbers alone are given out before their
// transactions commit: whoever remembers the last number that it saw misses those of a slower
// one. What is read is below the oldest transaction that still runs.

// changesChannel is where processes tell each other that there are changes. Nothing is told
// with it: whoever hears it reads the log.
const changesChannel = "portico_changes"

type changeRow struct {
	trade.Change
	Xid     uint64
	Account string
	Partner string
	With    pq.StringArray
	Shift   *int64
}

func (r *changeRow) trade() trade.Change {
	c := r.Change
	c.Transaction, c.AccountID, c.SupplierID, c.Related = r.Xid, r.Account, r.Partner, r.With
	if r.Shift != nil {
		shift := time.Duration(*r.Shift) * time.Second
		c.EtaShift = &shift
	}
	return c
}

const (
	changeColumns = `c.xid::text::numeric::bigint AS xid, c.seq, c.topic, c.subject AS subject_id, coalesce(c.account_id, '') AS account,
		coalesce(c.supplier_id, '') AS partner,
		coalesce(c.principal, '') AS principal, c.related AS "with", c.previous, coalesce(c.cause, '') AS cause_id, c.eta_shift AS shift, c.at`
	settled = `c.xid < pg_snapshot_xmin(pg_current_snapshot())`
)

// after is the condition that a change comes after a place.
func after(a *store.Args, p trade.Place) string {
	return "(c.xid, c.seq) > (" + a.Add(strconv.FormatUint(p.Transaction, 10)) + "::text::xid8, " + a.Add(p.Seq) + ")"
}

func changesWhere(ctx context.Context, s *store.Store, where string, a *store.Args, limit int) ([]trade.Change, error) {
	var rows []changeRow
	if err := s.Select(ctx, &rows, `SELECT `+changeColumns+` FROM changes c WHERE `+where+` ORDER BY c.xid, c.seq LIMIT `+strconv.Itoa(limit),
		a.List...); err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	all := make([]trade.Change, len(rows))
	for i := range rows {
		all[i] = rows[i].trade()
	}
	return all, nil
}

// Changes reads the log after a place, in order, at most limit. It is how a process feeds
// its streams, each of which is told what its own caller may see: so it takes no scope.
func Changes(ctx context.Context, s *store.Store, from trade.Place, limit int) ([]trade.Change, error) {
	var a store.Args
	return changesWhere(ctx, s, after(&a, from)+" AND "+settled, &a, limit)
}

// ChangesOf reads the changes of one topic that a scope may see, after a place and up to
// another one, in order, at most limit.
func ChangesOf(ctx context.Context, s *store.Store, scope trade.Scope, topic trade.Topic, from, to trade.Place, limit int) ([]trade.Change,
	error,
) {
	var a store.Args
	visible := store.OwnEither("c.account_id", "c.supplier_id")
	if topic == trade.OfAvailability {
		visible = store.AnyParty
	}
	where := "c.topic = " + a.Add(topic) + " AND " + after(&a, from) + " AND NOT " + after(&a, to) + " AND " + settled +
		" AND " + visible(scope, &a)
	return changesWhere(ctx, s, where, &a, limit)
}

// LogEnd is the place up to which all changes are settled now: no change that comes is
// before it.
func LogEnd(ctx context.Context, s *store.Store) (trade.Place, error) {
	var end uint64
	if err := s.Get(ctx, &end, `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric::bigint`); err != nil {
		return trade.Place{}, fmt.Errorf("changes: %w", err)
	}
	return trade.Place{Transaction: end}, nil
}

// LogWaits tells whether changes after a place are committed and cannot be read yet, for an
// older transaction still runs.
func LogWaits(ctx context.Context, s *store.Store, from trade.Place) (waits bool, err error) {
	var a store.Args
	if err := s.Get(ctx, &waits, `SELECT EXISTS (SELECT FROM changes c WHERE `+after(&a, from)+`)`, a.List...); err != nil {
		return false, fmt.Errorf("changes: %w", err)
	}
	return waits, nil
}

// LogStart is the place up to which changes are kept no longer.
func LogStart(ctx context.Context, s *store.Store) (trade.Place, error) {
	var row struct {
		Xid uint64
		Seq int64
	}
	if err := s.Get(ctx, &row, `SELECT xid::text::numeric::bigint AS xid, seq FROM changes_removed`); err != nil {
		return trade.Place{}, fmt.Errorf("changes: %w", err)
	}
	return trade.Place{Transaction: row.Xid, Seq: row.Seq}, nil
}

// RemoveChanges removes at most limit changes from before a moment, oldest first, and tells
// how many.
func RemoveChanges(ctx context.Context, s *store.Store, before time.Time, limit int) (removed int, err error) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		const query = `
			WITH old AS (SELECT c.xid, c.seq FROM changes c WHERE c.at < $1 AND ` + settled + ` ORDER BY c.xid, c.seq LIMIT $2),
			gone AS (DELETE FROM changes c USING old WHERE c.xid = old.xid AND c.seq = old.seq RETURNING c.xid, c.seq),
			noted AS (UPDATE changes_removed r SET xid = g.xid, seq = g.seq FROM (SELECT xid, seq FROM gone ORDER BY xid DESC, seq DESC LIMIT 1) g
			WHERE (g.xid, g.seq) > (r.xid, r.seq))
			SELECT count(*) FROM gone`
		return tx.Get(ctx, &removed, query, before, limit)
	})
	if err != nil {
		return 0, fmt.Errorf("changes: %w", err)
	}
	return removed, nil
}

// RestartLog removes changes that are not this database cluster's own, as one that was
// restored into a new one has: transactions of theirs have not been yet. What was missed is
// told as a gap.
func RestartLog(ctx context.Context, s *store.Store) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		for _, query := range []string{
			`DELETE FROM changes WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())`,
			`UPDATE changes_removed SET xid = pg_snapshot_xmin(pg_current_snapshot()), seq = 0 WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())`,
			`UPDATE webhook_place SET xid = pg_snapshot_xmin(pg_current_snapshot()), seq = 0 WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())`,
			`UPDATE webhook_deliveries SET xid = NULL, seq = NULL WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())`,
		} {
			if _, err := tx.Exec(ctx, query); err != nil {
				return fmt.Errorf("changes: %w", err)
			}
		}
		return nil
	})
}

// NotifyOfChanges tells all processes that there are changes. It is never called in a
// transaction that writes: notifying holds a lock that all commits of a database share.
func NotifyOfChanges(ctx context.Context, s *store.Store) error {
	var payload string
	if err := s.Get(ctx, &payload, `SELECT pg_notify($1, '')::text`, changesChannel); err != nil {
		return fmt.Errorf("changes: %w", err)
	}
	return nil
}

// ListenForChanges calls heard whenever a process tells that there are changes, and whenever one may
// have been missed, until ctx ends or the connection cannot be kept.
func ListenForChanges(ctx context.Context, dsn string, notify func()) error {
	listener := pq.NewListener(dsn, listenPause, time.Second, nil)
	defer func() { _ = listener.Close() }()
	if err := listener.Listen(changesChannel); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	for {
		notify()
		select {
		case <-ctx.Done():
			return nil
		case <-listener.Notify: // nil after a new connection: what was told in between is lost
		case <-time.After(hearAtLeast):
			if err := listener.Ping(); err != nil {
				return fmt.Errorf("listening: %w", err)
			}
		}
	}
}

const (
	listenPause = 50 * time.Millisecond
	hearAtLeast = 5 * time.Second
)
