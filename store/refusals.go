package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// Refusal is content that cannot be kept, found before the database saw it. The reason names no value.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// Refused tells whether err is what values caused, so that the same values are refused at any time: a constraint, a
// number or a text that does not fit, one key twice. The reason says it in plain words, names the rule and no value.
//
// Everything else, such as a lock that was not to be had, a full disk or a lost connection, is the condition of the
// database: it says nothing of the values, and they are saved once it has passed.
func Refused(err error) (reason string, ok bool) {
	if refusal, is := errors.AsType[*Refusal](err); is {
		return refusal.Reason, true
	}
	e, is := errors.AsType[*pq.Error](err)
	if !is {
		return "", false
	}
	switch e.Code.Class() {
	case "21", "22", "23", "54":
		return refusalOf(e), true
	}
	return "", false
}

// refusalOf is what an error of the database says of the values.
func refusalOf(e *pq.Error) string {
	switch {
	case e.Code == "23502":
		return fmt.Sprintf("it has no value for %s of %s", e.Column, e.Table)
	case e.Code == "23503":
		return fmt.Sprintf("it names a record that is not there, or is named by another one (rule %s)", e.Constraint)
	case e.Code == "23505":
		return fmt.Sprintf("another record has the same key in %s (rule %s)", e.Table, e.Constraint)
	case e.Code == "23514":
		if column := strings.TrimSuffix(strings.TrimPrefix(e.Constraint, e.Table+"_"), "_check"); column != "check" && column != e.Constraint {
			return fmt.Sprintf("%s of %s has a value that it cannot have (rule %s)", column, e.Table, e.Constraint)
		}
		return fmt.Sprintf("values of %s do not go together (rule %s)", e.Table, e.Constraint)
	case refusals[e.Code] != "":
		return refusals[e.Code]
	}
	return fmt.Sprintf("the database refuses a value of it (SQLSTATE %s, %s)", e.Code, e.Code.Name())
}

// refusals are the usual reasons for which the database refuses values.
var refusals = map[pqerror.Code]string{
	"21000": "it has one of its parts twice",
	"22001": "a text is too long",
	"22003": "a number is too large",
	"22007": "a date or a time is none",
	"22008": "a date or a time is out of range",
	"22021": "a text has a character that is not valid",
	"22P02": "a value has not the form of its kind",
	"22P05": "a text has a character that cannot be kept",
	"54000": "a value is too long",
}
