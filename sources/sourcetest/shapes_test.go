package sourcetest

import (
	"slices"
	"testing"

	"portico/sources"
)

// TestEveryKindThatASourceIsReadForHasAShape holds the suite to the ports, in the order of a first load.
func TestEveryKindThatASourceIsReadForHasAShape(t *testing.T) {
	var read, shaped []sources.Subject
	for _, p := range sources.Ports() {
		if p.Readable() {
			read = append(read, p.Subject)
		}
	}
	for _, s := range shapes {
		shaped = append(shaped, s.subject)
	}
	if !slices.Equal(read, shaped) {
		t.Errorf("sources are read for %v, of which the suite knows, in this order, %v", read, shaped)
	}
}
