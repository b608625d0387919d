package sources

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// RetryAfter is how long a throttling source asked to be left alone.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.After
	}
	return 0
}
