package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"portico/test/bench/rivals"
)

// server is the Portico under load.
type server struct {
	cmd                 *exec.Cmd
	url, admin, company string
	data, token         string
	vars                map[string]any
}

const (
	companyAddr = "localhost:18090"
	companyURL  = "http://" + companyAddr
	companyKey  = "sandbox-key"
)

func start(binary, data string, scale int) (*server, error) {
	s := &server{url: "http://localhost:18080", admin: "http://localhost:19464", company: companyURL, data: data}
	// Traces are off as they are in production without a collector; what they take is measured by setting them.
	env := append([]string{"PORTICO_TRACES=off"}, os.Environ()...)
	env = append(env, "PORTICO_ADDR=localhost:18080", "PORTICO_ADMIN_ADDR=localhost:19464", "PORTICO_SANDBOX_ADDR="+companyAddr,
		"PORTICO_DATA="+data, "PORTICO_SCALE="+strconv.Itoa(scale), "PORTICO_SANDBOX_SPEED=0")
	command := append(slices.Clone(pinned), binary, "serve")
	s.cmd = exec.Command(command[0], command[1:]...)
	s.cmd.Env, s.cmd.Stderr = env, os.Stderr
	if err := s.cmd.Start(); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s: `make bin/portico` builds it", binary)
	} else if err != nil {
		return nil, err
	}
	exited := make(chan error, 1)
	go func() { exited <- s.cmd.Wait() }()
	for {
		resp, err := http.Get(s.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case err := <-exited:
			return nil, fmt.Errorf("the server ended: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	token := exec.Command(binary, "token", "buyer")
	token.Env = env
	out, err := token.Output()
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	s.token = lines[len(lines)-1]
	if err := s.choose(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// startSmall starts a server over a small company of its own, both of which
// remove ends.
func startSmall(binary string) (s *server, remove func(), err error) {
	dir, err := os.MkdirTemp("", "portico-bench-")
	if err != nil {
		return nil, nil, err
	}
	if err = os.Chmod(dir, 0o755); err == nil {
		s, err = start(binary, dir, 1)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, err
	}
	return s, func() { s.stop(); _ = os.RemoveAll(dir) }, nil
}

// choose picks an order of middling size and an item.
func (s *server) choose() error {
	var answer struct {
		Data struct {
			Orders struct {
				Nodes []struct {
					Number string
					Lines  struct{ Nodes []struct{ SKU string } }
				}
			}
		}
	}
	text, err := s.ask(context.Background(),
		`{ orders(first: 50, filter: {status: [DELIVERED, INVOICED]}) { nodes { number lines(first: 100) { nodes { sku } } } } }`, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	for _, o := range answer.Data.Orders.Nodes {
		if len(o.Lines.Nodes) == 6 || s.vars == nil && len(o.Lines.Nodes) > 0 {
			s.vars = map[string]any{"number": o.Number, "sku": o.Lines.Nodes[0].SKU}
		}
	}
	if s.vars == nil {
		return errors.New("there is no order to load")
	}
	return nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	for range 200 {
		if s.cmd.Process.Signal(syscall.Signal(0)) != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *server) ask(ctx context.Context, query string, vars map[string]any) ([]byte, error) {
	return s.send(ctx, map[string]any{"query": query, "variables": vars})
}

func (s *server) send(ctx context.Context, request map[string]any) ([]byte, error) {
	return s.post(ctx, s.url+"/graphql", request)
}

func (s *server) post(ctx context.Context, url string, request map[string]any) ([]byte, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	return s.postBody(ctx, url, body)
}

func (s *server) postBody(ctx context.Context, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || bytes.Contains(text, []byte(`"errors"`))) {
		err = fmt.Errorf("status %d: %.300s", resp.StatusCode, text)
	}
	return text, err
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}}

// startOpen starts a small server, with its database open beside it.
func startOpen(binary string) (s *server, db *sql.DB, remove func(), err error) {
	s, stop, err := startSmall(binary)
	if err != nil {
		return nil, nil, nil, err
	}
	dsn, err := rivals.DatabaseOf(s.data)
	if err == nil {
		db, err = sql.Open("postgres", dsn)
	}
	if err != nil {
		stop()
		return nil, nil, nil, err
	}
	return s, db, func() { _ = db.Close(); stop() }, nil
}
