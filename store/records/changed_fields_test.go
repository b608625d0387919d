package records_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/lib/pq"

	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade/ordering"
)

// TestTheFunctionsOfTheDatabaseNameTheChangedFields reads what the database does when an order changes, and holds it to
// the lists of what counts as changed.
func TestTheFunctionsOfTheDatabaseNameTheChangedFields(t *testing.T) {
	db := storetest.Open(t)
	source := func(query string) (text string) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return text
	}
	function := func(name string) string { return source(`SELECT pg_get_functiondef('` + name + `'::regproc)`) }
	holds := func(what string, got, want []string) {
		t.Helper()
		got, want = slices.Compact(slices.Sorted(slices.Values(got))), slices.Sorted(slices.Values(want))
		if !slices.Equal(got, want) {
			t.Errorf("%s compares %v, and the list has %v: a migration goes with each change of it", what, got, want)
		}
	}

	noted, all := map[string][]string{}, []string(nil)
	for _, c := range regexp.MustCompile(`CASE WHEN (.+?) THEN '(\w+)' END`).FindAllStringSubmatch(function("note_order_change"), -1) {
		noted[c[2]] = columnsOf("OLD", c[1])
	}
	for _, f := range ordering.ChangedFields {
		holds("note_order_change, of "+f.Name+",", noted[f.Name], f.Values)
		delete(noted, f.Name)
		all = append(all, f.Values...)
	}
	if len(noted) > 0 {
		t.Errorf("note_order_change notes fields that the list does not have: %v", noted)
	}
	if !regexp.MustCompile(`'\{` + ordering.ChangedLines.Name + `\}'`).MatchString(function("note_order_line_change")) {
		t.Errorf("note_order_line_change does not note %s", ordering.ChangedLines.Name)
	}
	holds("the trigger note_change of order_lines", columnsOf("old", source(
		`SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'note_change' AND tgrelid = 'order_lines'::regclass`)),
		ordering.ChangedLines.Values)

	compared := regexp.MustCompile(`(?s)WHERE \((.+?)\)\s+IS DISTINCT FROM`)
	for name, want := range map[string][]string{"log_orders": all, "log_order_lines": ordering.StreamedLineValues} {
		c := compared.FindStringSubmatch(function(name))
		if c == nil {
			t.Fatalf("%s compares nothing; has its shape changed?", name)
		}
		holds(name, columnsOf("o", c[1]), want)
	}
}

// columnsOf are the columns of a row, by its name, that a text of the database names.
func columnsOf(row, text string) (columns []string) {
	for _, m := range regexp.MustCompile(`\b`+row+`\.(\w+)`).FindAllStringSubmatch(text, -1) {
		columns = append(columns, m[1])
	}
	return columns
}

// TestAChangeOfAnyColumnIsNotedAsTheListSays changes each column of an order and of a line by itself, and looks at what is
// noted, and whether subscribers are told.
func TestAChangeOfAnyColumnIsNotedAsTheListSays(t *testing.T) {
	s, db := storetest.Pair(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 1, "10"))
	var unbound string // what values may be does not matter here
	const constraints = `SELECT string_agg(format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), ';')
		FROM pg_constraint WHERE conrelid IN ('orders'::regclass, 'order_lines'::regclass) AND contype IN ('c', 'f')`
	if err := db.QueryRowContext(t.Context(), constraints).Scan(&unbound); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), unbound); err != nil {
		t.Fatal(err)
	}
	fieldOf := map[string]string{}
	for _, f := range ordering.ChangedFields {
		for _, v := range f.Values {
			fieldOf[v] = f.Name
		}
	}
	for column, kind := range columns(t, db, "orders") {
		noted, told := changing(t, db, "orders", column, kind)
		want := []string{fieldOf[column]}
		if fieldOf[column] == "" {
			want = nil
		}
		if !slices.Equal(noted, want) || told != (want != nil) {
			t.Errorf("when %s of an order changes, %v is noted, want %v, and subscribers are told: %t", column, noted, want, told)
		}
	}
	for column, kind := range columns(t, db, "order_lines") {
		noted, told := changing(t, db, "order_lines", column, kind)
		var want []string
		if slices.Contains(ordering.ChangedLines.Values, column) {
			want = []string{ordering.ChangedLines.Name}
		}
		if !slices.Equal(noted, want) || told != slices.Contains(ordering.StreamedLineValues, column) {
			t.Errorf("when %s of a line changes, %v is noted, want %v, and subscribers are told: %t", column, noted, want, told)
		}
	}
}

