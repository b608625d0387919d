package pushed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"

	"portico/sources"
)

// Read checks that bytes are JSON that can be worked with: UTF-8, and not nested without
// end.
func Read(body []byte) error {
	if !utf8.Valid(body) {
		return sources.Fail(sources.Rejected, "it is not UTF-8")
	}
	if !json.Valid(body) { // which bounds how deep it may be
		return sources.Fail(sources.Rejected, "it is not JSON, or nested too deep")
	}
	return nil
}

// Digest is an id of bytes that have none.
func Digest(body []byte) string {
	digest := sha256.Sum256(body)
	return "sha-256:" + hex.EncodeToString(digest[:])
}

// earliest is before what anybody tells of, so that a moment that is not set is found.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// Moment reads a moment as carriers write it: RFC 3339, or without an offset, when it is
// meant in a zone.
func Moment(text string, zone *time.Location) (at time.Time, offsetKnown bool, err error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if at, err = time.Parse(layout, text); err == nil {
			offsetKnown = true
			break
		}
	}
	if err != nil {
		for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", time.DateOnly} {
			if at, err = time.ParseInLocation(layout, text, zone); err == nil {
				break
			}
		}
	}
	switch {
	case err != nil:
		return at, false, errors.New("it must be a moment such as 2026-03-02T08:15:00+01:00")
	case at.Before(earliest) || at.Year() > 9999:
		return at, false, errors.New("no shipment is of that time")
	}
	return at.UTC(), offsetKnown, nil
}
