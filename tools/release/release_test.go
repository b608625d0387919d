package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestABinarySaysWhatItIsMadeOf reads the materials of the very binary that runs this test, and of a lock file.
func TestABinarySaysWhatItIsMadeOf(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "package-lock.json")
	text := `{"packages": {"": {"version": "0"}, "node_modules/react": {"version": "19.1.1"}, "node_modules/@vitejs/plugin-react": {"version": "5.0.2", "dev": true}, "node_modules/a/node_modules/react": {"version": "18.0.0"}}}`
	if err := os.WriteFile(lock, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := materials(self, []string{lock})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range b.Components {
		all = append(all, c.PURL+" "+c.Scope)
	}
	for _, want := range []string{"pkg:npm/react@19.1.1 ", "pkg:npm/react@18.0.0 ", "pkg:npm/%40vitejs/plugin-react@5.0.2 excluded"} {
		if !slices.Contains(all, want) {
			t.Errorf("%q is not in %v", want, all)
		}
	}
	if len(b.Components) != 4 || !slices.IsSorted(all) { // and Go's own library
		t.Errorf("got %v", all)
	}
	if _, err := materials(lock, nil); err == nil {
		t.Error("what is no binary has materials")
	}
}
