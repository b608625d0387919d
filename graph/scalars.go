// Package graph is the contract with the portals in Go: generated from
// schema.graphqls by gqlgen, but for the scalars in this file.
package graph

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/quagmt/udecimal"
	"github.com/sosodev/duration"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/graph/execution"
	"portico/trade"
)

// badInput is the error of a value that a scalar refuses. It says what would
// have been right, because the portal's developer reads it.
func badInput(format string, args ...any) error {
	return &gqlerror.Error{Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": "BAD_USER_INPUT"}}
}

func text(v any, want string) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", badInput("%s must be a string", want)
}

// InputScalars read what clients write for scalars, before anything runs: what is none of its scalar, and text that
// nothing keeps and nobody can print, is refused here, once, wherever it is written.
var InputScalars = map[string]func(v any) (any, error){
	"String": word("String", longestText, printable), "JSON": document, "_Any": representation,
	"ID": identifier, "IdempotencyKey": word("IdempotencyKey", longestWord, printable),
	"EventCursor": word("EventCursor", longestWord, visible), "URL": word("URL", longestWord, visible),
	"SSCC": word("SSCC", longestWord, visible), "UNLOCODE": word("UNLOCODE", longestWord, visible),
	"GLN":         word("GLN", longestWord, form("write its 13 digits, the last of them the check digit", trade.ValidGLN)),
	"CountryCode": word("CountryCode", longestWord, form("write two capital letters of ISO 3166-1, such as DE", trade.ValidCountry)),
	"LocalTime":   word("LocalTime", longestWord, form("write it as 15:30", validTime)),
	"DateTime":    parsed(UnmarshalDateTime), "Date": parsed(UnmarshalDate), "Duration": parsed(UnmarshalDuration),
	"Decimal": parsed(UnmarshalDecimal), "CurrencyCode": parsed(UnmarshalCurrencyCode), "UnitCode": parsed(UnmarshalUnitCode),
	"GTIN": parsed(UnmarshalGTIN),
}

// parsed reads what parse can, and leaves it as it is written: who needs its value parses it where it is needed.
func parsed[T any](parse func(v any) (T, error)) func(v any) (any, error) {
	return func(v any) (any, error) {
		_, err := parse(v)
		return v, err
	}
}

// The longest texts that a client may write, in bytes.
const (
	longestText = 100_000
	longestWord = 4_000
)

// word reads a text of a scalar that what finds nothing against: it returns what would be right.
func word(name string, longest int, against func(s string) string) func(v any) (any, error) {
	return func(v any) (any, error) {
		s, err := text(v, name)
		if err != nil {
			return nil, err
		}
		if len(s) > longest {
			return nil, badInput("%s is longer than %d bytes", name, longest)
		}
		if want := against(s); want != "" {
			return nil, badInput("%q is no %s: %s", clip(s), name, want)
		}
		return v, nil
	}
}

// printable finds nothing against text that has no NUL and is valid UTF-8: names and comments are written in all scripts,
// with line breaks and with the marks that turn their direction.
func printable(s string) string {
	if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		return "leave out NUL, and write it in UTF-8"
	}
	return ""
}

// visible finds nothing against a key or an identifier whose characters can all be seen ([trade.Unseen]).
func visible(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, trade.Unseen) {
		return "leave out control characters, those that turn the direction of text, and others that cannot be seen"
	}
	return ""
}

func form(want string, valid func(string) bool) func(string) string {
	return func(s string) string {
		if !valid(s) {
			return want
		}
		return ""
	}
}

func validTime(s string) bool {
	_, err := time.Parse("15:04", s)
	return err == nil && len(s) == len("15:04")
}

var writtenID = word("ID", longestWord, visible)

// identifier reads an ID, which may be written as a whole number too.
func identifier(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		if _, err := v.Int64(); err != nil {
			return nil, badInput("ID must be a string, or a whole number")
		}
		return v, nil
	case int, int64:
		return v, nil
	}
	return writtenID(v)
}

