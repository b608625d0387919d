package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// proof is what a run proves, and how hard it is made.
type proof struct {
	subscribers, reconnects int
	seed                    uint64
	every, locked           time.Duration

	c       *cluster
	token   string
	db      *sqlx.DB
	came    atomic.Int64 // times that subscribers came back
	failed  atomic.Int64 // frames that had errors
	torn    atomic.Int64 // changes that came without what was asked for
	settled atomic.Bool  // nothing is ended any more
}

// place is a place in the log, as a cursor begins with it.
type place struct {
	Xid uint64
	Seq int64
}

func (p place) before(o place) bool { return p.Xid < o.Xid || p.Xid == o.Xid && p.Seq < o.Seq }

func placeOf(cursor string) (place, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 16 {
		return place{}, fmt.Errorf("%q is no cursor", cursor)
	}
	return place{binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// delivered is what one subscriber was told, from where on.
type delivered struct {
	from   place
	places []place
}

// results are what a run found.
type results struct {
	subscribers int
	reconnects  int64
	changes     int // in the log meanwhile
	ended       map[string]int
	wrong       wrong
	planted     wrong // of a reader that reads on from the last number that it saw
	failed      int64 // frames that had errors
	torn        int64 // changes that came without what was asked for
	caughtUp    time.Duration
}

func (r *results) String() string {
	return fmt.Sprintf("%d subscribers came back %d times while %v were ended or locked; of %d changes %d were missed, %d told twice, %d out "+
		"of order, %d without what was asked for; %d streams ended with an error; all had caught up %s after the end. A planted reader "+
		"missed %d.",
		r.subscribers, r.reconnects, r.ended, r.changes, r.wrong.missed, r.wrong.twice, r.wrong.order, r.torn, r.failed,
		r.caughtUp.Round(time.Millisecond), r.planted.missed)
}

// verdict is an error where a promise was broken, or where the check finds nothing in a reader
// that is wrong.
func (r *results) verdict() error {
	switch {
	case r.wrong != wrong{} || r.torn > 0:
		return errors.New("subscribers were told otherwise than the log has it")
	case r.planted.missed == 0:
		return errors.New("the reader that is wrong was not found out: no transaction committed late")
	case r.changes == 0:
		return errors.New("nothing happened")
	}
	return nil
}

// wrong counts how what was told differs from the log.
type wrong struct{ missed, twice, order int }

func (w *wrong) add(o wrong) {
	w.missed, w.twice, w.order = w.missed+o.missed, w.twice+o.twice, w.order+o.order
}

// check holds what a subscriber was told to the log, in its order, between where it began and
// the end.
func check(log []place, t delivered, end place) (w wrong) {
	got := map[place]int{}
	for i, p := range t.places {
		if got[p]++; got[p] > 1 {
			w.twice++
		} else if i > 0 && p.before(t.places[i-1]) {
			w.order++
		}
	}
	for _, p := range log {
		if t.from.before(p) && !end.before(p) && got[p] == 0 {
			w.missed++
		}
	}
	return w
}

const caughtUpWithin = time.Minute

func (p *proof) run(ctx context.Context, c *cluster) (*results, error) {
	p.c = c
	out, err := p.command("token", "operator")
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	p.token = out[strings.LastIndex(out, "\n")+1:]
	if p.db, err = sqlx.Open("postgres", c.database.DSN()); err != nil {
		return nil, err
	}
	defer func() { _ = p.db.Close() }()
	var orders []string
	if err := p.db.SelectContext(ctx, &orders, `SELECT id FROM orders ORDER BY id LIMIT 200`); err != nil || len(orders) < 100 {
		return nil, fmt.Errorf("%d orders: %w", len(orders), err)
	}
	all := make([]*delivered, p.subscribers)
	var subscribers, load sync.WaitGroup
	working, done := context.WithCancel(ctx)
	defer done()
	subscribed, end := context.WithCancel(ctx)
	defer end()
	for i := range all {
		all[i] = &delivered{}
		subscribers.Go(func() { p.subscribe(subscribed, all[i], rand.New(rand.NewPCG(p.seed, uint64(i))), i%5 == 0) })
	}
	for i := range 4 {
		load.Go(func() { p.write(working, orders[:len(orders)/2], rand.New(rand.NewPCG(p.seed, 100+uint64(i)))) })
	}
	load.Go(func() { p.commitLate(working, orders[len(orders)/2:], rand.New(rand.NewPCG(p.seed, 200))) })
	planted := &delivered{}
	load.Go(func() { p.readWrongly(working, planted) })
	r := &results{subscribers: p.subscribers}
	if r.ended, err = p.endThings(ctx); err != nil {
		return nil, err
	}
	done()
	load.Wait()
	p.settled.Store(true)
	at := time.Now()
	var log []place
	if err := p.db.SelectContext(ctx, &log,
		`SELECT xid::text::bigint AS xid, seq FROM changes WHERE topic = 'ORDER' ORDER BY changes.xid, seq`); err != nil || len(log) == 0 {
		return nil, fmt.Errorf("the log: %w", err)
	}
	last := log[len(log)-1]
	for deadline := at.Add(caughtUpWithin); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if !slices.ContainsFunc(all, func(t *delivered) bool { return p.at(t).before(last) }) {
			break
		}
	}
	r.caughtUp, r.reconnects = time.Since(at), p.came.Load()
	end()
	subscribers.Wait()
	for _, t := range all {
		r.wrong.add(check(log, *t, last))
	}
	r.changes, r.planted = len(log), check(log, *planted, last)
	r.failed, r.torn = p.failed.Load(), p.torn.Load()
	return r, ctx.Err()
}

var delivering sync.Mutex // guards what was told

func (p *proof) at(t *delivered) place {
	delivering.Lock()
	defer delivering.Unlock()
	if len(t.places) == 0 {
		return t.from
	}
	return t.places[len(t.places)-1]
}

func (p *proof) command(args ...string) (string, error) {
	cmd := exec.Command(p.c.binary, args...)
	cmd.Env = append(os.Environ(), "PORTICO_DATA="+p.c.at("portico-1"))
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// subscription asks for all that an order has below it, so that each item takes several tables to make.
const subscription = `subscription ($after: EventCursor) { orderUpdates(after: $after) { __typename ... on StreamItem { cursor }
	... on OrderUpdate { previousStatus commitmentChanges { cause } order { number status account { name } totals { total { amount } }
	shipments(first: 5) { nodes { number status packages { trackingNumber } } }
	lines(first: 10) { totalCount { value }
	nodes { lineNumber item { sku name } ordered { value } schedule { promisedDeliveryDate } } } } } } }`

// item is what a subscriber gets.
type item struct {
	Kind   string `json:"__typename"`
	Cursor string
	Order  *struct {
		Account *struct{ Name string }
		Lines   *struct {
			TotalCount struct{ Value int }
			Nodes      []struct{ Schedule []any }
		}
	}
}

// torn tells whether an item is there without what was asked for.
func (i *item) torn() bool {
	if i.Kind != "OrderUpdate" {
		return false
	}
	return i.Order == nil || i.Order.Account == nil || i.Order.Lines == nil ||
		len(i.Order.Lines.Nodes) != min(i.Order.Lines.TotalCount.Value, 10) ||
		slices.ContainsFunc(i.Order.Lines.Nodes, func(l struct{ Schedule []any }) bool { return l.Schedule == nil })
}

// subscribe follows orders until ctx ends, and breaks its connection again and again until
// nothing is ended any more; one that stays does not break it. Whatever breaks, it comes back with the last cursor that it has.
func (p *proof) subscribe(ctx context.Context, t *delivered, r *rand.Rand, stays bool) {
	var after *string
	for first := true; ctx.Err() == nil; first = false {
		if !first {
			p.came.Add(1)
		}
		life := 200*time.Millisecond + time.Duration(r.IntN(1500))*time.Millisecond
		if stays || p.settled.Load() {
			life = time.Hour
		}
		connected, cut := context.WithTimeout(ctx, life)
		_ = p.connection(connected, t, &after)
		cut()
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(r.IntN(50)) * time.Millisecond):
		}
	}
}

