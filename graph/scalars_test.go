package graph

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/quagmt/udecimal"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/trade"
)

// reading reads a scalar and writes it again.
type reading func(v any) (string, error)

func read[T any](unmarshal func(any) (T, error), marshal func(T) graphql.Marshaler, append func([]byte, T) []byte) reading {
	return func(v any) (string, error) {
		x, err := unmarshal(v)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		marshal(x).MarshalGQL(&b)
		if append != nil && string(append([]byte("["), x)) != "["+b.String() {
			return "", errors.New("appended as " + string(append(nil, x)) + ", and written as " + b.String())
		}
		return b.String(), nil
	}
}

// TestScalarsReadWhatTheyWriteAndRefuseTheRest holds each scalar to its description in the schema.
func TestScalarsReadWhatTheyWriteAndRefuseTheRest(t *testing.T) {
	for name, c := range map[string]struct {
		of    reading
		takes map[any]string // as it is written again
		not   []any
	}{
		"DateTime": {
			read(UnmarshalDateTime, MarshalDateTime, AppendDateTime),
			map[any]string{
				"2026-03-01T14:05:00+01:00": `"2026-03-01T13:05:00Z"`, "2026-03-01T14:05:00.25Z": `"2026-03-01T14:05:00.25Z"`,
				"2024-02-29T23:59:59-08:00": `"2024-03-01T07:59:59Z"`,
			},
			[]any{"2026-03-01T14:05:00", "2026-03-01", "2026-02-30T00:00:00Z", "", 7, nil, "2026-03-01T14:05:00+1"},
		},
		"Date": {
			read(UnmarshalDate, MarshalDate, AppendDate),
			map[any]string{"2026-03-01": `"2026-03-01"`, "2024-02-29": `"2024-02-29"`},
			[]any{"2026-02-29", "2026-3-1", "01.03.2026", "2026-03-01T00:00:00Z", "", 20260301},
		},
		"Duration": {
			read(UnmarshalDuration, MarshalDuration, AppendDuration),
			map[any]string{"PT15M": `"PT15M"`, "P2D": `"P2D"`, "PT48H": `"P2D"`, "PT0S": `"PT0S"`, "PT1H30M": `"PT1H30M"`},
			[]any{"-PT15M", "-P1D", "15m", "", 15},
		},
		"Decimal": {
			read(UnmarshalDecimal, MarshalDecimal, AppendDecimal),
			map[any]string{"1998.61": `"1998.61"`, "-0.5": `"-0.5"`, "0": `"0"`, "999999999999999999.999999999": `"999999999999999999.999999999"`},
			[]any{"1,5", "1e3", ".5", "1.", "+1", "0.1234567890", "1234567890123456789", "", 1.5, 2, "NaN"},
		},
		"CurrencyCode": {
			read(UnmarshalCurrencyCode, MarshalCurrencyCode, AppendCurrencyCode),
			map[any]string{"EUR": `"EUR"`},
			[]any{"eur", "EURO", "€", "", "EU", "EUR\n", 978},
		},
		"UnitCode": {
			read(UnmarshalUnitCode, MarshalUnitCode, AppendUnitCode),
			map[any]string{"EA": `"EA"`, "C62": `"C62"`},
			[]any{"ea", "EACH", "", "E A", 1},
		},
		"GTIN": {
			read(UnmarshalGTIN, MarshalGTIN, AppendGTIN),
			map[any]string{"4006381333931": `"4006381333931"`, "96385074": `"96385074"`},
			[]any{"4006381333932", "400638133393", "40063813339310", "x", "", 4006381333931},
		},
		"Restricted":   {read(UnmarshalRestricted, MarshalRestricted, nil), map[any]string{"a\"b": `"a\"b"`}, []any{7, nil}},
		"Confidential": {read(UnmarshalConfidential, MarshalConfidential, nil), map[any]string{"x": `"x"`}, []any{[]any{"x"}}},
		"JSON":         {read(UnmarshalJSON, MarshalJSON, nil), map[any]string{"x": `"x"`, 7: "7", true: "true"}, nil},
	} {
		for in, want := range c.takes {
			if got, err := c.of(in); err != nil || got != want {
				t.Errorf("%s %q: %s, %v; want %s", name, in, got, err, want)
			}
		}
		for _, in := range c.not {
			got, err := c.of(in)
			if err == nil {
				t.Errorf("%s %q is taken as %s", name, in, got)
				continue
			}
			if told, ok := errors.AsType[*gqlerror.Error](err); name != "Confidential" && (!ok || told.Extensions["code"] != "BAD_USER_INPUT") {
				t.Errorf("%s %q is refused by %v, and not as what a developer can mend", name, in, err)
			}
		}
	}
}

