package carriers

import (
	"testing"
	"time"
)

// TestTimesWithoutAnOffsetAreTheCarriersOwn reads one moment as carriers in other zones mean it.
func TestTimesWithoutAnOffsetAreTheCarriersOwn(t *testing.T) {
	const delivery = `{"eventID": "1", "eventType": "TRANSPORT", "transportEventTypeCode": "ARRI", "equipmentReference": "C", ` +
		`"eventClassifierCode": "ACT", "eventDateTime": "`
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		zone        *time.Location
		said, is    string
		offsetKnown bool
	}{
		{nil, "2026-07-01 07:41:00", "2026-07-01T07:41:00Z", false},
		{amsterdam, "2026-07-01 07:41:00", "2026-07-01T05:41:00Z", false},
		{amsterdam, "2026-01-05 07:41:00", "2026-01-05T06:41:00Z", false},
		{amsterdam, "2026-03-29 03:10:00", "2026-03-29T01:10:00Z", false}, // the first hour of summer
		{amsterdam, "2026-07-01T07:41:00+08:30", "2026-06-30T23:11:00Z", true},
		{amsterdam, "2026-07-01T07:41:00Z", "2026-07-01T07:41:00Z", true},
	} {
		news, err := Mappings["dcsa"].own(c.zone).Translate([]byte(delivery + c.said + `"}`))
		if err != nil || len(news.Tracking) != 1 {
			t.Fatalf("%s: %+v, %v", c.said, news, err)
		}
		e := news.Tracking[0].Events[0]
		if got := e.OccurredAt.UTC().Format(time.RFC3339); got != c.is || e.OffsetKnown != c.offsetKnown {
			t.Errorf("%s in %v is %s, its offset known: %v; want %s, %v", c.said, c.zone, got, e.OffsetKnown, c.is, c.offsetKnown)
		}
	}
	if Mappings["dcsa"].Zone != time.UTC {
		t.Error("one source's zone is every source's")
	}
}
