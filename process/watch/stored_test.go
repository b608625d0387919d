package watch

import (
	"testing"

	"portico/process"
	"portico/test/stored"
	"portico/trade/operating"
)

func TestNoFlowKeepsAStateHere(t *testing.T) { stored.Flows(t, nil) }

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
