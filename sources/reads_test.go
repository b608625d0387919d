package sources

import (
	"fmt"
	"slices"
	"testing"
)

// Cases: A4
func TestAnAnswerThatIsTooLargeIsAskedForInParts(t *testing.T) {
	e := &erp{}
	e.refuse = func(q Query) error {
		if slices.Contains(q.Refs, "huge") || len(q.Refs) > 4 {
			return Fail(Garbled, "%w", ErrTooLarge)
		}
		return nil
	}
	refs := []string{"huge"}
	for i := range 24 {
		refs = append(refs, fmt.Sprint(i))
	}
	page, err := OrderRecords.Fetch(t.Context(), set(e, quick), Query{Refs: refs})
	if err != nil || len(page.Records) != 24 {
		t.Fatalf("%d records, %v; want all that are not huge", len(page.Records), err)
	}
	if len(page.Rejected) != 1 || *page.Rejected[0].SourceRef != "huge" || page.Rejected[0].Instance != "erp" {
		t.Errorf("rejected are %v, want huge", page.Rejected)
	}
	for i, o := range page.Records {
		if *o.Number != fmt.Sprint(i) {
			t.Errorf("record %d is %s", i, *o.Number)
		}
	}
}