// document reads any JSON value whose texts can be kept.
func document(v any) (any, error) {
	if !keepable(v) {
		return nil, badInput("a text in this JSON cannot be kept: leave out NUL, and write it in UTF-8")
	}
	return v, nil
}

// representation reads a representation of an entity. What is none names nothing: it stops none of the others that are
// asked for with it.
func representation(v any) (any, error) {
	if object, ok := v.(map[string]any); ok && keepable(v) {
		return object, nil
	}
	return map[string]any{}, nil
}

func keepable(v any) bool {
	switch v := v.(type) {
	case string:
		return printable(v) == ""
	case []any:
		return !slices.ContainsFunc(v, func(x any) bool { return !keepable(x) })
	case map[string]any:
		for name, x := range v {
			if printable(name) != "" || !keepable(x) {
				return false
			}
		}
	}
	return true
}

func quoted(s string) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(s)) })
}

// MarshalRestricted writes restricted text, to whom the plan lets read it.
func MarshalRestricted(r trade.Restricted) graphql.Marshaler { return graphql.MarshalString(string(r)) }

// MarshalConfidential writes confidential text, to whom the plan lets read it.
func MarshalConfidential(c trade.Confidential) graphql.Marshaler {
	return graphql.MarshalString(string(c))
}

// MarshalJSON writes any JSON value, to whom the plan lets read it.
func MarshalJSON(v trade.JSON) graphql.Marshaler {
	if len(v) == 0 {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(v) })
}

// UnmarshalJSON reads any JSON value.
func UnmarshalJSON(v any) (trade.JSON, error) {
	text, err := json.Marshal(v)
	return text, err
}

// UnmarshalConfidential reads confidential text.
func UnmarshalConfidential(v any) (trade.Confidential, error) {
	s, err := graphql.UnmarshalString(v)
	return trade.Confidential(s), err
}

// UnmarshalRestricted reads restricted text.
func UnmarshalRestricted(v any) (trade.Restricted, error) {
	s, err := text(v, "String")
	return trade.Restricted(s), err
}

// MarshalDateTime writes a moment in UTC as RFC 3339.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return quoted(t.UTC().Format(time.RFC3339Nano))
}

// UnmarshalDateTime reads an RFC 3339 moment; one without an offset is refused.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, err := text(v, "DateTime")
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !calendars(t) {
		return time.Time{}, badInput("%q is no DateTime: write it as 2026-03-01T14:05:00+01:00, with its offset", clip(s))
	}
	return t, nil
}

// calendars reports whether a moment is in a year that the calendar has, in UTC: there is no year 0, and none of 5 digits.
func calendars(t time.Time) bool { return t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 }

// MarshalDate writes a day as ISO 8601.
func MarshalDate(d trade.Date) graphql.Marshaler { return quoted(d.String()) }

// UnmarshalDate reads an ISO 8601 day that the calendar has.
func UnmarshalDate(v any) (trade.Date, error) {
	s, err := text(v, "Date")
	if err != nil {
		return trade.Date{}, err
	}
	d, err := trade.ParseDate(s)
	if err != nil || !calendars(d.Time()) {
		return trade.Date{}, badInput("%q is no Date: write a day of the calendar as 2026-03-01", clip(s))
	}
	return d, nil
}

// MarshalDuration writes a length of time as ISO 8601.
func MarshalDuration(d time.Duration) graphql.Marshaler { return quoted(duration.Format(d)) }

const longestYears = 100 // of a Duration: Go's own end at 292

// UnmarshalDuration reads an ISO 8601 length of time that is not negative, of at most a hundred years.
func UnmarshalDuration(v any) (time.Duration, error) {
	s, err := text(v, "Duration")
	if err != nil {
		return 0, err
	}
	d, err := duration.Parse(s)
	if err != nil || d.Negative {
		return 0, badInput("%q is no Duration: write it as PT15M or P90D", clip(s))
	}
	years := d.Years + d.Months/12 + (d.Weeks*7+d.Days)/365 + (d.Hours+d.Minutes/60+d.Seconds/3600)/8760
	if years > longestYears {
		return 0, badInput("%q is longer than %d years", clip(s), longestYears)
	}
	return d.ToTimeDuration(), nil
}

