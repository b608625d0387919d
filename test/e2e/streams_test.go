package e2e

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"portico/test/e2e/api"
)

// stream is a subscription over WebSocket.
type stream struct {
	conn   *websocket.Conn
	closed chan websocket.CloseError

	mu      sync.Mutex
	updates []map[string]any // data of each
	ended   []string         // types of messages that end it
}

type frame struct {
	Type    string
	ID      string
	Payload struct {
		Data   map[string]any
		Errors []map[string]any
	}
}

// connect opens a socket and signs in.
func (s *server) connect(t *testing.T, token string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	if err := wsjson.Write(t.Context(), conn,
		map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + token}}); err != nil {
		t.Fatal(err)
	}
	var ack frame
	if err := wsjson.Read(t.Context(), conn, &ack); err != nil || ack.Type != "connection_ack" {
		t.Fatalf("no acknowledgment: %+v, %v", ack, err)
	}
	return conn
}

// follow subscribes and gathers what comes until the connection closes.
func (s *server) follow(t *testing.T, token, query string, vars map[string]any) *stream {
	t.Helper()
	f := &stream{conn: s.connect(t, token), closed: make(chan websocket.CloseError, 1)}
	f.conn.SetReadLimit(1 << 20)
	if err := wsjson.Write(t.Context(), f.conn,
		map[string]any{"type": "subscribe", "id": "1", "payload": map[string]any{"query": query, "variables": vars}}); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			_, text, err := f.conn.Read(context.WithoutCancel(t.Context()))
			if err != nil {
				closed := websocket.CloseError{Code: websocket.CloseStatus(err), Reason: err.Error()}
				f.closed <- closed
				return
			}
			var m frame
			_ = json.Unmarshal(text, &m)
			f.mu.Lock()
			switch {
			case m.Type == "next" && len(m.Payload.Errors) == 0:
				f.updates = append(f.updates, m.Payload.Data)
			case m.Type == "next":
				f.ended = append(f.ended, "errors "+string(text))
			default:
				f.ended = append(f.ended, m.Type+" "+string(text))
			}
			f.mu.Unlock()
		}
	}()
	// The stream is open once the server has taken what came after it.
	if err := wsjson.Write(t.Context(), f.conn, map[string]any{"type": "ping"}); err != nil {
		t.Fatal(err)
	}
	s.until(t, 5*time.Second, "subscribed", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		at := slices.Index(f.ended, `pong {"type":"pong"}`)
		if at >= 0 {
			f.ended = slices.Delete(f.ended, at, at+1)
		}
		return at >= 0
	})
	return f
}

// received is how many updates came so far.
func (f *stream) received() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.updates)
}

// only are those of a stream's updates that are a U.
func only[U, R any](t *testing.T, f *stream, of func(R) any) (all []U) {
	t.Helper()
	for _, r := range updatesOf[R](t, f) {
		if update, ok := of(r).(U); ok {
			all = append(all, update)
		}
	}
	return all
}

func shipmentUpdates(t *testing.T, f *stream) []*api.ShipmentStreamShipmentUpdate {
	t.Helper()
	return only[*api.ShipmentStreamShipmentUpdate](t, f, func(r api.ShipmentUpdatesResponse) any { return r.ShipmentUpdates })
}

func orderUpdates(t *testing.T, f *stream) []*api.OrderStreamOrderUpdate {
	t.Helper()
	return only[*api.OrderStreamOrderUpdate](t, f, func(r api.OrderUpdatesResponse) any { return r.OrderUpdates })
}

// shipmentsOf are the ids of the shipments that a stream has received, in their order, with or without their orders.
func shipmentsOf(t *testing.T, f *stream) (ids []string) {
	t.Helper()
	for _, u := range shipmentUpdates(t, f) {
		ids = append(ids, u.Shipment.Id)
	}
	return ids
}

// shipmentSet are those of shipmentsOf.
func shipmentSet(t *testing.T, f *stream) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for _, id := range shipmentsOf(t, f) {
		ids[id] = true
	}
	return ids
}

