package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
)

const (
	between  = 3 * time.Second // two replacements, in which old and new answer side by side
	tries    = 5               // of a request whose connection breaks, as clients and balancers do
	comesOut = time.Minute     // until every order is where it was going
)

// upgrade replaces the servers one after the other by another build, under readers and writers, and checks that nobody
// noticed: no answer was wrong, none failed for good, and every order that was acknowledged is done once.
func (p *proof) upgrade(ctx context.Context, c *cluster, to string) error {
	p.c = c
	out, err := p.command("token", "operator")
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	p.token = out[strings.LastIndex(out, "\n")+1:]
	if p.db, err = sqlx.Open("postgres", c.database.DSN()); err != nil {
		return err
	}
	defer func() { _ = p.db.Close() }()
	order, err := p.choose(ctx)
	if err != nil {
		return err
	}
	working, done := context.WithCancel(ctx)
	defer done()
	var load sync.WaitGroup
	var read, broken, failed atomic.Int64
	var mu sync.Mutex
	var keys, wrong []string
	note := func(what string, err error) {
		failed.Add(1)
		mu.Lock()
		defer mu.Unlock()
		if len(wrong) < 10 {
			wrong = append(wrong, what+": "+err.Error())
		}
	}
	for range 4 {
		load.Go(func() {
			for working.Err() == nil {
				if _, err := p.ask(working, `{ orders(first: 5) { nodes { number status lines { nodes { sku } } } } }`, nil, &broken); err != nil &&
					working.Err() == nil {
					note("reading", err)
				}
				read.Add(1)
			}
		})
	}
	for i := range 2 {
		load.Go(func() {
			for n := 0; working.Err() == nil; n++ {
				key := fmt.Sprintf("upgrade of %d, order %d.%d", time.Now().UnixNano(), i, n)
				text, err := p.ask(context.WithoutCancel(working), submitting, map[string]any{"key": key, "in": order(key)}, &broken)
				switch {
				case err != nil:
					note("submitting", err)
				case !bytes.Contains(text, []byte(`"id":"opr_`)):
					note("submitting", errors.New(string(text[:min(len(text), 200)])))
				default:
					mu.Lock()
					keys = append(keys, key)
					mu.Unlock()
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	time.Sleep(between)
	for _, s := range c.servers {
		began := time.Now()
		s.end(syscall.SIGTERM)
		ended := time.Since(began)
		s.binary = to
		if err := s.start(); err != nil {
			return err
		}
		if err := s.ready(ctx, time.Minute); err != nil {
			return err
		}
		fmt.Fprintf(c.log, "%s: ended in %s, ready as the other build after %s\n", s.name, ended.Round(10*time.Millisecond),
			time.Since(began).Round(10*time.Millisecond))
		if ended > endsWithin {
			return fmt.Errorf("%s took %s to end", s.name, ended)
		}
		time.Sleep(between)
	}
	done()
	load.Wait()
	var committed int
	for until := time.Now().Add(comesOut); time.Now().Before(until) && committed < len(keys); time.Sleep(200 * time.Millisecond) {
		if err := p.db.GetContext(ctx, &committed,
			`SELECT count(*) FROM operations WHERE idempotency_key LIKE 'upgrade of %' AND state = 'COMMITTED'`); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.log, "%d answers read, %d orders acknowledged, %d of them done; %d connections broke and were asked again, %d requests "+
		"failed\n", read.Load(), len(keys), committed, broken.Load(), failed.Load())
	if failed.Load() > 0 || committed != len(keys) || len(keys) == 0 {
		return fmt.Errorf("the upgrade was noticed: %s", strings.Join(wrong, "\n"))
	}
	return nil
}

const submitting = `mutation ($key: IdempotencyKey!, $in: OrderInput!)
	{ submitOrder(idempotencyKey: $key, input: $in) { operation { id } errors { __typename ... on UserError { message } } } }`

// choose finds something that can be ordered, and makes orders of it.
func (p *proof) choose(ctx context.Context) (order func(key string) map[string]any, err error) {
	var of struct{ Account, SKU string }
	var broken atomic.Int64
	var accounts, items []string
	if err := p.db.SelectContext(ctx, &accounts,
		`SELECT id FROM accounts WHERE status = 'ACTIVE' AND parent_id IS NULL ORDER BY number`); err != nil {
		return nil, err
	}
	if err := p.db.SelectContext(ctx, &items,
		`SELECT sku FROM items WHERE base_unit = 'EA' AND status = 'ACTIVE' ORDER BY sku LIMIT 20`); err != nil {
		return nil, err
	}
	make := func(key string) map[string]any {
		return map[string]any{
			"account": of.Account, "customerPoNumber": fmt.Sprintf("U%.30s", strings.TrimPrefix(key, "upgrade of ")),
			"lines": []any{map[string]any{"item": map[string]any{"sku": of.SKU}, "quantity": map[string]any{"value": "1000", "unit": "EA"}}},
		}
	}
	for _, of.Account = range accounts {
		for _, of.SKU = range items {
			text, err := p.ask(ctx, `query ($in: OrderInput!) { validateOrder(input: $in) { valid } }`, map[string]any{"in": make("try")}, &broken)
			if err != nil {
				return nil, err
			}
			if bytes.Contains(text, []byte(`"valid":true`)) {
				return make, nil
			}
		}
	}
	return nil, errors.New("nothing can be ordered")
}

// ask asks through the balancer, and again where a connection breaks. What was answered with errors failed.
func (p *proof) ask(ctx context.Context, query string, variables map[string]any, broken *atomic.Int64) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		text, status, err := p.sendOnce(ctx, body)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil && status == http.StatusOK && !bytes.Contains(text, []byte(`"errors":[{"message`)):
			return text, nil
		case err == nil && status != http.StatusServiceUnavailable && status != http.StatusBadGateway || try == tries:
			return nil, fmt.Errorf("status %d, %w: %.300s", status, errors.Join(err), text)
		}
		broken.Add(1)
		time.Sleep(100 * time.Millisecond)
	}
}

func (p *proof) sendOnce(ctx context.Context, body []byte) (text []byte, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.c.addr+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Prefer", "wait=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	return b.Bytes(), resp.StatusCode, err
}
