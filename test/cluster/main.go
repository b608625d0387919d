// Command cluster runs what several machines would: three processes of Portico behind a
// balancer, with a cluster of three NATS servers, one database and one sandbox company. With
// -prove it ends them at random under load, and holds what subscribers were told to the log.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // writes load, and reads the log
)

// settings are of one run. The same seed does the same, as far as processes let it.
type settings struct {
	binary, nats string
	addr         string // of the balancer
	without      bool   // NATS
	to           string // the build to replace the servers by
	folder       string
	log          io.Writer
}

func main() {
	s := settings{log: os.Stdout}
	p := &proof{}
	prove := flag.Bool("prove", false, "end everything in turn under load, and check what subscribers were told")
	flag.StringVar(&s.binary, "binary", "bin/portico", "the server")
	flag.StringVar(&s.to, "upgrade-to", "", "replace the servers one after the other by this build under load, and check that nobody notices")
	flag.StringVar(&s.nats, "nats", "", "the NATS server; built when left out")
	flag.BoolVar(&s.without, "without-nats", false, "let processes tell each other by the database")
	flag.StringVar(&s.addr, "addr", "localhost:8080", "address of the balancer")
	flag.IntVar(&p.reconnects, "reconnects", 1000, "how many times subscribers come back, of -prove")
	flag.IntVar(&p.subscribers, "subscribers", 40, "how many there are, of -prove")
	flag.Uint64Var(&p.seed, "seed", 1, "what is ended when is drawn from, of -prove")
	flag.DurationVar(&p.locked, "locked", 14*time.Second, "how long tables are locked at most, of -prove")
	flag.DurationVar(&p.every, "every", 3*time.Second, "how often something is ended, of -prove")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s, p, *prove); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		stop()
		os.Exit(1) //nolint:gocritic // nothing is left to be done
	}
}

func run(ctx context.Context, s settings, p *proof, prove bool) error {
	folder, err := os.MkdirTemp("", "portico-cluster-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.Chmod(folder, 0o755); err != nil { // the database is another user's
		return err
	}
	s.folder = folder
	c, err := open(ctx, s)
	defer c.close()
	if err != nil {
		return err
	}
	if s.to != "" {
		return p.upgrade(ctx, c, s.to)
	}
	if prove {
		r, err := p.run(ctx, c)
		if err == nil {
			fmt.Fprintln(s.log, r)
			err = r.verdict()
		}
		return err
	}
	fmt.Fprintf(s.log, "\nThree processes of Portico are ready. Open http://%s/graphiql; Ctrl-C ends everything.\nLogs are in %s.\n\n",
		s.addr, folder)
	<-ctx.Done()
	return nil
}

// natsServer is the NATS server that go.mod names, built when it is not yet.
func natsServer() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "nats-server").Output()
	if err != nil {
		return "", fmt.Errorf("the NATS server cannot be built: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
