package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"
	"github.com/jmoiron/sqlx/reflectx"
	"github.com/lib/pq"

	"portico/trade"
)

// args collects the arguments of a statement.
type args struct{ list []any }

func (a *args) add(v any) string {
	if text, ok := v.(string); ok {
		v = storable(text)
	}
	a.list = append(a.list, v)
	return "$" + strconv.Itoa(len(a.list))
}

func (a *args) set(keys []string) string { return a.add(textArray(keys)) }

// textArray is an array of texts as PostgreSQL reads it, written at once: a
// page's keys are the larger part of what is sent.
type textArray []string

// Value is the array's text.
func (t textArray) Value() (driver.Value, error) {
	size := 2
	for _, k := range t {
		size += len(k) + 3
	}
	var b strings.Builder
	b.Grow(size)
	b.WriteByte('{')
	for i, k := range t {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		if k = storable(k); strings.ContainsAny(k, `"\`) {
			k = escape.Replace(k)
		}
		b.WriteString(k)
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String(), nil
}

// escape writes what stands between quotes in an array.
var escape = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

// storable is text that PostgreSQL takes. What it does not take is in no row,
// and neither is what it becomes.
func storable(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, "\x00") {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// visibility is the predicate by which a scope sees rows.
type visibility func(s trade.Scope, a *args) string

// ownAccount sees rows of the caller's accounts.
func ownAccount(column string) visibility {
	return func(s trade.Scope, a *args) string {
		switch {
		case s.Everything():
			return "TRUE"
		case s.Role() == trade.Customer:
			return column + " = ANY(" + a.set(s.Accounts()) + ")"
		}
		return "FALSE"
	}
}

// ownSupplier sees rows of the caller's own supplier.
func ownSupplier(column string) visibility {
	return func(s trade.Scope, a *args) string {
		switch {
		case s.Everything():
			return "TRUE"
		case s.Role() == trade.Supplier:
			return column + " = " + a.add(s.Supplier())
		}
		return "FALSE"
	}
}

// ownEither sees rows of the caller's accounts, or of the caller's supplier.
func ownEither(account, supplier string) visibility {
	return func(s trade.Scope, a *args) string {
		if s.Role() == trade.Supplier {
			return ownSupplier(supplier)(s, a)
		}
		return ownAccount(account)(s, a)
	}
}

// anyParty sees rows that belong to nobody in particular: the catalogue, stock.
func anyParty(s trade.Scope, _ *args) string {
	switch s.Role() {
	case trade.Operator, trade.Customer, trade.Supplier:
		return "TRUE"
	}
	return "FALSE"
}

// hiding sees what v sees; the rows of a kind that the store was opened to hide, only who sees
// everything.
func hiding(v visibility, s *Store, kind string) visibility {
	conditions := s.options.Hidden[kind]
	return func(scope trade.Scope, a *args) string {
		if len(conditions) == 0 || scope.Everything() {
			return v(scope, a)
		}
		return v(scope, a) + " AND NOT (" + strings.Join(conditions, " OR ") + ")"
	}
}

// operatorOnly sees rows about the systems themselves.
func operatorOnly(s trade.Scope, _ *args) string {
	if s.Everything() {
		return "TRUE"
	}
	return "FALSE"
}

// relation is one kind of record as it is read.
type relation[T any] struct {
	kind    string // type name, for its age limit and the coordinates of its fields
	columns []columns
	from    string
	visible visibility
	source  func(*T) *trade.Provenance // nil where it has none
	opened  func(s *Store, record *T)  // opens what is sealed; nil where nothing is
	shape   func(s *Store, reads func(coordinate string) bool) shape[T]
}

// columns are columns that are read when one of some fields is.
type columns struct {
	fields []string // names of fields of the kind, or coordinates ("Type.field"); none: always
	list   string
}

// always are columns that every read of the relation needs: keys, and what
// code goes by.
func always(list string) columns { return columns{list: list} }

// when are columns that only some fields need.
func when(fields, list string) columns { return columns{strings.Fields(fields), list} }

// of are the columns with their fields as coordinates.
func (c columns) of(kind string) columns {
	for i, f := range c.fields {
		if !strings.Contains(f, ".") {
			c.fields[i] = kind + "." + f
		}
	}
	return c
}

// shape is a relation with the columns that one operation reads.
type shape[T any] struct {
	columns string
	sourced bool // whether the columns of provenance are among them
	// scan hands out the rows of a statement that selects the parent's key, the
	// columns and, when it is sorted by keys that are told, those.
	scan func(rows *sqlx.Rows, sorted bool, each func(parent string, keys []string, record *T)) error
}

type readsKey struct{}

// Reading tells the reads under ctx which fields, by their schema coordinates,
// are wanted of the records; the other ones may be left at their zero values.
// Without it all are read.
func Reading(ctx context.Context, reads func(coordinate string) bool) context.Context {
	if reads == nil {
		return ctx
	}
	return context.WithValue(ctx, readsKey{}, reads)
}

func readsOf(ctx context.Context) func(string) bool {
	reads, _ := ctx.Value(readsKey{}).(func(string) bool)
	return reads
}

// same tells a row that is scanned as what it is.
func same[T any](row *T) *T { return row }

// read makes a relation whose rows are scanned into R and told as T.
func read[R, T any](r relation[T], tell func(*R) *T) relation[T] {
	for i, c := range r.columns {
		r.columns[i] = c.of(r.kind)
	}
	var shapes sync.Map // by the set of columns
	r.shape = func(s *Store, reads func(string) bool) shape[T] {
		var set uint64
		for i, c := range r.columns {
			if c.fields == nil || reads == nil || slices.ContainsFunc(c.fields, reads) {
				set |= 1 << i
			}
		}
		if known, ok := shapes.Load(set); ok {
			return known.(shape[T])
		}
		var lists []string
		var sh shape[T]
		for i, c := range r.columns {
			if set&(1<<i) != 0 {
				lists = append(lists, c.list)
				sh.sourced = sh.sourced || r.source != nil && strings.Contains(c.list, `"provenance.`)
			}
		}
		sh.columns = strings.Join(lists, ", ")
		sh.scan = scanner(s.db.Mapper, r.kind, tell)
		shapes.Store(set, sh)
		return sh
	}
	return r
}

