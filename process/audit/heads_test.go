package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"

	"portico/evidence/signatures"
	"portico/process/audit"
	"portico/store"
	"portico/store/ledger"
	"portico/store/storetest"
	"portico/trade/operating"
)

// keyFile writes a private key as openssl genpkey does.
func keyFile(t *testing.T, seed byte) string {
	t.Helper()
	text, err := signatures.PrivatePEM(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "audit-key.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, st *store.Store, subject string) {
	t.Helper()
	err := st.InTx(t.Context(), func(tx *store.Tx) error {
		return ledger.Audit(t.Context(), tx, operating.AuditRecord{Actor: "usr_1", Action: "order.amend", Subject: subject, CorrelationID: "c"})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// verified is how many entries are as they were signed.
func verified(t *testing.T, st *store.Store, folder string, want int64) {
	t.Helper()
	if r, err := audit.Verify(t.Context(), st, folder); err != nil || r.Entries != want || len(r.Wrong) != 0 {
		t.Errorf("%+v, %v; want %d entries and nothing wrong", r, err, want)
	}
}

// TestProcessesShareAFolderAndAKey has four processes seal what four write, into one folder: its heads are in order, and all hold.
//
// Cases: H20
func TestProcessesShareAFolderAndAKey(t *testing.T) {
	st, _ := storetest.At(t)
	folder, key := t.TempDir(), keyFile(t, 1)
	var all sync.WaitGroup
	for p := range 4 {
		log, err := audit.Open(t.Context(), st, folder, key)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for n := range 12 {
				write(t, st, fmt.Sprintf("ord_%d_%d", p, n))
				if err := log.AppendEntries(t.Context()); err != nil {
					t.Errorf("process %d: %v", p, err)
				}
			}
		})
	}
	all.Wait()
	verified(t, st, folder, 48)
	public, err := os.ReadFile(filepath.Join(folder, "key.pub"))
	if err != nil || strings.Count(string(public), "\n") != 1 {
		t.Errorf("the public keys are %q, %v: want one", public, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "key")); err == nil {
		t.Error("the folder has a private key besides the one that is named")
	}
}

// TestAnotherKeyGoesOnWithTheLog has the key changed twice, from the one that is made where none is named.
func TestAnotherKeyGoesOnWithTheLog(t *testing.T) {
	st, _ := storetest.At(t)
	folder := t.TempDir()
	for n, key := range []string{"", keyFile(t, 1), keyFile(t, 2), keyFile(t, 1)} {
		log, err := audit.Open(t.Context(), st, folder, key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, st, fmt.Sprintf("ord_%d", n))
		if err := log.AppendEntries(t.Context()); err != nil {
			t.Fatal(err)
		}
		verified(t, st, folder, int64(n+1))
		proofs, err := audit.Prove(t.Context(), st, folder, []int64{0})
		if err != nil {
			t.Fatal(err)
		}
		leaves, err := ledger.Leaves(t.Context(), st, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := proofs.Contains(0, leaves[0].Text, proofs.Paths[0]); err != nil {
			t.Errorf("with key %d: %v", n, err)
		}
	}
	for what, text := range map[string]string{"nothing": "", "a text": "secret", "the note's own form": "PRIVATE+KEY+portico+00000000+AAAA"} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := audit.Open(t.Context(), st, folder, path); err == nil || !strings.Contains(err.Error(), "openssl genpkey") ||
			!strings.Contains(err.Error(), "PORTICO_AUDIT_KEY_FILE") || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("a key file with %s: %v", what, err)
		}
	}
}

// TestAHeadThatACrashCutOffIsWrittenOnceMore cuts the last head in many places: the log goes on, and all of it holds.
func TestAHeadThatACrashCutOffIsWrittenOnceMore(t *testing.T) {
	st, _, folder := world(t)
	path := filepath.Join(folder, "heads")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := strings.LastIndex(strings.TrimSuffix(string(whole), "---\n"), "---\n") + len("---\n")
	for cut := before; cut < len(whole); cut += 9 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		log, err := audit.Open(t.Context(), st, folder, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := log.AppendEntries(t.Context()); err != nil {
			t.Fatalf("cut at %d of %d: %v", cut, len(whole), err)
		}
		if r, err := audit.Verify(t.Context(), st, folder); err != nil || r.Entries != 7 || r.Heads != 3 || len(r.Wrong) != 0 {
			t.Fatalf("cut at %d of %d: %+v, %v", cut, len(whole), r, err)
		}
	}
}

// TestARestoredDatabaseGoesOnWithTheHeadsOfItsBackup cuts off the database's end, as restoring does: with the heads of that time the log
// goes on; with those of now nothing is signed, which is said.
func TestARestoredDatabaseGoesOnWithTheHeadsOfItsBackup(t *testing.T) {
	st, db, folder := world(t)
	backup, err := os.ReadFile(filepath.Join(folder, "heads"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(t.Context(), st, folder, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, st, "ord_after_the_backup")
	if err := log.AppendEntries(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`ALTER TABLE audit_entries DISABLE TRIGGER only_added`, `DELETE FROM audit_hashes WHERE index >= 11`,
		`DELETE FROM audit_leaves WHERE index = 7`, `DELETE FROM audit_entries WHERE place = 8`,
	} {
		exec(t, db, statement)
	}
	running := log
	for range 2 {
		if err := running.AppendEntries(t.Context()); !errors.Is(err, audit.ErrOtherLog) {
			t.Errorf("with the heads of now: %v", err)
		}
		if running, err = audit.Open(t.Context(), st, folder, ""); err != nil { // a process that starts says the same
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "heads"), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, st, "ord_after_restoring")
	if err := running.AppendEntries(t.Context()); err != nil {
		t.Fatal(err)
	}
	verified(t, st, folder, 8)
}

func exec(t *testing.T, db *sqlx.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
