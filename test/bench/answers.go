package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portico/evidence/signatures"
	"portico/test/bench/rivals"
)

// answering answers purchase orders as a supplier who must sign: each request (RFC 9421) and
// each document in it, kept with fsync, and acknowledged by a signed receipt.
type answering struct {
	s      *server
	db     *sql.DB
	keyID  string
	key    ed25519.PrivateKey
	orders chan struct{ ID, Revision string }
	n      atomic.Int64
}

// answersEach is how many purchase orders are answered with each number of clients.
const answersEach = 1000

// answered measures signed answers: how many a second are acknowledged with their receipts.
func answered(binary string) error {
	for _, limit := range []string{"PORTICO_CLIENT_RATE", "PORTICO_CLIENT_BURST", "PORTICO_ACCOUNT_RATE", "PORTICO_ACCOUNT_BURST"} {
		if err := os.Setenv(limit, "1000000000"); err != nil {
			return err
		}
	}
	s, remove, err := startSmall(binary)
	if err != nil {
		return err
	}
	defer remove()
	a := &answering{s: s}
	dsn, err := rivals.DatabaseOf(s.data)
	if err != nil {
		return err
	}
	if a.db, err = sql.Open("postgres", dsn); err != nil {
		return err
	}
	defer func() { _ = a.db.Close() }()
	if err := a.signUp(binary); err != nil {
		return err
	}
	loads := []int{8, 1, 8, 24, 32} // the first one counts for nothing: the database does not know its tables yet
	if err := a.buy(answersEach * len(loads)); err != nil {
		return err
	}
	var fsync string
	if err := a.db.QueryRow(`SHOW fsync`).Scan(&fsync); err != nil {
		return err
	}
	fmt.Printf("fsync %s\n\n| clients | signed answers with receipts/s | p50 ms | p99 ms |\n|--:|--:|--:|--:|\n", fsync)
	for i, clients := range loads {
		times, took, err := a.load(clients)
		if err != nil {
			return err
		}
		if i == 0 {
			if _, err := a.db.Exec(`ANALYZE`); err != nil {
				return err
			}
			continue
		}
		fmt.Printf("| %d | %.0f | %.2f | %.2f |\n", clients, float64(len(times))/took.Seconds(), ms(at(times, 50)), ms(at(times, 99)))
	}
	var per float64
	if err := a.db.QueryRow(`SELECT (pg_total_relation_size('messages') + pg_total_relation_size('receipts'))::float / count(*) / 1024
		FROM messages`).Scan(&per); err != nil {
		return err
	}
	fmt.Printf("\ndisk per message with its receipts: %.1f KiB\n\n", per)
	return a.page()
}

// page loads the supplier's page of purchase orders that were answered.
func (a *answering) page() error {
	t, err := startRival(rivals.HandWritten, a.s.data, 18081)
	if err != nil {
		return err
	}
	defer t.stop()
	for open := 1; open > 0; time.Sleep(100 * time.Millisecond) { // what was answered is handed over first
		if err := a.db.QueryRow(`SELECT count(*) FROM operations WHERE finished_at IS NULL`).Scan(&open); err != nil {
			return err
		}
	}
	servers := []*target{{name: "portico", url: a.s.url + "/graphql", metrics: a.s.admin + "/metrics"}, t}
	if err := a.s.same(servers, "supplies"); err != nil {
		return err
	}
	return a.s.compare(servers, []load{{"supplies", 1}, {"supplies", 8}}, 2*time.Second)
}

