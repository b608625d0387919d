package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

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
	return fmt.Sprintf("%.0f | %.2f | %.2f | %.2f | %.2f", float64(len(a.times))/a.elapsed.Seconds(), ms(a.times[len(a.times)/2]),
		ms(a.times[len(a.times)*99/100]),
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
