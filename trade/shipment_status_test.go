package trade

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func at(minute int) time.Time { return time.Date(2026, 3, 2, 8, minute, 0, 0, time.UTC) }

func event(key string, minute int, milestone Milestone, status ShipmentStatus) ShipmentEvent {
	return ShipmentEvent{ID: "evt_" + key, Key: key, Milestone: milestone, Classifier: Actual, Status: status, OccurredAt: at(minute), Raw: RawCode{Code: string(milestone)}}
}

func TestWhyAShipmentStandsWhereItDoes(t *testing.T) {
	estimate := event("e", 99, MilestoneArrived, AtFacility)
	estimate.Classifier = Estimated
	declared := event("d!", 50, MilestoneOther, ShipmentUnknown)
	declared.Corrects, declared.Instead = "d", []string{"x"}
	again := event("a2", 1, MilestonePickedUp, PickedUp)
	for name, c := range map[string]struct {
		events  []ShipmentEvent
		want    ShipmentStatus
		ignored map[string]IgnoredReason
	}{
		"nothing":           {nil, ShipmentUnknown, nil},
		"the latest":        {[]ShipmentEvent{event("b", 5, MilestoneArrived, AtFacility), event("a", 1, MilestonePickedUp, PickedUp)}, AtFacility, nil},
		"an estimate":       {[]ShipmentEvent{event("a", 1, MilestonePickedUp, PickedUp), estimate}, PickedUp, map[string]IgnoredReason{"e": IgnoredNotActual}},
		"told twice":        {[]ShipmentEvent{event("a", 1, MilestonePickedUp, PickedUp), again}, PickedUp, map[string]IgnoredReason{"a2": IgnoredDuplicate}},
		"no meaning":        {[]ShipmentEvent{event("a", 1, MilestonePickedUp, PickedUp), event("q", 3, MilestoneOther, ShipmentUnknown)}, PickedUp, map[string]IgnoredReason{"q": IgnoredUnmapped}},
		"after delivery":    {[]ShipmentEvent{event("d", 9, MilestoneDelivered, Delivered), event("z", 20, MilestoneDeparted, InTransit)}, Delivered, map[string]IgnoredReason{"z": IgnoredLate}},
		"declared wrong":    {[]ShipmentEvent{event("a", 1, MilestonePickedUp, PickedUp), event("d", 9, MilestoneDelivered, Delivered), declared}, PickedUp, map[string]IgnoredReason{"d": IgnoredCorrected}},
		"and put right":     {[]ShipmentEvent{event("d", 9, MilestoneDelivered, Delivered), declared, event("x", 10, MilestoneDeliveryAttempted, DeliveryAttempted)}, DeliveryAttempted, map[string]IgnoredReason{"d": IgnoredCorrected}},
		"of one moment":     {[]ShipmentEvent{event("z", 1, MilestoneLabelCreated, PreTransit), event("a", 1, MilestonePickedUp, PickedUp)}, PickedUp, nil},
		"wrong, never told": {[]ShipmentEvent{event("a", 1, MilestonePickedUp, PickedUp), declared}, PickedUp, nil},
	} {
		x := ExplainShipment(c.events)
		if StatusOf(c.events) != c.want || x.Status != string(c.want) {
			t.Errorf("%s: %s and %s, not %s", name, StatusOf(c.events), x.Status, c.want)
		}
		for _, v := range Judge(c.events) {
			if v.Ignored != c.ignored[v.Event.Key] {
				t.Errorf("%s: %s is ignored as %q, not %q", name, v.Event.Key, v.Ignored, c.ignored[v.Event.Key])
			}
		}
	}
	of := Corrections([]ShipmentEvent{event("d", 9, MilestoneDelivered, Delivered), declared, event("x", 10, MilestoneDeliveryAttempted, DeliveryAttempted)})
	if of["d"].By.Key != "x" || of["x"].Corrects.Key != "d" || of["d!"].Corrects.Key != "d" || of["d"].Corrects != nil {
		t.Errorf("corrections: %v", of)
	}
	if of := Corrections([]ShipmentEvent{event("d", 9, MilestoneDelivered, Delivered), declared}); of["d"].By.Key != "d!" {
		t.Errorf("corrections: %v", of)
	}
}

// TestAnyOrderOfEventsGivesOneState shuffles and repeats journeys made up at random.
func TestAnyOrderOfEventsGivesOneState(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	for n := range 2000 {
		var events []ShipmentEvent
		for i := range 1 + random.IntN(8) {
			e := event(fmt.Sprint(i), random.IntN(6), Milestones[random.IntN(len(Milestones))], ShipmentStatuses[random.IntN(len(ShipmentStatuses))])
			switch random.IntN(8) {
			case 0:
				e.Classifier = Estimated
				when := at(200 + random.IntN(9))
				e.Estimate = &when
			case 1:
				e.Corrects = fmt.Sprint(random.IntN(8))
			}
			recorded := at(random.IntN(6))
			e.RecordedAt = &recorded
			events = append(events, e)
		}
		want, eta, trouble := ExplainShipment(events), EtaOf(events), ExceptionOf(events)
		for range 5 {
			shuffled := append([]ShipmentEvent{}, events...)
			random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if got := ExplainShipment(shuffled); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(ExceptionOf(shuffled), trouble) {
				t.Fatalf("journey %d of seed %d: %+v is not %+v", n, seed, got, want)
			}
			if got := EtaOf(shuffled); !reflect.DeepEqual(got, eta) {
				t.Fatalf("journey %d of seed %d: arrival %+v is not %+v", n, seed, got, eta)
			}
		}
	}
}
