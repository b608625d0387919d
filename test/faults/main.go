// Command faults kills, freezes and cuts a running Portico, its database and its ERP at
// seeded moments, and holds what clients were told against what the ERP's journal has.
// Everything is seen and done from outside the release binary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	_ "github.com/lib/pq" // reads what the database has in the end
)

// settings are of a campaign. The same seed does the same.
type settings struct {
	binary, folder string
	runs           int
	seed           uint64
	log            io.Writer
}

// report is what a campaign found.
type report struct {
	runs, acks, hit int
	wrong           []string
	slowest         time.Duration // until nothing was stuck any more
	by              map[string]int
}

func main() {
	s := settings{log: os.Stdout}
	flag.StringVar(&s.binary, "binary", "bin/portico", "the server to ill-treat")
	flag.IntVar(&s.runs, "runs", 200, "how many runs")
	flag.Uint64Var(&s.seed, "seed", 1, "what they are drawn from")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	folder, err := os.MkdirTemp("", "portico-faults-")
	if err == nil {
		defer func() { _ = os.RemoveAll(folder) }()
		s.folder = folder
		var r *report
		if r, err = run(ctx, s); err == nil {
			fmt.Printf("%d runs, %d writes acknowledged, %d faults met (%v), slowest to settle %s, %d wrong\n", r.runs, r.acks, r.hit, r.by,
				r.slowest.Round(time.Millisecond), len(r.wrong))
			if len(r.wrong) > 0 {
				err = errors.New("promises were broken")
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1) //nolint:gocritic // the system ends it
	}
}

// run is a whole campaign.
func run(ctx context.Context, s settings) (*report, error) {
	if err := os.Chmod(s.folder, 0o755); err != nil {
		return nil, err
	}
	w := &world{settings: s, ctx: ctx, r: rand.New(rand.NewPCG(s.seed, 1))}
	if err := w.open(); err != nil {
		w.close()
		return nil, err
	}
	defer w.close()
	rep := &report{by: map[string]int{}}
	for n := range s.runs {
		k := kinds[(n+int(s.seed))%len(kinds)]
		acks, hit, err := w.play(k)
		if err != nil {
			return rep, fmt.Errorf("run %d (%s): %w", n, k.name, err)
		}
		settled, err := w.settle()
		if err != nil {
			rep.wrong = append(rep.wrong, fmt.Sprintf("run %d (%s, seed %d): %v", n, k.name, s.seed, err))
		}
		rep.slowest = max(rep.slowest, settled)
		operations, journal, messages, err := w.state()
		if err != nil {
			return rep, err
		}
		wrong := check(acks, operations, journal, messages)
		for _, x := range wrong {
			rep.wrong = append(rep.wrong, fmt.Sprintf("run %d (%s, seed %d): %s", n, k.name, s.seed, x))
		}
		rep.runs, rep.acks = rep.runs+1, rep.acks+len(acks)
		if hit {
			rep.hit++
			rep.by[k.name]++
		}
		fmt.Fprintf(s.log, "%3d %-48s %d acknowledged, settled in %s, %d wrong\n", n, k.name, len(acks), settled.Round(time.Millisecond),
			len(wrong))
	}
	return rep, nil
}