func (p *proof) connection(ctx context.Context, t *delivered, after **string) error {
	conn, _, err := websocket.Dial(ctx, "ws://"+p.c.addr+"/graphql", //nolint:bodyclose // the connection has taken it
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 20)
	send := func(m map[string]any) error { return wsjson.Write(ctx, conn, m) }
	if err := send(map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + p.token}}); err != nil {
		return err
	}
	if err := send(map[string]any{
		"type": "subscribe", "id": "1",
		"payload": map[string]any{"query": subscription, "variables": map[string]any{"after": *after}},
	}); err != nil {
		return err
	}
	for {
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		if err := wsjson.Read(ctx, conn, &m); err != nil {
			return err
		}
		switch m.Type {
		case "ping":
			err = send(map[string]any{"type": "pong"})
		case "next":
			var said struct {
				Errors []json.RawMessage
				Data   struct {
					Item *item `json:"orderUpdates"`
				}
			}
			if err = json.Unmarshal(m.Payload, &said); err != nil {
				return err
			}
			if len(said.Errors) > 0 {
				p.failed.Add(1)
			}
			if said.Data.Item == nil { // the stream ends here
				continue
			}
			if said.Data.Item.torn() {
				p.torn.Add(1)
			}
			err = t.take(said.Data.Item.Kind, said.Data.Item.Cursor)
			*after = &said.Data.Item.Cursor
		case "complete", "error":
			if m.Type == "error" {
				p.failed.Add(1)
			}
			return errors.New(m.Type)
		}
		if err != nil {
			return err
		}
	}
}

func (t *delivered) take(kind, cursor string) error {
	at, err := placeOf(cursor)
	if err != nil {
		return err
	}
	delivering.Lock()
	defer delivering.Unlock()
	if kind == "OrderUpdate" {
		t.places = append(t.places, at)
	} else if t.from == (place{}) {
		t.from = at
	}
	return nil
}

