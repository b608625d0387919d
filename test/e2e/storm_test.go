package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"portico/test/e2e/api"
)

var (
	storm        = flag.Duration("storm", 20*time.Second, "how long TestWritesGoOnBesideLocksOfTables writes")
	stormClients = flag.Int("storm-clients", 24, "how many write at once; every fourth is a supplier")
)

const stormSubmit = `mutation ($key: IdempotencyKey!, $in: OrderInput!) { submitOrder(idempotencyKey: $key, input: $in)
	{ errors { ... on UserError { code message } } operation { id } order { id version lines(first: 1) { nodes { id } } } } }`

// longestWrite is how long a client waits for a write at most, in a storm that is long enough to be measured.
const longestWrite = 5 * time.Second

// written is what a client of a storm was promised.
type written struct {
	sync.Mutex
	operations []string // that were acknowledged
	took       []time.Duration
	later      int            // how often a client was asked to come again
	refused    map[string]int // by code and message, such as that the order has another version by now
	failed     []string
}

// write sends a write until it is acknowledged, under one key, and returns the answer.
func (w *written) write(ctx context.Context, s *server, token, query string, vars map[string]any, operation ...any) (a answer, ok bool) {
	for ctx.Err() == nil {
		begun := time.Now()
		during, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		a, err := s.ask(during, token, query, vars)
		cancel()
		took := time.Since(begun)
		w.Lock()
		w.took = append(w.took, took)
		id, acknowledged := a.at(operation...).(string)
		switch {
		case err != nil:
			w.failed = append(w.failed, fmt.Sprintf("after %s: %v", took, err))
		case acknowledged:
			w.operations = append(w.operations, id)
		case a.at(operation[0], "errors", 0, "code") != nil:
			w.refused[fmt.Sprint(a.at(operation[0], "errors", 0, "code"), ": ", a.at(operation[0], "errors", 0, "message"))]++
		case len(a.Errors) > 0 && slices.Contains([]any{"UNAVAILABLE", "OVERLOADED", "TIMEOUT"}, a.Errors[0].Extensions["code"]):
			w.later++
		default:
			w.failed = append(w.failed, fmt.Sprintf("after %s: %s", took, a.Body))
		}
		ended := acknowledged || a.at(operation[0], "errors", 0, "code") != nil || len(w.failed) > 20
		w.Unlock()
		if ended {
			return a, acknowledged
		}
		time.Sleep(200 * time.Millisecond)
	}
	return a, false
}

