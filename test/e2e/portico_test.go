// Package e2e plays Portico from outside: the built binary, its own database,
// the sandbox company as a process of its own, and HTTP.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"portico/store/postgres"
	"portico/test/e2e/api"
	"portico/test/e2e/ports"
)

var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "portico-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "portico") // built once; PORTICO_BUILD are flags, such as -race
		if out, err := exec.Command("go",
			append(strings.Fields("build -o "+binary+" "+os.Getenv("PORTICO_BUILD")), "portico")...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building portico: %v\n%s", err, out)
			return 1
		}
		if err := schedule(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if shared != nil {
			shared.stop()
			_ = os.RemoveAll(shared.data)
		}
		_, _ = os.RemoveAll(prepared.folder), os.RemoveAll(preparedOnTryton.folder)
		reportSlowest(os.Stdout)
		return code
	}())
}

// server is a running Portico with its sandbox.
type server struct {
	url, admin, company string
	data                string
	cmd                 *exec.Cmd
	log                 *output
	exited              chan error
	env                 []string // beside that of all servers
}

// output is what a running server writes, to be read at any time.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps p.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is what was written until now.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var shared *server

// portico is the server that tests share as long as they leave it as it was, one test at a
// time. Time in its company stands still.
func portico(t *testing.T) *server {
	t.Helper()
	takeShared(t)
	if shared == nil {
		data := folder(t, false)
		copyPrepared(t, data)
		shared = start(t, data, "PORTICO_ORIGINS="+origins)
		shared.control(t, http.MethodPost, "/control/speed?speed=0", nil)
		shared.settled(t)
	}
	return shared
}

// folder is a data folder that the server's user can enter.
func folder(t *testing.T, removed bool) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "portico-data-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if removed {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	return dir
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// start runs the server on data until it is ready.
func start(t *testing.T, data string, env ...string) *server {
	t.Helper()
	s := launch(t, data, env...)
	s.ready(t)
	return s
}

// connections is how many a server of stories has to its database at most: it opens them all when it starts, and to open one takes
// as much CPU as fifty statements.
const connections = "PORTICO_DATABASE_CONNECTIONS=8"

func launch(t *testing.T, data string, env ...string) *server {
	t.Helper()
	return launchBuild(t, binary, data, env...)
}

// launchBuild runs a server of another build.
func launchBuild(t *testing.T, binary, data string, env ...string) *server {
	t.Helper()
	takePlace(t)
	addr, admin, company := freeAddr(t), freeAddr(t), freeAddr(t)
	s := &server{
		url: "http://" + addr, admin: "http://" + admin, company: "http://" + company, data: data, log: &output{},
		exited: make(chan error, 1), env: env,
	}
	s.cmd = exec.Command(binary, "serve")
	s.cmd.Env = append(os.Environ(), "PORTICO_ADDR="+addr, "PORTICO_ADMIN_ADDR="+admin, "PORTICO_SANDBOX_ADDR="+company, "PORTICO_DATA="+data,
		"DATABASE_URL=", "PORTICO_PACE="+pace, connections)
	s.cmd.Env = append(s.cmd.Env, env...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.exited <- s.cmd.Wait() }()
	return s
}