// Covers: U06 T02 T01 F10
func TestChangesOfShipmentsReachThoseWhoseTheyAre(t *testing.T) {
	t.Parallel()
	s := portico(t)
	personas := []string{"operator", "buyer", "buyer-child", "buyer-other", "supplier", "supplier-other"}
	streams := map[string]*stream{}
	for _, p := range personas {
		query := api.ShipmentUpdatesWithOrders_Operation
		if strings.HasPrefix(p, "supplier") { // whom customers' orders are not shown
			query = api.ShipmentUpdates_Operation
		}
		streams[p] = s.follow(t, s.token(t, p), query, nil)
	}
	watched := must(api.ShipmentIds(s.as(t, "operator"))).Shipments.Nodes[0].Id
	narrowed := s.follow(t, s.token(t, "operator"), api.ShipmentUpdatesWithOrders_Operation, map[string]any{"shipments": []string{watched}})
	before := len(s.logged(t))
	changed := map[string]bool{} // as the log has it
	for _, id := range s.ticks(t, 60)[before:] {
		changed[id] = true
	}
	shown := func(p, id string) bool { return !null(must(api.Node(s.as(t, p), id)).Node) }
	sees := map[string]map[string]bool{}
	for _, p := range personas {
		sees[p] = map[string]bool{}
		for id := range changed {
			sees[p][id] = shown(p, id)
		}
		s.until(t, 20*time.Second, p+" told of all that is shown to it", func() bool {
			got := shipmentSet(t, streams[p])
			for id, sees := range sees[p] {
				if sees && !got[id] {
					return false
				}
			}
			return true
		})
	}
	all := shipmentSet(t, streams["operator"])
	if len(all) < 20 {
		t.Fatalf("60 ticks told the operator of %d shipments", len(all))
	}
	for id := range shipmentSet(t, narrowed) {
		if id != watched {
			t.Errorf("who asked for %s was told of %s", watched, id)
		}
	}
	some := 0
	for _, p := range personas {
		got := shipmentSet(t, streams[p])
		if ended := streams[p].ended; len(ended) > 0 {
			t.Errorf("%s: %v", p, ended)
		}
		for id := range all {
			visible, known := sees[p][id]
			if !known { // another story changed it since, and it may still be on its way to some
				visible = shown(p, id)
			}
			if got[id] && !visible || known && visible && !got[id] {
				t.Errorf("%s: shipment %s is visible: %v; was told of: %v", p, id, visible, got[id])
			}
			if sees[p][id] && p != "operator" {
				some++
			}
		}
		for id := range got {
			if !all[id] {
				s.until(t, 0, "the operator is told of "+id+", as "+p+" was", func() bool { return shipmentSet(t, streams["operator"])[id] })
			}
		}
	}
	if some == 0 {
		t.Error("no change was anybody's but the operator's")
	}
	// And over SSE, the caller's orders alone.
	order := ""
	for _, u := range updatesOf[api.ShipmentUpdatesWithOrdersResponse](t, streams["operator"]) {
		if update, ok := u.ShipmentUpdates.(*api.ShipmentStreamWithOrdersShipmentUpdate); ok && len(update.Shipment.Orders) > 0 {
			order = update.Shipment.Orders[0].Id
		}
	}
	if order == "" {
		t.Error("no update named an order")
	}
}

