package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// priced measures the catalogue page with contract prices at a server that runs
// already, whatever its ERP: asked of the ERP each time, and kept.
func priced(url string) error {
	s := &server{url: strings.TrimSuffix(url, "/")}
	text, err := s.post(context.Background(), s.url+"/dev/personas/buyer", nil)
	if err != nil {
		return err
	}
	var answer struct{ Token string }
	if err := json.Unmarshal(text, &answer); err != nil || answer.Token == "" {
		return fmt.Errorf("no token at %s/dev/personas/buyer: is it a server in the development profile?", s.url)
	}
	s.token = answer.Token
	document, err := pages.ReadFile("pages/catalogue.graphql")
	if err != nil {
		return err
	}
	kept := string(document)
	fmt.Println("| prices | clients | pages | p50 ms | p99 ms | calls to sources a page |")
	fmt.Println("|---|--:|--:|--:|--:|--:|")
	for _, c := range []struct{ name, query string }{
		{"asked", strings.Replace(kept, "price {", `price(maxAge: "PT0S") {`, 1)},
		{"kept", kept},
	} {
		for _, clients := range []int{1, 4} {
			if _, err := s.ask(context.Background(), c.query, nil); err != nil {
				return err
			}
			text, err := s.ask(context.Background(), c.query, nil)
			if err != nil {
				return err
			}
			var answer struct {
				Extensions struct{ Statistics struct{ SourceCalls int } }
			}
			if err := json.Unmarshal(text, &answer); err != nil {
				return err
			}
			took, err := s.repeat(c.query, clients, 10*time.Second)
			if err != nil {
				return err
			}
			slices.Sort(took)
			fmt.Printf("| %s | %d | %d | %.1f | %.1f | %d |\n", c.name, clients, len(took), ms(took[len(took)/2]), ms(took[len(took)*99/100]),
				answer.Extensions.Statistics.SourceCalls)
		}
	}
	return nil
}
