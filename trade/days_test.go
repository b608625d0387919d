package trade

import (
	"testing"
	"time"
)

// TestADayIsTheCalendars reads and counts days.
func TestADayIsTheCalendars(t *testing.T) {
	for from, want := range map[string][2]string{
		"2026-02-28": {"2026-03-01", "SATURDAY"}, "2028-02-28": {"2028-02-29", "MONDAY"}, "2026-12-31": {"2027-01-01", "THURSDAY"},
	} {
		d := *dayOf(from)
		if got := [2]string{d.AddDays(1).String(), string(WeekdayOf(d))}; got != want || !d.Before(d.AddDays(1)) ||
			d.AddDays(1).AddDays(-1) != d {
			t.Errorf("%s: %v, want %v", from, got, want)
		}
	}
	for _, no := range []string{"2026-02-29", "2026-13-01", "2026-00-10", "26-01-01", "2026-01-01T00:00:00Z", ""} {
		if d, err := ParseDate(no); err == nil {
			t.Errorf("%q is read as %s", no, d)
		}
	}
	late := time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("", 3600))
	if got := DateOf(late); got.String() != "2026-03-01" {
		t.Errorf("in its own zone it is %s", got)
	}
	closed := &AccountLocation{DeliveryDays: []Weekday{"MONDAY", "SATURDAY"}, ClosedOn: []Date{*dayOf("2026-03-09")}}
	for text, takes := range map[string]bool{"2026-03-07": true, "2026-03-08": false, "2026-03-09": false, "2026-03-16": true} {
		if closed.Receives(*dayOf(text)) != takes {
			t.Errorf("it takes goods on %s: want %v", text, takes)
		}
	}
}

// dayOf is a day as people write it.
func dayOf(text string) *Date {
	d, err := ParseDate(text)
	if err != nil {
		panic(err)
	}
	return &d
}
