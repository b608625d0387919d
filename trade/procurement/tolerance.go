package procurement

import (
	"strconv"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// Deviations are where answers differ from what was ordered, by line, each with the
// tolerance in the same measure. What has no measure, such as a day that is not known
// yet, is never inside; earlier, dearer, more and less have limits of their own, and
// cheaper is always inside.
func Deviations(answers []LineAnswer, t *trade.ToleranceProfile) []trade.Deviation {
	var all []trade.Deviation
	for _, a := range answers {
		add := func(d *trade.Deviation) {
			if d != nil {
				d.LineID, d.State = a.Line.ID, trade.DeviationPending
				if d.WithinTolerance {
					d.State = trade.DeviationAutoAccepted
				}
				all = append(all, *d)
			}
		}
		add(a.quantity(t))
		if a.Coming().IsPos() {
			add(a.price(t))
			for _, d := range a.dates(t) {
				add(d)
			}
			if s := a.Substitute; s != nil {
				add(&trade.Deviation{
					Field: trade.ItemDeviates, Expected: trade.Confidential(*orElse(a.Line.SKU, &a.Line.Description)),
					Proposed: trade.Confidential(s.Value), WithinTolerance: t.AllowSubstitution,
				})
			}
		}
	}
	return all
}

func orElse[T any](v, otherwise *T) *T {
	if v != nil {
		return v
	}
	return otherwise
}

var hundred = udecimal.MustFromInt64(100, 0)

// percent is by how many percent b differs from a, to 4 decimals; nil where a is nothing.
func percent(a, b udecimal.Decimal) *udecimal.Decimal {
	p, err := b.Sub(a).Mul(hundred).Div(a)
	if err != nil {
		return nil
	}
	p = p.RoundBank(4)
	return &p
}

// inside tells whether a size is within a limit; nil allows none.
func inside(size udecimal.Decimal, limit *udecimal.Decimal) bool {
	return limit != nil && !size.Abs().GreaterThan(*limit)
}

func (a *LineAnswer) quantity(t *trade.ToleranceProfile) *trade.Deviation {
	open, coming := *a.Line.Open(), a.Coming()
	if coming.Equal(open.Value) {
		return nil
	}
	d := &trade.Deviation{
		Field: trade.QuantityDeviates, Expected: inWords(open.Value, open.Unit), Proposed: inWords(coming, open.Unit),
		Delta: percent(open.Value, coming), Limit: t.UnderQuantityPercent,
	}
	if d.Delta.IsPos() {
		d.Limit = t.OverQuantityPercent
	}
	d.WithinTolerance = inside(*d.Delta, d.Limit)
	return d
}

func inWords(q udecimal.Decimal, unit string) trade.Confidential {
	return trade.Confidential(q.String() + " " + unit)
}

func (a *LineAnswer) price(t *trade.ToleranceProfile) *trade.Deviation {
	was := a.Line.UnitPrice
	expected := trade.Confidential("none yet")
	if was != nil {
		expected = priceInWords(*was)
	}
	switch {
	case a.Price == nil && a.PricePending:
		return &trade.Deviation{Field: trade.PriceDeviates, Expected: expected, Proposed: "not known yet", Limit: t.PricePercent}
	case a.Price == nil || was != nil && trade.SamePrice(*a.Price, *was):
		return nil
	}
	d := &trade.Deviation{Field: trade.PriceDeviates, Expected: expected, Proposed: priceInWords(*a.Price), Limit: t.PricePercent}
	if was != nil {
		d.Delta = percent(was.Price.Amount.Mul(a.Price.Per.Value), a.Price.Price.Amount.Mul(was.Per.Value))
		d.WithinTolerance = d.Delta != nil && (d.Delta.IsNeg() || inside(*d.Delta, d.Limit))
	}
	return d
}

func priceInWords(p trade.UnitPrice) trade.Confidential {
	return trade.Confidential(p.Price.Amount.String()+" "+p.Price.Currency+" per ") + inWords(p.Per.Value, p.Per.Unit)
}

// dates compares the parts that come with the days that were asked for, soonest with
// soonest. The worst difference of a line counts. The day of shipping is compared where no
// day of delivery is promised.
func (a *LineAnswer) dates(t *trade.ToleranceProfile) []*trade.Deviation {
	var delivery, ship *trade.Deviation
	wished := wished(a.Line)
	at, left := 0, udecimal.Decimal{}
	if len(wished) > 0 {
		left = wished[0].Quantity.Value
	}
	for _, p := range a.Parts {
		for q := p.Quantity.Value; q.IsPos() && at < len(wished); {
			w := wished[at]
			switch {
			case p.DeliveryDate != nil && w.DeliveryDate != nil:
				delivery = worse(delivery, dayDeviation(trade.DeliveryDeviates, *w.DeliveryDate, *p.DeliveryDate, t))
			case p.ShipDate != nil && w.ShipDate != nil:
				ship = worse(ship, dayDeviation(trade.ShipDateDeviates, *w.ShipDate, *p.ShipDate, t))
			case p.DeliveryDate == nil && p.ShipDate == nil && w.DeliveryDate != nil:
				delivery = worse(delivery,
					&trade.Deviation{
						Field: trade.DeliveryDeviates, Expected: trade.Confidential(w.DeliveryDate.String()), Proposed: "not known yet",
						Limit: dayLimit(t.LateDays),
					})
			}
			take := udecimal.Min(q, left)
			if q, left = q.Sub(take), left.Sub(take); !left.IsPos() {
				if at++; at < len(wished) {
					left = wished[at].Quantity.Value
				}
			}
		}
	}
	return []*trade.Deviation{delivery, ship}
}

// dayDeviation is the difference between two days; nil where there is none.
func dayDeviation(field trade.DeviationField, wished, promised trade.Date, t *trade.ToleranceProfile) *trade.Deviation {
	days := int64(promised.Time().Sub(wished.Time()).Hours() / 24)
	if days == 0 {
		return nil
	}
	delta := udecimal.MustFromInt64(days, 0)
	d := &trade.Deviation{
		Field: field, Expected: trade.Confidential(wished.String()), Proposed: trade.Confidential(promised.String()),
		Delta: &delta, Limit: dayLimit(t.LateDays),
	}
	if days < 0 {
		d.Limit = dayLimit(t.EarlyDays)
	}
	d.WithinTolerance = inside(delta, d.Limit)
	return d
}

func dayLimit(days *int) *udecimal.Decimal {
	if days == nil {
		return nil
	}
	d := udecimal.MustParse(strconv.Itoa(*days))
	return &d
}

// worse is what weighs more of two differences of a line.
func worse(a, b *trade.Deviation) *trade.Deviation {
	switch {
	case a == nil || b == nil:
		return orElse(a, b)
	case a.WithinTolerance != b.WithinTolerance:
		if a.WithinTolerance {
			return b
		}
	case a.Delta != nil && (b.Delta == nil || b.Delta.Abs().GreaterThan(a.Delta.Abs())):
		return b
	}
	return a
}

// Confirmed is what of an answer to a line is handed to the ERP.
func Confirmed(a LineAnswer) trade.ConfirmedLine {
	l := trade.ConfirmedLine{
		LineNumber: a.Line.LineNumber, Parts: a.Parts, UnitPrice: a.Price,
		Cancelled: trade.Quantity{Value: udecimal.Decimal{}, Unit: a.Line.Ordered.Unit},
	}
	if less := a.Line.Open().Value.Sub(a.Coming()); less.IsPos() {
		l.Cancelled.Value = less
	}
	if a.Substitute != nil {
		l.SubstituteSKU = a.Substitute.Value
	}
	return l
}