// ready waits until the server is.
func (s *server) ready(t *testing.T) {
	t.Helper()
	s.until(t, 3*time.Minute, "ready", func() bool {
		resp, err := http.Get(s.url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// revive starts a server that was killed again, at the same addresses.
func (s *server) revive(t *testing.T) {
	t.Helper()
	before := s.cmd
	s.cmd, s.exited = exec.Command(before.Path, "serve"), make(chan error, 1)
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = before.Env, s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.exited <- s.cmd.Wait() }()
}

// until waits for what comes by itself. How soon it comes is no claim of the story, so that a
// busy machine has three minutes at least: see [server.within].
func (s *server) until(t *testing.T, patience time.Duration, what string, done func() bool) {
	t.Helper()
	s.within(t, max(patience, 3*time.Minute), what, done)
}

// within is until where the story claims how soon it comes.
func (s *server) within(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	// who waits long asks less often, for asking takes the CPU of others
	for pause := 10 * time.Millisecond; !done(); pause = min(pause*5/4, 80*time.Millisecond) {
		select {
		case err := <-s.exited:
			t.Fatalf("the server ended before it was %s: %v\n%s", what, err, s.log)
		case <-time.After(pause):
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %s within %s\n%s", what, within, s.log)
		}
	}
}

// stop ends the server as Ctrl-C does.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.exited:
		return err
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		return fmt.Errorf("still running 20 s after SIGTERM\n%s", s.log)
	}
}

var tokens sync.Map

// token is a persona's: as GraphiQL gets one, or from the command where it is to be a special one, or nobody answers.
func (s *server) token(t *testing.T, args ...string) string {
	t.Helper()
	key := s.data + strings.Join(args, " ")
	if kept, ok := tokens.Load(key); ok {
		return kept.(string)
	}
	if token := s.signedIn(args); token != "" {
		tokens.Store(key, token)
		return token
	}
	cmd := exec.Command(binary, append([]string{"token"}, args...)...)
	cmd.Env = append(os.Environ(), "PORTICO_DATA="+s.data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("portico token %v: %v", args, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	tokens.Store(key, lines[len(lines)-1])
	return lines[len(lines)-1]
}

// signedIn is the token of a persona who signs in at the page; none where that is not how.
func (s *server) signedIn(args []string) string {
	if len(args) != 1 {
		return ""
	}
	resp, err := http.Post(s.url+"/dev/personas/"+args[0], "", nil)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var in struct{ Token string }
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&in) != nil {
		return ""
	}
	return in.Token
}

// command runs one of Portico's commands beside the server.
func (s *server) command(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.tried(t, args...)
	if err != nil {
		t.Fatalf("portico %v: %v\n%s", args, err, out)
	}
	return out
}

// tried is what one of Portico's commands said, and how it ended.
func (s *server) tried(t *testing.T, args ...string) (string, error) {
	t.Helper()
	// Not the test's context, which is over when it cleans up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "PORTICO_DATA="+s.data, "DATABASE_URL=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// database is the server's own, as one who may do anything to it has it.
func (s *server) database(t *testing.T) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Open("postgres", postgres.Running(s.data))
	if err != nil {
		t.Fatal(err)
	}
	db.SetConnMaxIdleTime(time.Second) // tests ask in loops; none is held by who does not ask
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// answer is what a query got.
type answer struct {
	Status int
	Body   string
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
	Extensions map[string]any
}

// at walks the data by keys and indices; nil where there is nothing.
func (a answer) at(path ...any) any {
	var v any = a.Data
	for _, p := range path {
		switch k := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

func (a answer) codes() []string {
	var codes []string
	for _, e := range a.Errors {
		codes = append(codes, fmt.Sprint(e.Extensions["code"]))
	}
	return codes
}

// query asks as a persona; "" is nobody.
func (s *server) query(t *testing.T, persona, query string, vars map[string]any) answer {
	t.Helper()
	token := ""
	if persona != "" {
		token = s.token(t, persona)
	}
	a, err := s.ask(t.Context(), token, query, vars)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// good is a query that must have no errors.
func (s *server) good(t *testing.T, persona, query string, vars map[string]any) answer {
	t.Helper()
	a := s.query(t, persona, query, vars)
	if len(a.Errors) > 0 {
		t.Fatalf("as %s: %s\ngot errors %+v", persona, query, a.Errors)
	}
	return a
}

func (s *server) ask(ctx context.Context, token, query string, vars map[string]any) (answer, error) {
	return s.send(ctx, token, map[string]any{"query": query, "variables": vars})
}

func (s *server) send(ctx context.Context, token string, request map[string]any) (a answer, err error) {
	status, text, err := s.post(ctx, token, request)
	a.Status, a.Body = status, string(text)
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	return a, err
}

// post sends a request as a portal does.
func (s *server) post(ctx context.Context, token string, request any) (status int, text []byte, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(resp.Body)
	return resp.StatusCode, text, err
}

// metrics are those of the server's process, as Prometheus scrapes them.
func (s *server) metrics(t *testing.T) string {
	t.Helper()
	resp, err := http.Get(s.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// control speaks with the company's control; into may be nil.
func (s *server) control(t *testing.T, method, path string, body any, into ...any) {
	t.Helper()
	text, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(t.Context(), method, s.company+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", "sandbox-key")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	for _, v := range into {
		if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
			t.Fatal(err)
		}
	}
}

// record is one record as a service of the company tells it.
func (s *server) record(t *testing.T, service, object, key string) map[string]any {
	t.Helper()
	var told struct{ Rows []map[string]any }
	s.control(t, http.MethodPost, "/"+service+"/v1/"+object+"/query", map[string]any{"keys": []string{key}}, &told)
	if len(told.Rows) != 1 {
		t.Fatalf("%s %s %s: got %d rows", service, object, key, len(told.Rows))
	}
	return told.Rows[0]
}

// settled waits until what the company's feeds tell is in the store.
func (s *server) settled(t *testing.T) {
	t.Helper()
	since := time.Now()
	s.until(t, 10*time.Second, "settled", func() bool {
		for _, h := range must(api.SourceLag(s.as(t, "operator"))).SourceHealth {
			if h.Instance == "acme" {
				continue // it is not followed: it pushes
			}
			lag, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(val(h.Lag), "PT")))
			if err != nil || time.Now().Add(-lag).Before(since.Add(600*time.Millisecond)) {
				return false
			}
		}
		return true
	})
}

// metric is the sum of a counter's values.
func (s *server) metric(t *testing.T, name string) int {
	t.Helper()
	resp, err := http.Get(s.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	sum := 0.0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, name+" ") || strings.HasPrefix(line, name+"{") {
			v, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += v
		}
	}
	return int(sum)
}
