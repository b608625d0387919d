package ledger_test

import (
	"testing"
	"time"

	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/ordering"
)

func TestCustomersAreToldOfMovedPromisesAsThePolicySays(t *testing.T) {
	for telling, want := range map[ordering.Notice]int{"": 2, ordering.NoticeAlways: 2, ordering.NoticeLater: 1, ordering.NoticeNever: 0} {
		t.Run(string(telling), func(t *testing.T) {
			how := map[ordering.CommitmentCause]ordering.Notice{}
			if telling != "" {
				how[ordering.MovedByAllocation] = telling
			}
			hidden, err := ledger.HiddenCommitments(how)
			if err != nil {
				t.Fatal(err)
			}
			s, _ := storetest.With(t, store.Options{Hidden: hidden})
			storetest.Save(t, s, replication.SaveAccounts, storetest.Account("1", "a", 1))
			day := trade.DateOf(time.Now(), time.UTC)
			for version, days := range []int{5, 9, 7} { // later, and then a bit sooner
				o, promised := storetest.Order("100", "1", int64(version+1), "10"), day.AddDays(days)
				o.LinesKnown[0].ScheduleKnown[0].PromisedDeliveryDate = &promised
				storetest.Save(t, s, replication.SaveOrders, o)
			}
			found, err := records.OrdersByNumber(t.Context(), s, storetest.Everything, []string{"100"})
			if err != nil {
				t.Fatal(err)
			}
			id := found["100"].ID
			moved := func(scope trade.Scope) []*ordering.CommitmentChange {
				t.Helper()
				all, err := ledger.CommitmentChanges(t.Context(), s, scope, []string{id})
				if err != nil {
					t.Fatal(err)
				}
				return all[id]
			}
			if n := len(moved(storetest.Everything)); n != 2 {
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
	for _, bad := range []map[ordering.CommitmentCause]ordering.Notice{
		{"WEATHER": ordering.NoticeNever},
		{ordering.MovedByCredit: "SOMETIMES"},
	} {
		if _, err := ledger.HiddenCommitments(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}
