package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lib/pq"
)

// TestAStartWaitsForADatabaseThatRestarts holds starting to try again while the database is
// away, for a bounded time, and to say so once a minute.
//
// Cases: H17
func TestAStartWaitsForADatabaseThatRestarts(t *testing.T) {
	starting := fmt.Errorf("migrations: %w", &pq.Error{Code: "57P03", Message: "the database system is starting up"})
	for name, c := range map[string]struct {
		open  func(since time.Duration) error
		after time.Duration
		fails string
		lines int
	}{
		"it is there":    {func(time.Duration) error { return nil }, 0, "", 0},
		"it restarts":    {func(since time.Duration) error { return when(since < 3*time.Second, starting) }, 3 * time.Second, "", 2},
		"it never comes": {func(time.Duration) error { return starting }, 5 * time.Minute, "set DATABASE_URL", 5},
		"it is too slow": {
			func(since time.Duration) error { return when(since < 70*time.Second, context.DeadlineExceeded) }, 70 * time.Second, "", 3,
		},
		"it refuses us":    {func(time.Duration) error { return &pq.Error{Code: "28P01", Message: "wrong password"} }, 0, "wrong password", 0},
		"a setting is not": {func(time.Duration) error { return errors.New("PORTICO_CONFIG") }, 0, "PORTICO_CONFIG", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				began := time.Now()
				err := awaitDatabase(t.Context(), 5*time.Minute, slog.New(slog.NewTextHandler(&log, nil)),
					func() error { return c.open(time.Since(began)) })
				if took := time.Since(began); took != c.after || (err == nil) != (c.fails == "") || err != nil &&
					!strings.Contains(err.Error(), c.fails) {
					t.Errorf("after %v: %v, want %q after %v", took, err, c.fails, c.after)
				}
				if lines := strings.Count(log.String(), "\n"); lines != c.lines {
					t.Errorf("%d lines, want %d:\n%s", lines, c.lines, log.String())
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := awaitDatabase(ctx, time.Hour, slog.New(slog.DiscardHandler), func() error { return starting }); err == nil ||
			time.Since(began) != time.Second {
			t.Errorf("a start that is called off ended after %v: %v", time.Since(began), err)
		}
	})
}

func when(is bool, err error) error {
	if is {
		return err
	}
	return nil
}
