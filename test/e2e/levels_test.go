package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// took asks a query and tells what it took.
func (s *server) took(ctx context.Context, token, query string, vars map[string]any) (map[string]int, error) {
	a, err := s.send(ctx, token, map[string]any{"query": query, "variables": vars})
	if err != nil {
		return nil, err
	}
	if len(a.Errors) > 0 {
		return nil, fmt.Errorf("%+v", a.Errors)
	}
	out := map[string]int{}
	told, _ := a.Extensions["statistics"].(map[string]any)
	for k, v := range told {
		out[k] = int(v.(float64))
	}
	return out, nil
}

const (
	liveItems = `query ($n: Int!) { items(first: $n) { nodes { sku price(maxAge: "PT0S")
		{ ... on Price { unitPrice { price { amount } } contract { number } item { name } } }
		availability { byWarehouse { warehouse { code } } } } } }`
	liveOrders = `query ($n: Int!) { orders(first: $n)
		{ edges { node { number account { name parent { name } } lines(first: 100)
		{ nodes { sku item { name category { name parent { name } } price(maxAge: "PT0S") { __typename } } schedule { warehouse { code } } } } } }
		nodes { number account { number } shipTo { code } billTo { code } shipments
		{ nodes { number status(maxAge: "PT0S") packages { lines { orderLine { sku item { sku } } } } } } } } }`
)

// Covers: U02 C04
func TestCallsAreExactHoweverManyAskAtOnce(t *testing.T) {
	t.Parallel()
	s := portico(t)
	token := s.token(t, "buyer")
	s.settled(t) // the replica asks for nothing any more
	calls := func() (prices, trackers int) {
		var count map[string]int
		s.control(t, http.MethodGet, "/control/calls", nil, &count)
		return count["erp/prices"], count["carrier/trackers"]
	}
	for name, c := range map[string]struct {
		query            string
		few, many        int
		prices, trackers int
	}{
		"100 items with live prices":                 {liveItems, 10, 100, 1, 0},
		"50 orders, live prices and shipment status": {liveOrders, 40, 50, 1, 1},
	} {
		few, err := s.took(t.Context(), token, c.query, map[string]any{"n": c.few})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, clients := range []int{1, 8, 64} {
			prices, trackers := calls()
			var all sync.WaitGroup
			for range clients {
				all.Go(func() {
					got, err := s.took(t.Context(), token, c.query, map[string]any{"n": c.many})
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					if got["sourceCalls"] != c.prices+c.trackers || got["statements"] != few["statements"] ||
						got["resolverCalls"] != few["resolverCalls"] {
						t.Errorf("%s, %d at once: took %v; %d rows took %v", name, clients, got, c.few, few)
					}
				})
			}
			all.Wait()
			p, r := calls()
			if p-prices != clients*c.prices || r-trackers != clients*c.trackers {
				t.Errorf("%s, %d at once: %d price and %d tracking calls, want %d and %d", name, clients, p-prices, r-trackers, clients*c.prices,
					clients*c.trackers)
			}
		}
		t.Logf("%s: %v", name, few)
	}
	if n := s.metric(t, "portico_loader_stragglers_total"); n != 0 {
		t.Errorf("%d keys were loaded alone; levels must announce all", n)
	}
}

// Covers: U02
func TestTheSameLevelOnTwoPathsIsOneCall(t *testing.T) {
	t.Parallel()
	s := portico(t)
	one, err := s.took(t.Context(), s.token(t, "buyer"), `{ orders(first: 30) { nodes { account { name } } } }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.took(t.Context(), s.token(t, "buyer"),
		`{ orders(first: 30) { nodes { account { name } again: account { number } } edges { node { account { status } } } } }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if one["statements"] != two["statements"] || one["resolverCalls"] != two["resolverCalls"] {
		t.Errorf("one path takes %v, three paths take %v", one, two)
	}
}

// Covers: G06
func TestAnAnswerListsAHundredErrorsAndCountsTheRest(t *testing.T) {
	t.Parallel()
	s := portico(t)
	a := s.query(t, "operator", `{ orders(first: 50) { nodes { lines(first: 100) { nodes { item { price { __typename } } } } } } }`, nil)
	omitted, _ := a.Extensions["errorsOmitted"].(float64)
	if len(a.Errors) != 100 || omitted < 50 {
		t.Errorf("%d errors listed and %v omitted, want 100 and the rest", len(a.Errors), omitted)
	}
}

// Covers: G12
func TestEveryAnswerTellsWhatItTook(t *testing.T) {
	t.Parallel()
	s := portico(t)
	a := s.good(t, "buyer", `{ orders(first: 2) { nodes { number lines(first: 3) { nodes { sku } } } } }`, nil)
	// orders: 1, and for each of 2: itself, its lines, and 3 of them
	cost, _ := a.Extensions["cost"].(map[string]any)
	took, _ := a.Extensions["statistics"].(map[string]any)
	if cost["requested"] != 1.0+2*(1+1+3) || cost["actual"].(float64) > cost["requested"].(float64) || cost["actual"].(float64) < 5 ||
		took["statements"] != 2.0 || took["resolverCalls"] != 2.0 || took["callsSaved"] != 1.0 || took["sourceCalls"] != 0.0 {
		t.Errorf("it took %v and %v", cost, took)
	}
}