// columns are the columns of a table that can be changed, with the types of their values.
func columns(t *testing.T, db *sql.DB, table string) map[string]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT column_name, data_type FROM information_schema.columns
		WHERE table_name = $1 AND is_generated = 'NEVER' AND column_name NOT IN ('id', 'order_id')`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			t.Fatal(err)
		}
		all[name] = kind
	}
	if err := rows.Err(); err != nil || len(all) < 15 {
		t.Fatalf("%s has the columns %v, %v", table, all, err)
	}
	return all
}

// changing changes a column of all rows of a table, tells which fields of orders are noted and whether subscribers are
// told, and takes the change back.
func changing(t *testing.T, db *sql.DB, table, column, kind string) (noted []string, told bool) {
	t.Helper()
	another := map[string]string{
		"text": "coalesce(%s, '') || 'x'", "numeric": "coalesce(%s, 0) + 1", "integer": "coalesce(%s, 0) + 1", "bigint": "coalesce(%s, 0) + 1",
		"date": "coalesce(%s, '2026-01-01') + 1", "timestamp with time zone": "coalesce(%s, now()) + interval '1 hour'",
		"jsonb": `jsonb_build_array('another', %s)`,
	}[kind]
	if another == "" {
		t.Fatalf("%s of %s is of the type %s: how is that changed?", column, table, kind)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), fmt.Sprintf("UPDATE %s SET %s = "+another, table, column, column)); err != nil {
		t.Fatalf("%s of %s: %v", column, table, err)
	}
	if err := tx.QueryRowContext(t.Context(), `SELECT ARRAY(SELECT unnest(fields) FROM order_changes),
		EXISTS (SELECT FROM changes WHERE topic = 'ORDER' AND xid = pg_current_xact_id())`).Scan(pq.Array(&noted), &told); err != nil {
		t.Fatal(err)
	}
	if len(noted) == 0 {
		noted = nil
	}
	return noted, told
}

// TestChangesOfOneVersionAreNotedTogether has a source write an order twice under one version, and a customer write it.
func TestChangesOfOneVersionAreNotedTogether(t *testing.T) {
	s, db := storetest.Pair(t)
	storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
	storetest.Save(t, s, replication.SaveOrders, storetest.Order("100", "1", 1, "10"))
	for _, statement := range []string{
		`UPDATE orders SET status = 'ON_HOLD', holds = '[{}]'`, `UPDATE orders SET status = 'SHIPPED'`,
		`UPDATE order_lines SET price = price + 1`, `UPDATE orders SET changes = changes + 1`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.QueryContext(t.Context(), `SELECT fields, coalesce(status_before, ''), status FROM order_changes ORDER BY place`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var got []string
	for rows.Next() {
		var fields []string
		var before, status string
		if err := rows.Scan(pq.Array(&fields), &before, &status); err != nil {
			t.Fatal(err)
		}
		slices.Sort(fields)
		got = append(got, fmt.Sprint(fields, before, " ", status))
	}
	want := []string{"[holds lines status]CONFIRMED SHIPPED", "[operation] SHIPPED"}
	if rows.Err() != nil || !slices.Equal(got, want) {
		t.Errorf("noted are %q, want %q, %v", got, want, rows.Err())
	}
}