// TestWritesGoOnBesideLocksOfTables has many clients submit, amend and answer at once, at a server with four connections, while tables are
// altered, indexed and, for 2 s of each 10 s, locked: nothing hangs, and all that was acknowledged is done once. For longer, and measured:
// go test ./test/e2e -run WritesGoOn -storm 5m -storm-clients 200 -v
//
// Covers: R02
// Cases: H18
func TestWritesGoOnBesideLocksOfTables(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t), "PORTICO_DATABASE_CONNECTIONS=4", "PORTICO_CLIENT_RATE=100000000", "PORTICO_CLIENT_BURST=1000000000",
		"PORTICO_ACCOUNT_RATE=100000000", "PORTICO_ACCOUNT_BURST=1000000000")
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	o := orderingAt(t, s)
	p := &supplying{s: s}
	p.next.Store(time.Now().UnixNano() / 1e6 % 1e9)
	var bought []map[string]any
	for range min(*stormClients, 40) { // what suppliers answer
		bought = append(bought, p.bought(t, 1000, "SCR-10001"))
	}
	buyer, supplier := s.token(t, "buyer"), s.token(t, "supplier")
	before := s.effects(t)
	db := s.database(t)
	ctx, stop := context.WithTimeout(t.Context(), *storm)
	defer stop()
	w := &written{refused: map[string]int{}}
	var all sync.WaitGroup
	all.Go(func() { disturb(ctx, t, db) })
	answers := make(chan map[string]any, len(bought))
	for _, po := range bought {
		answers <- po
	}
	for n := range *stormClients {
		all.Go(func() {
			var order any
			for ctx.Err() == nil {
				if n%4 == 3 {
					select {
					case po := <-answers:
						w.write(ctx, s, supplier, respond, map[string]any{"key": p.key(), "in": p.answer(po, "ACCEPTED")}, "out", "operation", "id")
						continue
					default: // all are answered
					}
				}
				key, in := o.order()
				a, ok := w.write(ctx, s, buyer, stormSubmit, map[string]any{"key": key, "in": in}, "submitOrder", "operation", "id")
				if before := order; before != nil { // the one before is with the ERP by now
					now, err := s.ask(t.Context(), buyer, `query ($id: ID!) { order(by: {id: $id}) { version allowedActions } }`,
						map[string]any{"id": walk(before, "id")})
					if err == nil && strings.Contains(fmt.Sprint(now.at("order", "allowedActions")), "AMEND") {
						w.write(ctx, s, buyer, api.AmendOrder_Operation, map[string]any{"key": o.key(), "in": map[string]any{
							"order": walk(before, "id"), "expectedVersion": now.at("order", "version"),
							"changeLines": []any{map[string]any{
								"line": walk(before, "lines.nodes.0.id"), "quantity": map[string]any{"value": "1050", "unit": "EA"},
							}},
						}}, "amendOrder", "operation", "id")
					}
				}
				if ok {
					order = a.at("submitOrder", "order")
				}
			}
		})
	}
	all.Wait()
	for _, f := range w.failed {
		t.Error(f)
	}
	slices.Sort(w.took)
	if refused := len(w.took) - len(w.operations) - w.later; len(w.operations) < *stormClients || refused > len(w.operations)/2 {
		t.Fatalf("%d writes of %d clients were acknowledged, %v refused, %d asked to come again", len(w.operations), *stormClients, w.refused,
			w.later)
	}
	longest := w.took[len(w.took)-1]
	t.Logf("%d clients in %s: %d writes acknowledged, %v refused, %d asked to come again; p50 %s, p99 %s, the longest %s", *stormClients,
		*storm, len(w.operations), w.refused, w.later, w.took[len(w.took)/2].Round(time.Millisecond),
		w.took[len(w.took)*99/100].Round(time.Millisecond), longest.Round(time.Millisecond))
	if *storm >= time.Minute && longest > longestWrite {
		t.Errorf("a write took %s, %s are the most", longest, longestWrite)
	}
	// Each is done, and the ERP has each order once.
	s.until(t, 2*time.Minute+*storm/2, "all done", func() bool {
		var open int
		const unfinished = `SELECT count(*) FROM operations WHERE id = ANY($1) AND state NOT IN ('COMMITTED', 'FAILED')`
		if err := db.Get(&open, unfinished, pq.Array(w.operations)); err != nil {
			t.Fatal(err)
		}
		return open == 0
	})
	var kept, failed int
	var kinds []string
	if err := errors.Join(
		db.Select(&kinds, `SELECT DISTINCT kind FROM operations WHERE id = ANY($1) ORDER BY 1`, pq.Array(w.operations)),
		db.Get(&kept, `SELECT count(*) FROM operations WHERE id = ANY($1)`, pq.Array(w.operations)),
		db.Get(&failed, `SELECT count(*) FROM operations WHERE id = ANY($1) AND state = 'FAILED' AND kind <> 'AMEND_ORDER'`,
			pq.Array(w.operations)),
	); err != nil {
		t.Fatal(err)
	}
	if want := []string{"AMEND_ORDER", "RESPOND_TO_PURCHASE_ORDER", "SUBMIT_ORDER"}; !slices.Equal(kinds, want) {
		t.Errorf("of all kinds %v there are only %v", want, kinds)
	}
	if kept != len(w.operations) || failed > 0 {
		t.Errorf("of %d operations that were acknowledged %d are there, and %d failed", len(w.operations), kept, failed)
	}
	for ref, n := range s.effects(t) {
		if n > max(1, before[ref]) {
			t.Errorf("the ERP took the order %s %d times", ref, n)
		}
	}
}

// disturb alters, indexes and locks tables that writes use, as a migration and a careless operator do, until ctx ends.
func disturb(ctx context.Context, t *testing.T, db *sqlx.DB) {
	for n := 0; ctx.Err() == nil; n++ {
		round := time.After(10 * time.Second)
		for _, statements := range [][]string{
			{`ALTER TABLE operations ADD COLUMN storm integer`},
			{`ALTER TABLE operations DROP COLUMN IF EXISTS storm`},
			{`CREATE INDEX IF NOT EXISTS storm ON orders (number)`},
			{`DROP INDEX IF EXISTS storm`},
			{`LOCK TABLE ` + []string{"orders", "operations"}[n%2] + ` IN ACCESS EXCLUSIVE MODE`, `SELECT pg_sleep(2)`},
		} {
			if err := inOne(context.WithoutCancel(ctx), db, append([]string{`SET LOCAL lock_timeout = '2s'`}, statements...)); err != nil {
				t.Logf("%s: %v", statements[0], err) // a lock that was not to be had in time, as a migration's
			}
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
		select {
		case <-ctx.Done():
		case <-round:
		}
	}
	_, _ = db.ExecContext(context.WithoutCancel(ctx), `ALTER TABLE operations DROP COLUMN IF EXISTS storm; DROP INDEX IF EXISTS storm`)
}

func inOne(ctx context.Context, db *sqlx.DB, statements []string) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}
