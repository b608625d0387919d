package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portico/test/bench/rivals"
)

// placing submits orders to a server, over all accounts in turn.
type placing struct {
	s        *server
	db       *sql.DB
	accounts []string
	sku      string
	n        atomic.Int64
	choosing bool // the last account is tried
	run      string
}

// openPlacing starts a server and finds who may order what there.
func openPlacing(binary string) (p *placing, end func(), err error) {
	// What a client may spend is not what is measured.
	for _, limit := range []string{"PORTICO_CLIENT_RATE", "PORTICO_CLIENT_BURST", "PORTICO_ACCOUNT_RATE", "PORTICO_ACCOUNT_BURST"} {
		if err := os.Setenv(limit, "1000000000"); err != nil {
			return nil, nil, err
		}
	}
	s, remove, err := startSmall(binary)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			remove()
		}
	}()
	p = &placing{s: s, run: fmt.Sprint(time.Now().UnixNano())}
	dsn, err := rivals.DatabaseOf(s.data)
	if err != nil {
		return nil, nil, err
	}
	if p.db, err = sql.Open("postgres", dsn); err != nil {
		return nil, nil, err
	}
	token := exec.Command(binary, "token", "operator") // who may order for every account
	token.Env = append(os.Environ(), "PORTICO_DATA="+s.data)
	out, err := token.Output()
	if err != nil {
		return nil, nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	s.token = lines[len(lines)-1]
	return p, func() { _ = p.db.Close(); remove() }, p.choose()
}

// placed measures acknowledged submissions: how many a second with `Prefer: wait=0`, what
// each takes of statements and disk, how soon it is picked up, and what an ERP that is
// down for 10,000 of them changes.
func placed(binary string) error {
	p, end, err := openPlacing(binary)
	if err != nil {
		return err
	}
	defer end()
	var fsync string
	if err := p.db.QueryRow(`SHOW fsync`).Scan(&fsync); err != nil {
		return err
	}
	fmt.Printf("fsync %s, %d accounts\n\n", fsync, len(p.accounts))
	fmt.Println("| clients | acknowledged/s | p50 ms | p99 ms | statements each |")
	fmt.Println("|--:|--:|--:|--:|--:|")
	// As the database is a minute after the first orders: it knows that its tables of orders
	// and operations are not empty any more, which it looks at once a minute.
	if _, _, _, err := p.submit(8, 1000, 0); err != nil {
		return err
	}
	if _, err := p.drained(10 * time.Minute); err != nil {
		return err
	}
	if _, err := p.db.Exec(`ANALYZE`); err != nil {
		return err
	}
	for _, clients := range []int{1, 8, 24, 32} {
		before, err := p.size()
		if err != nil {
			return err
		}
		times, statements, took, err := p.submit(clients, 0, 3*time.Second)
		if err != nil {
			return err
		}
		after, err := p.size()
		if err != nil {
			return err
		}
		fmt.Printf("| %d | %.0f | %.2f | %.2f | %.1f |\n", clients, float64(len(times))/took.Seconds(), ms(at(times, 50)), ms(at(times, 99)),
			statements)
		if clients == 32 {
			fmt.Printf("\ndisk per operation, with its steps, audit entries, order and line: %.1f KiB\n",
				float64(after-before)/1024/float64(len(times)))
		}
		if _, err := p.drained(10 * time.Minute); err != nil {
			return err
		}
	}
	if err := p.pickup(); err != nil {
		return err
	}
	if err := p.overload(); err != nil {
		return err
	}
	return p.outage()
}

// overload lets far more clients browse than there is capacity for, beside four that
// order.
func (p *placing) overload() error {
	document, err := pages.ReadFile("pages/orders.graphql")
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"query": string(document)})
	if err != nil {
		return err
	}
	fmt.Println("| clients that browse | pages/s | turned away/s | orders acknowledged/s | p50 ms | p99 ms | orders turned away |")
	fmt.Println("|--:|--:|--:|--:|--:|--:|--:|")
	for _, browsing := range []int{0, 32, 400} {
		ctx, cancel := context.WithCancel(context.Background())
		var answered, away atomic.Int64
		var all sync.WaitGroup
		for range browsing {
			all.Go(func() {
				for ctx.Err() == nil {
					switch p.page(ctx, body) {
					case http.StatusOK:
						answered.Add(1)
					case http.StatusServiceUnavailable:
						away.Add(1)
						time.Sleep(50 * time.Millisecond) // as one who reads Retry-After, though sooner
					}
				}
			})
		}
		time.Sleep(time.Second)
		answered.Store(0)
		away.Store(0)
		times, _, took, err := p.submit(4, 0, 4*time.Second)
		pages, turned := answered.Load(), away.Load()
		cancel()
		all.Wait()
		if err != nil {
			return fmt.Errorf("an order was turned away: %w", err)
		}
		fmt.Printf("| %d | %.0f | %.0f | %.0f | %.2f | %.2f | 0 |\n", browsing, float64(pages)/took.Seconds(), float64(turned)/took.Seconds(),
			float64(len(times))/took.Seconds(), ms(at(times, 50)), ms(at(times, 99)))
		if _, err := p.drained(10 * time.Minute); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

// page asks for a page and tells the status of the answer; 0 where there was none.
func (p *placing) page(ctx context.Context, body []byte) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.s.token)
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func at(times []time.Duration, percent int) time.Duration {
	slices.Sort(times)
	return times[min(len(times)-1, len(times)*percent/100)]
}

// size is what the tables of operations and their orders take on disk, in bytes.
func (p *placing) size() (n int64, err error) {
	err = p.db.QueryRow(`SELECT sum(pg_total_relation_size(t::regclass))
		FROM unnest(ARRAY['operations', 'operation_steps', 'audit_entries', 'orders', 'order_lines']) t`).Scan(&n)
	return n, err
}

// drained waits until nothing waits any more, and tells how long that took.
func (p *placing) drained(within time.Duration) (time.Duration, error) {
	begun := time.Now()
	for time.Since(begun) < within {
		var open int
		if err := p.db.QueryRow(`SELECT count(*) FROM operations WHERE finished_at IS NULL AND due_at < 'infinity'`).Scan(&open); err != nil {
			return 0, err
		}
		if open == 0 {
			return time.Since(begun), nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return 0, fmt.Errorf("not drained within %s", within)
}

// pickup measures how soon an operation is begun, under little load.
func (p *placing) pickup() error {
	var since time.Time
	if err := p.db.QueryRow(`SELECT clock_timestamp()`).Scan(&since); err != nil {
		return err
	}
	for range 200 {
		if _, _, err := p.one(context.Background()); err != nil {
			return err
		}
		time.Sleep(60 * time.Millisecond)
	}
	if _, err := p.drained(time.Minute); err != nil {
		return err
	}
	var p50, p99 float64
	const query = `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x), percentile_cont(0.99) WITHIN GROUP (ORDER BY x) FROM (
		SELECT extract(epoch FROM s.started_at - o.submitted_at) * 1000 AS x FROM operations o JOIN operation_steps s ON s.operation_id = o.id
		AND s.position = 0 WHERE o.submitted_at > $1) t`
	if err := p.db.QueryRow(query, since).Scan(&p50, &p99); err != nil {
		return err
	}
	fmt.Printf("picked up, from the beginning of the transaction that keeps it: p50 %.1f ms, p99 %.1f ms (200 operations, one at a time)\n\n",
		p50, p99)
	return nil
}
