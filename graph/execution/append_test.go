package execution

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// sameText holds what is appended for a text to what encoding/json makes of it: another may be written, but
// not another read, and nothing beside it.
func sameText(t *testing.T, s string) {
	t.Helper()
	std, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var want, got string
	if err := json.Unmarshal(std, &want); err != nil {
		t.Fatal(err)
	}
	b := AppendString([]byte("before"), s)
	text, ok := strings.CutPrefix(string(b), "before")
	if err := json.Unmarshal([]byte(text), &got); !ok || err != nil || got != want {
		t.Errorf("%q is appended as %s and read as %q, want %q; %v", s, b, got, want, err)
	}
}

func TestTextIsReadAsEncodingJSONWritesIt(t *testing.T) {
	for c := range 256 {
		sameText(t, string([]byte{byte(c)}))
		sameText(t, string([]byte{'a', byte(c), 'b', byte(c)}))
	}
	for _, s := range []string{
		"", "plain", `"quoted"`, `back\slash`, "line\nand\r\ttab", "\x00\x01\x1f\x7f", "ü€𝄞", "\u2028\u2029", "<script>&amp;", "a\uFFFDb",
		"\uFFFD", "\uFFFD\xff\uFFFD", "\xff\xfe", "\xc3", "\xc3\x28",
		"a\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "é\xffé\"\n", strings.Repeat("x\"", 300),
	} {
		sameText(t, s)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a\"b", "\xff\uFFFD", "\u2028", "\x1f"} {
		f.Add(s)
	}
	f.Fuzz(sameText)
}

func TestNumbersAreReadAsTheyWere(t *testing.T) {
	for _, v := range []float64{
		0, math.Copysign(0, -1), 1, -1.5, 0.1, 1e21, 1e-7, 123456789.125,
		math.MaxFloat64, math.SmallestNonzeroFloat64, math.MaxInt32,
	} {
		var got float64
		if text := AppendFloat(nil, v); json.Unmarshal(text, &got) != nil || got != v {
			t.Errorf("%v is appended as %s", v, text)
		}
	}
	for _, v := range []int64{0, -1, math.MaxInt64, math.MinInt64} {
		var got int64
		if text := AppendInt(nil, v); json.Unmarshal(text, &got) != nil || got != v {
			t.Errorf("%d is appended as %s", v, text)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		func() {
			defer func() {
				if _, told := recover().(fieldError); !told {
					t.Errorf("%v is appended", v)
				}
			}()
			AppendFloat(nil, v)
		}()
	}
	if string(AppendBool(AppendBool(nil, true), false)) != "truefalse" {
		t.Error("true and false are appended otherwise")
	}
}

func TestAMomentKeepsItsOffsetAndNoneIsNull(t *testing.T) {
	at := time.Date(2026, 3, 29, 2, 30, 0, 120_000_000, time.FixedZone("", 2*3600))
	if got := string(AppendTime(nil, at)); got != `"2026-03-29T02:30:00.12+02:00"` {
		t.Errorf("got %s", got)
	}
	if AppendTime([]byte("before"), time.Time{}) != nil {
		t.Error("no moment is not null")
	}
}

// TestScalarsWithoutARoadOfTheirOwnAreAppended appends what gqlgen would write.
func TestScalarsWithoutARoadOfTheirOwnAreAppended(t *testing.T) {
	if got := string(AppendMarshaler([]byte("["), graphql.MarshalAny(map[string]any{"a": 1}))); strings.TrimSpace(got) != `[{"a":1}` {
		t.Errorf("got %s", got)
	}
	if AppendMarshaler([]byte("["), nil) != nil || AppendMarshaler([]byte("["), graphql.Null) != nil {
		t.Error("nothing is not null")
	}
	if got := string(AppendEnum(nil, "OPEN", map[string]bool{"OPEN": true})); got != `"OPEN"` {
		t.Errorf("got %s", got)
	}
}
