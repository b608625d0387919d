package rpc

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestValuesAreAsExactAsTrytonTellsThem(t *testing.T) {
	for text, want := range map[string]string{
		`{"__class__":"Decimal","decimal":"277.9500000000000000"}`: "277.95", `{"__class__":"Decimal","decimal":"-0.0781"}`: "-0.0781",
		`{"__class__":"Decimal","decimal":"1E-7"}`: "0", `{"__class__":"Decimal","decimal":"1E+3"}`: "1000",
		`{"__class__":"Decimal","decimal":"0.12345650000000000000000000001"}`: "0.123456",
	} {
		var d Decimal
		if err := json.Unmarshal([]byte(text), &d); err != nil || d.String() != want {
			t.Errorf("%s is %s, %v; want %s", text, d, err, want)
		}
	}
	for text, want := range map[string]string{"5.0": "5", "0.083333333333": "0.083333333333", "1e-05": "0.00001", "1000000.0": "1000000"} {
		var n Number
		if err := json.Unmarshal([]byte(text), &n); err != nil || n.String() != want {
			t.Errorf("%s is %s, %v; want %s", text, n, err, want)
		}
	}
	var d Date
	if err := json.Unmarshal([]byte(`{"__class__":"date","year":2026,"month":11,"day":23}`), &d); err != nil || d.String() != "2026-11-23" {
		t.Errorf("%s, %v", d, err)
	}
	var m DateTime
	if err := json.Unmarshal([]byte(`{"__class__":"datetime","year":2026,"month":11,"day":23,"hour":7,"minute":5,"second":9,"microsecond":123456}`), &m); err != nil || m.Format("2006-01-02T15:04:05.000000Z07:00") != "2026-11-23T07:05:09.123456Z" {
		t.Errorf("%s, %v", m, err)
	}
	var span TimeDelta
	if err := json.Unmarshal([]byte(`{"__class__":"timedelta","seconds":604800.0}`), &span); err != nil || span.Duration != 7*24*time.Hour {
		t.Errorf("%v, %v", span, err)
	}
	var s Timestamp
	if err := json.Unmarshal([]byte(`"1795589728.5"`), &s); err != nil || s != 1795589728500000 {
		t.Errorf("%d, %v", s, err)
	}
}

func TestWhatIsNoValueIsRefused(t *testing.T) {
	for into, texts := range map[any][]string{
		new(Decimal): {
			`{"__class__":"date","decimal":"1"}`, `{"__class__":"Decimal","decimal":"x"}`, `"1.5"`,
			`{"__class__":"Decimal","decimal":"1E+90"}`,
		},
		new(Number):    {`"5"`, `[]`},
		new(Date):      {`{"__class__":"date","year":2026,"month":2,"day":30}`, `"2026-02-03"`},
		new(TimeDelta): {`7`, `{"__class__":"date","seconds":7}`, `{"__class__":"timedelta","seconds":1e300}`},
		new(Timestamp): {`7`, `"soon"`},
	} {
		for _, text := range texts {
			if err := json.Unmarshal([]byte(text), into); err == nil {
				t.Errorf("%T takes %s", into, text)
			} else if strings.Contains(err.Error(), "soon") {
				t.Errorf("the value is in the error: %v", err)
			}
		}
	}
}

func TestValuesAreWrittenAsTrytonReadsThem(t *testing.T) {
	var d Decimal
	_ = json.Unmarshal([]byte(`{"__class__":"Decimal","decimal":"1.50"}`), &d)
	text, err := json.Marshal(map[string]any{"d": d, "s": TimeDelta{48 * time.Hour}})
	if err != nil || string(text) != `{"d":{"__class__":"Decimal","decimal":"1.5"},"s":{"__class__":"timedelta","seconds":172800}}` {
		t.Errorf("%s, %v", text, err)
	}
}
