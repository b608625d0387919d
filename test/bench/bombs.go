package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	bombRound    = 30 * time.Second
	bombRounds   = 5
	bombsASecond = 500
	largeASecond = 20
	normalShare  = 0.3 // of what the server can do
)

// small are documents of at most 12 KiB that cost more than they look.
func small() []string {
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	doubling := "{ accounts { nodes { ...f0 } } }"
	for i := range 40 {
		doubling += fmt.Sprintf(" fragment f%d on Account { x: parent { ...f%d } y: parent { ...f%d } }", i, i+1, i+1)
	}
	doubling += " fragment f40 on Account { id }"
	return []string{
		doubling,
		"{" + strings.Repeat(" viewer { __typename }", 400) + " }",
		"{ accounts { nodes { id" + strings.Repeat(" @skip(if: false)", 400) + " } } }",
		"{ accounts { nodes" + strings.Repeat(" { parent", 500) + " { id }" + strings.Repeat(" }", 502),
		"{" + numbered(400, " a%d: viewer { __typename }") + " }",
		"{" + numbered(600, " nothing%d") + " }",
		"{" + numbered(600, " ...s%d") + " }",
		"{ nodes(ids: " + strings.Repeat("[", 900) + strings.Repeat("]", 900) + ") { id } }",
		"{ accounts { nodes {" + strings.Repeat(" parent {"+strings.Repeat(" parent { id }", 20)+" }", 20) + " } } }",
		"{ ...f } fragment f on Query { accounts { nodes { ...g } } } fragment g on Account { x: parent { ...g } y: parent { ...g } z: parent " +
			"{ ...g } }",
		"query (" + numbered(300, "$v%d: Nothing ") + ") { viewer { __typename } }",
		numbered(300, "query q%d { viewer { __typename } } "),
		`{ orders(first: 100) { nodes { shipments(first: 100) { nodes { orders { shipments(first: 100) { nodes { orders { number } } } } } } } }
			}`,
	}
}

// large are documents of 64 KiB.
func large() []string {
	const size = 64<<10 - 100
	return []string{
		"{ " + strings.Repeat("x", size) + " }", "{ viewer " + strings.Repeat("#\n", size/2) + "}", "{" + strings.Repeat(" a", size/2) + " }",
		"{ nodes(ids: [" + strings.Repeat("1,", size/2-20) + "]) { id } }", `{ node(id: "` + strings.Repeat("y", size) + `") { id } }`,
		strings.Repeat("{ a ", size/4),
	}
}

// bombed measures how the normal load fares beside documents that are refused.
func bombed(binary string) error {
	s, remove, err := startSmall(binary)
	if err != nil {
		return err
	}
	defer remove()
	text, err := pages.ReadFile("pages/order.graphql")
	if err != nil {
		return err
	}
	page := string(text)
	full, err := s.repeat(page, 16, 5*time.Second)
	if err != nil {
		return err
	}
	capacity := float64(len(full)) / 5
	rate := capacity * normalShare
	rest := s.memory()
	fmt.Printf("one order: %.0f requests/s at full load; the normal load is %.0f/s; at rest %d MiB\n\n", capacity, rate, rest>>20)
	bombs := []pace{{requests(small()), bombsASecond}, {requests(large()), largeASecond}}
	for _, b := range bombs {
		cpu, err := s.refusing(b)
		if err != nil {
			return err
		}
		fmt.Printf("%d documents of at most %d KiB at %.0f a second: %.3f ms of CPU each\n", len(b.bodies),
			len(slices.MaxFunc(b.bodies, func(a, b []byte) int { return len(a) - len(b) }))>>10+1, b.rate, cpu*1000)
	}
	fmt.Println()
	fmt.Println("| round | p99 alone, ms | p99 beside as many that are refused at once, ms | p99 beside bombs, ms | refusals | server at " +
		"most, MiB |")
	fmt.Println("|--:|--:|--:|--:|--:|--:|")
	var alone, cheap, beside []float64
	least := []pace{{requests([]string{"{"}), bombsASecond + largeASecond}}
	for round := range bombRounds {
		quiet, _, _, err := s.measureBeside(page, rate, nil)
		if err != nil {
			return err
		}
		busy, _, _, err := s.measureBeside(page, rate, least)
		if err != nil {
			return err
		}
		loud, refused, most, err := s.measureBeside(page, rate, bombs)
		if err != nil {
			return err
		}
		alone, cheap, beside = append(alone, p99(quiet)), append(cheap, p99(busy)), append(beside, p99(loud))
		fmt.Printf("| %d | %.2f | %.2f | %.2f | %d | %d |\n", round+1, p99(quiet), p99(busy), p99(loud), refused, most>>20)
	}
	middle := func(of []float64) float64 { slices.Sort(of); return of[bombRounds/2] }
	a, c, b := middle(alone), middle(cheap), middle(beside)
	fmt.Printf("\nmedian p99: %.2f ms alone, %.2f ms beside as many that are refused at once (%.2f times), %.2f ms beside bombs (%.2f "+
		"times)\n", a, c, c/a, b, b/a)
	return nil
}

