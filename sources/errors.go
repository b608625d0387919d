package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind sorts the failures of sources by what may be done next.
type Kind int

// Kinds of failures.
const (
	Unavailable Kind = iota + 1 // nothing was done: repeat at will
	Throttled                   // nothing was done: repeat once After has passed
	Uncertain                   // sent, but the answer was lost: look the key up, then decide
	Rejected                    // understood and refused: somebody must change the request
	NotFound                    // the system does not know what was named
	Denied                      // the credentials are not good enough
	Garbled                     // the answer could not be read: somebody must look at the source
	ByHand                      // understood, and no program can do it there: somebody must
)

var kindNames = map[Kind]string{
	Unavailable: "unavailable", Throttled: "throttled", Uncertain: "uncertain", Rejected: "rejected",
	NotFound: "not found", Denied: "denied", Garbled: "garbled", ByHand: "by hand",
}

func (k Kind) String() string { return kindNames[k] }

// Error is a failure of a source. Its text names no value that a source or a
// caller gave.
type Error struct {
	Kind  Kind
	After time.Duration // with Throttled: how long to wait
	Err   error
}

func (e *Error) Error() string { return fmt.Sprintf("source %s: %v", e.Kind, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Misshapen says in plain words why encoding/json could not read a record, and where that is known; nil for nil.
func Misshapen(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return fmt.Errorf("%s: it is a JSON %s, which cannot be read there", strings.ToLower(wrong.Field), wrong.Value)
	} else if err != nil {
		return errors.New("it has not the expected shape")
	}
	return nil
}

// Fail is an error of this kind.
func Fail(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// KindOf is the kind of err: of the innermost [Error], or, for errors of the
// network and of deadlines, what they mean for a read. It is 0 for nil and for
// a caller who went away.
func KindOf(err error) Kind {
	if err == nil || errors.Is(err, context.Canceled) {
		return 0
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return Unavailable
	}
	return Uncertain
}

var errPaused = errors.New("an operator paused it")

// Reason is why a source refused something, or what somebody must do in it, in words that may be shown.
func Reason(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && (e.Kind == Rejected || e.Kind == ByHand) {
		return e.Err.Error()
	}
	return "The system refused it."
}

// LongestRetry is the longest that a source is left alone for because it asked for that. Some ask for a day for one request:
// what waits behind it would wait with it, while the source is well.
const LongestRetry = 5 * time.Minute

// RetryAfter is how long a throttling source asked to be left alone, at most [LongestRetry].
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return min(max(e.After, 0), LongestRetry)
	}
	return 0
}

// RetryHeader is what an answer's Retry-After asks for, in seconds or until a date (RFC 9110, section 10.2.3); 0 where it
// asks for nothing that can be read.
func RetryHeader(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
