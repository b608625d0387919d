package store

import (
	"context"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/trade"
)

// PageArgs say which part of a list is wanted: First elements after After, or
// Last elements before Before. One of First and Last is positive.
type PageArgs struct {
	First, Last   int
	After, Before string
}

// ErrCursor is returned for a cursor that this list did not give.
var ErrCursor = errors.New("the cursor is not one of this list")

// List is a list that can be paged and counted: the records that a scope sees,
// narrowed and in order. Where it has parents, there is one list below each.
type List[T any] struct {
	Relation Relation[T]
	Name     string // names list and order in cursors
	Scope    trade.Scope
	Join     string
	Parent   string // column; empty for a list of its own
	Where    []string
	Args     Args
	Order    []SortKey // the last one is unique
	// ranking, unless nil, makes the order from arguments of its own, which only
	// statements that sort must carry.
	Ranking func(a *Args) []SortKey
}

// SortKey is an expression that a list is sorted by, with its type in SQL.
type SortKey struct {
	expr string
	kind string // SQL type of the expression
	desc bool
}

// Ascending and descending are keys that a list is sorted by: an expression, and its type
// in SQL.
func Ascending(expr, kind string) SortKey { return SortKey{expr, kind, false} }

// Descending is a key that a list is sorted by, largest first.
func Descending(expr, kind string) SortKey { return SortKey{expr, kind, true} }

// maxCount is where counting stops.
const maxCount = 10000

// Signature is the same for the same list, filter, order and page, and for no
// other.
func (l *List[T]) Signature(page PageArgs) string {
	b := make([]byte, 0, 512)
	for _, text := range [...]string{l.Name, l.Join, l.Parent, page.After, page.Before} {
		b = strconv.AppendQuote(b, text)
	}
	b = strconv.AppendInt(append(strconv.AppendInt(b, int64(page.First), 10), ' '), int64(page.Last), 10)
	for _, text := range l.Where {
		b = strconv.AppendQuote(append(b, '&'), text)
	}
	for _, a := range l.Args.List {
		if v, ok := a.(driver.Valuer); ok {
			a, _ = v.Value()
		}
		b = fmt.Appendf(append(b, '$'), "%q", fmt.Sprint(a))
	}
	return string(b)
}

// And adds a condition that every element of the list meets.
func (l *List[T]) And(condition string) { l.Where = append(l.Where, condition) }

// FromClause appends the statement from FROM to the last condition.
func (l *List[T]) FromClause(b []byte, a *Args, parentOf string) []byte {
	b = append(append(append(b, " FROM "...), l.Relation.From...), ' ')
	b = append(append(append(b, l.Join...), " WHERE "...), l.Relation.Visible(l.Scope, a)...)
	for _, condition := range l.Where {
		b = append(append(b, " AND "...), condition...)
	}
	if l.Parent != "" {
		b = append(append(append(append(b, " AND "...), l.Parent...), " = "...), parentOf...)
	}
	return b
}

// Page reads one page of the list below each parent; a list of its own has the
// one parent "".
func (l *List[T]) Page(ctx context.Context, s *Store, parents []string, page PageArgs) (map[string]*trade.Connection[T], error) {
	a := Args{append(make([]any, 0, len(l.Args.List)+4), l.Args.List...)}
	order := l.sorting(&a)
	limit, backward := page.First, page.Last > 0
	if backward {
		limit = page.Last
	}
	reads := readsOf(ctx)
	sh := l.Relation.shape(s, reads)
	withCursors := reads == nil || reads("PageInfo.startCursor") || reads("PageInfo.endCursor") || reads(l.Relation.Kind+"Edge.cursor")
	b := make([]byte, 0, 1024)
	if l.Parent != "" { // under a name that no relation has, or each list would be everybody's
		b = append(append(append(b, "SELECT above_.id AS parent_, t.* FROM unnest("...), a.AddTexts(parents)...),
			"::text[]) AS above_(id) CROSS JOIN LATERAL (SELECT "...)
	} else {
		b = append(b, "SELECT ''::text AS parent_, "...)
	}
	b = append(b, sh.columns...)
	if withCursors {
		for i, k := range order {
			b = append(append(append(b, [...]string{", ARRAY[(", ", ("}[min(i, 1)]...), k.expr...), ")::text"...)
		}
		b = append(b, "] AS keys_"...)
	}
	b = l.FromClause(b, &a, "above_.id")
	for _, bound := range []struct {
		cursor string
		after  bool
	}{{page.After, true}, {page.Before, false}} {
		if bound.cursor == "" {
			continue
		}
		keys, err := l.open(bound.cursor)
		if err != nil {
			return nil, err
		}
		b = append(append(b, " AND "...), beyond(&a, order, keys, bound.after)...)
	}
	for i, k := range order {
		b = append(append(b, [...]string{" ORDER BY ", ", "}[min(i, 1)]...), k.expr...)
		if k.desc != backward {
			b = append(b, " DESC"...)
		}
	}
	b = strconv.AppendInt(append(b, " LIMIT "...), int64(limit+1), 10)
	if l.Parent != "" {
		b = append(b, ") t"...)
	}
	pages := make(map[string]*trade.Connection[T], len(parents))
	for _, p := range parents {
		pages[p] = &trade.Connection[T]{}
	}
	err := l.Relation.query(ctx, s, l.Scope, sh, withCursors, string(b), a, func(parent string, keys []string, record *T) {
		c, e := pages[parent], trade.Edge[T]{Node: record}
		if withCursors {
			e.Cursor = l.cursor(keys)
		}
		if c.Edges == nil {
			c.Edges = make([]trade.Edge[T], 0, min(limit+1, fewEdges))
		}
		c.Edges = append(c.Edges, e)
	})
	if err != nil {
		return nil, err
	}
	for _, c := range pages {
		finish(c, limit, backward, page.After != "", page.Before != "")
	}
	return pages, nil
}

