package orders

import (
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/process"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/ordering"
)

// flowsAt are flows at a moment.
func flowsAt(now time.Time) *Flows {
	return &Flows{desk: process.NewDesk(nil, nil, nil, func() time.Time { return now })}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestAPriceIsAskedForOnTheDayInUTC asks at the ends of days that are easily got wrong, of processes in two zones.
func TestAPriceIsAskedForOnTheDayInUTC(t *testing.T) {
	berlin, chicago := zone(t, "Europe/Berlin"), zone(t, "America/Chicago")
	for _, c := range []struct {
		name, want string
		now        time.Time
	}{
		{"end of a month", "2026-04-30", time.Date(2026, 4, 30, 23, 59, 59, 0, berlin)},
		{"start of a month in Berlin, not yet in UTC", "2026-04-30", time.Date(2026, 5, 1, 0, 0, 0, 0, berlin)},
		{"the same moment further west", "2026-04-30", time.Date(2026, 5, 1, 0, 0, 0, 0, berlin).In(chicago)},
		{"start of a month in UTC, not yet in Chicago", "2026-05-01", time.Date(2026, 4, 30, 19, 0, 0, 0, chicago)},
		{"leap day in Berlin, not yet in UTC", "2028-02-28", time.Date(2028, 2, 29, 0, 0, 0, 0, berlin)},
		{"leap day", "2028-02-29", time.Date(2028, 2, 28, 23, 59, 59, 0, chicago).Add(time.Second)},
		{"day after the leap day", "2028-03-01", time.Date(2028, 2, 29, 23, 59, 59, 0, chicago).Add(time.Second)},
		{"night of 23 hours", "2026-03-29", time.Date(2026, 3, 30, 0, 0, 0, 0, berlin).Add(-time.Second)},
		{"night of 25 hours", "2026-10-25", time.Date(2026, 10, 25, 0, 0, 0, 0, berlin).Add(24*time.Hour + 59*time.Minute)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if key := flowsAt(c.now).priceKey("10001", "", "A", pieces("1")); key.Day.String() != c.want {
				t.Errorf("asked for %s, want %s", key.Day, c.want)
			}
		})
	}
}

// TestAMonthlyLimitCountsTheMonthOfTheClock has somebody order in the last second of a month and in
// the first of the next.
func TestAMonthlyLimitCountsTheMonthOfTheClock(t *testing.T) {
	st, dsn := storetest.At(t)
	db := storetest.Connect(t, dsn)
	db.SetMaxOpenConns(1)
	for _, s := range []string{
		`SET session_replication_role = replica`, // what an order refers to is not needed
		`INSERT INTO orders (id, account_id, ship_to_address, status, currency, subtotal, discount, total, placed_at, placed_by,
			system, instance, source_ref, source_version, sequence, as_of)
		SELECT id, 'acc_1', '{}', 'CONFIRMED', 'EUR', total, 0, total, placed::timestamptz, 'usr_1', 'ERP', 'erp', id, '1', 1, now()
		FROM (VALUES ('o1', 40, '2028-02-29T23:59:59Z'), ('o2', 7, '2028-03-01T00:00:00Z')) AS o (id, total, placed)`,
	} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	limits := []ordering.SpendingLimit{{Period: ordering.PerMonth, Limit: trade.Money{Amount: udecimal.MustParse("100"), Currency: "EUR"}}}
	by := process.Submitter{Principal: "usr_1"}
	for _, c := range []struct{ now, spent, resets string }{
		{"2028-02-29T23:59:59Z", "47", "2028-03-01T00:00:00Z"}, // the order after it is there already
		{"2028-03-01T00:00:00Z", "7", "2028-04-01T00:00:00Z"},
		{"2028-03-01T00:30:00+01:00", "47", "2028-03-01T00:00:00Z"}, // months are those of UTC
		{"2028-03-31T23:59:59Z", "7", "2028-04-01T00:00:00Z"},
		{"2028-04-01T00:00:00Z", "0", "2028-05-01T00:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		brought, err := flowsAt(now).sumSpending(t.Context(), st, by, limits)
		if err != nil {
			t.Fatal(err)
		}
		if l := brought[0]; l.Spent.Amount.String() != c.spent || l.ResetsAt.Format(time.RFC3339) != c.resets {
			t.Errorf("at %s %s is spent until %s, want %s until %s", c.now, l.Spent.Amount, l.ResetsAt.Format(time.RFC3339), c.spent, c.resets)
		}
	}
}
