// Package inputs turns what clients write, arguments and inputs of the schema, into the values that the process and the store take.
package inputs

import (
	"portico/graph"
	"portico/trade"
)

// UnitPrice is a price per quantity; nil where none is given.
func UnitPrice(in *graph.UnitPriceInput) *trade.UnitPrice {
	if in == nil {
		return nil
	}
	return &trade.UnitPrice{Price: trade.Money(*in.Price), Per: trade.Quantity(*in.Per)}
}

// Address is an address; nil where none is given.
func Address(in *graph.AddressInput) *trade.Address {
	if in == nil {
		return nil
	}
	return &trade.Address{
		Name: &in.Name, Line1: &in.Line1, Line2: in.Line2, City: &in.City, Region: in.Region, PostalCode: in.PostalCode, Country: in.Country,
		GLN: in.Gln,
	}
}

// Text is a text, empty where none is given.
func Text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Span is a range of days, open where a day is not given.
func Span(r *graph.DateRangeInput) trade.DateRange {
	if r == nil {
		return trade.DateRange{}
	}
	return trade.DateRange{From: r.From, To: r.To}
}

// Yes is whether something is asked for.
func Yes(b *bool) bool { return b != nil && *b }
