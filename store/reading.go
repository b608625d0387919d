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

// Args collects the arguments of a statement.
type Args struct{ List []any }

// Add adds an argument, and returns its placeholder, such as $3.
func (a *Args) Add(v any) string {
	if text, ok := v.(string); ok {
		v = Storable(text)
	}
	a.List = append(a.List, v)
	return "$" + strconv.Itoa(len(a.List))
}

// AddTexts adds texts as one array, and returns its placeholder.
func (a *Args) AddTexts(keys []string) string { return a.Add(TextArray(keys)) }

// TextArray is an array of texts as PostgreSQL reads it, written at once: a
// page's keys are the larger part of what is sent.
type TextArray []string

// Value is the array's text.
func (t TextArray) Value() (driver.Value, error) {
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
		if k = Storable(k); strings.ContainsAny(k, `"\`) {
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

// Storable is text that PostgreSQL takes. What it does not take is in no row,
// and neither is what it becomes.
func Storable(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, "\x00") {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// Visibility is the predicate by which a scope sees rows.
type Visibility func(s trade.Scope, a *Args) string

// OwnAccount sees rows of the caller's accounts.
func OwnAccount(column string) Visibility {
	return func(s trade.Scope, a *Args) string {
		switch {
		case s.Everything():
			return "TRUE"
		case s.Role() == trade.Customer:
			return column + " = ANY(" + a.AddTexts(s.Accounts()) + ")"
		}
		return "FALSE"
	}
}

// OwnSupplier sees rows of the caller's own supplier.
func OwnSupplier(column string) Visibility {
	return func(s trade.Scope, a *Args) string {
		switch {
		case s.Everything():
			return "TRUE"
		case s.Role() == trade.Supplier:
			return column + " = " + a.Add(s.Supplier())
		}
		return "FALSE"
	}
}

// OwnEither sees rows of the caller's accounts, or of the caller's supplier.
func OwnEither(account, supplier string) Visibility {
	return func(s trade.Scope, a *Args) string {
		if s.Role() == trade.Supplier {
			return OwnSupplier(supplier)(s, a)
		}
		return OwnAccount(account)(s, a)
	}
}

// AnyParty sees rows that belong to nobody in particular: the catalogue, stock.
func AnyParty(s trade.Scope, _ *Args) string {
	switch s.Role() {
	case trade.Operator, trade.Customer, trade.Supplier:
		return "TRUE"
	}
	return "FALSE"
}

// WithoutHidden sees what v sees; the rows of a kind that the store was opened to hide, only who sees
// everything.
func WithoutHidden(v Visibility, s *Store, kind string) Visibility {
	conditions := s.options.Hidden[kind]
	return func(scope trade.Scope, a *Args) string {
		if len(conditions) == 0 || scope.Everything() {
			return v(scope, a)
		}
		return v(scope, a) + " AND NOT (" + strings.Join(conditions, " OR ") + ")"
	}
}

// OperatorOnly sees rows about the systems themselves.
func OperatorOnly(s trade.Scope, _ *Args) string {
	if s.Everything() {
		return "TRUE"
	}
	return "FALSE"
}

// Relation is one kind of record as it is read.
type Relation[T any] struct {
	Kind    string // type name, for its age limit and the coordinates of its fields
	Columns []Columns
	From    string
	Visible Visibility
	Source  func(*T) *trade.Provenance // nil where it has none
	Decrypt func(s *Store, record *T)  // opens what is sealed; nil where nothing is
	shape   func(s *Store, reads func(coordinate string) bool) shape[T]
}

// Columns are columns that are read when one of some fields is.
type Columns struct {
	fields []string // names of fields of the kind, or coordinates ("Type.field"); none: always
	List   string
}

// Always are columns that every read of the relation needs: keys, and what
// code goes by.
func Always(list string) Columns { return Columns{List: list} }

// When are columns that only some fields need.
func When(fields, list string) Columns { return Columns{strings.Fields(fields), list} }

// of are the columns with their fields as coordinates.
func (c Columns) of(kind string) Columns {
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

// Identity tells a row that is scanned as what it is.
func Identity[T any](row *T) *T { return row }

// Read makes a relation whose rows are scanned into R and told as T.
func Read[R, T any](r Relation[T], convert func(*R) *T) Relation[T] {
	for i, c := range r.Columns {
		r.Columns[i] = c.of(r.Kind)
	}
	var shapes sync.Map // by the set of columns
	r.shape = func(s *Store, reads func(string) bool) shape[T] {
		var set uint64
		for i, c := range r.Columns {
			if c.fields == nil || reads == nil || slices.ContainsFunc(c.fields, reads) {
				set |= 1 << i
			}
		}
		if known, ok := shapes.Load(set); ok {
			return known.(shape[T]) //nolint:errcheck // only these are put in
		}
		var lists []string
		var sh shape[T]
		for i, c := range r.Columns {
			if set&(1<<i) != 0 {
				lists = append(lists, c.List)
				sh.sourced = sh.sourced || r.Source != nil && strings.Contains(c.List, `"provenance.`)
			}
		}
		sh.columns = strings.Join(lists, ", ")
		sh.scan = scanner(s.db.Mapper, r.Kind, convert)
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
func scanner[R, T any](mapper *reflectx.Mapper, kind string, convert func(*R) *T) func(*sqlx.Rows, bool, func(string, []string, *T)) error {
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
			each(s.parent, s.keys, convert(&kept[len(kept)-1]))
			s.row, s.keys = none, nil
		}
		spare.Put(s)
		return rows.Err()
	}
}

