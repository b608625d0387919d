package process

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portico/test/stored"
	"portico/trade"
)

func TestAnswersAreKeptAsTheReleaseBeforeKeepsThem(t *testing.T) {
	stored.Golden(t, "replayed", stored.Of[trade.OperationProgress]()) // of replays before they were operations
}

func TestAKeyStandsForTheSameInputAsBefore(t *testing.T) {
	stored.Inputs(t, Fingerprint, map[string]any{"replay": stored.Of[Replay]()})
}

// TestEveryMutationsInputIsFrozen finds mutations whose input no room of process holds to a golden file.
func TestEveryMutationsInputIsFrozen(t *testing.T) {
	schema, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	_, mutations, _ := strings.Cut(string(schema), "\ntype Mutation {\n")
	mutations, _, _ = strings.Cut(mutations, "\n}\n")
	var names, frozen []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-zA-Z]+)\(`).FindAllStringSubmatch(mutations, -1) {
		names = append(names, m[1])
	}
	for _, of := range []string{"testdata/stored/input-*.json", "*/testdata/stored/input-*.json"} {
		files, err := filepath.Glob(of)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if name, version, _ := strings.Cut(strings.TrimPrefix(filepath.Base(f), "input-"), "."); version == "json" { // the first
				frozen = append(frozen, name)
			}
		}
	}
	slices.Sort(names)
	slices.Sort(frozen)
	if !slices.Equal(names, frozen) {
		t.Errorf("the schema has the mutations %v, and golden files are of %v", names, frozen)
	}
}
