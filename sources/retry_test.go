package sources

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestRetryAfterIsReadAsANumberOrADateAndHasAnEnd reads what sources ask for.
//
// Cases: H22
func TestRetryAfterIsReadAsANumberOrADateAndHasAnEnd(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string][2]time.Duration{ // as it is read, and as long as it is heeded
		"7": {7 * time.Second, 7 * time.Second}, "0": {}, "": {}, "-5": {}, "soon": {}, "1.5": {}, "99999999999999999999": {},
		"86400":                         {24 * time.Hour, LongestRetry},
		"Mon, 02 Mar 2026 09:00:30 GMT": {30 * time.Second, 30 * time.Second},
		"Tue, 03 Mar 2026 09:00:00 GMT": {24 * time.Hour, LongestRetry},
		"Mon, 02 Mar 2026 08:00:00 GMT": {},
	} {
		read := RetryHeader(http.Header{"Retry-After": {text}}, now)
		heeded := RetryAfter(fmt.Errorf("step: %w", &Error{Kind: Throttled, After: read, Err: errors.New("throttled")}))
		if read != want[0] || heeded != want[1] {
			t.Errorf("Retry-After: %s is read as %s and heeded for %s, want %v", text, read, heeded, want)
		}
	}
}