// MarshalDecimal writes an exact number as a string.
func MarshalDecimal(d udecimal.Decimal) graphql.Marshaler { return quoted(d.String()) }

var decimalForm = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,9})?$`)

// UnmarshalDecimal reads an exact number of at most 18 digits before the point
// and 9 after it.
func UnmarshalDecimal(v any) (udecimal.Decimal, error) {
	s, err := text(v, "Decimal")
	if err != nil {
		return udecimal.Decimal{}, err
	}
	if !decimalForm.MatchString(s) {
		return udecimal.Decimal{},
			badInput("%q is no Decimal: write it as \"1998.61\", at most 18 digits before the point and 9 after it", clip(s))
	}
	return udecimal.MustParse(s), nil
}

// MarshalCurrencyCode writes a currency.
func MarshalCurrencyCode(s string) graphql.Marshaler { return quoted(s) }

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// UnmarshalCurrencyCode reads an ISO 4217 code.
func UnmarshalCurrencyCode(v any) (string, error) {
	return matching(v, "CurrencyCode", currencyForm, "three capital letters of ISO 4217, such as EUR")
}

// MarshalUnitCode writes a unit.
func MarshalUnitCode(s string) graphql.Marshaler { return quoted(s) }

var unitForm = regexp.MustCompile(`^[A-Z0-9]{1,3}$`)

// UnmarshalUnitCode reads a code of UN/ECE Recommendation 20 or 21.
func UnmarshalUnitCode(v any) (string, error) {
	return matching(v, "UnitCode", unitForm, "a code of UN/ECE Recommendation 20 or 21, such as EA")
}

// MarshalGTIN writes a GS1 trade item number.
func MarshalGTIN(s string) graphql.Marshaler { return quoted(s) }

// UnmarshalGTIN reads a GS1 trade item number and verifies its check digit.
func UnmarshalGTIN(v any) (string, error) {
	s, err := text(v, "GTIN")
	if err == nil && !trade.ValidGTIN(s) {
		return "", badInput("%q is no GTIN: 8, 12, 13 or 14 digits, the last of them the check digit", clip(s))
	}
	return s, err
}

func matching(v any, name string, form *regexp.Regexp, want string) (string, error) {
	s, err := text(v, name)
	if err == nil && !form.MatchString(s) {
		return "", badInput("%q is no %s: write %s", clip(s), name, want)
	}
	return s, err
}

// The Append functions are what the Marshal functions write, for the executor,
// which appends an answer in one pass.

// AppendDateTime appends a moment in UTC as RFC 3339.
func AppendDateTime(b []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// AppendDate appends a day as ISO 8601.
func AppendDate(b []byte, d trade.Date) []byte {
	return append(d.Time().AppendFormat(append(b, '"'), time.DateOnly), '"')
}

// AppendDuration appends a length of time as ISO 8601.
func AppendDuration(b []byte, d time.Duration) []byte {
	return append(append(append(b, '"'), duration.Format(d)...), '"')
}

// AppendDecimal appends an exact number as a string.
func AppendDecimal(b []byte, d udecimal.Decimal) []byte {
	b, _ = d.AppendText(append(b, '"')) // it has no way to fail
	return append(b, '"')
}

// AppendCurrencyCode appends a currency.
func AppendCurrencyCode(b []byte, s string) []byte { return execution.AppendString(b, s) }

// AppendUnitCode appends a unit.
func AppendUnitCode(b []byte, s string) []byte { return execution.AppendString(b, s) }

// AppendGTIN appends a GS1 trade item number.
func AppendGTIN(b []byte, s string) []byte { return execution.AppendString(b, s) }

// clip keeps an answer from echoing a large input.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
