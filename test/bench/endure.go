package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

const (
	settling   = 5 * time.Minute // until what the server takes is looked at first
	lookEvery  = 10 * time.Minute
	quiet      = 20 * time.Second // without load, before it is looked at
	mostGrowth = 0.05
)

// troubles are what befalls the company's systems, one after the other.
var troubles = []string{
	`{"service":"erp","kind":"refuse"}`, `{"service":"erp","kind":"latency","millis":1500}`,
	`{"service":"erp","op":"submit","kind":"drop","times":3}`,
	`{"service":"wms","kind":"refuse"}`, `{"service":"carrier","kind":"latency","millis":3000}`, `{"service":"finance","kind":"refuse"}`,
}

// enduring is a server under all that portals do.
type enduring struct {
	*placing
	pages [][]byte

	reads, writes, changes, delivered, refused, failed atomic.Int64
}

// taken is what a server takes while nobody asks it for anything.
type taken struct {
	goroutines, files, heap, resident, connections float64
	tables                                         map[string]table
}

type table struct{ bytes, rows int64 }

// endure loads a server for so long, and prints what it took at rest after the first five
// minutes and in the end. It fails when one of these grew by more than a twentieth.
func endure(binary string, length time.Duration) error {
	p, done, err := openPlacing(binary)
	if err != nil {
		return err
	}
	defer done()
	e := &enduring{placing: p}
	for _, name := range []string{"orders", "catalogue"} {
		document, err := pages.ReadFile("pages/" + name + ".graphql")
		if err != nil {
			return err
		}
		body, err := json.Marshal(map[string]any{"query": string(document)})
		if err != nil {
			return err
		}
		e.pages = append(e.pages, body)
	}
	if err := e.speed(1); err != nil {
		return err
	}
	begun := time.Now()
	var first, last *taken
	for next := min(settling, length/2); ; next = min(next+lookEvery, length) {
		e.load(begun.Add(next))
		if last, err = e.rest(); err != nil {
			return err
		}
		if first == nil {
			first = last
		}
		fmt.Printf("%s: %d pages, %d orders and %d changes of them, %d events told, %d refused, %d without an answer; %.0f goroutines, %.0f "+
			"files, %.1f MiB in use, %.1f MiB resident, %.0f connections\n",
			time.Since(begun).Round(time.Second), e.reads.Load(), e.writes.Load(), e.changes.Load(), e.delivered.Load(), e.refused.Load(),
			e.failed.Load(),
			last.goroutines, last.files, last.heap/(1<<20), last.resident/(1<<20), last.connections)
		if next >= length {
			break
		}
	}
	return compare(first, last)
}

// load lets portals ask, order, change and follow, and systems fail, until a moment.
func (e *enduring) load(until time.Time) {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	var all sync.WaitGroup
	repeat := func(pause time.Duration, do func()) {
		all.Go(func() {
			for tick := time.NewTicker(pause); ; {
				select {
				case <-ctx.Done():
					tick.Stop()
					return
				case <-tick.C:
					do()
				}
			}
		})
	}
	for i := range 8 {
		repeat(200*time.Millisecond, func() {
			switch status := e.page(ctx, e.pages[i%len(e.pages)]); {
			case status == http.StatusOK:
				e.reads.Add(1)
			case ctx.Err() == nil:
				e.failed.Add(1)
			}
		})
	}
	repeat(500*time.Millisecond, func() { e.write(ctx) })
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				e.subscribe(ctx)
			}
		})
	}
	n := 0
	repeat(time.Minute, func() {
		_ = e.fault(troubles[n%len(troubles)])
		n++
		select {
		case <-time.After(15 * time.Second):
		case <-ctx.Done():
		}
		_ = e.restore()
	})
	all.Wait()
	_ = e.restore()
}

// write places an order, and cancels every second one.
func (e *enduring) write(ctx context.Context) {
	if _, _, err := e.one(ctx); err != nil {
		if ctx.Err() == nil {
			e.refused.Add(1)
		}
		return
	}
	if e.writes.Add(1)%2 == 0 {
		return
	}
	const latest = `{ orders(first: 1) { nodes { id version } } }`
	text, err := e.s.ask(ctx, latest, nil)
	var delivered struct {
		Data struct {
			Orders struct {
				Nodes []struct{ ID, Version string }
			}
		}
	}
	if err != nil || json.Unmarshal(text, &delivered) != nil || len(delivered.Data.Orders.Nodes) == 0 {
		return
	}
	o := delivered.Data.Orders.Nodes[0]
	const cancel = `mutation ($key: IdempotencyKey!, $in: CancelOrderInput!)
		{ cancelOrder(idempotencyKey: $key, input: $in) { refusals: errors { ... on UserError { code } } } }`
	text, err = e.s.ask(ctx, cancel,
		map[string]any{
			"key": fmt.Sprintf("bench %s cancel %08d", e.run, e.writes.Load()),
			"in":  map[string]any{"order": o.ID, "expectedVersion": o.Version, "reason": "not wanted"},
		})
	if err == nil && bytes.Contains(text, []byte(`"refusals":[]`)) {
		e.changes.Add(1)
	}
}

