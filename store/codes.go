package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"portico/trade"
	"portico/trade/operating"
)

type codeMappingRow struct {
	operating.CodeMapping
	Written      int
	Publications int
	As           jsonOf[map[string]operating.CodeMeaning]
	Besides      jsonOf[map[string]operating.CodeMeaning]
}

func (r *codeMappingRow) trade() *operating.CodeMapping {
	m := &r.CodeMapping
	m.Version, m.Codes = r.Written+r.Publications, r.As.value
	if m.Codes == nil {
		m.Codes = map[string]operating.CodeMeaning{}
	}
	maps.Copy(m.Codes, r.Besides.value)
	return m
}

const codeMappingColumns = `m.id, m.instance, m.standard, m.list, m.written, m.publications, m.published_at, m.codes AS "as", m.published AS besides`

var codeMappings = read(relation[operating.CodeMapping]{
	kind: "CodeMapping", from: "code_mappings m", visible: operatorOnly, columns: []columns{always(codeMappingColumns)},
}, (*codeMappingRow).trade)

// CodeMappings reads tables of codes by id.
func (s *Store) CodeMappings(ctx context.Context, scope trade.Scope, ids []string) (map[string]*operating.CodeMapping, error) {
	return codeMappings.by(ctx, s, scope, "m.id", "", ids)
}

// CodeMappingList is the tables of codes, by the names of their sources.
func CodeMappingList(scope trade.Scope, standard *trade.CodeStandard) *List[operating.CodeMapping] {
	l := &List[operating.CodeMapping]{relation: codeMappings, name: "code mappings", scope: scope, order: []sortKey{{"m.instance", "text", false}}}
	if standard != nil {
		l.and("m.standard = " + l.args.add(string(*standard)))
	}
	return l
}

// LockCodeMapping reads a table as it is now and holds it until the transaction ends; nil
// where there is none that the scope sees.
func (s *Store) LockCodeMapping(ctx context.Context, tx *Tx, scope trade.Scope, id string) (*operating.CodeMapping, error) {
	var a args
	query := `SELECT ` + codeMappingColumns + ` FROM code_mappings m WHERE m.id = ` + a.add(id) + ` AND ` + operatorOnly(scope, &a) + ` FOR UPDATE`
	var rows []codeMappingRow
	if err := s.sel(ctx, tx, &rows, query, a.list...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].trade(), nil
}

// WriteCodes keeps the table of a source as it was written, in the place of an older one. What
// was published stays.
func (s *Store) WriteCodes(ctx context.Context, tx *Tx, m *operating.CodeMapping) error {
	codes, err := json.Marshal(m.Codes)
	if err != nil {
		return fmt.Errorf("codes: %w", err)
	}
	const query = `
		INSERT INTO code_mappings AS m (instance, standard, list, written, codes) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (instance) DO UPDATE SET standard = excluded.standard, list = excluded.list, written = excluded.written, codes = excluded.codes, published_at = clock_timestamp()
		WHERE (m.standard, m.list, m.written, m.codes) IS DISTINCT FROM (excluded.standard, excluded.list, excluded.written, excluded.codes)`
	if _, err := s.Exec(ctx, tx, query, *m.Instance, m.Standard, m.List, m.Version, string(codes)); err != nil {
		return fmt.Errorf("codes: %w", err)
	}
	return nil
}

// PublishCodes sets what codes of a table mean from now on.
func (s *Store) PublishCodes(ctx context.Context, tx *Tx, id string, changed map[string]operating.CodeMeaning) error {
	codes, err := json.Marshal(changed)
	if err != nil {
		return fmt.Errorf("codes: %w", err)
	}
	if _, err := s.Exec(ctx, tx, `UPDATE code_mappings SET published = published || $2::jsonb, publications = publications + 1, published_at = clock_timestamp() WHERE id = $1`, id, string(codes)); err != nil {
		return fmt.Errorf("codes: %w", err)
	}
	return nil
}

// PublishedCodes are what was published for each source, after some publications in all; nil
// where there were no more.
func (s *Store) PublishedCodes(ctx context.Context, after int) (published map[string]map[string]operating.CodeMeaning, publications int, err error) {
	var rows []struct {
		Instance     string
		Publications int
		Published    jsonOf[map[string]operating.CodeMeaning]
	}
	const query = `SELECT instance, publications, published FROM code_mappings WHERE publications > 0 AND (SELECT sum(publications) FROM code_mappings) <> $1`
	if err := s.sel(ctx, nil, &rows, query, after); err != nil {
		return nil, after, fmt.Errorf("codes: %w", err)
	}
	if len(rows) == 0 {
		return nil, after, nil
	}
	published = map[string]map[string]operating.CodeMeaning{}
	for _, r := range rows {
		published[r.Instance] = r.Published.value
		publications += r.Publications
	}
	return published, publications, nil
}

// mostUnmapped is how many codes without a meaning are told of one table.
const mostUnmapped = 100

// UnmappedCodes are the codes that were seen of each table and have no meaning, most frequent
// first.
func (s *Store) UnmappedCodes(ctx context.Context, scope trade.Scope, mappings []string) (map[string][]*operating.UnmappedCode, error) {
	var a args
	query := `
		SELECT m.id AS mapping, u.* FROM code_mappings m CROSS JOIN LATERAL (
			SELECT e.raw ->> 'code' AS code, (array_agg(e.raw ->> 'text' ORDER BY e.received_at DESC) FILTER (WHERE e.raw ->> 'text' IS NOT NULL))[1] AS text, count(*) AS count, max(e.received_at) AS last_seen_at
			FROM shipment_events e WHERE e.instance = m.instance AND e.milestone = 'OTHER' AND e.status = 'UNKNOWN' AND e.corrects IS NULL AND e.raw ->> 'standard' = m.standard AND e.raw ->> 'list' = m.list
				AND NOT EXISTS (SELECT FROM jsonb_object_keys(m.codes || m.published) k
					WHERE e.raw ->> 'code' = k OR starts_with(e.raw ->> 'code', k || '/') OR starts_with(k, '/') AND right(e.raw ->> 'code', length(k)) = k)
			GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT ` + a.add(mostUnmapped) + `) u
		WHERE m.id = ANY(` + a.set(mappings) + `) AND ` + operatorOnly(scope, &a) + ` ORDER BY m.id, u.count DESC, u.code`
	var rows []struct {
		Mapping, Code string
		Text          *string
		Count         int
		LastSeenAt    time.Time
	}
	if err := s.sel(ctx, nil, &rows, query, a.list...); err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	found := map[string][]*operating.UnmappedCode{}
	for _, r := range rows {
		found[r.Mapping] = append(found[r.Mapping], &operating.UnmappedCode{Code: r.Code, Text: r.Text, Count: r.Count, LastSeenAt: r.LastSeenAt})
	}
	return found, nil
}
