package audit_test

import (
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"portico/evidence"
	"portico/process/audit"
	"portico/store/ledger"
)

// TestWhatIsNotInASignedTreeYetIsWaitedFor proves each entry of a log, and asks for the first that is in no
// signed tree: an export waits for that, and does not fail.
func TestWhatIsNotInASignedTreeYetIsWaitedFor(t *testing.T) {
	st, _, folder := world(t)
	all := []int64{0, 1, 2, 3, 4, 5, 6}
	proofs, err := audit.Prove(t.Context(), st, folder, all)
	if err != nil || len(proofs.Paths) != len(all) {
		t.Fatalf("%d paths, %v", len(proofs.Paths), err)
	}
	leaves, err := ledger.Leaves(t.Context(), st, 0, 10)
	if err != nil || len(leaves) != len(all) {
		t.Fatalf("%d leaves, %v", len(leaves), err)
	}
	for i, l := range leaves {
		if err := proofs.Contains(l.Index, l.Text, proofs.Paths[i]); err != nil {
			t.Errorf("entry %d: %v", l.Index, err)
		}
		if proofs.Contains(l.Index, l.Text+" ", proofs.Paths[i]) == nil {
			t.Errorf("entry %d is proved to be another", l.Index)
		}
	}
	verifier, err := note.NewVerifier(proofs.Key)
	if err != nil {
		t.Fatal(err)
	}
	if head, err := evidence.ReadHead([]byte(proofs.Head), verifier); err != nil || head.N != 7 || head.Hash == (tlog.Hash{}) {
		t.Errorf("the head is of %d entries, %v", head.N, err)
	}
	for _, index := range []int64{7, 8, 100} {
		if _, err := audit.Prove(t.Context(), st, folder, []int64{0, index}); !errors.Is(err, audit.ErrNotAppended) {
			t.Errorf("entry %d of 7: %v, want that it is waited for", index, err)
		}
	}
	if _, err := audit.Prove(t.Context(), st, t.TempDir(), all); err == nil {
		t.Error("a folder without a log proves something")
	}
}
