package store

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
)

// Unreachable tells whether err says that the database cannot be reached now, or is about to
// end or to begin, or has not what it needs, or that work and other work waited for each other: what was asked may be asked
// again later. A wrong password, or a database that does not exist, is not that.
func Unreachable(err error) bool {
	if state, is := errors.AsType[interface { // of both drivers
		error
		SQLState() string
	}](err); is {
		switch code := state.SQLState(); code {
		case "57P01", "57P02", "57P03", lockNotAvailable, leftOpen: // and it is shut down, has crashed, is starting
			return true
		default: // of the connection, of memory and places, and of deadlocks
			return slices.Contains([]string{"08", "53", transactionRollback}, code[:min(2, len(code))])
		}
	}
	if _, is := errors.AsType[*url.Error](err); is {
		return false // of a request over HTTP, which no driver makes
	}
	if _, is := errors.AsType[net.Error](err); is {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
