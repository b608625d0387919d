package tracking

import (
	"testing"
	"time"

	"portico/trade"
)

// instant is a moment as people write it.
func instant(t *testing.T, text string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTheLatestEstimateOfArrivalCounts tells estimates in any order: what counts is when they were made.
func TestTheLatestEstimateOfArrivalCounts(t *testing.T) {
	made := func(key, when, estimate string) trade.ShipmentEvent {
		e := trade.ShipmentEvent{
			Key:        key,
			Classifier: trade.Estimated,
			Status:     trade.ShipmentUnknown,
			Milestone:  trade.MilestoneEtaChanged,
			OccurredAt: instant(t, when),
			ReceivedAt: instant(t, "2026-03-09T00:00:00Z"),
		}
		recorded, arrives := instant(t, when), instant(t, estimate)
		e.RecordedAt, e.Estimate = &recorded, &arrives
		return e
	}
	first := made("1", "2026-03-01T08:00:00Z", "2026-03-05T12:00:00Z")
	second := made("2", "2026-03-02T08:00:00Z", "2026-03-07T12:00:00Z")
	third := made("3", "2026-03-03T08:00:00Z", "2026-03-06T12:00:00Z")
	for _, order := range [][]trade.ShipmentEvent{{first, second, third}, {third, second, first}, {second, third, first}} {
		if eta := EtaOf(order); eta == nil || !eta.At.Equal(*third.Estimate) || !eta.IssuedAt.Equal(third.OccurredAt) {
			t.Errorf("%+v, want the estimate that was made last", eta)
		}
	}
	wrong := trade.ShipmentEvent{Key: "3#error", Corrects: "3", OccurredAt: instant(t, "2026-03-04T08:00:00Z"), Classifier: trade.Actual}
	if eta := EtaOf([]trade.ShipmentEvent{first, second, third, wrong}); eta == nil || !eta.At.Equal(*second.Estimate) {
		t.Errorf("%+v, want the one before, for the last was declared wrong", eta)
	}
	unrecorded := made("4", "2026-03-01T00:00:00Z", "2026-03-10T12:00:00Z")
	unrecorded.RecordedAt = nil // made when it came
	if eta := EtaOf([]trade.ShipmentEvent{unrecorded, third}); eta == nil || !eta.At.Equal(*unrecorded.Estimate) {
		t.Errorf("%+v, want the one that came last", eta)
	}
	if eta := EtaOf([]trade.ShipmentEvent{{Key: "5", Classifier: trade.Actual, Status: trade.InTransit}}); eta != nil {
		t.Errorf("%+v, though nobody made one", eta)
	}
}
