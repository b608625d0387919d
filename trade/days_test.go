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
	closed := &AccountLocation{DeliveryDays: []Weekday{"MONDAY", "SATURDAY"}, ClosedOn: []Date{*dayOf("2026-03-09")}}
	for text, takes := range map[string]bool{"2026-03-07": true, "2026-03-08": false, "2026-03-09": false, "2026-03-16": true} {
		if closed.Receives(*dayOf(text)) != takes {
			t.Errorf("it takes goods on %s: want %v", text, takes)
		}
	}
}

// TestADayIsThatOfItsZone asks for the day around midnights: at the ends of months, on a leap day, and in the
// nights in which clocks are put on and back. In which zone the moment is told does not matter.
func TestADayIsThatOfItsZone(t *testing.T) {
	for _, c := range []struct{ at, berlin, newYork, utc string }{
		{"2026-04-30T21:59:59Z", "2026-04-30", "2026-04-30", "2026-04-30"},
		{"2026-04-30T22:00:00Z", "2026-05-01", "2026-04-30", "2026-04-30"},
		{"2026-05-01T03:59:59Z", "2026-05-01", "2026-04-30", "2026-05-01"},
		{"2026-05-01T04:00:00Z", "2026-05-01", "2026-05-01", "2026-05-01"},
		{"2028-02-28T23:00:00Z", "2028-02-29", "2028-02-28", "2028-02-28"},
		{"2028-03-01T04:59:59Z", "2028-03-01", "2028-02-29", "2028-03-01"},
		{"2026-02-28T23:30:00Z", "2026-03-01", "2026-02-28", "2026-02-28"},
		{"2026-12-31T23:00:00Z", "2027-01-01", "2026-12-31", "2026-12-31"},
		// Berlin puts its clocks on in the night of 29 March, and back in that of 25 October.
		{"2026-03-28T22:59:59Z", "2026-03-28", "2026-03-28", "2026-03-28"},
		{"2026-03-28T23:00:00Z", "2026-03-29", "2026-03-28", "2026-03-28"},
		{"2026-03-29T21:59:59Z", "2026-03-29", "2026-03-29", "2026-03-29"},
		{"2026-03-29T22:00:00Z", "2026-03-30", "2026-03-29", "2026-03-29"},
		{"2026-10-24T22:00:00Z", "2026-10-25", "2026-10-24", "2026-10-24"},
		{"2026-10-25T22:59:59Z", "2026-10-25", "2026-10-25", "2026-10-25"},
		{"2026-10-25T23:00:00Z", "2026-10-26", "2026-10-25", "2026-10-25"},
		// New York in those of 8 March and 1 November.
		{"2026-03-08T04:59:59Z", "2026-03-08", "2026-03-07", "2026-03-08"},
		{"2026-03-08T05:00:00Z", "2026-03-08", "2026-03-08", "2026-03-08"},
		{"2026-03-09T03:59:59Z", "2026-03-09", "2026-03-08", "2026-03-09"},
		{"2026-03-09T04:00:00Z", "2026-03-09", "2026-03-09", "2026-03-09"},
		{"2026-11-01T04:00:00Z", "2026-11-01", "2026-11-01", "2026-11-01"},
		{"2026-11-02T04:59:59Z", "2026-11-02", "2026-11-01", "2026-11-02"},
		{"2026-11-02T05:00:00Z", "2026-11-02", "2026-11-02", "2026-11-02"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"Europe/Berlin": c.berlin, "America/New_York": c.newYork, "UTC": c.utc} {
			zone := zoneOf(t, name)
			for _, told := range []time.Time{at, at.In(zoneOf(t, "Pacific/Kiritimati")), at.In(zoneOf(t, "Pacific/Midway"))} {
				if got := DateOf(told, zone).String(); got != want {
					t.Errorf("%s in %s is %s, want %s", told, name, got, want)
				}
			}
			w := &Warehouse{Location: Location{TimeZone: &name}}
			r := &DespatchRequest{ExpectedAt: &at}
			if got := NewDespatchDraft(r, "V", "W", w.Zone(), nil, nil).ExpectedOn.String(); got != want {
				t.Errorf("what is expected at %s at a warehouse in %s is expected on %s, want %s", c.at, name, got, want)
			}
		}
	}
}

// TestAWarehouseWithoutAKnownZoneIsInUTC names no zone, none that exists, and no warehouse.
func TestAWarehouseWithoutAKnownZoneIsInUTC(t *testing.T) {
	berlin, nowhere := "Europe/Berlin", "Mars/Olympus"
	for _, c := range []struct {
		w    *Warehouse
		want string
	}{
		{nil, "UTC"},
		{&Warehouse{}, "UTC"},
		{&Warehouse{Location: Location{TimeZone: &nowhere}}, "UTC"},
		{&Warehouse{Location: Location{TimeZone: &berlin}}, "Europe/Berlin"},
	} {
		if got := c.w.Zone().String(); got != c.want {
			t.Errorf("%+v is in %s, want %s", c.w, got, c.want)
		}
	}
}

// TestALeadTimeHoldsFromTodayUntilTwoYearsAhead announces around the ends of months and of leap years.
func TestALeadTimeHoldsFromTodayUntilTwoYearsAhead(t *testing.T) {
	for _, c := range []struct {
		today, from string
		fits        bool
	}{
		{"2026-02-28", "2026-02-28", true},
		{"2026-03-01", "2026-02-28", false},
		{"2028-02-29", "2028-02-29", true},
		{"2028-03-01", "2028-02-29", false},
		{"2026-12-31", "2027-01-01", true},
		{"2027-01-01", "2026-12-31", false},
		{"2026-03-29", "2026-03-28", false},
		{"2026-01-31", "2028-02-02", true}, // 732 days ahead, without a leap day between
		{"2026-01-31", "2028-02-03", false},
		{"2027-02-28", "2029-03-01", true}, // with one
		{"2027-02-28", "2029-03-02", false},
	} {
		r := &LeadTimeRequest{LeadTimeDays: 5, EffectiveFrom: *dayOf(c.from)}
		if errs := CheckLeadTime(r, &SupplierItem{}, *dayOf(c.today)); (errs == nil) != c.fits {
			t.Errorf("from %s on, announced on %s: %v, want it to fit: %v", c.from, c.today, errs, c.fits)
		}
	}
}

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// dayOf is a day as people write it.
func dayOf(text string) *Date {
	d, err := ParseDate(text)
	if err != nil {
		panic(err)
	}
	return &d
}
