package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// slowCall is how long each call of the slow source takes.
const slowCall = 20 * time.Millisecond

// slow measures what a source that takes 20 ms a call adds to the order page
// with live prices, by how many calls it makes one after the other. One is the
// least there can be.
func slow(binary string) error {
	s, remove, err := startSmall(binary)
	if err != nil {
		return err
	}
	defer remove()
	document, err := pages.ReadFile("pages/orders.graphql")
	if err != nil {
		return err
	}
	query := strings.Replace(string(document), "item { sku",
		`item { price(maxAge: "PT0S") { ... on Price { unitPrice { price { amount } } } } sku`, 1)
	fmt.Println("| clients | source at once, p50 ms | source after 20 ms, p50 ms | added | × one call |")
	fmt.Println("|--:|--:|--:|--:|--:|")
	for _, clients := range []int{1, 8} {
		var took [2][]time.Duration
		for range rounds {
			for i, each := range []time.Duration{0, slowCall} {
				if err := s.latency(each); err != nil {
					return err
				}
				times, err := s.repeat(query, clients, 2*time.Second)
				if err != nil {
					return err
				}
				took[i] = append(took[i], times...)
			}
		}
		var p50 [2]float64
		for i := range took {
			slices.Sort(took[i])
			p50[i] = ms(took[i][len(took[i])/2])
		}
		fmt.Printf("| %d | %.2f | %.2f | %.2f | %.2f |\n", clients, p50[0], p50[1], p50[1]-p50[0], (p50[1]-p50[0])/ms(slowCall))
	}
	return nil
}

// latency makes every call of the price service take so long, and no other
// time.
func (s *server) latency(each time.Duration) error {
	req, err := http.NewRequest(http.MethodDelete, s.company+"/control/faults", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	body := fmt.Sprintf(`{"service":"erp","op":"prices","kind":"latency","millis":%d}`, each.Milliseconds())
	if resp, err = http.Post(s.company+"/control/faults", "application/json", bytes.NewReader([]byte(body))); err != nil {
		return err
	}
	return resp.Body.Close()
}

// repeat asks a query from several clients for so long and tells how long each
// answer took.
func (s *server) repeat(query string, clients int, each time.Duration) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), each)
	defer cancel()
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for ctx.Err() == nil {
				at := time.Now()
				_, err := s.ask(context.Background(), query, s.vars)
				mu.Lock()
				if took = append(took, time.Since(at)); err != nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return took, failed
}
