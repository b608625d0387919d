package replication

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

// A record is saved as the document that its source told: the whole batch is
// one JSON argument, and each table it touches takes its part in one
// statement. An older version never replaces a newer one.

// provenanceColumns are the columns of a row's provenance; toldFrom are their values in the
// document j, and newer is the condition under which a row t is replaced.
const (
	provenanceColumns = "system, instance, source_ref, source_version, sequence, as_of"
	provenanceValues  = `j #>> '{Provenance,System}', j #>> '{Provenance,Instance}', j #>> '{Provenance,SourceRef}',
		coalesce(j #>> '{Provenance,SourceVersion}', ''),
		(j #>> '{Provenance,Sequence}')::bigint, (j #>> '{Provenance,AsOf}')::timestamptz`
	setProvenance = `system = excluded.system, instance = excluded.instance, source_ref = excluded.source_ref,
		source_version = excluded.source_version,
		sequence = excluded.sequence, as_of = excluded.as_of, received_at = now(), unread_since = NULL, unread_reason = NULL`
	// added tells of a row that a head returns whether there was none before.
	added = "xmax = 0 AS added"
	newer = "t.instance <> excluded.instance OR t.sequence <= excluded.sequence"
)

// saving is how one kind of record is saved. head takes the documents as $1 and returns the key of each that it took, and whether it
// was there before; clear and parts take the documents whose heads were taken. clear is for those that were there before.
type saving[T any] struct {
	kind  string // the subject
	key   func(*T) string
	table string // with columns key, instance and sequence, to tell an older version from one that names something unknown
	col   string
	head  string
	clear []string
	parts []string
	prov  func(*T) *trade.Provenance
	// others are the keys, beside the natural one, by which a record can be known
	// again when another source tells it: the column and the place in the document.
	others map[string][2]string
	// keyPath is where a document has the natural key, and capability what its
	// conflicts belong to; both where there are others.
	keyPath    string
	capability operating.Capability
	// chain is the column with the key of the record that one names as its own successor or parent, and next that key;
	// both are empty where it names none of its kind.
	chain string
	next  func(*T) string
}

// mostBytes is how large records may be that are saved together; one that is larger alone is refused.
const mostBytes = 8 << 20

// save saves records and returns those that name something the store does not
// know.
func (v saving[T]) save(ctx context.Context, tx *store.Tx, records []T) ([]operating.RejectedRecord, error) {
	byKey := make(map[string]*T, len(records))
	for i := range records {
		k := v.key(&records[i])
		if old := byKey[k]; old == nil || v.prov(old).Sequence <= v.prov(&records[i]).Sequence {
			byKey[k] = &records[i]
		}
	}
	if len(byKey) == 0 {
		return nil, nil
	}
	batch := make([]*T, 0, len(byKey))
	for i := range records {
		if r := byKey[v.key(&records[i])]; r == &records[i] {
			batch = append(batch, r)
		}
	}
	documents, err := json.Marshal(batch)
	if err != nil {
		return nil, unwritable(v.kind, err)
	}
	if len(documents) > mostBytes {
		return nil, fmt.Errorf("saving %s: %w", v.kind, &store.Refusal{Reason: fmt.Sprintf("it is larger than %d MiB", mostBytes>>20)})
	}
	if by, ok := v.others[tx.Store().Matching(v.kind)]; ok {
		if err := v.rename(ctx, tx, by, string(documents)); err != nil {
			return nil, err
		}
	}
	var heads []struct {
		Key   string
		Added bool
	}
	if err := tx.Select(ctx, &heads, v.head, string(documents)); err != nil {
		return nil, fmt.Errorf("saving %s: %w", v.kind, err)
	}
	taken, before := make([]string, 0, len(heads)), []*T(nil)
	for _, h := range heads {
		if taken = append(taken, h.Key); !h.Added {
			before = append(before, byKey[h.Key])
		}
	}
	if len(taken) > 0 && !store.IsQuiet(ctx) {
		tx.MarkChanged()
	}
	if err := v.checkChains(ctx, tx, byKey, taken); err != nil {
		return nil, err
	}
	if err := v.run(ctx, tx, v.clear, before); err != nil {
		return nil, err
	}
	now := make([]*T, 0, len(taken))
	for _, k := range taken {
		now = append(now, byKey[k])
	}
	if err := v.run(ctx, tx, v.parts, now); err != nil {
		return nil, err
	}
	if len(taken) == len(byKey) {
		return nil, nil
	}
	return v.unknown(ctx, tx, byKey, taken)
}

// run runs statements with the documents of records, if there are any.
func (v saving[T]) run(ctx context.Context, tx *store.Tx, statements []string, records []*T) error {
	if len(statements) == 0 || len(records) == 0 {
		return nil
	}
	documents, err := json.Marshal(records)
	if err != nil {
		return unwritable(v.kind, err)
	}
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s, string(documents)); err != nil {
			return fmt.Errorf("saving %s: %w", v.kind, err)
		}
	}
	return nil
}

// longestChain is how many successors or parents are followed.
const longestChain = 100

