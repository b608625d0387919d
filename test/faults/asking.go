package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/lib/pq" // reads what the database has in the end

	"portico/evidence/signatures"
)

// caller is somebody with a token, who may sign.
type caller struct {
	token, keyID string
	key          ed25519.PrivateKey
}

// meet signs in and finds what to order.
func (w *world) meet() error {
	for persona, c := range map[string]*caller{"buyer": &w.buyer, "operator": &w.operator, "supplier": &w.supplier} {
		cmd := exec.Command(w.binary, "token", persona)
		cmd.Env = append(os.Environ(), "PORTICO_DATA="+filepath.Join(w.folder, "server"))
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("token: %w", err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		c.token = lines[len(lines)-1]
	}
	if err := w.signUp(); err != nil {
		return err
	}
	var answer struct {
		Viewer struct {
			Account struct {
				ID        string
				Locations struct{ Nodes []struct{ ID string } }
			}
		}
		Items struct {
			Nodes []struct {
				SKU, BaseUnit string
				Price         struct {
					Typename string `json:"__typename"`
				}
			}
		}
	}
	const query = `{ viewer { ... on CustomerViewer { account { id locations(first: 5) { nodes { id } } } } }
		items(first: 50, filter: {inStock: true}) { nodes { sku baseUnit price { __typename } } } }`
	if err := w.ask(w.servers[0], query, nil, &answer); err != nil {
		return err
	}
	for _, i := range answer.Items.Nodes {
		if i.BaseUnit == "EA" && i.Price.Typename == "Price" {
			w.account, w.shipTo, w.sku = answer.Viewer.Account.ID, answer.Viewer.Account.Locations.Nodes[0].ID, i.SKU
			return nil
		}
	}
	return errors.New("nothing is sold by the piece")
}

func (w *world) ask(s *server, query string, vars map[string]any, into any) error {
	return w.askAs(w.buyer, s, query, vars, into)
}

func (w *world) askAs(c caller, s *server, query string, vars map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	return do(req, into)
}

// do sends a request and reads what it is answered.
func do(req *http.Request, into any) error {
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return errors.New(answer.Errors[0].Message)
	}
	return json.Unmarshal(answer.Data, into)
}

// place submits an order until it is acknowledged, as a portal does: with the same key.
func (w *world) place(servers []*server) (ack, string, string, error) {
	w.mu.Lock()
	w.n++
	n := w.n
	w.mu.Unlock()
	a := ack{
		Key: fmt.Sprintf("key of run %d of seed %d", n, w.seed), PoNumber: fmt.Sprintf("F%d-%d", w.seed, n), SKU: w.sku,
		Quantity: 1000 * (1 + n%5),
	}
	in := map[string]any{
		"account": w.account, "shipTo": map[string]any{"location": w.shipTo}, "customerPoNumber": a.PoNumber,
		"lines": []any{map[string]any{
			"item":     map[string]any{"sku": a.SKU},
			"quantity": map[string]any{"value": strconv.Itoa(a.Quantity), "unit": "EA"},
		}},
	}
	const query = `mutation ($key: IdempotencyKey!, $in: OrderInput!) { out: submitOrder(idempotencyKey: $key, input: $in)
		{ errors { ... on UserError { code message } } operation { id } order { id version } } }`
	operation, order, version, err := w.write(servers, query, a.Key, in)
	a.Operation = operation
	return a, order, version, err
}

// answered is what a write is answered.
type answered struct {
	Errors     []struct{ Code, Message, State string }
	Operation  *struct{ ID string }
	Order      *struct{ ID, Version string }
	Deviations []struct{ ID string }
	Receipt    *struct{ Signature string }
}

// write sends a buyer's write.
func (w *world) write(servers []*server, query, key string, in map[string]any) (operation, order, version string, err error) {
	answer, err := w.written(servers, w.buyer, query, key, in)
	if err != nil {
		return "", "", "", err
	}
	if answer.Order != nil {
		order, version = answer.Order.ID, answer.Order.Version
	}
	return answer.Operation.ID, order, version, nil
}

// written sends a write until somebody answers it, to one server after the other; who signs
// signs each time.
func (w *world) written(servers []*server, c caller, query, key string, in map[string]any) (_ *answered, err error) {
	for n, deadline := 0, time.Now().Add(60*time.Second); time.Now().Before(deadline) && w.ctx.Err() == nil; n++ {
		var answer struct{ Out answered }
		s := servers[n%len(servers)]
		if c.key == nil {
			err = w.askAs(c, s, query, map[string]any{"key": key, "in": in}, &answer)
		} else {
			var req *http.Request
			if req, err = signatures.Mutation(w.ctx, s.url+"/graphql", c.token, query, key, in, c.keyID, c.key, time.Now()); err != nil {
				return nil, err
			}
			err = do(req, &answer)
		}
		if err == nil {
			if answer.Out.Operation != nil {
				return &answer.Out, nil
			}
			if len(answer.Out.Errors) > 0 && answer.Out.Errors[0].Code != "SOURCE_UNAVAILABLE" {
				return nil, fmt.Errorf("refused: %v", answer.Out.Errors)
			}
		}
		time.Sleep(50 * time.Millisecond)
		if !s.running() {
			if err := s.start(); err != nil {
				return nil, err
			}
		}
	}
	return nil, fmt.Errorf("not acknowledged within a minute: %w", err)
}
