package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"portico/test/bench/rivals"
)

const (
	subscribedFor = 10 * time.Second // how long each number of subscribers is told
	perSecond     = 10               // changes, each told to all of them
)

// benchStreams measures streams: what it takes that so many follow what happens, and how soon they are told
// when something does.
func benchStreams(binary string) error {
	s, db, remove, err := startOpen(binary)
	if err != nil {
		return err
	}
	defer remove()
	var parcel string
	if err := db.QueryRow(`SELECT d.tracking_number FROM shipments d JOIN accounts a ON a.id = d.account_id WHERE a.number = '10001'
		AND d.tracking_number <> '' ORDER BY d.number LIMIT 1`).Scan(&parcel); err != nil {
		return err
	}
	if err := idle(s); err != nil {
		return err
	}
	fmt.Printf("| subscribers | server | told, of all | deliveries/s | p50 ms | p99 ms | CPU per delivery, µs " +
		"|\n|--:|---|--:|--:|--:|--:|--:|\n")
	n := int64(0)
	logged := func() (rows int) {
		_ = db.QueryRow(`SELECT count(*) FROM changes c JOIN shipments d ON d.id = c.subject WHERE c.topic = 'SHIPMENT'
			AND d.tracking_number = $1`, parcel).Scan(&rows)
		return rows
	}
	portico := &streamed{
		name: "portico", url: s.url, metrics: s.admin + "/metrics", token: s.token, changes: logged,
		change: func() error { n++; return push(s.url, parcel, n) },
	}
	rival, stop, err := startFrames()
	if err != nil {
		return err
	}
	defer stop()
	for _, many := range []int{100, 1000, 5000} {
		ours, err := portico.subscribe(many)
		if err != nil {
			return err
		}
		rival.says(portico.frame.Load())
		theirs, err := rival.subscribe(many)
		if err != nil {
			return err
		}
		fmt.Printf("| %d | × hand-written | | | | | %.1f |\n", many, ours/theirs)
	}
	return nil
}

// streamed is a server that tells of changes.
type streamed struct {
	name, url, metrics, token string
	changes                   func() int // that there were
	change                    func() error
	frame                     atomic.Pointer[[]byte] // one that it told
}