func p99(times []time.Duration) float64 {
	slices.Sort(times)
	return ms(times[len(times)*99/100])
}

// pace is something that is sent so many times a second.
type pace struct {
	bodies [][]byte
	rate   float64
}

// requests are bodies made beforehand: whoever sends hostile documents does not
// pay for it with the server's processors.
func requests(documents []string) (bodies [][]byte) {
	for _, d := range documents {
		body, _ := json.Marshal(map[string]string{"query": d})
		bodies = append(bodies, body)
	}
	return bodies
}

// keep sends until the context ends, each when its time has come and not when
// the one before was answered.
func (p pace) keep(ctx context.Context, all *sync.WaitGroup, send func(body []byte)) {
	every := time.Duration(float64(time.Second) / p.rate)
	begun := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		time.Sleep(time.Until(begun.Add(time.Duration(n) * every)))
		all.Go(func() { send(p.bodies[n%len(p.bodies)]) })
	}
}

// refusing is the CPU that the server takes for each of some documents, in
// seconds, the reading of the request and the writing of the answer with it.
func (s *server) refusing(p pace) (float64, error) {
	const each = 10 * time.Second
	cpu := func(work func()) (float64, error) {
		before, err := counters(s.admin + "/metrics")
		if err != nil {
			return 0, err
		}
		work()
		after, err := counters(s.admin + "/metrics")
		return after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"], err
	}
	idle, err := cpu(func() { time.Sleep(each) })
	if err != nil {
		return 0, err
	}
	sent := 0
	busy, err := cpu(func() {
		ctx, cancel := context.WithTimeout(context.Background(), each)
		defer cancel()
		var all sync.WaitGroup
		var mu sync.Mutex
		p.keep(ctx, &all, func(body []byte) {
			_, _ = s.postBody(context.Background(), s.url+"/graphql", body)
			mu.Lock()
			defer mu.Unlock()
			sent++
		})
		all.Wait()
	})
	return (busy - idle) / float64(sent), err
}

// measureBeside asks a page at a rate, and hostile documents at theirs.
func (s *server) measureBeside(page string, rate float64, bombs []pace) (times []time.Duration, refused, most int, err error) {
	body, err := json.Marshal(map[string]any{"query": page, "variables": s.vars})
	if err != nil {
		return nil, 0, 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), bombRound)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, b := range bombs {
		all.Go(func() {
			b.keep(ctx, &all, func(body []byte) {
				_, failed := s.postBody(context.Background(), s.url+"/graphql", body)
				mu.Lock()
				defer mu.Unlock()
				if failed != nil { // some are only long, and taken
					refused++
				}
			})
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			mu.Lock()
			most = max(most, s.memory())
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
		}
	})
	pace{[][]byte{body}, rate}.keep(ctx, &all, func(body []byte) {
		at := time.Now()
		_, failed := s.postBody(context.Background(), s.url+"/graphql", body)
		mu.Lock()
		defer mu.Unlock()
		times = append(times, time.Since(at))
		if failed != nil {
			err = failed
		}
	})
	all.Wait()
	return times, refused, most, err
}
