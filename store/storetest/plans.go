package storetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
)

// bounded are tables that hold a handful of rows, whatever the company's size, or that are
// read whole because all of it is wanted.
var bounded = []string{
	"warehouses", "categories", "feeds", "loads", "capability_routes", "paused_sources", "reconciliations",
	"revocations",
}

var (
	parameter = regexp.MustCompile(`\$(\d+)`)
	scanned   = regexp.MustCompile(`Seq Scan on (\w+)`)
)

// Scanned are the statements, of those given, that read a table which grows from its
// beginning to its end because no index serves them, each with the table. PostgreSQL is
// asked for the plan that it keeps, and may read a table so only where it has no other way.
func Scanned(t testing.TB, dsn string, statements []string) []string {
	t.Helper()
	db := sqlx.NewDb(Connect(t, strings.ReplaceAll(dsn, "binary_parameters=yes", "")), "postgres")
	db.SetMaxOpenConns(1)
	exec := func(text string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec("SET plan_cache_mode = force_generic_plan")
	exec("SET enable_seqscan = off")
	var found []string
	for i, s := range statements {
		most := 0
		for _, m := range parameter.FindAllStringSubmatch(s, -1) {
			var n int
			_, _ = fmt.Sscan(m[1], &n) // digits
			most = max(most, n)
		}
		name := fmt.Sprintf("s%d", i)
		exec("PREPARE " + name + " AS " + s)
		call := name
		if most > 0 {
			call += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", most), ", ") + ")"
		}
		var lines []string
		if err := db.SelectContext(t.Context(), &lines, "EXPLAIN EXECUTE "+call); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		for _, line := range lines {
			if m := scanned.FindStringSubmatch(line); m != nil && !slices.Contains(bounded, m[1]) {
				found = append(found, m[1]+": "+strings.Join(strings.Fields(s), " "))
			}
		}
	}
	return found
}
