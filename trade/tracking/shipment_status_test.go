package tracking

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"portico/trade"
)

func at(minute int) time.Time { return time.Date(2026, 3, 2, 8, minute, 0, 0, time.UTC) }

func event(key string, minute int, milestone trade.Milestone, status trade.ShipmentStatus) trade.ShipmentEvent {
	return trade.ShipmentEvent{
		ID: "evt_" + key, Key: key, Milestone: milestone, Classifier: trade.Actual, Status: status,
		OccurredAt: at(minute), Raw: trade.RawCode{Code: string(milestone)},
	}
}

func TestWhyAShipmentStandsWhereItDoes(t *testing.T) {
	estimate := event("e", 99, trade.MilestoneArrived, trade.AtFacility)
	estimate.Classifier = trade.Estimated
	declared := event("d!", 50, trade.MilestoneOther, trade.ShipmentUnknown)
	declared.Corrects, declared.Instead = "d", []string{"x"}
	again := event("a2", 1, trade.MilestonePickedUp, trade.PickedUp)
	for name, c := range map[string]struct {
		events  []trade.ShipmentEvent
		want    trade.ShipmentStatus
		ignored map[string]IgnoredReason
	}{
		"nothing": {nil, trade.ShipmentUnknown, nil},
		"the latest": {[]trade.ShipmentEvent{
			event("b", 5, trade.MilestoneArrived, trade.AtFacility),
			event("a", 1, trade.MilestonePickedUp, trade.PickedUp),
		}, trade.AtFacility, nil},
		"an estimate": {
			[]trade.ShipmentEvent{event("a", 1, trade.MilestonePickedUp, trade.PickedUp), estimate},
			trade.PickedUp,
			map[string]IgnoredReason{"e": IgnoredNotActual},
		},
		"told twice": {
			[]trade.ShipmentEvent{event("a", 1, trade.MilestonePickedUp, trade.PickedUp), again},
			trade.PickedUp,
			map[string]IgnoredReason{"a2": IgnoredDuplicate},
		},
		"no meaning": {[]trade.ShipmentEvent{
			event("a", 1, trade.MilestonePickedUp, trade.PickedUp),
			event("q", 3, trade.MilestoneOther, trade.ShipmentUnknown),
		}, trade.PickedUp, map[string]IgnoredReason{"q": IgnoredUnmapped}},
		"after delivery": {[]trade.ShipmentEvent{
			event("d", 9, trade.MilestoneDelivered, trade.Delivered),
			event("z", 20, trade.MilestoneDeparted, trade.InTransit),
		}, trade.Delivered, map[string]IgnoredReason{"z": IgnoredLate}},
		"declared wrong": {[]trade.ShipmentEvent{
			event("a", 1, trade.MilestonePickedUp, trade.PickedUp),
			event("d", 9, trade.MilestoneDelivered, trade.Delivered), declared,
		}, trade.PickedUp, map[string]IgnoredReason{"d": IgnoredCorrected}},
		"and put right": {
			[]trade.ShipmentEvent{
				event("d", 9, trade.MilestoneDelivered, trade.Delivered), declared,
				event("x", 10, trade.MilestoneDeliveryAttempted, trade.DeliveryAttempted),
			},
			trade.DeliveryAttempted,
			map[string]IgnoredReason{"d": IgnoredCorrected},
		},
		"of one moment": {[]trade.ShipmentEvent{
			event("z", 1, trade.MilestoneLabelCreated, trade.PreTransit),
			event("a", 1, trade.MilestonePickedUp, trade.PickedUp),
		}, trade.PickedUp, nil},
		"wrong, never told": {[]trade.ShipmentEvent{event("a", 1, trade.MilestonePickedUp, trade.PickedUp), declared}, trade.PickedUp, nil},
	} {
		x := ExplainShipment(c.events, nil)
		if StatusOf(c.events) != c.want || x.Status != string(c.want) {
			t.Errorf("%s: %s and %s, not %s", name, StatusOf(c.events), x.Status, c.want)
		}
		for _, v := range Judge(c.events) {
			if v.Ignored != c.ignored[v.Event.Key] {
				t.Errorf("%s: %s is ignored as %q, not %q", name, v.Event.Key, v.Ignored, c.ignored[v.Event.Key])
			}
		}
	}
	of := Corrections([]trade.ShipmentEvent{
		event("d", 9, trade.MilestoneDelivered, trade.Delivered), declared,
		event("x", 10, trade.MilestoneDeliveryAttempted, trade.DeliveryAttempted),
	})
	if of["d"].By.Key != "x" || of["x"].Corrects.Key != "d" || of["d!"].Corrects.Key != "d" || of["d"].Corrects != nil {
		t.Errorf("corrections: %v", of)
	}
	if of := Corrections([]trade.ShipmentEvent{event("d", 9, trade.MilestoneDelivered, trade.Delivered), declared}); of["d"].By.Key != "d!" {
		t.Errorf("corrections: %v", of)
	}
}

// TestAnyOrderOfEventsGivesOneState shuffles and repeats journeys made up at random.
func TestAnyOrderOfEventsGivesOneState(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	for n := range 2000 {
		var events []trade.ShipmentEvent
		for i := range 1 + random.IntN(8) {
			e := event(fmt.Sprint(i), random.IntN(6), trade.Milestones[random.IntN(len(trade.Milestones))],
				trade.ShipmentStatuses[random.IntN(len(trade.ShipmentStatuses))])
			switch random.IntN(8) {
			case 0:
				e.Classifier = trade.Estimated
				when := at(200 + random.IntN(9))
				e.Estimate = &when
			case 1:
				e.Corrects = fmt.Sprint(random.IntN(8))
			}
			recorded := at(random.IntN(6))
			e.RecordedAt = &recorded
			events = append(events, e)
		}
		want, eta, trouble := ExplainShipment(events, nil), EtaOf(events), ExceptionOf(events)
		for range 5 {
			shuffled := append([]trade.ShipmentEvent{}, events...)
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if got := ExplainShipment(shuffled, nil); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(ExceptionOf(shuffled), trouble) {
				t.Fatalf("journey %d of seed %d: %+v is not %+v", n, seed, got, want)
			}
			if got := EtaOf(shuffled); !reflect.DeepEqual(got, eta) {
				t.Fatalf("journey %d of seed %d: arrival %+v is not %+v", n, seed, got, eta)
			}
		}
	}
}
