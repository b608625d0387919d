package rpc

import (
	"encoding/json"
	"testing"
	"time"

	"portico/trade"
)

// TestWhatIsWrittenIsReadAsItWas sends values there and back.
func TestWhatIsWrittenIsReadAsItWas(t *testing.T) {
	moment := time.Date(2026, 3, 29, 2, 30, 9, 123_456_000, time.FixedZone("", 2*3600))
	text, err := json.Marshal(DateTime{moment})
	want := `{"__class__":"datetime","day":29,"hour":0,"microsecond":123456,"minute":30,"month":3,"second":9,"year":2026}`
	if err != nil || string(text) != want {
		t.Errorf("a moment is written as %s, %v; want %s", text, err, want)
	}
	var at DateTime
	if err := json.Unmarshal(text, &at); err != nil || !at.Equal(moment) {
		t.Errorf("and read as %s, %v", at, err)
	}
	for _, text := range []string{"2026-03-01", "2024-02-29", "1999-12-31"} {
		day, err := trade.ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		written, err := json.Marshal(Date{day})
		if err != nil {
			t.Fatal(err)
		}
		var read Date
		if err := json.Unmarshal(written, &read); err != nil || read.Date != day {
			t.Errorf("%s is written as %s and read as %s, %v", text, written, read, err)
		}
	}
	for _, text := range []string{"0", "-0.5", "12345.678901", "0.000001"} {
		var d Decimal
		if err := json.Unmarshal([]byte(`{"__class__":"Decimal","decimal":"`+text+`"}`), &d); err != nil {
			t.Fatal(err)
		}
		if written, err := json.Marshal(d); err != nil || string(written) != `{"__class__":"Decimal","decimal":"`+text+`"}` {
			t.Errorf("%s is written as %s, %v", text, written, err)
		}
		if written, err := json.Marshal(Number(d)); err != nil || string(written) != text {
			t.Errorf("the number %s is written as %s, %v", text, written, err)
		}
	}
	for text, want := range map[string]Timestamp{
		`"1.5"`: 1_500_000, `"1.000001"`: 1_000_001, `"1"`: 1_000_000, `"1.0000019"`: 1_000_001, `"1.01"`: 1_010_000,
	} {
		var v Timestamp
		if err := json.Unmarshal([]byte(text), &v); err != nil || v != want {
			t.Errorf("%s is read as %d, %v; want %d", text, v, err, want)
		}
	}
}
