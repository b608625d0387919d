package watch

import (
	"testing"

	"portico/sources"
)

// TestASourceThatFailsInTurnsIsToldFromOneThatIsAway counts how often a source began to fail, by its calls and failures in each time.
//
// Cases: H1
func TestASourceThatFailsInTurnsIsToldFromOneThatIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		times [][2]int64 // calls, and those that failed
		want  int
	}{
		"well":                       {[][2]int64{{5, 0}, {5, 0}, {5, 0}}, 0},
		"nobody asks":                {[][2]int64{{0, 0}, {0, 0}}, 0},
		"one outage":                 {[][2]int64{{5, 0}, {5, 5}, {5, 5}, {5, 0}}, 1},
		"one that goes on":           {[][2]int64{{5, 5}, {5, 5}, {5, 5}}, 1},
		"one without a call within":  {[][2]int64{{5, 5}, {0, 0}, {5, 5}, {5, 0}}, 1},
		"two":                        {[][2]int64{{5, 5}, {5, 0}, {5, 1}, {5, 0}}, 2},
		"away every other time":      {[][2]int64{{5, 0}, {5, 5}, {5, 0}, {5, 5}, {5, 0}, {5, 5}}, 3},
		"a few failures at any time": {[][2]int64{{50, 1}, {50, 2}, {50, 1}}, 1},
	} {
		var sum sources.Calls
		counts := []map[string]sources.Calls{{"erp": sum}}
		for _, n := range c.times {
			sum.Calls, sum.Failed = sum.Calls+n[0], sum.Failed+n[1]
			counts = append(counts, map[string]sources.Calls{"erp": sum})
		}
		if got := outages(counts, "erp"); got != c.want {
			t.Errorf("%s: %d outages, want %d", name, got, c.want)
		}
	}
}
