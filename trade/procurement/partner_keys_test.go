package procurement

import (
	"testing"
	"time"
)

// TestAKeyCountsFromItsMomentUntilItIsRevoked asks on both sides of both moments: at the ends of months, on a
// leap day, and in the hour that is there twice or not at all where clocks are changed. The zone in which a
// moment is told does not matter.
func TestAKeyCountsFromItsMomentUntilItIsRevoked(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "UTC"} {
		in, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ from, revoked string }{
			{"2026-01-31T23:59:59Z", "2026-02-28T23:59:59Z"},
			{"2028-02-28T23:30:00Z", "2028-02-29T23:30:00Z"},
			{"2026-12-31T23:00:00Z", "2027-01-01T05:00:00Z"},
			{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}, // 01:30 and 03:30 in Berlin
			{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"}, // 02:30 in Berlin, twice
			{"2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z"}, // 01:30 and 03:30 in New York
			{"2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"}, // 01:30 in New York, twice
		} {
			from, revoked := moment(t, c.from), moment(t, c.revoked)
			proved, end := from.AddDate(0, -1, 0), revoked.In(in)
			k := &PartnerKey{VerifiedAt: &proved, ValidFrom: from.In(in), RevokedAt: &end}
			for at, counts := range map[time.Time]bool{
				from.Add(-time.Millisecond): false, from: true, revoked.Add(-time.Millisecond): true, revoked: false,
				revoked.Add(time.Hour): false,
			} {
				for _, told := range []time.Time{at, at.In(in)} {
					if why := k.Unusable(told); (why == "") != counts {
						t.Errorf("a key of %s until %s at %s: %q, want it to count: %v", c.from, c.revoked, told, why, counts)
					}
				}
			}
			k.RevokedAt = nil
			if why := k.Unusable(revoked); why != "" {
				t.Errorf("a key of %s that nobody revoked: %q", c.from, why)
			}
		}
	}
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