func TestALargeInputIsNotEchoed(t *testing.T) {
	_, err := UnmarshalDate(strings.Repeat("9", 10_000))
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("%d bytes are told", len(err.Error()))
	}
}

func TestNothingIsNullAndADurationIsExact(t *testing.T) {
	var b strings.Builder
	MarshalJSON(trade.JSON(nil)).MarshalGQL(&b)
	MarshalDuration(36*time.Hour + 90*time.Second).MarshalGQL(&b)
	MarshalDecimal(udecimal.MustParse("10.50")).MarshalGQL(&b)
	if got := b.String(); got != `null"P1DT12H1M30S""10.5"` {
		t.Errorf("got %s", got)
	}
}

// TestAgesAreReadFromTheSchema says past which age values are stale, as @source has it.
func TestAgesAreReadFromTheSchema(t *testing.T) {
	ages := StaleAfter()
	for _, name := range []string{"Price", "Order", "Account", "CreditPosition"} {
		if ages[name] <= 0 {
			t.Errorf("%s has no age", name)
		}
	}
	if ages["CreditPosition"] != ages["Account"] || ages["PriceResult"] != 0 {
		t.Errorf("%v", ages)
	}
}

// TestEveryScalarHasAReader takes the scalars from the schema: each has a law for what clients write.
//
// Cases: H14 H15
func TestEveryScalarHasAReader(t *testing.T) {
	anything := map[string]bool{"JSON": true, "_Any": true} // any value is one
	languages := map[string]bool{"Int": true, "Float": true, "Boolean": true}
	for name, d := range NewBindings(Config{}).Schema.Types {
		directives := name == "FieldSet" || strings.Contains(name, "__") // nobody writes them in an operation
		if d.Kind != ast.Scalar || languages[name] || directives {
			continue
		}
		law := InputScalars[name]
		if law == nil {
			t.Errorf("nothing reads what clients write for %s", name)
			continue
		}
		for _, v := range []any{
			"a\x00b", "a\xff", true,
			[]any{},
			map[string]any{},
			json.Number("1.5"), json.Number("12345678901234567890"),
			strings.Repeat("x", 600<<10),
		} {
			_, err := law(v)
			e, is := errors.AsType[*gqlerror.Error](err)
			if !anything[name] && (!is || e.Extensions["code"] != "BAD_USER_INPUT" || len(e.Message) > 300) {
				t.Errorf("%s is read from %.20q: %v", name, v, err)
			}
		}
	}
	for _, name := range []string{"ID", "EventCursor", "URL", "SSCC", "UNLOCODE"} {
		for _, mark := range []string{"\u202e", "\u200f", "\u2066", "\n", "\x7f", "\u200b", "\u00ad", "\ufeff", "\ufe0f"} {
			if _, err := InputScalars[name]("a" + mark); err == nil {
				t.Errorf("%s is read with %q in it", name, mark)
			}
		}
	}
	for _, text := range []string{"\u202bשלום\u202c", "two\nlines", "\U0001f600"} {
		if _, err := InputScalars["String"](text); err != nil {
			t.Errorf("%q is not read: %v", text, err)
		}
	}
}

func TestTimesAreThoseOfTheCalendar(t *testing.T) {
	for text, good := range map[string]bool{
		"0001-01-01": true, "9999-12-31": true, "0000-12-31": false,
		"0001-01-01T00:00:00Z": true, "0001-01-01T00:00:00+01:00": false, "9999-12-31T23:59:59Z": true, "9999-12-31T23:59:59-01:00": false,
		"P100Y": true, "P100Y1D": false, "P999999999999Y": false, "PT9999999999999H": false, "P1e9Y": false, "P5200W": true,
	} {
		read := reads(UnmarshalDate)
		switch {
		case text[0] == 'P':
			read = reads(UnmarshalDuration)
		case strings.Contains(text, "T"):
			read = reads(UnmarshalDateTime)
		}
		if err := read(text); good != (err == nil) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func reads[T any](read func(any) (T, error)) func(any) error {
	return func(v any) error { _, err := read(v); return err }
}

func TestWhatIsNoDocumentOrRepresentationIsToldApart(t *testing.T) {
	if v, err := InputScalars["_Any"](map[string]any{"id": "a\x00"}); err != nil || len(v.(map[string]any)) != 0 {
		t.Errorf("a representation that cannot be kept is read as %v (%v)", v, err)
	}
	if _, err := InputScalars["JSON"](map[string]any{"a": []any{map[string]any{"b\x00": 1}}}); err == nil {
		t.Error("a document with NUL in a name is read")
	}
}
