package store

import (
	"github.com/quagmt/udecimal"

	"portico/trade"
)

// nullDecimal is a column of numbers that may be null.
type nullDecimal struct{ udecimal.NullDecimal }

func (n nullDecimal) money(currency string) *trade.Money {
	if !n.Valid {
		return nil
	}
	return &trade.Money{Amount: n.Decimal, Currency: currency}
}

func unitPrice(price, per nullDecimal, unit, currency string) *trade.UnitPrice {
	if !price.Valid || !per.Valid {
		return nil
	}
	return &trade.UnitPrice{Price: trade.Money{Amount: price.Decimal, Currency: currency}, Per: trade.Quantity{Value: per.Decimal, Unit: unit}}
}