// fewEdges is how many edges of a page there is room for at first.
const fewEdges = 8

func finish[T any](c *trade.Connection[T], limit int, backward, after, before bool) {
	if c.Edges == nil {
		c.Edges = []trade.Edge[T]{}
	}
	more := len(c.Edges) > limit
	if more {
		c.Edges = c.Edges[:limit]
	}
	c.PageInfo.HasNextPage, c.PageInfo.HasPreviousPage = more, after
	if backward {
		slices.Reverse(c.Edges)
		c.PageInfo.HasNextPage, c.PageInfo.HasPreviousPage = before, more
	}
	c.Nodes = make([]*T, len(c.Edges))
	for i, e := range c.Edges {
		c.Nodes[i] = e.Node
	}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
}

// beyond is the condition that a row comes after (or before) the keys.
func beyond(a *Args, order []SortKey, keys []string, after bool) string {
	var alternatives []string
	equal := ""
	for i, k := range order {
		value := a.Add(keys[i]) + "::" + k.kind
		op := map[bool]string{true: " > ", false: " < "}[after != k.desc]
		alternatives = append(alternatives, "("+equal+k.expr+op+value+")")
		equal += k.expr + " = " + value + " AND "
	}
	return "(" + strings.Join(alternatives, " OR ") + ")"
}

func (l *List[T]) sorting(a *Args) []SortKey {
	if l.Ranking != nil {
		return l.Ranking(a)
	}
	return l.Order
}

type cursor struct {
	List string   `json:"l"`
	Keys []string `json:"k"`
}

func (l *List[T]) cursor(keys []string) string {
	text, _ := json.Marshal(cursor{l.Name, keys})
	return base64.RawURLEncoding.EncodeToString(text)
}

func (l *List[T]) open(s string) ([]string, error) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	var c cursor
	order := l.sorting(&Args{})
	if err != nil || json.Unmarshal(text, &c) != nil || c.List != l.Name || len(c.Keys) != len(order) {
		return nil, ErrCursor
	}
	for i, k := range order {
		if !k.holds(c.Keys[i]) {
			return nil, ErrCursor
		}
	}
	return c.Keys, nil
}

// holds tells whether text, which may come from a forged cursor, is a value of
// the key's type.
func (k SortKey) holds(text string) bool {
	if strings.ContainsRune(text, 0) {
		return false
	}
	var err error
	switch k.kind {
	case "timestamptz":
		for _, layout := range []string{"2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999-07:00"} {
			if _, err = time.Parse(layout, text); err == nil {
				return true
			}
		}
		return text == "infinity"
	case "date":
		_, err = time.Parse(time.DateOnly, text)
		return err == nil || text == "infinity"
	case "bigint", "integer":
		_, err = strconv.ParseInt(text, 10, 64)
	case "float8":
		_, err = strconv.ParseFloat(text, 64)
	}
	return err == nil
}

// Count counts the list below each parent, as far as it is worth counting.
func (l *List[T]) Count(ctx context.Context, s *Store, parents []string) (map[string]trade.TotalCount, error) {
	a := Args{slices.Clone(l.Args.List)}
	counted := fmt.Sprintf("(SELECT count(*) FROM (SELECT 1 %s LIMIT %d) c)", l.FromClause(nil, &a, "above_.id"), maxCount+1)
	statement := "SELECT above_.id, " + counted + " AS n FROM unnest(" + a.AddTexts(parents) + "::text[]) AS above_(id)"
	var rows []struct {
		ID string
		N  int
	}
	if err := s.Select(ctx, &rows, statement, a.List...); err != nil {
		return nil, fmt.Errorf("counting %s: %w", l.Relation.Kind, err)
	}
	counts := make(map[string]trade.TotalCount, len(rows))
	for _, r := range rows {
		counts[r.ID] = trade.TotalCount{Value: min(r.N, maxCount), Exact: r.N <= maxCount}
	}
	return counts, nil
}

// Within narrows a list to a span of days; moments are taken in UTC.
func (l *List[T]) Within(column string, span trade.DateRange, moment bool) {
	cast := "::date"
	if moment {
		cast = "::date::timestamp AT TIME ZONE 'UTC'"
	}
	if span.From != nil {
		l.And(column + " >= " + l.Args.Add(span.From.String()) + cast)
	}
	if span.To != nil {
		l.And(column + " < " + l.Args.Add(span.To.AddDays(1).String()) + cast)
	}
}

// Since narrows a list to what changed after a moment.
func (l *List[T]) Since(column string, at *time.Time) {
	if at != nil {
		l.And(column + " > " + l.Args.Add(*at))
	}
}

// AtMost cuts each of some lists at n.
func AtMost[T any](found map[string][]*T, n int) map[string][]*T {
	for k, v := range found {
		found[k] = v[:min(len(v), n)]
	}
	return found
}
