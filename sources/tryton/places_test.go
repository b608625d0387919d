package tryton

import "testing"

// Cases: H12
func TestAPlaceHasTheWholeAddress(t *testing.T) {
	if (*placeOf)(nil).location() != nil {
		t.Error("no address is a place")
	}
	of := &placeOf{Street: "Gate 3\nWaalhaven 1\n", PostalCode: "3089 JH", City: "Rotterdam", Country: &coded{"NL"}}
	of.Subdivision = &struct {
		Name string `json:"name"`
	}{"Zuid-Holland"}
	l := of.location()
	if *l.Street != "Gate 3, Waalhaven 1" || *l.PostalCode != "3089 JH" || *l.City != "Rotterdam" || *l.Country != "NL" ||
		*l.Region != "Zuid-Holland" {
		t.Errorf("%+v", l)
	}
	if empty := (&placeOf{}).location(); empty.Street != nil || empty.PostalCode != nil || empty.Region != nil || empty.Country != nil {
		t.Errorf("of nothing: %+v", empty)
	}
}
