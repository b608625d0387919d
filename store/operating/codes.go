package operating

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

type codeMappingRow struct {
	operating.CodeMapping
	Written      int
	Publications int
	As           store.JSON[map[string]operating.CodeMeaning]
	Besides      store.JSON[map[string]operating.CodeMeaning]
}

func (r *codeMappingRow) trade() *operating.CodeMapping {
	m := &r.CodeMapping
	m.Version, m.Codes = r.Written+r.Publications, r.As.Value
	if m.Codes == nil {
		m.Codes = map[string]operating.CodeMeaning{}
	}
	maps.Copy(m.Codes, r.Besides.Value)
	return m
}

const codeMappingColumns = `m.id, m.instance, m.standard, m.list, m.written, m.publications, m.published_at, m.codes AS "as",
	m.published AS besides`

var codeMappings = store.Read(store.Relation[operating.CodeMapping]{
	Kind: "CodeMapping", From: "code_mappings m", Visible: store.OperatorOnly, Columns: []store.Columns{store.Always(codeMappingColumns)},
}, (*codeMappingRow).trade)

// CodeMappings reads tables of codes by id.
func CodeMappings(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*operating.CodeMapping, error) {
	return codeMappings.By(ctx, s, scope, "m.id", "", ids)
}

// CodeMappingList is the tables of codes, by the names of their sources.
func CodeMappingList(scope trade.Scope, standard *trade.CodeStandard) *store.List[operating.CodeMapping] {
	l := &store.List[operating.CodeMapping]{
		Relation: codeMappings, Name: "code mappings", Scope: scope,
		Order: []store.SortKey{store.Ascending("m.instance", "text")},
	}
	if standard != nil {
		l.And("m.standard = " + l.Args.Add(string(*standard)))
	}
	return l
}

// LockCodeMapping reads a table as it is now and holds it until the transaction ends; nil
// where there is none that the scope sees.
func LockCodeMapping(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (*operating.CodeMapping, error) {
	var a store.Args
	query := `SELECT ` + codeMappingColumns + ` FROM code_mappings m WHERE m.id = ` + a.Add(id) + ` AND ` + store.OperatorOnly(scope, &a) +
		` FOR UPDATE`
	var rows []codeMappingRow
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].trade(), nil
}

// WriteCodes keeps the table of a source as it was written, in the place of an older one. What
// was published stays.
func WriteCodes(ctx context.Context, tx *store.Tx, m *operating.CodeMapping) error {
	codes, err := json.Marshal(m.Codes)
	if err != nil {
		return fmt.Errorf("codes: %w", err)
	}
	const query = `
		INSERT INTO code_mappings AS m (instance, standard, list, written, codes) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (instance) DO UPDATE SET standard = excluded.standard, list = excluded.list, written = excluded.written,
		codes = excluded.codes, published_at = clock_timestamp()
		WHERE (m.standard, m.list, m.written, m.codes) IS DISTINCT FROM (excluded.standard, excluded.list, excluded.written, excluded.codes)`
	if _, err := tx.Exec(ctx, query, *m.Instance, m.Standard, m.List, m.Version, string(codes)); err != nil {
		return fmt.Errorf("codes: %w", err)
	}
	return nil
}

// PublishCodes sets what codes of a table mean from now on.
func PublishCodes(ctx context.Context, tx *store.Tx, id string, changed map[string]operating.CodeMeaning) error {
	codes, err := json.Marshal(changed)
	if err != nil {
		return fmt.Errorf("codes: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE code_mappings SET published = published || $2::jsonb, publications = publications + 1,
		published_at = clock_timestamp() WHERE id = $1`, id, string(codes)); err != nil {
		return fmt.Errorf("codes: %w", err)
	}
	return nil
}

// PublishedCodes are what was published for each source, after some publications in all; nil
// where there were no more.
func PublishedCodes(ctx context.Context, s *store.Store, after int) (published map[string]map[string]operating.CodeMeaning,
	publications int, err error,
) {
	var rows []struct {
		Instance     string
		Publications int
		Published    store.JSON[map[string]operating.CodeMeaning]
	}
	const query = `SELECT instance, publications, published FROM code_mappings WHERE publications > 0
		AND (SELECT sum(publications) FROM code_mappings) <> $1`
	if err := s.Select(ctx, &rows, query, after); err != nil {
		return nil, after, fmt.Errorf("codes: %w", err)
	}
	if len(rows) == 0 {
		return nil, after, nil
	}
	published = map[string]map[string]operating.CodeMeaning{}
	for _, r := range rows {
		published[r.Instance] = r.Published.Value
		publications += r.Publications
	}
	return published, publications, nil
}

// mostUnmapped is how many codes without a meaning are told of one table.
const mostUnmapped = 100

// UnmappedCodes are the codes that were seen of each table and have no meaning, most frequent
// first.
func UnmappedCodes(ctx context.Context, s *store.Store, scope trade.Scope, mappings []string) (map[string][]*operating.UnmappedCode,
	error,
) {
	var a store.Args
	query := `
		SELECT m.id AS mapping, u.* FROM code_mappings m CROSS JOIN LATERAL (
			SELECT e.raw ->> 'code' AS code, (array_agg(e.raw ->> 'text'
			ORDER BY e.received_at DESC) FILTER (WHERE e.raw ->> 'text' IS NOT NULL))[1] AS text, count(*) AS count,
			max(e.received_at) AS last_seen_at
			FROM shipment_events e WHERE e.instance = m.instance AND e.milestone = 'OTHER' AND e.status = 'UNKNOWN' AND e.corrects IS NULL
			AND e.raw ->> 'standard' = m.standard AND e.raw ->> 'list' = m.list
				AND NOT EXISTS (SELECT FROM jsonb_object_keys(m.codes || m.published) k
					WHERE e.raw ->> 'code' = k OR starts_with(e.raw ->> 'code', k || '/') OR starts_with(k, '/')
					AND right(e.raw ->> 'code', length(k)) = k)
			GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT ` + a.Add(mostUnmapped) + `) u
		WHERE m.id = ANY(` + a.AddTexts(mappings) + `) AND ` + store.OperatorOnly(scope, &a) + ` ORDER BY m.id, u.count DESC, u.code`
	var rows []struct {
		Mapping, Code string
		Text          *string
		Count         int
		LastSeenAt    time.Time
	}
	if err := s.Select(ctx, &rows, query, a.List...); err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	found := map[string][]*operating.UnmappedCode{}
	for _, r := range rows {
		found[r.Mapping] = append(found[r.Mapping], &operating.UnmappedCode{Code: r.Code, Text: r.Text, Count: r.Count, LastSeenAt: r.LastSeenAt})
	}
	return found, nil
}