const mostRows = 64 // that are made at once

// scanned are the places that the columns of a row go to: its parent's key, the
// record, and, where the statement has them, the keys it is sorted by.
type scanned[R any] struct {
	parent string
	row    R
	keys   pq.StringArray
	into   []any
}

// scanner scans every row into one R, so that the places its columns go to are
// found once, and copies it to where it stays.
func scanner[R, T any](mapper *reflectx.Mapper, kind string, tell func(*R) *T) func(*sqlx.Rows, bool, func(string, []string, *T)) error {
	var spare sync.Pool // the columns of a shape are always the same
	return func(rows *sqlx.Rows, sorted bool, each func(string, []string, *T)) error {
		s, ok := spare.Get().(*scanned[R])
		if !ok {
			names, err := rows.Columns()
			if err != nil {
				return err
			}
			if sorted {
				names = names[:len(names)-1]
			}
			s = &scanned[R]{}
			s.into = []any{&s.parent}
			for i, p := range mapper.TraversalsByName(reflect.TypeFor[R](), names[1:]) {
				if len(p) == 0 {
					return fmt.Errorf("%s: no field for column %s", kind, names[i+1])
				}
				s.into = append(s.into, reflect.ValueOf(&s.row).Elem().FieldByIndex(p).Addr().Interface())
			}
			s.into = append(s.into, &s.keys)
		}
		into := s.into
		if !sorted {
			into = into[:len(into)-1]
		}
		var none R
		var kept []R
		for size := 1; rows.Next(); {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if len(kept) == cap(kept) {
				kept = make([]R, 0, size)
				size = min(2*size, mostRows)
			}
			kept = append(kept, s.row)
			each(s.parent, s.keys, tell(&kept[len(kept)-1]))
			s.row, s.keys = none, nil
		}
		spare.Put(s)
		return rows.Err()
	}
}

// provenance are the columns by which a row tells where it came from.
func provenance(alias string) string {
	var b strings.Builder
	for i, c := range []string{"system", "instance", "source_ref", "source_version", "sequence", "as_of", "received_at"} {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `%s.%s AS "provenance.%s"`, alias, c, c)
	}
	return b.String()
}

