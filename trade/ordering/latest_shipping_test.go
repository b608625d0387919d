package ordering

import (
	"math/rand/v2"
	"testing"
	"time"

	"portico/trade"
)

// TestTheLatestShippingDayIsReckonedBack compares it with what a walk over all days from the first possible one finds,
// which is right and takes as long as the wish is far away.
func TestTheLatestShippingDayIsReckonedBack(t *testing.T) {
	walked := func(ship, delivery trade.Date, transit int) trade.Date {
		for next := ship.AddDays(1); !delivery.Before(travel(next, transit)); next = next.AddDays(1) {
			if trade.WorkingDay(next) {
				ship = next
			}
		}
		return ship
	}
	random := rand.New(rand.NewPCG(7, 11))
	for range 20_000 {
		transit := random.IntN(9)
		ship := trade.DateOf(time.Date(2026, 1, 1+random.IntN(3650), 0, 0, 0, 0, time.UTC), time.UTC)
		for !trade.WorkingDay(ship) {
			ship = ship.AddDays(1)
		}
		first := travel(ship, transit)
		delivery := first.AddDays(random.IntN(90))
		if got, want := latestShipping(delivery, transit), walked(ship, delivery, transit); got != want {
			t.Fatalf("to be there on %s after %d days: shipped on %s, want %s", delivery, transit, got, want)
		}
	}
	began := time.Now()
	last, _ := trade.ParseDate("9999-12-31")
	if got, _ := trade.ParseDate("9999-12-29"); latestShipping(last, 2) != got {
		t.Errorf("to be there on %s: %s", last, latestShipping(last, 2))
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("a day far away took %s", took)
	}
}
