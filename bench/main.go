// Command bench loads the pages of a running Portico and of two rivals over the
// same database, and prints what each request costs: time, CPU of server and
// database, and allocations.
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
	"reflect"
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
	prices := flag.String("prices", "", "measure the catalogue page with prices at the server with this URL instead, such as that of make run-tryton")
	serve := flag.String("serve", "", "serve as one of the rivals; for this command's own use")
	addr := flag.String("addr", "", "with -serve: where")
	flag.Parse()
	var err error
	switch {
	case *serve != "":
		err = rival(*serve, *addr, *data, companyURL, companyKey)
	case *gate != "":
		err = check(*binary, *gate, *update)
	case *latency:
		err = slow(*binary)
	case *prices != "":
		err = priced(*prices)
	case *bombs:
		err = bombed(*binary)
	default:
		err = run(*binary, *data, *scale, *only, time.Duration(*seconds*float64(time.Second)))
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

func run(binary, data string, scale int, only string, each time.Duration) error {
	s, err := start(binary, data, scale)
	if err != nil {
		return err
	}
	defer s.stop()
	rest := s.memory()
	servers := []*target{{name: "portico", url: s.url + "/graphql", metrics: s.admin + "/metrics"}}
	for i, name := range []string{stock, handWritten} {
		t, err := startRival(name, data, 18081+i)
		if err != nil {
			return err
		}
		defer t.stop()
		servers = append(servers, t)
	}
	if err := s.same(servers); err != nil {
		return err
	}
	fmt.Printf("%s, %d CPUs, %s; scale %d; the server at rest: %d MiB\n\n", runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), runtime.Version(), scale, rest>>20)
	fmt.Println("| page | clients | server | requests/s | p50 ms | p99 ms | CPU server ms | CPU database ms | CPU, × hand-written | allocations | × hand-written |")
	fmt.Println("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, l := range loads {
		if only != "" && l.page != only {
			continue
		}
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
			fmt.Printf("| %s | %d | %s | %s | %.2f | %.0f | %.2f |\n", l.page, l.clients, t.name, took[i], took[i].total()/hand.total(), took[i].per(took[i].allocations),
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
	t := &target{name: name, url: "http://" + addr + "/pages/", metrics: "http://" + addr + "/metrics", cmd: exec.Command(own, "-serve", name, "-addr", addr, "-data", data)}
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

// same fails unless all servers answer every page alike.
func (s *server) same(servers []*target) error {
	for _, page := range gated {
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
			var got any
			if err := json.Unmarshal(text, &got); err != nil {
				return fmt.Errorf("%s of %s: %w", page, t.name, err)
			}
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

// server is the Portico under load.
type server struct {
	cmd                 *exec.Cmd
	url, admin, company string
	data, token         string
	vars                map[string]any
}

const (
	companyAddr = "localhost:18090"
	companyURL  = "http://" + companyAddr
	companyKey  = "sandbox-key"
)

func start(binary, data string, scale int) (*server, error) {
	s := &server{url: "http://localhost:18080", admin: "http://localhost:19464", company: companyURL, data: data}
	env := append(os.Environ(), "PORTICO_ADDR=localhost:18080", "PORTICO_ADMIN_ADDR=localhost:19464", "PORTICO_SANDBOX_ADDR="+companyAddr, "PORTICO_DATA="+data, "PORTICO_SCALE="+strconv.Itoa(scale))
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
	if err := s.choose(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// startSmall starts a server over a small company of its own, both of which
// remove ends.
func startSmall(binary string) (s *server, remove func(), err error) {
	dir, err := os.MkdirTemp("", "portico-bench-")
	if err != nil {
		return nil, nil, err
	}
	if err = os.Chmod(dir, 0o755); err == nil {
		s, err = start(binary, dir, 1)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, err
	}
	return s, func() { s.stop(); _ = os.RemoveAll(dir) }, nil
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
	return s.post(ctx, s.url+"/graphql", request)
}

func (s *server) post(ctx context.Context, url string, request map[string]any) ([]byte, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	return s.postBody(ctx, url, body)
}

func (s *server) postBody(ctx context.Context, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
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

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}}

// sample is what some requests took.
type sample struct {
	times                         []time.Duration
	elapsed                       time.Duration
	server, database, allocations float64 // seconds of CPU, and objects
}

func (a *sample) add(b sample) {
	a.times = append(a.times, b.times...)
	a.elapsed += b.elapsed
	a.server += b.server
	a.database += b.database
	a.allocations += b.allocations
}

func (a sample) per(total float64) float64 { return total / float64(len(a.times)) }

// total is the CPU of server and database of one request, in milliseconds.
func (a sample) total() float64 { return a.per(a.server+a.database) * 1000 }

func (a sample) String() string {
	slices.Sort(a.times)
	return fmt.Sprintf("%.0f | %.2f | %.2f | %.2f | %.2f", float64(len(a.times))/a.elapsed.Seconds(), ms(a.times[len(a.times)/2]), ms(a.times[len(a.times)*99/100]),
		a.per(a.server)*1000, a.per(a.database)*1000)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// measure loads one page of one server.
func (s *server) measure(t *target, l load, each time.Duration) (sample, error) {
	var out sample
	document, err := pages.ReadFile("pages/" + l.page + ".graphql")
	if err != nil {
		return out, err
	}
	request := map[string]any{"query": string(document), "variables": s.vars}
	for range 20 { // warm
		if _, err := s.post(context.Background(), t.page(l.page), request); err != nil {
			return out, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), each)
	defer cancel()
	before, err := counters(t.metrics)
	if err != nil {
		return out, err
	}
	database := databaseCPU(s.data)
	var mu sync.Mutex
	var failed error
	var clients sync.WaitGroup
	begun := time.Now()
	for range l.clients {
		clients.Go(func() {
			for ctx.Err() == nil {
				at := time.Now()
				_, err := s.post(context.Background(), t.page(l.page), request)
				mu.Lock()
				out.times = append(out.times, time.Since(at))
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	out.elapsed = time.Since(begun)
	out.database = databaseCPU(s.data) - database
	if failed != nil {
		return out, failed
	}
	after, err := counters(t.metrics)
	out.server = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
	out.allocations = after["go_memstats_mallocs_total"] - before["go_memstats_mallocs_total"]
	return out, err
}

// counters are a server's own.
func counters(url string) (map[string]float64, error) {
	resp, err := http.Get(url)
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
