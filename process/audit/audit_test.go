package audit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"portico/process/audit"
	"portico/store"
	"portico/store/ledger"
	"portico/store/storetest"
	"portico/trade/operating"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// world is a log with some entries, sealed in several heads, and its database as one who
// may do anything to it has it.
func world(t *testing.T) (st *store.Store, db *sqlx.DB, folder string) {
	t.Helper()
	st, dsn := storetest.At(t)
	folder = t.TempDir()
	log, err := audit.Open(t.Context(), st, folder, "")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 7 {
		err := st.InTx(t.Context(), func(tx *store.Tx) error {
			return ledger.Audit(t.Context(), tx,
				operating.AuditRecord{
					Actor: "usr_1", Action: "order.amend", Subject: fmt.Sprintf("ord_%d", n), CorrelationID: "c",
					After: map[string]any{"n": n},
				})
		})
		if err != nil {
			t.Fatal(err)
		}
		if n%3 == 2 || n == 6 {
			if err := log.AppendEntries(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if db, err = sqlx.Open("postgres", dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return st, db, folder
}

func TestALogThatIsAsItWasSignedIsFoundSo(t *testing.T) {
	st, _, folder := world(t)
	r, err := audit.Verify(t.Context(), st, folder)
	if err != nil || r.Entries != 7 || r.Heads != 3 || len(r.Wrong) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	// Another process, with its own folder, seals on.
	other := t.TempDir()
	log, err := audit.Open(t.Context(), st, other, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := log.AppendEntries(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := audit.Verify(t.Context(), st, other); err != nil || r.Entries != 7 || len(r.Wrong) != 0 {
		t.Errorf("by another process: %+v, %v", r, err)
	}
}

// TestWhoeverChangesTheLogIsFoundOut does, as owner of the database, all that can be done
// to a log.
func TestWhoeverChangesTheLogIsFoundOut(t *testing.T) {
	const free = `ALTER TABLE audit_entries DISABLE TRIGGER only_added; `
	for what, c := range map[string]struct{ do, want string }{
		"an edit": {free + `UPDATE audit_entries SET after = '{"n": 99}' WHERE place = 3`, "entry 2 was changed"},
		"a deletion": {
			free + `ALTER TABLE audit_leaves DROP CONSTRAINT audit_leaves_place_fkey; DELETE FROM audit_entries WHERE place = 3`,
			"entry 2 was removed",
		},
		"a swap": {`UPDATE audit_leaves SET place = -2 WHERE index = 2; UPDATE audit_leaves SET place = 3
			WHERE index = 1; UPDATE audit_leaves SET place = 2 WHERE index = 2`, "entry 1 was changed"},
		"a leaf missing": {`DELETE FROM audit_leaves WHERE index = 2`, "entry 2 is missing"},
		"an end cut off": {`DELETE FROM audit_leaves WHERE index > 4`, "its end is missing"},
		"an edit with the leaf made to match": {
			free + `UPDATE audit_entries SET actor = 'usr_2' WHERE place = 6; UPDATE audit_leaves SET digest = sha256(convert_to('x', 'UTF8'))
				WHERE index = 5`, "entry 5 was changed",
		},
	} {
		t.Run(what, func(t *testing.T) {
			st, db, folder := world(t)
			if strings.Contains(c.do, "place = -2") {
				c.do = `ALTER TABLE audit_leaves DROP CONSTRAINT audit_leaves_place_fkey; ` + c.do
			}
			for _, statement := range strings.Split(c.do, ";") {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			r, err := audit.Verify(t.Context(), st, folder)
			if err != nil || !strings.Contains(fmt.Sprint(r.Wrong), c.want) {
				t.Errorf("found %+v, %v, want %q", r, err, c.want)
			}
		})
	}
}

func TestWhoeverRewritesTheWholeTreeDoesNotHaveItsHeads(t *testing.T) {
	st, db, folder := world(t)
	for _, statement := range []string{
		`ALTER TABLE audit_entries DISABLE TRIGGER only_added`,
		`UPDATE audit_entries SET actor = 'usr_2' WHERE place = 2`, `DELETE FROM audit_leaves`, `DELETE FROM audit_hashes`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	// The processes that run do not sign what they did not see, and say so.
	if log, err := audit.Open(t.Context(), st, folder, ""); err != nil {
		t.Error(err)
	} else if err := log.AppendEntries(t.Context()); !errors.Is(err, audit.ErrOtherLog) {
		t.Errorf("a process that goes on with another log: %v", err)
	}
	forger, err := audit.Open(t.Context(), st, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := forger.AppendEntries(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Verify(t.Context(), st, folder)
	if err != nil || !strings.Contains(fmt.Sprint(r.Wrong), "are not those that were signed") {
		t.Errorf("found %+v, %v", r, err)
	}
	heads := filepath.Join(folder, "heads")
	text, err := os.ReadFile(heads)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(heads, []byte(strings.Replace(string(text), "\n7\n", "\n6\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Verify(t.Context(), st, folder); err == nil {
		t.Error("a head that nobody signed counts")
	}
}

func TestEntriesCannotBeChangedInPassing(t *testing.T) {
	_, db, _ := world(t)
	for _, statement := range []string{`UPDATE audit_entries SET actor = 'x'`, `DELETE FROM audit_entries`, `TRUNCATE audit_entries CASCADE`} {
		if _, err := db.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s goes through", statement)
		}
	}
}

// Cases: H24
func TestAnEntryThatCommitsLongAfterItsPlaceIsAppended(t *testing.T) {
	st, db, folder := world(t)
	if _, err := db.ExecContext(t.Context(), `INSERT INTO audit_entries (place, action, subject, correlation_id) OVERRIDING SYSTEM VALUE
		VALUES (250000, 'order.amend', 'ord_early', 'c')`); err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(t.Context(), st, folder, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := log.AppendEntries(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO audit_entries (place, action, subject, correlation_id) OVERRIDING SYSTEM VALUE
		VALUES (100, 'order.amend', 'ord_late', 'c'), (120000, 'order.amend', 'ord_later', 'c')`); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := log.AppendEntries(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r, err := audit.Verify(t.Context(), st, folder)
	if err != nil || r.Entries != 10 || len(r.Wrong) != 0 {
		t.Errorf("%+v, %v; want 10 entries", r, err)
	}
}
