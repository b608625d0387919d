package main

import "testing"

// TestEveryBreakIsOfCodeThatIsThere holds the table to the code: the text of each is there once, so that a run does not end at what
// was renamed.
func TestEveryBreakIsOfCodeThatIsThere(t *testing.T) {
	t.Chdir("../..")
	all, err := read()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		if _, _, err := b.find(); err != nil {
			t.Errorf("%s: %v", b.Name, err)
		}
	}
	if len(all) < 60 {
		t.Errorf("%d breaks, want 60 at least", len(all))
	}
}
