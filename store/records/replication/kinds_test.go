package replication

import (
	"slices"
	"testing"

	"portico/sources"
)

// TestEveryKindThatASourceIsReadForIsKept holds the kinds of the store to those of the ports: one that is
// missing would never be compared, and keep versions that its source has begun anew.
func TestEveryKindThatASourceIsReadForIsKept(t *testing.T) {
	var read, kept []string
	for _, p := range sources.Ports() {
		if p.Readable() {
			read = append(read, string(p.Subject))
		}
	}
	for _, k := range kinds {
		kept = append(kept, k.subject)
		if (k.table == "") == (k.restart == "") {
			t.Errorf("%s: it has either rows of its own, or a statement that makes its versions begin again", k.subject)
		}
	}
	if !slices.Equal(read, kept) {
		t.Errorf("sources are read for %v, of which are kept, in this order, %v", read, kept)
	}
}
