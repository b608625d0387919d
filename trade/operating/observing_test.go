package operating

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestASourceIsJudgedByWhatAllHaveSeenOfIt holds state and reasons of a source to what was observed.
//
// Cases: A2 H1
func TestASourceIsJudgedByWhatAllHaveSeenOfIt(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	of := func(v float64) *float64 { return &v }
	for name, c := range map[string]struct {
		state   SourceState
		seen    Observed
		want    SourceState
		reasons []SourceReason
		says    string
	}{
		"all is well":        {SourceUp, Observed{ConfirmedAt: ago(time.Second)}, SourceUp, nil, ""},
		"it is not followed": {SourceUp, Observed{}, SourceUp, nil, ""},
		"just not too old":   {SourceUp, Observed{ConfirmedAt: ago(44 * time.Second)}, SourceUp, nil, ""},
		"its changes stand": {
			SourceUp, Observed{ConfirmedAt: ago(45 * time.Second)}, SourceIsStale, []SourceReason{ReasonStale}, "08:59:15",
		},
		"it is slow": {SourceUp, Observed{Seconds: of(2.5)}, SourceDegraded, []SourceReason{ReasonSlow}, "2.5 s"},
		"it flaps":   {SourceDegraded, Observed{Outages: of(4)}, SourceDegraded, []SourceReason{ReasonFlapping}, "4 times"},
		"all at once": {
			SourceUp,
			Observed{ConfirmedAt: ago(time.Hour), Outages: of(4), Seconds: of(2)},
			SourceIsStale,
			[]SourceReason{ReasonStale, ReasonFlapping, ReasonSlow},
			"stand at",
		},
		"it is down": {SourceIsDown, Observed{ConfirmedAt: ago(time.Hour), Seconds: of(9)}, SourceIsDown, nil, ""},
		"it is down once more": {
			SourceIsDown, Observed{ConfirmedAt: ago(time.Hour), Outages: of(3)}, SourceIsDown, []SourceReason{ReasonFlapping}, "",
		},
		"it flapped and is paused": {SourcePaused, Observed{Outages: of(3)}, SourcePaused, nil, ""},
		"it is paused":             {SourcePaused, Observed{ConfirmedAt: ago(time.Hour)}, SourcePaused, nil, ""},
		"it is in a window":        {SourceMaintenance, Observed{ConfirmedAt: ago(time.Hour)}, SourceMaintenance, nil, ""},
		"of one failure and well":  {SourceDegraded, Observed{ConfirmedAt: ago(0)}, SourceDegraded, nil, ""},
	} {
		h := SourceHealth{Instance: "erp", State: c.state, Reasons: []SourceReason{ReasonSlow}}
		h.Judge(c.seen, now)
		if h.State != c.want || !slices.Equal(h.Reasons, c.reasons) || (h.Message != nil) != (c.says != "") ||
			h.Message != nil && !strings.Contains(*h.Message, c.says) {
			t.Errorf("%s: %s %v %v, want %s %v", name, h.State, h.Reasons, h.Message, c.want, c.reasons)
		}
	}
}
