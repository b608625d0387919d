package trade

import (
	"slices"
	"strings"
	"testing"
)

func TestCountriesAreThoseOfISO3166(t *testing.T) {
	all := strings.Fields(countries)
	if len(all) != 249 || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != 249 {
		t.Errorf("%d countries, want the 249 of ISO 3166-1, each once and in order", len(all))
	}
	for _, c := range all {
		if !ValidCountry(c) {
			t.Errorf("%s is none", c)
		}
	}
	for _, c := range []string{"", " ", "D", "de", "DEU", "XX", "UK", "EU", "E ", " D", "Atlantis", "AD AE"} {
		if ValidCountry(c) {
			t.Errorf("%q is a country", c)
		}
	}
}

func TestAddressesAreWhereGoodsCanGo(t *testing.T) {
	good := func() *Address {
		return &Address{Name: new("A"), Line1: new("Weg 1"), City: new("Hagen"), Country: "DE"}
	}
	for name, c := range map[string]struct {
		change func(*Address)
		want   string
	}{
		"good":                  {func(*Address) {}, ""},
		"written to the right":  {func(a *Address) { a.Name = new("\u202bאבג\u202c") }, ""},
		"no postal code":        {func(a *Address) { a.PostalCode = new("") }, ""},
		"no name":               {func(a *Address) { a.Name = nil }, "input.to.name"},
		"a blank line":          {func(a *Address) { a.Line1 = new("\t ") }, "input.to.line1"},
		"a city with a bell":    {func(a *Address) { a.City = new("Ha\agen") }, "input.to.city"},
		"a region without end":  {func(a *Address) { a.Region = new(strings.Repeat("x", LongestText+1)) }, "input.to.region"},
		"a country that is old": {func(a *Address) { a.Country = "YU" }, "input.to.country"},
	} {
		a, e := good(), &InputErrors{}
		c.change(a)
		e.Address(a, "to")
		got := ""
		for _, x := range e.All {
			got += strings.Join(x.(*InvalidInput).Path, ".")
		}
		if got != c.want {
			t.Errorf("%s: refused at %q, want %q", name, got, c.want)
		}
	}
}
