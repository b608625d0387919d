package watch

import (
	"testing"

	"portico/process"
	"portico/test/stored"
	"portico/trade/operating"
)

func TestFlowStatesAreKeptAsTheReleaseBeforeKeepsThem(t *testing.T) {
	stored.Flows(t, map[string]func(t *testing.T){
		"replayWork": func(t *testing.T) { stored.Golden(t, "replayWork", stored.Of[replayWork]()) },
	})
}

func TestAKeyStandsForTheSameInputAsBefore(t *testing.T) {
	stored.Inputs(t, process.Fingerprint, map[string]any{
		"acknowledgeAlert":     []any{"alt_1", (*string)(nil)},
		"resolveAlert":         []any{"alt_1", stored.Of[*string]()},
		"retryDeadLetter":      stored.Of[DeadLetter](),
		"discardDeadLetter":    stored.Of[DeadLetter](),
		"compensate":           []string{"opr_1", "reason"},
		"settleOperation":      stored.Of[Settlement](),
		"pauseSource":          []string{"erp", "reason"},
		"resumeSource":         []string{"erp", "reason"},
		"saveObjective":        stored.Of[operating.Objective](),
		"recordSupportTickets": stored.Of[TicketCount](),
	})
}
