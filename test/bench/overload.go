package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const (
	overloadFor   = 60 * time.Second
	overloadTimes = 3.0 // of what the server can do
	normalBefore  = 10 * time.Second
	ordersASecond = 10
	wellWithin    = 30 * time.Second
)

// pinned is what the server is started by, so that it and its database share one processor.
var pinned []string

// outcome is what became of a request of an open loop.
type outcome struct {
	at     time.Time // when it was due
	took   time.Duration
	status int
	retry  bool // it says when to come again
	order  bool
}

// overloaded gives server and database one processor and the generator another, finds what the server can do, asks for three times as
// much for a minute while orders are submitted, and sees when it is well again.
func overloaded(binary string) error {
	if runtime.NumCPU() < 2 {
		return errors.New("it takes two processors: one for server and database, one for the load")
	}
	pinned = []string{"taskset", "-c", "0"}
	if out, err := exec.Command("taskset", "-a", "-p", "-c", "1", strconv.Itoa(os.Getpid())).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	p, done, err := openPlacing(binary)
	if err != nil {
		return err
	}
	defer done()
	document, err := pages.ReadFile("pages/order.graphql")
	if err != nil {
		return err
	}
	page, err := json.Marshal(map[string]any{"query": string(document), "variables": p.s.vars})
	if err != nil {
		return err
	}
	if _, _, _, err := p.submit(4, 200, 0); err != nil { // statements are prepared, and tables known to be filled
		return err
	}
	full, err := p.s.repeat(string(document), 32, 8*time.Second)
	if err != nil {
		return err
	}
	peak := float64(len(full)) / 8
	normal := p.open(page, peak/2, normalBefore)
	before := good(normal)
	fmt.Printf("peak %.0f pages/s; at half of it p99 is %.1f ms\n\n", peak, ms(p99of(before)))
	storm := p.open(page, overloadTimes*peak, overloadFor)
	var answered, refused, orders []time.Duration
	failedOrders, silent, lost := 0, 0, 0
	for _, o := range storm {
		switch {
		case o.order && o.status == http.StatusOK:
			orders = append(orders, o.took)
		case o.order:
			failedOrders++
		case o.status == http.StatusOK:
			answered = append(answered, o.took)
		case o.status == http.StatusServiceUnavailable || o.status == http.StatusTooManyRequests:
			refused = append(refused, o.took)
			if !o.retry {
				silent++
			}
		default:
			lost++
		}
	}
	goodput := float64(len(answered)) / overloadFor.Seconds()
	fmt.Println("| asked for | pages/s | of the peak | p99 ms | refused/s | p50 ms | p99 ms | without Retry-After | lost | orders | p99 ms " +
		"| turned away |")
	fmt.Println("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	fmt.Printf("| %.0f | %.0f | %.0f %% | %.0f | %.0f | %.1f | %.1f | %d | %d | %d | %.0f | %d |\n\n", overloadTimes*peak, goodput,
		100*goodput/peak, ms(p99of(answered)),
		float64(len(refused))/overloadFor.Seconds(), ms(at(refused, 50)), ms(p99of(refused)), silent, lost, len(orders), ms(p99of(orders)),
		failedOrders)
	ended := time.Now()
	after := p.open(page, peak/2, wellWithin)
	for second := range int(wellWithin / time.Second) {
		var now []time.Duration
		for _, o := range after {
			if !o.order && o.at.Sub(ended) >= time.Duration(second)*time.Second && o.at.Sub(ended) < time.Duration(second+1)*time.Second {
				now = append(now, o.took)
			}
		}
		if p99of(now) <= 2*p99of(before) {
			fmt.Printf("well again after %d s: p99 of that second %.1f ms\n", second, ms(p99of(now)))
			return nil
		}
	}
	return errors.New("it is not well again after " + wellWithin.String())
}

// good are the times of pages that were answered.
func good(all []outcome) (times []time.Duration) {
	for _, o := range all {
		if !o.order && o.status == http.StatusOK {
			times = append(times, o.took)
		}
	}
	return times
}

func p99of(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return at(times, 99)
}

// open asks for a page at a rate, and submits orders beside, each when its time has come whatever became of those before. Times are from
// when each was due.
func (p *placing) open(page []byte, rate float64, lasts time.Duration) (all []outcome) {
	var mu sync.Mutex
	var asked sync.WaitGroup
	begun := time.Now()
	send := func(due time.Time, body []byte, order bool) {
		asked.Go(func() {
			status, retry := p.ask(body)
			o := outcome{due, time.Since(due), status, retry, order}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, o)
		})
	}
	var both sync.WaitGroup
	both.Go(func() {
		for n := 0; ; n++ {
			due := begun.Add(time.Duration(float64(n) / rate * float64(time.Second)))
			if due.Sub(begun) >= lasts {
				return
			}
			time.Sleep(time.Until(due))
			send(due, page, false)
		}
	})
	both.Go(func() {
		for n := 0; n < int(lasts.Seconds()*ordersASecond); n++ {
			due := begun.Add(time.Duration(n) * time.Second / ordersASecond)
			time.Sleep(time.Until(due))
			body, err := p.body()
			if err != nil {
				continue
			}
			send(due, body, true)
		}
	})
	both.Wait()
	asked.Wait()
	return all
}

// ask sends a body and tells the status of the answer, and whether it says when to come again.
func (p *placing) ask(body []byte) (status int, retry bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0, false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.s.token)
	req.Header.Set("Prefer", "wait=0")
	resp, err := client.Do(req)
	if err != nil {
		return 0, false
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("Retry-After") != ""
}
