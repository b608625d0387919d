package orders

import (
	"strings"
	"testing"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// Cases: F4 E15
func TestAReturnSaysWhyAndIsOfWholePieces(t *testing.T) {
	line := func(value, unit string, reason trade.ReturnReason, comment *string) ReturnRequestLine {
		return ReturnRequestLine{
			LineID: "oln_1", Quantity: trade.Quantity{Value: udecimal.MustParse(value), Unit: unit}, Reason: reason, Comment: comment,
		}
	}
	for name, c := range map[string]struct {
		line ReturnRequestLine
		want string
	}{
		"a reason that is known":       {line("1", "EA", trade.ReturnWrongItem, nil), ""},
		"OTHER without a comment":      {line("1", "EA", trade.ReturnOther, nil), "INVALID_INPUT input lines 0 comment"},
		"OTHER with a blank one":       {line("1", "EA", trade.ReturnOther, new(" \t")), "INVALID_INPUT input lines 0 comment"},
		"OTHER with a comment":         {line("1", "EA", trade.ReturnOther, new("too blue")), ""},
		"half a piece":                 {line("0.5", "EA", trade.ReturnWrongItem, nil), "MULTIPLE_NOT_MET input lines 0 quantity"},
		"half a box":                   {line("2.5", "BX", trade.ReturnWrongItem, nil), "MULTIPLE_NOT_MET input lines 0 quantity"},
		"a whole piece with decimals":  {line("2.000", "EA", trade.ReturnWrongItem, nil), ""},
		"half a metre, which is there": {line("0.5", "MTR", trade.ReturnWrongItem, nil), ""},
	} {
		var got []string
		for _, e := range checkReturn(&ReturnRequest{OrderID: "ord_1", Lines: []ReturnRequestLine{c.line}}) {
			r := trade.RefusalOf(e)
			got = append(got, string(r.Code)+" "+strings.Join(r.Path, " "))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
}