// startFrames starts the hand-written rival, which makes frames of what it is told and nothing else.
func startFrames() (*streamed, func(), error) {
	const addr = "localhost:18083"
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(self, "-serve", rivals.Frames, "-addr", addr)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	s := &streamed{name: rivals.HandWritten, url: "http://" + addr, metrics: "http://" + addr + "/metrics"}
	for {
		if resp, err := client.Get(s.url + "/readyz"); err == nil {
			_ = resp.Body.Close()
			return s, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// says has the rival say what Portico says, each time with the moment at which it was told.
func (s *streamed) says(frame *[]byte) {
	before, after, _ := strings.Cut(strings.ReplaceAll(string(*frame), "%", "%%"), `"at":"`)
	_, after, _ = strings.Cut(after, `"`)
	text, n := before+`"at":"%s"`+after, 0
	s.changes = func() int { return n }
	s.change = func() error {
		n++
		resp, err := client.Post(s.url+"/tell", "text/plain", strings.NewReader(text))
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
}

// idle opens 10,000 subscriptions of which none is told anything.
func idle(s *server) error {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	rest := s.memory()
	begun := time.Now()
	if err := openMany(ctx, s.url, s.token, 10_000, func([]byte) {}); err != nil {
		return err
	}
	took := time.Since(begun)
	// What opening left is collected, and given back to the system.
	for range 2 {
		resp, err := client.Get(s.admin + "/debug/pprof/heap?gc=1")
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
	}
	time.Sleep(quiet)
	fmt.Printf("10,000 idle subscriptions: opened in %.1f s, %d MiB more, %.1f KiB each\n\n", took.Seconds(), (s.memory()-rest)>>20,
		float64(s.memory()-rest)/10_000/1024)
	return nil
}

// subscribe has many follow, and tells what a delivery takes of the server's CPU, in microseconds.
func (s *streamed) subscribe(many int) (float64, error) {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var delivered atomic.Int64
	var mu sync.Mutex
	var late []time.Duration
	if err := openMany(ctx, s.url, s.token, many, func(frame []byte) {
		now := time.Now()
		_, at, ok := bytes.Cut(frame, []byte(`"at":"`))
		if !ok || !bytes.Contains(frame, []byte(`"shipment"`)) {
			return
		}
		text, _, _ := bytes.Cut(at, []byte(`"`))
		when, err := time.Parse(time.RFC3339, string(text))
		if err != nil {
			return
		}
		if delivered.Add(1) == 1 {
			s.frame.Store(&frame)
		}
		mu.Lock()
		late = append(late, now.Sub(when))
		mu.Unlock()
	}); err != nil {
		return 0, err
	}
	from := s.changes()
	before, err := counters(s.metrics)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	for tick := time.NewTicker(time.Second / perSecond); time.Since(begun) < subscribedFor; <-tick.C {
		if err := s.change(); err != nil {
			return 0, err
		}
	}
	changes := 0
	for until := time.Now().Add(20 * time.Second); (changes == 0 || delivered.Load() < int64(changes*many)) && time.Now().Before(until); {
		time.Sleep(100 * time.Millisecond)
		changes = s.changes() - from
	}
	took := time.Since(begun)
	after, err := counters(s.metrics)
	if err != nil {
		return 0, err
	}
	mu.Lock()
	defer mu.Unlock()
	if len(late) == 0 {
		return 0, fmt.Errorf("%d subscribers of %s were told nothing", many, s.name)
	}
	slices.Sort(late)
	cpu := (after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]) * 1e6 / float64(delivered.Load())
	fmt.Printf("| %d | %s | %d of %d | %.0f | %.1f | %.1f | %.1f |\n", many, s.name, delivered.Load(), changes*many,
		float64(delivered.Load())/took.Seconds(), ms(at(late, 50)), ms(at(late, 99)), cpu)
	return cpu, nil
}

// openMany opens subscriptions, each with a connection of its own, until ctx ends, and hands
// on what they are told.
func openMany(ctx context.Context, url, token string, many int, delivered func(frame []byte)) error {
	var opened, failed atomic.Int64
	room := make(chan struct{}, 64)
	var all sync.WaitGroup
	for range many {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			conn, err := subscribed(ctx, url, token)
			if err != nil {
				failed.Add(1)
				return
			}
			opened.Add(1)
			go func() {
				defer func() { _ = conn.CloseNow() }()
				for {
					_, frame, err := conn.Read(ctx)
					if err != nil {
						return
					}
					delivered(frame)
				}
			}()
		})
	}
	all.Wait()
	if failed.Load() > 0 {
		return fmt.Errorf("%d of %d subscriptions did not open", failed.Load(), many)
	}
	return nil
}

// subscribed is a connection over which shipments are followed, and nothing was missed.
func subscribed(ctx context.Context, url, token string) (*websocket.Conn, error) {
	conn, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1)+"/graphql", //nolint:bodyclose // the connection has it
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	if err := wsjson.Write(ctx, conn,
		map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + token}}); err != nil {
		return nil, err
	}
	if _, _, err := conn.Read(ctx); err != nil {
		return nil, err
	}
	query := `subscription { shipmentUpdates { ... on StreamItem { cursor at } ... on ShipmentUpdate
		{ previousStatus shipment { id number status eta { at } } event { milestone occurredAt location { city } } } } }`
	if err := wsjson.Write(ctx, conn, map[string]any{"type": "subscribe", "id": "1", "payload": map[string]any{"query": query}}); err != nil {
		return nil, err
	}
	_, _, err = conn.Read(ctx) // it has caught up
	return conn, err
}
