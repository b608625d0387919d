// Command breaks plants programmer's mistakes, one at a time, and says which of them a test of the
// same package catches. The checkout is not touched: each is planted in a copy of its file that the
// go command is told to read instead.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

// settings are of one run.
type settings struct {
	only, room string
	stories    bool
	timeout    time.Duration
	log        io.Writer
}

// mostMissed is how many of the breaks the tests of their own packages may miss.
const mostMissed = 3

func main() {
	s := settings{log: os.Stderr}
	flag.StringVar(&s.only, "only", "", "plant the breaks with this in their name")
	flag.StringVar(&s.room, "room", "", "plant the breaks of a room and of those below it")
	flag.BoolVar(&s.stories, "stories", false, "run the stories, too, on what a package's own tests miss: half an hour each")
	flag.DurationVar(&s.timeout, "timeout", 10*time.Minute, "how long the tests of a package may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "breaks:", err)
		stop()
		os.Exit(1) //nolint:gocritic // the system ends it
	}
}

func run(ctx context.Context, s settings) error {
	all, err := read()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "portico-breaks-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	trial := &trial{settings: s, folder: folder, green: map[string]bool{}}
	var found []result
	for i, b := range all {
		if !strings.Contains(b.Name, s.only) || s.room != "" && b.Room != s.room && !strings.HasPrefix(b.Room, s.room+"/") {
			continue
		}
		r := trial.plant(ctx, b)
		if ctx.Err() != nil {
			break
		}
		fmt.Fprintf(s.log, "%2d of %d  %-12s %-28s %s: %s\n", i+1, len(all), r.took.Round(time.Second), r.pkg, b.Name, r.verdict())
		found = append(found, r)
	}
	missed, unseen := 0, 0
	fmt.Println("| break | room | caught by a test of the same package |\n|---|---|---|")
	for _, r := range found {
		fmt.Printf("| %s | `%s` | %s |\n", r.Name, r.pkg, r.verdict())
		if r.test == "" {
			missed++
			if r.story == "" {
				unseen++
			}
		}
	}
	fmt.Printf("\n%d breaks, %d caught by a test of the same package, %d missed by it", len(found), len(found)-missed, missed)
	if s.stories {
		fmt.Printf(", %d by the stories too", unseen)
	}
	fmt.Println(".")
	if missed > mostMissed || s.stories && unseen > 0 {
		return errors.New("too many are missed")
	}
	return nil
}
