package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// Values that JSON has no word for are objects with the name of their class.

type class struct {
	Class string `json:"__class__"`
}

func (c class) is(name string) error {
	if c.Class != name {
		return fmt.Errorf("it is %q and no %s", c.Class, name)
	}
	return nil
}

// Decimal is an exact decimal: {"__class__": "Decimal", "decimal": "277.9500"}.
type Decimal struct{ udecimal.Decimal }

// UnmarshalJSON reads the digits as they are written. Tryton computes with more
// than a price has; what is past 6 decimals is rounded half to even.
func (a *Decimal) UnmarshalJSON(text []byte) error {
	var v struct {
		class
		Decimal string
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if err := v.is("Decimal"); err != nil {
		return err
	}
	d, err := digits(v.Decimal)
	a.Decimal = d.RoundBank(6)
	return err
}

// MarshalJSON writes a number.
func (q Number) MarshalJSON() ([]byte, error) { return []byte(q.String()), nil }

// MarshalJSON writes a decimal.
func (a Decimal) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"__class__": "Decimal", "decimal": a.String()})
}

// Number is a number whose digits count and not its value as a float.
type Number struct{ udecimal.Decimal }

// UnmarshalJSON reads the digits as they are written.
func (q *Number) UnmarshalJSON(text []byte) error {
	d, err := digits(string(text))
	q.Decimal = d
	return err
}

// digits reads a number, at most 19 of them behind the point, with or without an
// exponent, as Python writes small and large numbers.
func digits(text string) (udecimal.Decimal, error) {
	mantissa, exponent, scaled := strings.Cut(strings.ToLower(text), "e")
	whole, part, _ := strings.Cut(mantissa, ".")
	if len(part) > 19 {
		part = part[:19]
	}
	d, err := udecimal.Parse(whole + "." + part + strings.Repeat("0", max(0, 1-len(part))))
	if err != nil {
		return d, errors.New("it is no decimal")
	}
	if !scaled {
		return d, nil
	}
	var power int
	if _, err := fmt.Sscanf(exponent, "%d", &power); err != nil || power < -19 || power > 19 {
		return d, errors.New("its exponent is not one that a quantity has")
	}
	ten := udecimal.MustFromInt64(10, 0)
	for ; power > 0; power-- {
		d = d.Mul(ten)
	}
	for ; power < 0; power++ {
		if d, err = d.Div(ten); err != nil {
			return d, err
		}
	}
	return d, nil
}

// Date is a day: {"__class__": "date", "year": 2026, "month": 11, "day": 23}.
type Date struct{ trade.Date }

type dateParts struct {
	class
	Year  int `json:"year"`
	Month int `json:"month"`
	Day   int `json:"day"`
}

// MarshalJSON writes a day.
func (d Date) MarshalJSON() ([]byte, error) {
	t := d.Time()
	return json.Marshal(map[string]any{"__class__": "date", "year": t.Year(), "month": int(t.Month()), "day": t.Day()})
}

// UnmarshalJSON reads a date that the calendar has.
func (d *Date) UnmarshalJSON(text []byte) error {
	var v dateParts
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if err := v.is("date"); err != nil {
		return err
	}
	at := time.Date(v.Year, time.Month(v.Month), v.Day, 0, 0, 0, 0, time.UTC)
	if at.Year() != v.Year || int(at.Month()) != v.Month || at.Day() != v.Day {
		return errors.New("it is no day of the calendar")
	}
	d.Date = trade.DateOf(at, time.UTC)
	return nil
}

// TimeDelta is a span of time: {"__class__": "timedelta", "seconds": 86400.0}.
type TimeDelta struct{ time.Duration }

// UnmarshalJSON reads a span, to the second.
func (d *TimeDelta) UnmarshalJSON(text []byte) error {
	var v struct {
		class
		Seconds float64
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if err := v.is("timedelta"); err != nil {
		return err
	}
	if math.Abs(v.Seconds) > math.MaxInt32 {
		return errors.New("it is too long a time")
	}
	d.Duration = time.Duration(v.Seconds) * time.Second
	return nil
}

// MarshalJSON writes a span.
func (d TimeDelta) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"__class__": "timedelta", "seconds": d.Seconds()})
}

// DateTime is a time in UTC: {"__class__": "datetime", "year": 2026, ...,
// "microsecond": 0}.
type DateTime struct{ time.Time }

// UnmarshalJSON reads a moment.
func (m *DateTime) UnmarshalJSON(text []byte) error {
	var v struct {
		dateParts
		Hour, Minute, Second, Microsecond int
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if err := v.is("datetime"); err != nil {
		return err
	}
	m.Time = time.Date(v.Year, time.Month(v.Month), v.Day, v.Hour, v.Minute, v.Second, v.Microsecond*1000, time.UTC)
	return nil
}

// MarshalJSON writes a moment in UTC.
func (m DateTime) MarshalJSON() ([]byte, error) {
	t := m.UTC()
	return json.Marshal(map[string]any{
		"__class__": "datetime", "year": t.Year(), "month": int(t.Month()), "day": t.Day(),
		"hour": t.Hour(), "minute": t.Minute(), "second": t.Second(), "microsecond": t.Nanosecond() / 1000,
	})
}

// Timestamp is the _timestamp of a record, seconds with microseconds as text, as a
// number that grows with every change of the record.
type Timestamp int64

// UnmarshalJSON reads a timestamp.
func (v *Timestamp) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	seconds, micros, _ := strings.Cut(s, ".")
	var n, m int64
	if _, err := fmt.Sscanf(seconds, "%d", &n); err != nil {
		return errors.New("it is no timestamp")
	}
	if len(micros) > 6 {
		micros = micros[:6]
	}
	if _, err := fmt.Sscanf(micros+strings.Repeat("0", 6-len(micros)), "%d", &m); err != nil {
		return errors.New("it is no timestamp")
	}
	*v = Timestamp(n*1_000_000 + m)
	return nil
}
