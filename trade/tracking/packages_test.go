package tracking

import (
	"fmt"
	"testing"

	"portico/trade"
)

// TestANumberMovesThePackagesThatItNames names units of shipments, by the shipment's own number and by those of packages. A number
// of the shipment that is no package's, such as an air waybill or a master number, stands for all of it.
func TestANumberMovesThePackagesThatItNames(t *testing.T) {
	units := func(shipment string, packages ...string) *Units {
		u := &Units{TrackingNumber: shipment}
		for i, number := range packages {
			u.Packages = append(u.Packages, Package{Number: i + 1, TrackingNumber: number})
		}
		return u
	}
	for name, c := range map[string]struct {
		units *Units
		named []string
		want  string
	}{
		"one of two": {units("A", "A", "B"), []string{"B"}, "[2]"},
		"the first, whose number is the shipment's": {units("A", "A", "B"), []string{"A"}, "[1]"},
		"both":                                                 {units("A", "A", "B"), []string{"B", "A"}, "[1 2]"},
		"none of them":                                         {units("A", "A", "B"), []string{"X"}, "[]"},
		"one of them and another shipment's":                   {units("A", "A", "B"), []string{"X", "B"}, "[2]"},
		"a master number":                                      {units("M", "A", "B"), []string{"M"}, "whole"},
		"a master number of a single package":                  {units("M", "A"), []string{"M"}, "whole"},
		"a master number and a package":                        {units("M", "A", "B"), []string{"B", "M"}, "whole"},
		"a package beside a master number":                     {units("M", "A", "B"), []string{"B"}, "[2]"},
		"the shipment's, where the others have none":           {units("A", "A", ""), []string{"A"}, "whole"},
		"the shipment's, where no package has one":             {units("A", "", ""), []string{"A"}, "whole"},
		"another number, where no package has one":             {units("A", "", ""), []string{"X"}, "whole"},
		"none at all":                                          {units("A", "A", "B"), nil, "whole"},
		"two packages with one number, which is no shipment's": {units("M", "A", "A", "B"), []string{"A"}, "[1 2]"},
	} {
		var named []trade.Identifier
		for _, number := range c.named {
			named = append(named, trade.Identifier{Scheme: trade.SchemeTracking, Value: number})
		}
		got := "whole"
		if moved := c.units.Moved(named); moved != nil {
			got = fmt.Sprint(moved)
		}
		if got != c.want {
			t.Errorf("%s: %v moves %s, want %s", name, c.named, got, c.want)
		}
	}
}
