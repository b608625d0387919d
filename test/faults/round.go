package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	_ "github.com/lib/pq" // reads what the database has in the end
)

// play does one run: some orders, a cancellation and a supplier's answer while a fault
// happens.
func (w *world) play(k kind) (acks []ack, hit bool, err error) {
	servers := w.servers[:1]
	if k.two {
		servers = w.servers
		if err := w.ready(w.servers[1], time.Minute); err != nil {
			return nil, false, err
		}
	}
	po, err := w.bought()
	if err != nil {
		return nil, false, err
	}
	late, decision := []int{2, 30}[w.r.IntN(2)], []string{"ACCEPT", "REJECT", ""}[w.r.IntN(3)]
	undo := k.do(w)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 1 + w.r.IntN(3) {
		cancels := i == 0 && w.r.IntN(3) == 0
		all.Go(func() {
			a, order, _, e := w.place(servers)
			mu.Lock()
			if e != nil {
				err = errors.Join(err, e)
			} else {
				acks = append(acks, a)
			}
			mu.Unlock()
			if e == nil && cancels {
				if c, e := w.cancel(servers, a, order); e == nil {
					mu.Lock()
					acks = append(acks, c)
					mu.Unlock()
				}
			}
		})
	}
	all.Go(func() {
		acked, e := w.answer(servers, po, late, decision)
		mu.Lock()
		defer mu.Unlock()
		acks, err = append(acks, acked...), errors.Join(err, e)
	})
	all.Wait()
	// A kill in the background of what was acknowledged may be still to come.
	if !hitSoon(&w.faults, time.Second) {
		w.faults.disarm()
	}
	hit = w.faults.disarm() || k.name == "the ERP is frozen" || strings.HasPrefix(k.name, "the database")
	undo()
	if err != nil {
		return acks, hit, err
	}
	if err := w.ready(w.servers[0], 60*time.Second); err != nil {
		return acks, hit, err
	}
	if k.two {
		return acks, hit, w.ready(w.servers[1], 60*time.Second)
	}
	return acks, hit, nil
}

func hitSoon(a *armed, within time.Duration) bool {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		a.mu.Lock()
		hit, waits := a.hit, a.at != ""
		a.mu.Unlock()
		if hit || !waits {
			return hit
		}
	}
	return false
}

// cancel cancels an order that was just placed. It may be refused, where it is too late.
func (w *world) cancel(servers []*server, a ack, order string) (ack, error) {
	const query = `mutation ($key: IdempotencyKey!, $in: CancelOrderInput!)
		{ out: cancelOrder(idempotencyKey: $key, input: $in) { errors { ... on UserError { code message } } operation { id } order
		{ id version } } }`
	for range 20 {
		var now struct{ Order struct{ Version string } }
		s := servers[len(servers)-1]
		if err := w.ask(s, `query ($id: ID!) { order(by: {id: $id}) { version } }`, map[string]any{"id": order}, &now); err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		c := ack{Key: a.Key + ", cancelled at " + now.Order.Version}
		operation, _, _, err := w.write(servers, query, c.Key,
			map[string]any{"order": order, "expectedVersion": now.Order.Version, "reason": "a fault"})
		if err != nil {
			continue // it has another version by now
		}
		c.Operation = operation
		return c, nil
	}
	return ack{}, errors.New("not cancelled")
}

// settled is how long operations may take to settle after all is well again.
const settled = 60 * time.Second

// settle waits until nothing is worked on any more.
func (w *world) settle() (time.Duration, error) {
	db, err := sql.Open("postgres", w.cluster.DSN())
	if err != nil {
		return 0, err
	}
	defer db.Close()
	begun := time.Now()
	for {
		var open int
		err := db.QueryRowContext(w.ctx, `SELECT (SELECT count(*) FROM operations WHERE finished_at IS NULL AND due_at < 'infinity')
			+ (SELECT count(*) FROM messages m JOIN operations o ON o.id = m.operation_id WHERE m.awaits_outcome
			AND o.finished_at IS NOT NULL)`).Scan(&open)
		if err == nil && open == 0 {
			return time.Since(begun), nil
		}
		if time.Since(begun) > settled || w.ctx.Err() != nil {
			return time.Since(begun), errors.Join(fmt.Errorf("%d operations are stuck after %s", open, settled), err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// state reads what the database and the ERP have in the end.
func (w *world) state() (operations []operation, journal []effect, messages []message, err error) {
	db, err := sql.Open("postgres", w.cluster.DSN())
	if err != nil {
		return nil, nil, nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(w.ctx,
		`SELECT id, idempotency_key, kind, state, coalesce(failure ->> 'code', ''), finished_at IS NOT NULL FROM operations`)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var o operation
		if err := rows.Scan(&o.ID, &o.Key, &o.Kind, &o.State, &o.Code, &o.Ended); err != nil {
			return nil, nil, nil, err
		}
		operations = append(operations, o)
	}
	signed, err := db.QueryContext(w.ctx,
		`SELECT coalesce(m.operation_id, ''), coalesce((SELECT r.signature FROM receipts r WHERE r.message_id = m.id AND r.kind = 'ARRIVAL'), ''),
		coalesce((SELECT r.outcome FROM receipts r WHERE r.message_id = m.id AND r.kind = 'OUTCOME'), '') FROM messages m`)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() { _ = signed.Close() }()
	for signed.Next() {
		var m message
		if err := signed.Scan(&m.Operation, &m.Arrival, &m.Outcome); err != nil {
			return nil, nil, nil, err
		}
		messages = append(messages, m)
	}
	resp, err := http.Get("http://" + w.companyAt + "/control/journal?since=0")
	if err != nil {
		return nil, nil, nil, err
	}
	defer resp.Body.Close()
	return operations, journal, messages, errors.Join(rows.Err(), signed.Err(), json.NewDecoder(resp.Body).Decode(&journal))
}
