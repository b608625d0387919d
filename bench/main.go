// Command bench loads the pages of a running Portico and prints what each
// request costs: time, CPU of server and database, allocations, statements and
// calls to sources.
package main

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed pages/*.graphql
var pages embed.FS

// load is one page under one number of clients.
type load struct {
	page    string
	clients int
}

var loads = []load{{"orders", 1}, {"orders", 8}, {"catalogue", 1}, {"catalogue", 16}, {"order", 1}, {"order", 16}, {"item", 1}, {"item", 16}, {"item", 64}}

func main() {
	binary := flag.String("binary", "bin/portico", "the server to load")
	data := flag.String("data", defaultData(), "folder of the server's data; made and loaded on first use")
	scale := flag.Int("scale", 167, "size of the sandbox company: 167 has 50,000 orders")
	seconds := flag.Float64("seconds", 5, "how long to load each page")
	gate := flag.String("gate", "", "file with what each page may take; fails when one takes over a tenth more")
	update := flag.Bool("update", false, "with -gate: write the file anew")
	flag.Parse()
	err := error(nil)
	if *gate != "" {
		err = check(*binary, *gate, *update)
	} else {
		err = run(*binary, *data, *scale, time.Duration(*seconds*float64(time.Second)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
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

func run(binary, data string, scale int, each time.Duration) error {
	s, err := start(binary, data, scale)
	if err != nil {
		return err
	}
	defer s.stop()
	rest := s.memory()
	fmt.Printf("%s, %d CPUs, %s; scale %d; the server at rest: %d MiB\n\n", runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), runtime.Version(), scale, rest>>20)
	fmt.Println("| page | clients | size | requests/s | p50 ms | p99 ms | CPU server ms | CPU database ms | allocations | statements | source calls |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, l := range loads {
		r, err := s.measure(l, each)
		if err != nil {
			return fmt.Errorf("%s: %w", l.page, err)
		}
		fmt.Println(r)
	}
	return nil
}

// server is the Portico under load.
type server struct {
	cmd                 *exec.Cmd
	url, admin, company string
	data, token         string
	vars                map[string]any
}

func start(binary, data string, scale int) (*server, error) {
	s := &server{url: "http://localhost:18080", admin: "http://localhost:19464", company: "http://localhost:18090", data: data}
	env := append(os.Environ(), "PORTICO_ADDR=localhost:18080", "PORTICO_ADMIN_ADDR=localhost:19464", "PORTICO_SANDBOX_ADDR=localhost:18090", "PORTICO_DATA="+data, "PORTICO_SCALE="+strconv.Itoa(scale))
	s.cmd = exec.Command(binary, "serve")
	s.cmd.Env, s.cmd.Stderr = env, os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan error, 1)
	go func() { exited <- s.cmd.Wait() }()
	for {
		resp, err := http.Get(s.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case err := <-exited:
			return nil, fmt.Errorf("the server ended: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	resp, err := http.Post(s.company+"/control/speed?speed=0", "", nil)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	token := exec.Command(binary, "token", "buyer")
	token.Env = env
	out, err := token.Output()
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	s.token = lines[len(lines)-1]
	return s, s.choose()
}

// choose picks an order of middling size and an item.
func (s *server) choose() error {
	var told struct {
		Data struct {
			Orders struct {
				Nodes []struct {
					Number string
					Lines  struct{ Nodes []struct{ SKU string } }
				}
			}
		}
	}
	text, err := s.ask(context.Background(), `{ orders(first: 50, filter: {status: [DELIVERED, INVOICED]}) { nodes { number lines(first: 100) { nodes { sku } } } } }`, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &told); err != nil {
		return err
	}
	for _, o := range told.Data.Orders.Nodes {
		if len(o.Lines.Nodes) == 6 || s.vars == nil && len(o.Lines.Nodes) > 0 {
			s.vars = map[string]any{"number": o.Number, "sku": o.Lines.Nodes[0].SKU}
		}
	}
	if s.vars == nil {
		return errors.New("there is no order to load")
	}
	return nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	for range 200 {
		if s.cmd.Process.Signal(syscall.Signal(0)) != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *server) ask(ctx context.Context, query string, vars map[string]any) ([]byte, error) {
	return s.send(ctx, map[string]any{"query": query, "variables": vars})
}

func (s *server) send(ctx context.Context, request map[string]any) ([]byte, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || bytes.Contains(text, []byte(`"errors"`))) {
		err = fmt.Errorf("status %d: %.300s", resp.StatusCode, text)
	}
	return text, err
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}

// measure loads one page and tells what a request costs.
func (s *server) measure(l load, each time.Duration) (string, error) {
	document, err := pages.ReadFile("pages/" + l.page + ".graphql")
	if err != nil {
		return "", err
	}
	var size int
	for range 20 { // warm
		text, err := s.ask(context.Background(), string(document), s.vars)
		if err != nil {
			return "", err
		}
		size = len(text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), each)
	defer cancel()
	before, err := s.counters()
	if err != nil {
		return "", err
	}
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var clients sync.WaitGroup
	begun := time.Now()
	for range l.clients {
		clients.Go(func() {
			for ctx.Err() == nil {
				at := time.Now()
				_, err := s.ask(context.Background(), string(document), s.vars)
				mu.Lock()
				took = append(took, time.Since(at))
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	elapsed := time.Since(begun)
	if failed != nil {
		return "", failed
	}
	after, err := s.counters()
	if err != nil {
		return "", err
	}
	slices.Sort(took)
	n := float64(len(took))
	per := func(name string) float64 { return (after[name] - before[name]) / n }
	return fmt.Sprintf("| %s | %d | %.1f KiB | %.0f | %.2f | %.2f | %.2f | %.2f | %.0f | %.1f | %.2f |", l.page, l.clients, float64(size)/1024, n/elapsed.Seconds(),
		ms(took[len(took)/2]), ms(took[len(took)*99/100]), per("cpu")*1000, per("database")*1000, per("go_memstats_mallocs_total"),
		per("portico_store_statements_total"), per("calls")), nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// counters are the server's own, the CPU seconds of its database, and the
// calls that the company counted, change feeds left out.
func (s *server) counters() (map[string]float64, error) {
	resp, err := http.Get(s.admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	out := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = v
		}
	}
	out["cpu"] = out["process_cpu_seconds_total"]
	out["database"] = databaseCPU(s.data)
	calls, err := http.Get(s.company + "/control/calls")
	if err != nil {
		return nil, err
	}
	defer func() { _ = calls.Body.Close() }()
	var count map[string]float64
	if err := json.NewDecoder(calls.Body).Decode(&count); err != nil {
		return nil, err
	}
	for op, n := range count {
		if !strings.HasSuffix(op, "/changes") {
			out["calls"] += n
		}
	}
	return out, nil
}

// databaseCPU is the CPU time in seconds of the processes of the database on a
// folder; 0 where there is no /proc.
func databaseCPU(data string) float64 {
	file, err := os.ReadFile(filepath.Join(data, "postgres", "postmaster.pid"))
	if err != nil {
		return 0
	}
	master, _, _ := strings.Cut(string(file), "\n")
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	ticks := 0.0
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// pid (name) state ppid ... utime stime, the 14th and 15th
		_, rest, _ := strings.Cut(string(text), ") ")
		f := strings.Fields(rest)
		if len(f) > 12 && (f[1] == master || strings.HasPrefix(string(text), master+" ")) {
			user, _ := strconv.ParseFloat(f[11], 64)
			system, _ := strconv.ParseFloat(f[12], 64)
			ticks += user + system
		}
	}
	const ticksPerSecond = 100
	return ticks / ticksPerSecond
}

// memory is the server's resident size in bytes; 0 where there is no /proc.
func (s *server) memory() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return pages * os.Getpagesize()
}