// ProvenanceColumns are the columns by which a row tells where it came from.
func ProvenanceColumns(alias string) string {
	return ProvenanceColumnsWith(alias, alias+".unread_since", alias+".unread_reason")
}

// ProvenanceColumnsWith are the columns by which a row tells where it came from, where other expressions say since
// when and why something newer is unread.
func ProvenanceColumnsWith(alias, unreadSince, unreadReason string) string {
	var b strings.Builder
	for i, c := range []string{"system", "instance", "source_ref", "source_version", "sequence", "as_of", "received_at"} {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `%s.%s AS "provenance.%s"`, alias, c, c)
	}
	fmt.Fprintf(&b, `, %s AS "provenance.unread_since", %s AS "provenance.unread_reason"`, unreadSince, unreadReason)
	return b.String()
}

// query runs a statement of a shape and hands out the records with their ages as
// of now. Why a newer version could not be read is for who sees everything: the
// source's words may quote what is nobody else's.
func (r Relation[T]) query(ctx context.Context, s *Store, scope trade.Scope, sh shape[T], sorted bool, statement string, a Args,
	each func(parent string, keys []string, record *T),
) error {
	confirmed, err := s.Confirmed() //nolint:contextcheck // what all share outlives whoever asked first
	if err != nil {
		return err
	}
	stmt, err := s.prepare(ctx, statement) //nolint:sqlclosecheck // kept for the next one
	if err != nil {
		return fmt.Errorf("%s: %w", r.Kind, err)
	}
	rows, err := stmt.QueryxContext(ctx, a.List...)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Kind, err)
	}
	defer func() { _ = rows.Close() }()
	now := time.Now()
	err = sh.scan(rows, sorted, func(parent string, keys []string, record *T) {
		if sh.sourced {
			p := r.Source(record)
			if p.UnreadReason != nil && !scope.Everything() {
				p.UnreadReason = nil
			}
			s.fresh.age(p, r.Kind, confirmed, now)
		}
		if r.Decrypt != nil {
			r.Decrypt(s, record)
		}
		each(parent, keys, record)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", r.Kind, err)
	}
	return nil
}

// All reads every record for all requests: whoever shows one asks for the scope before.
func (r Relation[T]) All(ctx context.Context, s *Store) ([]*T, error) {
	sh := r.shape(s, nil)
	var all []*T
	err := r.query(ctx, s, trade.Scope{}, sh, false, "SELECT '', "+sh.columns+" FROM "+r.From, Args{},
		func(_ string, _ []string, record *T) { all = append(all, record) })
	return all, err
}

// By reads the records that the scope sees among those with a key. Where a key
// is of several, the first by order counts; an empty order says that it is of
// one.
func (r Relation[T]) By(ctx context.Context, s *Store, scope trade.Scope, column, order string, keys []string) (map[string]*T, error) {
	found := make(map[string]*T, len(keys))
	err := r.each(ctx, s, scope, "", column, order, keys, func(key string, _ []string, record *T) {
		if found[key] == nil {
			found[key] = record
		}
	})
	return found, err
}

// Under reads the records that the scope sees below each parent, in order.
func (r Relation[T]) Under(ctx context.Context, s *Store, scope trade.Scope, join, column, order string,
	parents []string,
) (map[string][]*T, error) {
	found := make(map[string][]*T, len(parents))
	err := r.each(ctx, s, scope, join, column, order, parents, func(parent string, _ []string, record *T) {
		found[parent] = append(found[parent], record)
	})
	return found, err
}

func (r Relation[T]) each(ctx context.Context, s *Store, scope trade.Scope, join, column, order string, keys []string,
	each func(string, []string, *T),
) error {
	sh := r.shape(s, readsOf(ctx))
	a := Args{make([]any, 0, 2)}
	b := make([]byte, 0, 512)
	b = append(append(append(append(b, "SELECT "...), column...), ", "...), sh.columns...)
	b = append(append(append(append(b, " FROM "...), r.From...), ' '), join...)
	b = append(append(append(append(b, " WHERE "...), column...), " = ANY("...), a.AddTexts(keys)...)
	b = append(append(b, ") AND "...), r.Visible(scope, &a)...)
	if order != "" {
		b = append(append(b, " ORDER BY "...), order...)
	}
	return r.query(ctx, s, scope, sh, false, string(b), a, each)
}

// JSON is a column that holds a value as JSON.
type JSON[T any] struct{ Value T }

// Scan reads the value.
func (j *JSON[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case []byte:
		if string(v) == "[]" { // as most are
			return nil
		}
	}
	return trade.ScanJSON(src, &j.Value)
}

// Totals are the columns of a document's sums, which are null together.
type Totals struct {
	Currency                                string
	Subtotal, Discount, Freight, Tax, Total NullDecimal
}

// Trade is the sums in the words of trade; nil where they are null.
func (t Totals) Trade() *trade.Totals {
	if !t.Subtotal.Valid || !t.Total.Valid || !t.Discount.Valid {
		return nil
	}
	return &trade.Totals{
		Subtotal: *t.Subtotal.Money(t.Currency), Discount: *t.Discount.Money(t.Currency), Freight: t.Freight.Money(t.Currency),
		Tax: t.Tax.Money(t.Currency), Total: *t.Total.Money(t.Currency),
	}
}