// query runs a statement of a shape and hands out the records with their ages as
// of now.
func (r relation[T]) query(ctx context.Context, s *Store, sh shape[T], sorted bool, statement string, a args, each func(parent string, keys []string, record *T)) error {
	confirmed, err := s.Confirmed()
	if err != nil {
		return err
	}
	stmt, err := s.prepare(ctx, statement) //nolint:sqlclosecheck // kept for the next one
	if err != nil {
		return fmt.Errorf("%s: %w", r.kind, err)
	}
	rows, err := stmt.QueryxContext(ctx, a.list...)
	if err != nil {
		return fmt.Errorf("%s: %w", r.kind, err)
	}
	defer func() { _ = rows.Close() }()
	now := time.Now()
	err = sh.scan(rows, sorted, func(parent string, keys []string, record *T) {
		if sh.sourced {
			s.fresh.age(r.source(record), r.kind, confirmed, now)
		}
		if r.opened != nil {
			r.opened(s, record)
		}
		each(parent, keys, record)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", r.kind, err)
	}
	return nil
}

// all reads every record for all requests: whoever shows one asks for the scope before.
func (r relation[T]) all(ctx context.Context, s *Store) ([]*T, error) {
	sh := r.shape(s, nil)
	var all []*T
	err := r.query(ctx, s, sh, false, "SELECT '', "+sh.columns+" FROM "+r.from, args{}, func(_ string, _ []string, record *T) { all = append(all, record) })
	return all, err
}

// by reads the records that the scope sees among those with a key. Where a key
// is of several, the first by order counts; an empty order says that it is of
// one.
func (r relation[T]) by(ctx context.Context, s *Store, scope trade.Scope, column, order string, keys []string) (map[string]*T, error) {
	found := make(map[string]*T, len(keys))
	err := r.each(ctx, s, scope, "", column, order, keys, func(key string, _ []string, record *T) {
		if found[key] == nil {
			found[key] = record
		}
	})
	return found, err
}

// under reads the records that the scope sees below each parent, in order.
func (r relation[T]) under(ctx context.Context, s *Store, scope trade.Scope, join, column, order string, parents []string) (map[string][]*T, error) {
	found := make(map[string][]*T, len(parents))
	err := r.each(ctx, s, scope, join, column, order, parents, func(parent string, _ []string, record *T) {
		found[parent] = append(found[parent], record)
	})
	return found, err
}

func (r relation[T]) each(ctx context.Context, s *Store, scope trade.Scope, join, column, order string, keys []string, each func(string, []string, *T)) error {
	sh := r.shape(s, readsOf(ctx))
	a := args{make([]any, 0, 2)}
	b := make([]byte, 0, 512)
	b = append(append(append(append(b, "SELECT "...), column...), ", "...), sh.columns...)
	b = append(append(append(append(b, " FROM "...), r.from...), ' '), join...)
	b = append(append(append(append(b, " WHERE "...), column...), " = ANY("...), a.set(keys)...)
	b = append(append(b, ") AND "...), r.visible(scope, &a)...)
	if order != "" {
		b = append(append(b, " ORDER BY "...), order...)
	}
	return r.query(ctx, s, sh, false, string(b), a, each)
}

// jsonOf is a column that holds a value as JSON.
type jsonOf[T any] struct{ value T }

// Scan reads the value.
func (j *jsonOf[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case []byte:
		if string(v) == "[]" { // as most are
			return nil
		}
	}
	return trade.ScanJSON(src, &j.value)
}

// totals are the columns of a document's sums, which are null together.
type totals struct {
	Currency                                string
	Subtotal, Discount, Freight, Tax, Total nullDecimal
}

func (t totals) trade() *trade.Totals {
	if !t.Subtotal.Valid || !t.Total.Valid || !t.Discount.Valid {
		return nil
	}
	return &trade.Totals{
		Subtotal: *t.Subtotal.money(t.Currency), Discount: *t.Discount.money(t.Currency), Freight: t.Freight.money(t.Currency),
		Tax: t.Tax.money(t.Currency), Total: *t.Total.money(t.Currency),
	}
}
