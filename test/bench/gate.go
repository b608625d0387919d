package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// gated are the pages that are held to a baseline.
var gated = []string{"orders", "catalogue", "order", "item"}

// baseline is what one request of a page takes. All of it is counted and none
// of it timed, so that it is the same on every machine.
type baseline struct {
	Allocations float64 `json:"allocations"`
	Statements  float64 `json:"statements"`
	SourceCalls float64 `json:"sourceCalls"`
}

const (
	gateRequests = 200
	tolerance    = 1.10
)

// check asks each page of a fresh, small company and compares what a request
// takes with the file.
func check(binary, file string, update bool) error {
	s, remove, err := startSmall(binary)
	if err != nil {
		return err
	}
	defer remove()
	got := map[string]baseline{}
	for _, page := range gated {
		if got[page], err = s.one(page); err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
	}
	if update {
		text, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(file, append(text, '\n'), 0o644)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var want map[string]baseline
	if err := json.Unmarshal(text, &want); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var grown []error
	for _, page := range slices.Sorted(maps.Keys(got)) {
		g, w := got[page], want[page]
		fmt.Printf("%s: %.0f allocations (%.0f), %.2f statements (%.2f), %.2f source calls (%.2f)\n", page, g.Allocations, w.Allocations,
			g.Statements, w.Statements, g.SourceCalls, w.SourceCalls)
		if g.Allocations > w.Allocations*tolerance || g.Statements > w.Statements*tolerance || g.SourceCalls > w.SourceCalls*tolerance+0.01 {
			grown = append(grown, fmt.Errorf("%s takes over a tenth more than %s says; if that is meant, run with -update and say why in the "+
				"commit", page, file))
		}
	}
	return errors.Join(grown...)
}

// one is what one request of a page takes, over many.
func (s *server) one(page string) (baseline, error) {
	document, err := pages.ReadFile("pages/" + page + ".graphql")
	if err != nil {
		return baseline{}, err
	}
	for range 20 { // warm
		if _, err := s.ask(context.Background(), string(document), s.vars); err != nil {
			return baseline{}, err
		}
	}
	before, err := counters(s.admin + "/metrics")
	if err != nil {
		return baseline{}, err
	}
	for range gateRequests {
		if _, err := s.ask(context.Background(), string(document), s.vars); err != nil {
			return baseline{}, err
		}
	}
	after, err := counters(s.admin + "/metrics")
	if err != nil {
		return baseline{}, err
	}
	b := baseline{Allocations: (after["go_memstats_mallocs_total"] - before["go_memstats_mallocs_total"]) / gateRequests}
	text, err := s.send(context.Background(), map[string]any{"query": string(document), "variables": s.vars})
	if err != nil {
		return b, err
	}
	var answer struct {
		Extensions struct{ Statistics baseline }
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return b, err
	}
	b.Statements, b.SourceCalls = answer.Extensions.Statistics.Statements, answer.Extensions.Statistics.SourceCalls
	return b, nil
}
