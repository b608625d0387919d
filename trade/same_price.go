package trade

import (
	"github.com/quagmt/udecimal"
)

// PricesEqual tells whether two prices are the same for one piece.
func PricesEqual(a, b UnitPrice, units []*ItemUnit) bool {
	x, err := perPiece(a, units)
	y, err2 := perPiece(b, units)
	return err == nil && err2 == nil && a.Price.Currency == b.Price.Currency && x.Equal(y)
}

// SamePrice tells whether two prices for quantities of one unit are the same.
func SamePrice(a, b UnitPrice) bool { return a.Per.Unit == b.Per.Unit && PricesEqual(a, b, nil) }

func perPiece(p UnitPrice, units []*ItemUnit) (udecimal.Decimal, error) {
	each := udecimal.One
	if u := UnitOf(units, p.Per.Unit); u != nil {
		each = u.BaseQuantity
	}
	piece, err := p.Price.Amount.Div(p.Per.Value.Mul(each))
	return piece.RoundBank(8), err
}

// KnownPrice is a price, or the last one known; nil where there is none.
func KnownPrice(r PriceResult) *Price {
	if gap, ok := r.(*PriceUnavailable); ok {
		return gap.LastKnown
	}
	p, _ := r.(*Price)
	return p
}

// LineAmount is what a quantity costs at a price, in cents of its currency. ok is
// false while there is no price, not even a last known one.
func LineAmount(price PriceResult, units []*ItemUnit, q Quantity) (amount Money, ok bool) {
	p := KnownPrice(price)
	if p == nil {
		return Money{}, false
	}
	each, per := udecimal.One, udecimal.One
	if p.UnitPrice.Per.Unit != q.Unit {
		from, to := UnitOf(units, q.Unit), UnitOf(units, p.UnitPrice.Per.Unit)
		if from == nil || to == nil {
			return Money{}, false
		}
		each, per = from.BaseQuantity, to.BaseQuantity
	}
	sum, err := p.UnitPrice.Price.Amount.Mul(q.Value).Mul(each).Div(p.UnitPrice.Per.Value.Mul(per))
	return Money{Amount: sum.RoundBank(2), Currency: p.UnitPrice.Price.Currency}, err == nil
}
