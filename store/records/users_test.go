package records_test

import (
	"maps"
	"slices"
	"testing"

	"portico/store/records"
	"portico/store/storetest"
	"portico/trade"
)

func TestPeopleAreNamedToThoseOfTheirAccountsAlone(t *testing.T) {
	s := storetest.New(t)
	for id, accounts := range map[string][]string{
		"of one": {"acc_1"}, "of both": {"acc_1", "acc_2"}, "of two": {"acc_2"},
		"an operator": nil,
	} {
		if err := records.SaveUser(t.Context(), s, &trade.User{ID: id, DisplayName: id}, accounts); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		scope trade.Scope
		sees  []string
	}{
		"a customer":       {trade.CustomerScope([]trade.Ref{{ID: "acc_1"}}, nil), []string{"of both", "of one"}},
		"another":          {trade.CustomerScope([]trade.Ref{{ID: "acc_2"}}, nil), []string{"of both", "of two"}},
		"of a third":       {trade.CustomerScope([]trade.Ref{{ID: "acc_3"}}, nil), nil},
		"of no account":    {trade.CustomerScope(nil, nil), nil},
		"a supplier":       {trade.SupplierScope("acc_1", nil), nil},
		"a guest":          {trade.GuestScope(nil), nil},
		"an operator":      {trade.OperatorScope(nil), []string{"an operator", "of both", "of one", "of two"}},
		"nobody signed in": {trade.Scope{}, nil},
	} {
		found, err := records.Users(t.Context(), s, c.scope, []string{"of one", "of both", "of two", "an operator"})
		if got := slices.Sorted(maps.Keys(found)); err != nil || !slices.Equal(got, c.sees) {
			t.Errorf("%s sees %v, want %v (%v)", name, got, c.sees, err)
		}
	}
}