// signUp has the supplier V2001 sign from now on, with a key of its own.
func (a *answering) signUp(binary string) error {
	as := func(persona string) error {
		token := exec.Command(binary, "token", persona)
		token.Env = append(os.Environ(), "PORTICO_DATA="+a.s.data)
		out, err := token.Output()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		a.s.token = lines[len(lines)-1]
		return err
	}
	var answer struct {
		Data struct {
			Partner struct{ ID, Version string }
			Out     struct {
				Refused []struct{ Message string }
				Partner struct {
					Keys []struct{ ID, Challenge string }
				}
			}
		}
	}
	do := func(mutation, input string, in map[string]any) error {
		text, err := a.s.ask(context.Background(),
			`mutation ($k: IdempotencyKey!, $in: `+input+`!) { out: `+mutation+`(idempotencyKey: $k, input: $in)
				{ refused: errors { ... on UserError { message } } partner { keys { id challenge } } } }`,
			map[string]any{"k": "bench " + rand.Text(), "in": in})
		if err == nil {
			err = json.Unmarshal(text, &answer)
		}
		if err == nil && len(answer.Data.Out.Refused) > 0 {
			err = errors.New(answer.Data.Out.Refused[0].Message)
		}
		return err
	}
	if err := as("operator"); err != nil {
		return err
	}
	text, err := a.s.ask(context.Background(), `{ partner(by: {code: "V2001"}) { id version } }`, nil)
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		return err
	}
	id := answer.Data.Partner.ID
	if err := do("updatePartner", "UpdatePartnerInput",
		map[string]any{"partner": id, "expectedVersion": answer.Data.Partner.Version, "requiresSignature": true}); err != nil {
		return err
	}
	if err := as("supplier"); err != nil {
		return err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	pem, err := signatures.PublicPEM(public)
	if err != nil {
		return err
	}
	if err := do("rotatePartnerKey", "RotatePartnerKeyInput",
		map[string]any{"partner": id, "publicKeyPem": pem, "validFrom": time.Now().UTC().Format(time.RFC3339)}); err != nil {
		return err
	}
	k := answer.Data.Out.Partner.Keys[0]
	a.keyID, a.key = k.ID, private
	return do("provePartnerKey", "ProvePartnerKeyInput",
		map[string]any{"key": k.ID, "signature": base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(k.Challenge)))})
}

// buy has the company buy of V2001, and waits until all of it can be answered.
func (a *answering) buy(many int) error {
	const waiting = `FROM purchase_orders o JOIN trading_partners p ON p.id = o.supplier_id WHERE p.code = 'V2001' AND o.state = 'SENT'`
	var before int
	if err := a.db.QueryRow(`SELECT count(*) ` + waiting).Scan(&before); err != nil {
		return err
	}
	body := []byte(`{"venNo":"V2001","whs":"RTM","items":[{"matNo":"SCR-10001","qty":100}]}`)
	for range many {
		req, err := http.NewRequest(http.MethodPost, a.s.company+"/control/buy", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("X-Api-Key", companyKey)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode >= 300 {
			return fmt.Errorf("buying: status %d", resp.StatusCode)
		}
	}
	for n := 0; n < before+many; time.Sleep(100 * time.Millisecond) {
		if err := a.db.QueryRow(`SELECT count(*) ` + waiting).Scan(&n); err != nil {
			return err
		}
	}
	rows, err := a.db.Query(`SELECT o.id, o.revision::text ` + waiting)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	a.orders = make(chan struct{ ID, Revision string }, before+many)
	for rows.Next() {
		var o struct{ ID, Revision string }
		if err := rows.Scan(&o.ID, &o.Revision); err != nil {
			return err
		}
		a.orders <- o
	}
	return rows.Err()
}

const answeringOrder = `mutation ($key: IdempotencyKey!, $in: PurchaseOrderResponseInput!)
	{ out: respondToPurchaseOrder(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } operation { id } receipt
	{ signature } } }`

// one answers one purchase order, and tells how long it took.
func (a *answering) one(o struct{ ID, Revision string }) (time.Duration, error) {
	n := a.n.Add(1)
	revision, err := strconv.Atoi(o.Revision)
	if err != nil {
		return 0, err
	}
	in := map[string]any{"purchaseOrder": o.ID, "expectedRevision": revision, "responseNumber": fmt.Sprint("R", n), "kind": "ACCEPTED"}
	req, err := signatures.Mutation(context.Background(), a.s.url+"/graphql", a.s.token, answeringOrder, fmt.Sprintf("bench answer %08d", n),
		in, a.keyID, a.key, time.Now())
	if err != nil {
		return 0, err
	}
	req.Header.Set("Prefer", "wait=0")
	begun := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Data struct {
			Out *struct {
				Errors  []struct{ Message string }
				Receipt *struct{ Signature string }
			}
		}
		Errors []struct{ Message string }
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	took := time.Since(begun)
	if err == nil && (answer.Data.Out == nil || answer.Data.Out.Receipt == nil || len(answer.Data.Out.Errors) > 0) {
		err = fmt.Errorf("not acknowledged: %+v %+v", answer.Errors, answer.Data.Out)
	}
	return took, err
}

// load has so many clients answer [answersEach] purchase orders.
func (a *answering) load(clients int) (times []time.Duration, took time.Duration, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	var given atomic.Int64
	begun := time.Now()
	for range clients {
		all.Go(func() {
			for given.Add(1) <= answersEach {
				t, e := a.one(<-a.orders)
				mu.Lock()
				times, err = append(times, t), errors.Join(err, e)
				mu.Unlock()
				if e != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return times, time.Since(begun), err
}
