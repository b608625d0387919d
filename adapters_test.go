package main

import (
	"os"
	"strings"
	"testing"
)

func TestTheTableOfAdaptersIsTheCodes(t *testing.T) {
	table, err := adapterTable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("docs/adapters.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), table) {
		t.Errorf("docs/adapters.md has another table than `go run . adapters`:\n%s", table)
	}
}
