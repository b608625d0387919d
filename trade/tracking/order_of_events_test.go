package tracking

import (
	"math/rand/v2"
	"testing"
	"time"

	"portico/trade"
)

func TestShipmentStatusIsTheSameInAnyOrderOfEvents(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 3, 1, h, 0, 0, 0, time.UTC) }
	events := []trade.ShipmentEvent{
		{Key: "1", Classifier: trade.Actual, Status: trade.PreTransit, OccurredAt: at(1)},
		{Key: "2", Classifier: trade.Actual, Status: trade.PickedUp, OccurredAt: at(2)},
		{Key: "3", Classifier: trade.Estimated, Status: trade.Delivered, OccurredAt: at(3)},
		{Key: "4", Classifier: trade.Actual, Status: trade.InTransit, OccurredAt: at(4)},
		{Key: "5", Classifier: trade.Actual, Status: trade.Delivered, OccurredAt: at(5)},
		{Key: "6", Classifier: trade.Actual, Status: trade.AtFacility, OccurredAt: at(6)}, // a late scan moves nothing back
	}
	for n, want := range map[int]trade.ShipmentStatus{
		0: trade.ShipmentUnknown, 2: trade.PickedUp, 3: trade.PickedUp, 4: trade.InTransit,
		5: trade.Delivered, 6: trade.Delivered,
	} {
		for range 20 {
			some := append([]trade.ShipmentEvent(nil), events[:n]...)
			rand.Shuffle(n, func(i, j int) { some[i], some[j] = some[j], some[i] })
			if got := StatusOf(some); got != want {
				t.Fatalf("after %d events: %s, want %s", n, got, want)
			}
		}
	}
}

func TestAnExceptionEndsWithTheNextGoodNews(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 3, 1, h, 0, 0, 0, time.UTC) }
	events := []trade.ShipmentEvent{{Key: "1", Classifier: trade.Actual, Status: trade.DeliveryAttempted, OccurredAt: at(1)}}
	if ExceptionOf(events) == nil {
		t.Error("a delivery that was tried in vain is an exception")
	}
	events = append(events, trade.ShipmentEvent{Key: "2", Classifier: trade.Actual, Status: trade.OutForDelivery, OccurredAt: at(2)})
	if e := ExceptionOf(events); e != nil {
		t.Errorf("it goes on, and still says %v", e)
	}
}