// checkChains refuses records that come back to themselves by way of others, each naming the next as its successor or
// parent: nobody who follows them would end, and accounts would act for each other. One that names itself names none.
func (v saving[T]) checkChains(ctx context.Context, tx *store.Tx, byKey map[string]*T, taken []string) error {
	if v.chain == "" {
		return nil
	}
	var chained []string
	for _, k := range taken {
		if next := v.next(byKey[k]); next != "" && next != k {
			chained = append(chained, k)
		}
	}
	if len(chained) == 0 {
		return nil
	}
	query := fmt.Sprintf(`
		WITH RECURSIVE c(first, next, n) AS (
			SELECT t.%[2]s, t.%[3]s, 1 FROM %[1]s t WHERE t.%[2]s = ANY($1)
			UNION ALL SELECT c.first, t.%[3]s, n + 1 FROM c JOIN %[1]s t ON t.%[2]s = c.next
			WHERE c.next <> c.first AND t.%[3]s <> t.%[2]s AND n < %[4]d)
		SELECT count(*) FROM c WHERE next = first`, v.table, v.col, v.chain, longestChain)
	var circles int
	if err := tx.Get(ctx, &circles, query, pq.Array(chained)); err != nil {
		return fmt.Errorf("chains of %s: %w", v.kind, err)
	}
	if circles > 0 {
		reason := "it names a record of its kind that leads back to it: see its " + v.chain
		return fmt.Errorf("saving %s: %w", v.kind, &store.Refusal{Reason: reason})
	}
	return nil
}

// unwritable is why records are no documents: one has a value that is none, such as a moment in the year 10000. It is
// refused as the database would refuse it.
func unwritable(kind string, err error) error {
	return fmt.Errorf("%s: %w", kind, &store.Refusal{Reason: "a value cannot be written: " + err.Error()})
}

// rename gives records that another source has told until now the natural keys of
// those in documents, where they are the same by another key: their ids stay. One
// whose new key is another record's, or that is not alone with the other key, is a
// conflict of master data.
func (v saving[T]) rename(ctx context.Context, tx *store.Tx, by [2]string, provenanceColumns string) error {
	twins := fmt.Sprintf(`
		WITH told AS (SELECT %[3]s AS key, %[5]s AS other, j #>> '{Provenance,Instance}' AS instance FROM %[6]s),
		twins AS (SELECT t.id, t.%[2]s AS old, t.instance AS held, d.key, d.other, d.instance,
			NOT EXISTS (SELECT FROM %[1]s x WHERE x.%[2]s = d.key) AND (SELECT count(*) FROM %[1]s x WHERE x.%[4]s = d.other) = 1 AS alone
			FROM told d JOIN %[1]s t ON t.%[4]s = d.other AND t.%[2]s <> d.key AND t.instance <> d.instance)`, v.table, v.col, v.keyPath, by[0],
		by[1], documents)
	for _, query := range []string{
		fmt.Sprintf(`UPDATE %[1]s t SET %[2]s = w.key FROM twins w WHERE w.alone AND t.id = w.id`, v.table, v.col),
		fmt.Sprintf(`DELETE FROM differences d USING told w WHERE d.subject = '%[1]s' AND d.field = '%[2]s' AND d.instance = w.instance
			AND d.source_value = w.key`, v.kind, v.col),
		fmt.Sprintf(`INSERT INTO differences (capability, subject, held, instance, key, field, value, source_value)
			SELECT '%[1]s', '%[2]s', held, instance, old, '%[3]s', old, key FROM twins WHERE NOT alone
			ON CONFLICT (subject, held, instance, key, field) DO UPDATE SET source_value = excluded.source_value, at = now()`, v.capability, v.kind,
			v.col),
	} {
		if _, err := tx.Exec(ctx, twins+query, provenanceColumns); err != nil {
			return fmt.Errorf("matching %s: %w", v.kind, err)
		}
	}
	return nil
}

// unknown tells which of the records that were not taken have no newer version
// in the store: they name something that is not there.
func (v saving[T]) unknown(ctx context.Context, tx *store.Tx, byKey map[string]*T, taken []string) ([]operating.RejectedRecord, error) {
	rest := map[string]bool{}
	for k := range byKey {
		rest[k] = true
	}
	for _, k := range taken {
		delete(rest, k)
	}
	keys, instances, sequences := make([]string, 0, len(rest)), make([]string, 0, len(rest)), make([]int64, 0, len(rest))
	for k := range rest {
		p := v.prov(byKey[k])
		keys, instances, sequences = append(keys, k), append(instances, p.Instance), append(sequences, p.Sequence)
	}
	var there []string
	query := fmt.Sprintf(`SELECT t.%[1]s FROM %[2]s t
		JOIN unnest($1::text[], $2::text[], $3::bigint[]) AS d(key, instance, sequence) ON d.key = t.%[1]s
		WHERE coalesce(t.instance, d.instance) = d.instance AND t.sequence > d.sequence`, v.col, v.table)
	if err := tx.Select(ctx, &there, query, pq.Array(keys), pq.Array(instances), pq.Array(sequences)); err != nil {
		return nil, fmt.Errorf("%s: %w", v.kind, err)
	}
	for _, k := range there {
		delete(rest, k)
	}
	var rejected []operating.RejectedRecord
	for k := range rest {
		p := v.prov(byKey[k])
		rejected = append(rejected, operating.RejectedRecord{
			Instance: p.Instance, Kind: v.kind, SourceRef: p.SourceRef, At: time.Now(),
			Reason: "it names a record that is not known, such as its account, supplier or item",
		})
	}
	return rejected, nil
}

