package carriers

import (
	"math"
	"strconv"

	"github.com/tidwall/gjson"

	"portico/trade"
)

// places are the parts of a location, in the order in which they are read.
var places = []string{
	"name", "gln", "unlocode", "street", "number", "postal_code", "city", "region", "country", "latitude", "longitude",
}

func (m *Mapping) location(e gjson.Result) *trade.Location {
	var l trade.Location
	for _, place := range places {
		path := m.Event.Location[place]
		text := some(e, path)
		if text == nil {
			continue
		}
		switch place {
		case "name":
			l.Name = text
		case "gln":
			l.GLN = text
		case "unlocode":
			l.Unlocode = text
		case "street":
			l.Street = text
		case "number":
			l.Street = joined(l.Street, " ", *text)
		case "postal_code":
			l.PostalCode = text
		case "city":
			l.City = text
		case "region":
			l.Region = text
		case "country":
			if len(*text) == 2 {
				l.Country = text
			} else { // a whole name is no code
				l.Name = joined(l.Name, ", ", *text)
			}
		case "latitude":
			l.Latitude = degrees(*text, 90)
		case "longitude":
			l.Longitude = degrees(*text, 180)
		}
	}
	if l == (trade.Location{}) {
		return nil
	}
	return &l
}

// joined is text after what there is of it.
func joined(before *string, separator, text string) *string {
	if before != nil {
		text = *before + separator + text
	}
	return &text
}

// degrees reads degrees; what is further than most is no place on earth.
func degrees(text string, most float64) *float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(f) <= most) {
		return nil
	}
	return &f
}
