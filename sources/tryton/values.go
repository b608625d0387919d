package tryton

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// version is the _timestamp of a record, seconds with microseconds as text, as a
// number that grows with every change of the record.
type version int64

// UnmarshalJSON reads a timestamp.
func (v *version) UnmarshalJSON(text []byte) error {
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
	*v = version(n*1_000_000 + m)
	return nil
}