// subscribe subscribes to shipments and operations for half a minute.
func (e *enduring) subscribe(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(within, strings.Replace(e.s.url, "http", "ws", 1)+"/graphql", //nolint:bodyclose // the connection has it
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		time.Sleep(time.Second)
		return
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 20)
	frames := []map[string]any{
		{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + e.s.token}},
		{
			"type": "subscribe", "id": "1",
			"payload": map[string]any{"query": `subscription { shipmentUpdates { ... on ShipmentUpdate { shipment { id status } } } }`},
		},
		{
			"type": "subscribe", "id": "2",
			"payload": map[string]any{"query": `subscription { operationUpdates { ... on OperationUpdate { operation { id state } } } }`},
		},
	}
	for i, f := range frames {
		if err := wsjson.Write(within, conn, f); err != nil {
			return
		}
		if i == 0 { // the acknowledgment
			if _, _, err := conn.Read(within); err != nil {
				return
			}
		}
	}
	for {
		if _, text, err := conn.Read(within); err != nil {
			return
		} else if bytes.Contains(text, []byte(`"next"`)) {
			e.delivered.Add(1)
		}
	}
}

func (e *enduring) speed(speed int) error {
	resp, err := http.Post(fmt.Sprintf("%s/control/speed?speed=%d", e.s.company, speed), "", nil)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// rest waits until nothing is under way and looks what the server takes.
func (e *enduring) rest() (*taken, error) {
	if err := e.speed(0); err != nil {
		return nil, err
	}
	if _, err := e.drained(10 * time.Minute); err != nil {
		return nil, err
	}
	client.CloseIdleConnections()
	time.Sleep(quiet)
	resp, err := http.Get(e.s.admin + "/debug/pprof/heap?gc=1")
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	now, err := counters(e.s.admin + "/metrics")
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", e.s.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	t := &taken{
		goroutines: now["go_goroutines"], files: float64(len(files)), heap: now["go_memstats_heap_alloc_bytes"],
		resident: float64(e.s.memory()), tables: map[string]table{},
	}
	if err := e.db.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
		AND pid <> pg_backend_pid()`).Scan(&t.connections); err != nil {
		return nil, err
	}
	if err := tables(e.db, t.tables); err != nil {
		return nil, err
	}
	return t, e.speed(1)
}

func tables(db *sql.DB, into map[string]table) error {
	rows, err := db.Query(`SELECT relname, pg_total_relation_size(relid), n_live_tup FROM pg_stat_user_tables`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var t table
		if err := rows.Scan(&name, &t.bytes, &t.rows); err != nil {
			return err
		}
		into[name] = t
	}
	return rows.Err()
}

// compare prints what was taken first and last, and which tables grew.
func compare(first, last *taken) error {
	fmt.Println("\n| at rest | after 5 minutes | in the end | change |\n|---|--:|--:|--:|")
	var grown []string
	for _, c := range []struct {
		what        string
		first, last float64
	}{
		{"goroutines", first.goroutines, last.goroutines},
		{"open files", first.files, last.files},
		{"memory in use, MiB", first.heap / (1 << 20), last.heap / (1 << 20)},
		{"memory resident, MiB", first.resident / (1 << 20), last.resident / (1 << 20)},
		{"connections to the database", first.connections, last.connections},
	} {
		fmt.Printf("| %s | %.1f | %.1f | %+.1f %% |\n", c.what, c.first, c.last, 100*(c.last/c.first-1))
		if c.last > c.first*(1+mostGrowth) {
			grown = append(grown, c.what)
		}
	}
	fmt.Println("\n| table that grew | rows before | after | KiB before | after |\n|---|--:|--:|--:|--:|")
	for _, name := range slices.Sorted(maps.Keys(last.tables)) {
		a, b := first.tables[name], last.tables[name]
		if b.bytes > a.bytes {
			fmt.Printf("| %s | %d | %d | %d | %d |\n", name, a.rows, b.rows, a.bytes>>10, b.bytes>>10)
		}
	}
	if grown != nil {
		return fmt.Errorf("more than before: %s", strings.Join(grown, ", "))
	}
	return nil
}
