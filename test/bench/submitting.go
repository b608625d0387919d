package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

func (p *placing) choose() error {
	text, err := p.s.ask(context.Background(),
		`{ accounts(first: 50, filter: {status: [ACTIVE]}) { nodes { id credit { onHold } } } items(first: 50, filter: {inStock: true})
			{ nodes { sku baseUnit } } }`, nil)
	if err != nil {
		return err
	}
	var answer struct {
		Data struct {
			Accounts struct{ Nodes []struct{ ID string } }
			Items    struct {
				Nodes []struct{ SKU, BaseUnit string }
			}
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	p.choosing = true
	defer func() { p.choosing = false }()
	for _, i := range answer.Data.Items.Nodes { // one that all may order
		if i.BaseUnit != "EA" {
			continue
		}
		p.sku, p.accounts = i.SKU, nil
		for _, a := range answer.Data.Accounts.Nodes {
			p.accounts = append(p.accounts, a.ID)
			if _, _, err := p.one(context.Background()); err != nil {
				p.accounts = p.accounts[:len(p.accounts)-1]
			}
		}
		if len(p.accounts) >= 4 {
			return nil
		}
	}
	return fmt.Errorf("%d accounts may order %s: %s", len(p.accounts), p.sku, text)
}

const submitting = `mutation ($key: IdempotencyKey!, $in: OrderInput!)
	{ out: submitOrder(idempotencyKey: $key, input: $in) { errors { ... on UserError { code message } } operation { id state } order { id } }
	}`

// body is one more order, as it is submitted.
func (p *placing) body() ([]byte, error) {
	n := p.n.Add(1)
	account := p.accounts[int(n)%len(p.accounts)]
	if p.choosing {
		account = p.accounts[len(p.accounts)-1]
	}
	return json.Marshal(map[string]any{
		"query": submitting,
		"variables": map[string]any{"key": fmt.Sprintf("bench %s order %08d", p.run, n), "in": map[string]any{
			"account": account, "customerPoNumber": fmt.Sprintf("B%d", n),
			"lines": []any{map[string]any{"item": map[string]any{"sku": p.sku}, "quantity": map[string]any{"value": "1000", "unit": "EA"}}},
		}},
	})
}

// one submits one order and tells how long the answer took, and its statements.
func (p *placing) one(ctx context.Context) (time.Duration, int, error) {
	body, err := p.body()
	if err != nil {
		return 0, 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.s.token)
	req.Header.Set("Prefer", "wait=0")
	begun := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Out *struct {
				Errors    []struct{ Code, Message string }
				Operation *struct{ ID string }
			}
		}
		Errors     []struct{ Message string }
		Extensions struct{ Statistics struct{ Statements int } }
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	took := time.Since(begun)
	if err == nil && (answer.Data.Out == nil || answer.Data.Out.Operation == nil) {
		err = fmt.Errorf("not acknowledged: %+v %+v", answer.Errors, answer.Data.Out)
	}
	return took, answer.Extensions.Statistics.Statements, err
}

// submit lets clients submit for so long, or so many in all.
func (p *placing) submit(clients, most int, each time.Duration) (times []time.Duration, statements float64, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), max(each, time.Duration(most)*20*time.Millisecond))
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	var given atomic.Int64
	sum := 0
	begun := time.Now()
	for range clients {
		all.Go(func() {
			for ctx.Err() == nil && (most == 0 || given.Add(1) <= int64(most)) {
				t, n, e := p.one(ctx)
				mu.Lock()
				switch {
				case e == nil:
					times, sum = append(times, t), sum+n
				case ctx.Err() == nil:
					err = errors.Join(err, e)
				}
				mu.Unlock()
				if e != nil {
					return
				}
			}
		})
	}
	all.Wait()
	took = time.Since(begun)
	if err == nil && len(times) == 0 {
		err = errors.New("nothing was acknowledged")
	}
	return times, float64(sum) / float64(max(1, len(times))), took, err
}