// RejectRecords files records that were set aside; a record is filed once, with its
// latest reason. What the store holds of it is marked as [MarkUnread] does.
//
// What it says of a record is the source's, and may hold what cannot be kept: such characters are left out.
func RejectRecords(ctx context.Context, tx *store.Tx, records []operating.RejectedRecord) error {
	for _, r := range records {
		ref := ""
		if r.SourceRef != nil {
			ref = printable(*r.SourceRef, longestRef)
		}
		const query = `
			INSERT INTO rejected_records (instance, kind, source_ref, reason, at, subject) VALUES ($1, $2, $3, $4, $5, nullif($6, ''))
			ON CONFLICT (instance, kind, source_ref) DO UPDATE SET reason = excluded.reason, at = excluded.at, subject = excluded.subject`
		if _, err := tx.Exec(ctx, query, r.Instance, r.Kind, ref, printable(r.Reason, longestReason), r.At, r.Subject); err != nil {
			return fmt.Errorf("rejected records: %w", err)
		}
	}
	return MarkUnread(ctx, tx, records)
}

const (
	longestRef    = 1000 // bytes; a longer one does not fit into an index
	longestReason = 2000 // bytes
)

// printable is a text that the database keeps: without what is no character, and cut where it is too long.
func printable(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// AcceptRecords takes records of a subject off the list of those that were rejected, because a version that can be read
// has come.
func AcceptRecords(ctx context.Context, tx *store.Tx, subject, instance string, refs []string) error {
	const query = `DELETE FROM rejected_records WHERE instance = $1 AND source_ref = ANY($2) AND coalesce(subject, $3) = $3`
	result, err := tx.Exec(ctx, query, instance, pq.Array(refs), subject)
	if err != nil {
		return fmt.Errorf("rejected records: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return clearUnread(ctx, tx, subject, instance, refs)
}

// Load is how far the first load of one subject from one source came.
type Load struct {
	Subject string
	After   string
	Rows    int
	Done    bool
}

// Loads are the first loads from a source so far, by subject.
func Loads(ctx context.Context, s *store.Store, instance string) (map[string]Load, error) {
	var rows []Load
	if err := s.Select(ctx, &rows, `SELECT subject, after, rows, done FROM loads WHERE instance = $1`, instance); err != nil {
		return nil, fmt.Errorf("loads: %w", err)
	}
	loads := make(map[string]Load, len(rows))
	for _, l := range rows {
		loads[l.Subject] = l
	}
	return loads, nil
}

// SaveLoad records how far a load came, in the transaction of its rows.
func SaveLoad(ctx context.Context, tx *store.Tx, instance string, l Load) error {
	const query = `
		INSERT INTO loads (instance, subject, after, rows, done) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (instance, subject) DO UPDATE SET after = excluded.after, rows = excluded.rows, done = excluded.done`
	if _, err := tx.Exec(ctx, query, instance, l.Subject, l.After, l.Rows, l.Done); err != nil {
		return fmt.Errorf("loads: %w", err)
	}
	return nil
}

// Position is the place up to which a source's feed was followed; both are
// empty when it never was.
func Position(ctx context.Context, s *store.Store, instance string) (epoch, position string, err error) {
	var rows []struct{ Epoch, Position string }
	if err := s.Select(ctx, &rows, `SELECT epoch, position FROM feeds WHERE instance = $1`, instance); err != nil {
		return "", "", fmt.Errorf("feeds: %w", err)
	}
	if len(rows) == 0 {
		return "", "", nil
	}
	return rows[0].Epoch, rows[0].Position, nil
}

// BeginReload forgets how far a source was loaded and followed, because its
// versions have begun again: what it tells next replaces what it told.
func BeginReload(ctx context.Context, s *store.Store, instance string) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		var restart strings.Builder
		for _, k := range kinds {
			restart.WriteString(k.restarting(instance) + ";")
		}
		if err := tx.Script(ctx, restart.String()); err != nil {
			return fmt.Errorf("starting a new epoch: %w", err)
		}
		for _, query := range []string{
			`DELETE FROM loads WHERE instance = $1`, `DELETE FROM feeds WHERE instance = $1`,
			// all is compared once it is loaded
			`UPDATE reconciliations SET at = NULL, after = '', claimed_until = '-infinity' WHERE instance = $1 OR held = $1`,
			// a carrier that began anew knows them no more
			`UPDATE shipments SET registered_with = NULL WHERE registered_with = $1`,
		} {
			if _, err := tx.Exec(ctx, query, instance); err != nil {
				return fmt.Errorf("starting a new epoch: %w", err)
			}
		}
		return nil
	})
}
