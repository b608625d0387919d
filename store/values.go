package store

import (
	"github.com/quagmt/udecimal"

	"portico/trade"
)

// NullDecimal is a column of numbers that may be null.
type NullDecimal struct{ udecimal.NullDecimal }

// Money is the number as an amount of a currency; nil where it is null.
func (n NullDecimal) Money(currency string) *trade.Money {
	if !n.Valid {
		return nil
	}
	return &trade.Money{Amount: n.Decimal, Currency: currency}
}

// UnitPrice is a price for a quantity of a unit; nil where it is null.
func UnitPrice(price, per NullDecimal, unit, currency string) *trade.UnitPrice {
	if !price.Valid || !per.Valid {
		return nil
	}
	return &trade.UnitPrice{Price: trade.Money{Amount: price.Decimal, Currency: currency}, Per: trade.Quantity{Value: per.Decimal, Unit: unit}}
}