const toggled = `UPDATE orders SET status = CASE status WHEN 'ON_HOLD' THEN 'CONFIRMED' ELSE 'ON_HOLD' END WHERE id = $1`

// write changes orders, and does not mind when it cannot.
func (p *proof) write(ctx context.Context, orders []string, r *rand.Rand) {
	for ctx.Err() == nil {
		_, _ = p.db.ExecContext(ctx, toggled, orders[r.IntN(len(orders))])
		time.Sleep(time.Duration(10+r.IntN(40)) * time.Millisecond)
	}
}

// commitLate changes orders in transactions that take long, so that others overtake them, and
// some are not committed at all.
func (p *proof) commitLate(ctx context.Context, orders []string, r *rand.Rand) {
	for ctx.Err() == nil {
		tx, err := p.db.BeginTxx(ctx, nil)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		_, err = tx.ExecContext(ctx, toggled, orders[r.IntN(len(orders))])
		time.Sleep(time.Duration(100+r.IntN(900)) * time.Millisecond)
		if err != nil || r.IntN(5) == 0 {
			_ = tx.Rollback()
		} else {
			_ = tx.Commit()
		}
	}
}

// readWrongly reads the log on from the last number that it saw, as one does who does not know
// that numbers are given out before they are committed.
func (p *proof) readWrongly(ctx context.Context, t *delivered) {
	last := int64(-1)
	for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if last < 0 {
			if p.db.GetContext(ctx, &t.from, `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid, 0 AS seq`) == nil &&
				p.db.GetContext(ctx, &last, `SELECT coalesce(max(seq), 0) FROM changes`) != nil {
				last = -1
			}
			continue
		}
		var rows []place
		if p.db.SelectContext(ctx, &rows, `SELECT xid::text::bigint AS xid, seq FROM changes WHERE topic = 'ORDER' AND seq > $1 ORDER BY seq`,
			last) == nil && len(rows) > 0 {
			t.places, last = append(t.places, rows...), rows[len(rows)-1].Seq
		}
	}
}

// endThings ends one thing after the other until subscribers came back often enough and all
// kinds of things were ended, and starts each again.
func (p *proof) endThings(ctx context.Context) (ended map[string]int, err error) {
	r := rand.New(rand.NewPCG(p.seed, 300))
	server := func() error { return p.kill(ctx, p.c.servers[r.IntN(len(p.c.servers))], r) }
	kinds := []struct {
		name string
		end  func() error
	}{
		{"servers", server},
		{"NATS servers", func() error {
			if len(p.c.nats) == 0 {
				return nil
			}
			return p.kill(ctx, p.c.nats[r.IntN(len(p.c.nats))], r)
		}},
		{"servers", server},
		{"connections", func() error {
			_, err := p.db.ExecContext(ctx,
				`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
					AND (query LIKE 'LISTEN%' OR query LIKE '%advisory%')`)
			return err
		}},
		{"tables", func() error { return p.lock(ctx, r) }},
		{"servers", server},
		{"databases", func() error {
			p.c.database.Stop()
			time.Sleep(time.Duration(r.IntN(1000)) * time.Millisecond)
			return p.c.startDatabase(ctx)
		}},
	}
	ended = map[string]int{}
	for n := 0; n < len(kinds) || p.came.Load() < int64(p.reconnects); n++ {
		select {
		case <-ctx.Done():
			return ended, ctx.Err()
		case <-time.After(p.every):
		}
		kind := kinds[n%len(kinds)]
		if kind.name == "NATS servers" && len(p.c.nats) == 0 {
			continue
		}
		if err := kind.end(); err != nil {
			return ended, fmt.Errorf("ending %s: %w", kind.name, err)
		}
		ended[kind.name]++
		fmt.Fprintf(p.c.log, "%5d times came back, ended %v\n", p.came.Load(), ended)
	}
	for _, s := range p.c.servers {
		if err := s.ready(ctx, time.Minute); err != nil {
			return ended, err
		}
	}
	return ended, nil
}

// lock holds the tables below orders for a while: what changed meanwhile cannot be made. Orders themselves go on changing.
// Where it and the servers' work wait for each other, PostgreSQL ends one of them: it begins once more.
func (p *proof) lock(ctx context.Context, r *rand.Rand) error {
	tx, err := p.db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, `LOCK TABLE schedule_lines, accounts IN ACCESS EXCLUSIVE MODE`); err != nil {
		_ = tx.Rollback()
		if e, is := errors.AsType[*pq.Error](err); is && e.Code.Name() == "deadlock_detected" {
			return p.lock(ctx, r)
		}
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(p.locked/2 + time.Duration(r.Int64N(int64(p.locked/2)))):
	}
	return nil
}

func (p *proof) kill(ctx context.Context, victim *process, r *rand.Rand) error {
	victim.end(syscall.SIGKILL)
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(r.IntN(1500)) * time.Millisecond):
	}
	return victim.start()
}