// Covers: U05
func TestAStreamOverSSEGoesOnAndEndsWithItsReader(t *testing.T) {
	t.Parallel()
	s := portico(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	query := url.Values{"query": {api.ShipmentUpdatesWithOrders_Operation}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/graphql?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+s.token(t, "operator"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	if first, _ := lines.ReadString('\n'); first != ":\n" {
		t.Fatalf("got %q first", first)
	}
	for range 20 {
		s.control(t, http.MethodPost, "/control/tick", nil)
	}
	got := ""
	for !strings.Contains(got, `"shipmentUpdates":{`) {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		got += line
	}
	cancel()
	s.until(t, 5*time.Second, "without streams", func() bool { return s.metric(t, "portico_edge_streams") == 0 })
}

// Covers: C01
func TestAConnectionEndsWithItsToken(t *testing.T) {
	t.Parallel()
	s := portico(t)
	open := func(n int) func() bool {
		return func() bool { return s.metric(t, "portico_edge_streams") == n }
	}
	s.until(t, 10*time.Second, "without the streams of other tests", open(0))
	const ttl = 3 * time.Second
	at := time.Now()
	cmd := exec.Command(binary, "token", "buyer", "--ttl", ttl.String())
	cmd.Env = append(os.Environ(), "PORTICO_DATA="+s.data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	token := lines[len(lines)-1]
	reading := s.follow(t, token, api.ShipmentUpdatesWithOrders_Operation, nil)
	// One that asks and asks and never reads: the server's writes wait for it.
	silent := s.connect(t, token)
	go func() {
		for range 2000 {
			m := map[string]any{ // a document that matters by the size of its response alone
				"type": "subscribe", "id": "a" + time.Now().String(),
				"payload": map[string]any{"query": `{ orders(first: 50) { nodes { id number lines(first: 100)
					{ nodes { id sku description item { name description } } } } } }`},
			}
			if wsjson.Write(t.Context(), silent, m) != nil {
				return
			}
		}
	}()
	// And one that reads nothing of an answer over SSE that no buffer holds.
	deaf := s.deaf(t, token)
	defer func() { _ = deaf.Close() }()
	s.until(t, 2*time.Second, "with three streams", open(3))
	closed := <-reading.closed
	if took := time.Since(at); closed.Code != 4403 || took > ttl+2*time.Second {
		t.Errorf("the reading one was closed with %d after %v: %s", closed.Code, took, closed.Reason)
	}
	// A token's times are whole seconds.
	s.within(t, time.Until(at.Add(ttl+2*time.Second)), "without those that do not read", open(0))
}

// deaf asks for a large answer over SSE, and reads none of it.
func (s *server) deaf(t *testing.T, token string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	var query strings.Builder
	for i := range 50 {
		fmt.Fprintf(&query, " a%d: orders(first: 50) { nodes { id number lines(first: 20) { nodes { id sku description } } } }", i)
	}
	body, _ := json.Marshal(map[string]string{"query": "{" + query.String() + "}"})
	_, err = fmt.Fprintf(conn,
		"POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nAuthorization: Bearer "+
			"%s\r\nContent-Length: %d\r\n\r\n%s", token, len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// Covers: C01 X07
func TestARevocationEndsConnectionsAndTokensWithinASecond(t *testing.T) {
	t.Parallel()
	s := portico(t)
	revoke := func(args ...string) {
		cmd := exec.Command(binary, append([]string{"revoke"}, args...)...)
		cmd.Env = append(os.Environ(), "PORTICO_DATA="+s.data)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	fresh := func(persona string) (token string) {
		cmd := exec.Command(binary, "token", persona, "--ttl", "10m")
		cmd.Env = append(os.Environ(), "PORTICO_DATA="+s.data)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return lines[len(lines)-1]
	}
	id := func(token string) string {
		var claims struct{ JTI string }
		part, _ := jsonOf(strings.Split(token, ".")[1])
		_ = json.Unmarshal(part, &claims)
		return claims.JTI
	}
	one, other := fresh("supplier-other"), fresh("supplier-other")
	revoked := s.follow(t, one, api.ShipmentUpdates_Operation, nil)
	kept := s.follow(t, other, api.ShipmentUpdates_Operation, nil)
	revoke("--token", id(one))
	at := time.Now()
	select {
	case c := <-revoked.closed:
		if c.Code != 4403 || time.Since(at) > time.Second {
			t.Errorf("closed with %d after %v", c.Code, time.Since(at))
		}
	case <-time.After(3 * time.Second):
		t.Fatal("the connection of a revoked token lives on")
	}
	if a, _ := s.ask(t.Context(), one, api.ViewerType_Operation, nil); a.Status != http.StatusUnauthorized {
		t.Errorf("a revoked token got %d", a.Status)
	}
	if a, _ := s.ask(t.Context(), other, api.ViewerType_Operation, nil); a.Status != http.StatusOK {
		t.Errorf("another token of the subject got %d", a.Status)
	}
	revoke("--subject", "persona|supplier-other")
	select {
	case c := <-kept.closed:
		if c.Code != 4403 {
			t.Errorf("closed with %d", c.Code)
		}
	case <-time.After(3 * time.Second):
		t.Fatal("the connection of a revoked subject lives on")
	}
	if a, _ := s.ask(t.Context(), other, api.ViewerType_Operation, nil); a.Status != http.StatusUnauthorized {
		t.Errorf("a token of a revoked subject got %d", a.Status)
	}
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // tokens tell whole seconds
	again := fresh("supplier-other")
	if a, _ := s.ask(t.Context(), again, api.ViewerType_Operation, nil); a.Status != http.StatusOK {
		t.Errorf("who signs in anew after a revocation got %d", a.Status)
	}
	tokens.Clear() // what other tests kept of this persona
}

// Covers: R07
func TestStoppingTellsStreamsToConnectElsewhere(t *testing.T) {
	t.Parallel()
	s := start(t, loaded(t))
	f := s.follow(t, s.token(t, "buyer"), api.ShipmentUpdates_Operation, nil)
	at := time.Now()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if c := <-f.closed; c.Code != websocket.StatusServiceRestart {
		t.Errorf("closed with %d: %s", c.Code, c.Reason)
	}
	if took := time.Since(at); took > 10*time.Second {
		t.Errorf("it took %v to stop", took)
	}
}

func jsonOf(part string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(part) }
