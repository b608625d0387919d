// Command bench loads the pages of a running Portico and of two rivals over the
// same database, and prints what each request costs: time, CPU of server and
// database, and allocations.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"time"

	"portico/test/bench/rivals"
)

//go:embed pages/*.graphql
var pages embed.FS

// load is one page under one number of clients.
type load struct {
	page    string
	clients int
}

var loads = []load{
	{"orders", 1},
	{"orders", 8},
	{"catalogue", 1},
	{"catalogue", 16},
	{"order", 1},
	{"order", 16},
	{"item", 1},
	{"item", 16},
	{"item", 64},
}

const rounds = 3 // in which the servers take turns, so that what else the machine does meets them alike

func main() {
	binary := flag.String("binary", "bin/portico", "the server to load")
	data := flag.String("data", defaultData(), "folder of the server's data; made and loaded on first use")
	scale := flag.Int("scale", 167, "size of the sandbox company: 167 has 50,000 orders")
	seconds := flag.Float64("seconds", 2, "how long to load each page, in each round")
	only := flag.String("page", "", "load this page alone")
	gate := flag.String("gate", "", "file with what each page may take; fails when one takes over a tenth more")
	update := flag.Bool("update", false, "with -gate: write the file anew")
	latency := flag.Bool("latency", false, "measure what a slow source adds to the order page instead")
	bombs := flag.Bool("bombs", false, "measure how the normal load fares beside hostile documents instead")
	cost := flag.Bool("cost", false, "hold the CPU that each root field takes at its largest arguments to its points of cost instead")
	orders := flag.Bool("orders", false,
		"measure submissions instead: how many are acknowledged, picked up, and what an ERP that is down changes")
	answers := flag.Bool("answers", false, "measure signed answers of a supplier instead: how many are acknowledged with their receipts")
	webhooks := flag.Bool("webhooks", false, "measure webhooks instead: how many are verified and kept, and how soon they are applied")
	streams := flag.Bool("streams", false,
		"measure streams instead: memory, deliveries and how soon they come with up to 5,000 subscribers, and 10,000 that are idle")
	endures := flag.Duration("endure", 0,
		"load the server for so long with all that portals do, while its systems fail now and then, and see what it takes in the end; an hour "+
			"is usual")
	prices := flag.String("prices", "",
		"measure the catalogue page with prices at the server with this URL instead, such as that of make run-tryton")
	overload := flag.Bool("overload", false,
		"ask for three times what the server can do for a minute instead, server and database on one processor and the load on another")
	serve := flag.String("serve", "", "serve as one of the rivals; for this command's own use")
	addr := flag.String("addr", "", "with -serve: where")
	flag.Parse()
	var err error
	switch {
	case *serve != "":
		err = rivals.Serve(*serve, *addr, *data, rivals.Company{URL: companyURL, Key: companyKey})
	case *gate != "":
		err = check(*binary, *gate, *update)
	case *latency:
		err = slow(*binary)
	case *prices != "":
		err = priced(*prices)
	case *orders:
		err = placed(*binary)
	case *answers:
		err = answered(*binary)
	case *webhooks:
		err = pushed(*binary)
	case *streams:
		err = benchStreams(*binary)
	case *endures > 0:
		err = endure(*binary, *endures)
	case *overload:
		err = overloaded(*binary)
	case *bombs:
		err = bombed(*binary)
	case *cost:
		err = cpuOfCost()
	default:
		err = run(*binary, *data, *scale, *only, time.Duration(*seconds*float64(time.Second)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// cpuOfCost runs the story that asks every root field, alone on the machine, with what it holds CPU to.
func cpuOfCost() error {
	cmd := exec.Command("go", "test", "-count=1", "-v", "-run", "^TestNoArgumentBuysMoreThanItsCost$", "./test/e2e")
	cmd.Env = append(os.Environ(), "PORTICO_CPU=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

func defaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/portico-bench"
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "portico-bench")
}

func run(binary, data string, scale int, only string, each time.Duration) error {
	s, err := start(binary, data, scale)
	if err != nil {
		return err
	}
	defer s.stop()
	rest := s.memory()
	servers := []*target{{name: "portico", url: s.url + "/graphql", metrics: s.admin + "/metrics"}}
	for i, name := range []string{rivals.Stock, rivals.HandWritten} {
		t, err := startRival(name, data, 18081+i)
		if err != nil {
			return err
		}
		defer t.stop()
		servers = append(servers, t)
	}
	if err := s.same(servers, gated...); err != nil {
		return err
	}
	fmt.Printf("%s, %d CPUs, %s; scale %d; the server at rest: %d MiB\n\n", runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(),
		runtime.Version(), scale, rest>>20)
	var chosen []load
	for _, l := range loads {
		if only == "" || l.page == only {
			chosen = append(chosen, l)
		}
	}
	return s.compare(servers, chosen, each)
}

// compare loads pages of servers, of which the last one is the hand-written, and prints what
// each took.
func (s *server) compare(servers []*target, loads []load, each time.Duration) error {
	fmt.Println("| page | clients | server | requests/s | p50 ms | p99 ms | CPU server ms | CPU database ms | CPU, × hand-written | " +
		"allocations | × hand-written |")
	fmt.Println("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, l := range loads {
		took := make([]sample, len(servers))
		for range rounds {
			for i, t := range servers {
				r, err := s.measure(t, l, each)
				if err != nil {
					return fmt.Errorf("%s of %s: %w", l.page, t.name, err)
				}
				took[i].add(r)
			}
		}
		hand := took[len(took)-1]
		for i, t := range servers {
			fmt.Printf("| %s | %d | %s | %s | %.2f | %.0f | %.2f |\n", l.page, l.clients, t.name, took[i], took[i].total()/hand.total(),
				took[i].per(took[i].allocations),
				took[i].per(took[i].allocations)/hand.per(hand.allocations))
		}
	}
	return nil
}

// target is a server to load.
type target struct {
	name, url, metrics string
	cmd                *exec.Cmd
}

func startRival(name, data string, port int) (*target, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr := "localhost:" + strconv.Itoa(port)
	t := &target{
		name: name, url: "http://" + addr + "/pages/", metrics: "http://" + addr + "/metrics",
		cmd: exec.Command(own, "-serve", name, "-addr", addr, "-data", data),
	}
	t.cmd.Stderr = os.Stderr
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	for range 300 {
		if resp, err := http.Get(t.metrics); err == nil {
			_ = resp.Body.Close()
			return t, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.stop()
	return nil, fmt.Errorf("%s does not start", name)
}

func (t *target) stop() {
	_ = t.cmd.Process.Kill()
	_, _ = t.cmd.Process.Wait()
}

// page is where the target answers a page.
func (t *target) page(page string) string {
	if t.cmd == nil {
		return t.url
	}
	return t.url + page
}

// same fails unless all servers answer each page alike.
func (s *server) same(servers []*target, of ...string) error {
	for _, page := range of {
		document, err := pages.ReadFile("pages/" + page + ".graphql")
		if err != nil {
			return err
		}
		var want any
		for i, t := range servers {
			text, err := s.post(context.Background(), t.page(page), map[string]any{"query": string(document), "variables": s.vars})
			if err != nil {
				return fmt.Errorf("%s of %s: %w", page, t.name, err)
			}
			var answer struct{ Data any } // what it took to answer is told by us alone
			if err := json.Unmarshal(text, &answer); err != nil {
				return fmt.Errorf("%s of %s: %w", page, t.name, err)
			}
			got := answer.Data
			if i == 0 {
				want = got
			} else if !reflect.DeepEqual(got, want) {
				return fmt.Errorf("%s of %s is not what portico answers: %s", page, t.name, difference("", got, want))
			}
		}
	}
	return nil
}

// difference is the first place where two answers are not the same.
func difference(path string, got, want any) string {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for k := range w {
			if !reflect.DeepEqual(g[k], w[k]) {
				return difference(path+"."+k, g[k], w[k])
			}
		}
	case []any:
		g, _ := got.([]any)
		for i := range w {
			if i < len(g) && !reflect.DeepEqual(g[i], w[i]) {
				return difference(fmt.Sprintf("%s[%d]", path, i), g[i], w[i])
			}
		}
		if len(g) != len(w) {
			return fmt.Sprintf("%s: %d elements, not %d", path, len(g), len(w))
		}
	}
	return fmt.Sprintf("%s: %.200v, not %.200v", path, got, want)
}
