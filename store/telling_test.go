package store_test

import (
	"testing"
	"time"

	"portico/store/storetest"
	"portico/trade"
	"portico/trade/ordering"
)

func TestCustomersAreToldOfMovedPromisesAsThePolicySays(t *testing.T) {
	for telling, want := range map[ordering.Telling]int{"": 2, ordering.TellAlways: 2, ordering.TellLater: 1, ordering.TellNever: 0} {
		t.Run(string(telling), func(t *testing.T) {
			s := storetest.New(t)
			if telling != "" {
				if err := s.Tell(map[ordering.CommitmentCause]ordering.Telling{ordering.MovedByAllocation: telling}); err != nil {
					t.Fatal(err)
				}
			}
			save(t, s, s.SaveAccounts, account("1", "a", 1))
			day := trade.DateOf(time.Now())
			for version, days := range []int{5, 9, 7} { // later, and then a bit sooner
				o, promised := order("100", "1", int64(version+1), "10"), day.AddDays(days)
				o.LinesKnown[0].ScheduleKnown[0].PromisedDeliveryDate = &promised
				save(t, s, s.SaveOrders, o)
			}
			found, err := s.OrdersByNumber(t.Context(), everything, []string{"100"})
			if err != nil {
				t.Fatal(err)
			}
			id := found["100"].ID
			moved := func(scope trade.Scope) []*ordering.CommitmentChange {
				t.Helper()
				all, err := s.CommitmentChanges(t.Context(), scope, []string{id})
				if err != nil {
					t.Fatal(err)
				}
				return all[id]
			}
			if n := len(moved(everything)); n != 2 {
				t.Errorf("operators are told of %d moves", n)
			}
			told := moved(trade.CustomerScope([]trade.Ref{found["100"].AccountRef}, nil))
			if len(told) != want || want == 1 && told[0].To.PromisedDeliveryDate.Compare(day.AddDays(9)) != 0 {
				t.Errorf("customers are told of %d moves, want %d", len(told), want)
			}
		})
	}
}

func TestAPolicyThatIsNoneIsRefused(t *testing.T) {
	s := storetest.New(t)
	for _, bad := range []map[ordering.CommitmentCause]ordering.Telling{{"WEATHER": ordering.TellNever}, {ordering.MovedByCredit: "SOMETIMES"}} {
		if err := s.Tell(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}
