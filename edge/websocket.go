package edge

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"portico/edge/auth"
	"portico/graph/execution"
)

// GraphQL over WebSocket, as the protocol graphql-transport-ws says:
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

const (
	protocol      = "graphql-transport-ws"
	initTimeout   = 10 * time.Second
	pingInterval  = 20 * time.Second
	writeTimeout  = 5 * time.Second        // of one message, to a client that does not read
	goodbye       = 500 * time.Millisecond // for a closing message to be sent
	maxMessage    = 256 << 10              // bytes
	maxOperations = 100                    // that run at once on one socket
)

// Close codes of the protocol.
const (
	invalidMessage  = 4400
	unauthorized    = 4401
	forbidden       = 4403
	unknownProtocol = 4406
	initialisation  = 4408
	duplicate       = 4409
	tooMany         = 4429
)

// socket is one connection: one goroutine reads, one per operation writes.
type socket struct {
	server *server
	conn   *websocket.Conn
	under  net.Conn // which ends whatever waits for the client
	ctx    context.Context
	end    context.CancelFunc

	writing sync.Mutex
	mu      sync.Mutex
	running map[string]context.CancelFunc // operations by the client's id
	closing sync.Once
	tasks   sync.WaitGroup
}

type message struct {
	Type    string         `json:"type"`
	ID      string         `json:"id"`
	Payload jsontext.Value `json:"payload"`
}

func (s *server) websocket(w http.ResponseWriter, r *http.Request) {
	if !s.upgrades(r) {
		refuse(w, http.StatusForbidden, originNotAllowed, originHelp)
		return
	}
	under := &underneath{ResponseWriter: w}
	conn, err := websocket.Accept(under, r, &websocket.AcceptOptions{
		Subprotocols: []string{protocol}, InsecureSkipVerify: true, // its check of the origin, which is ours above
	})
	if err != nil {
		return // it has answered
	}
	conn.SetReadLimit(maxMessage)
	ctx, end := context.WithCancel(context.WithoutCancel(r.Context()))
	k := &socket{server: s, conn: conn, under: under.conn, ctx: ctx, end: end, running: map[string]context.CancelFunc{}}
	streams.Inc()
	defer streams.Dec()
	defer k.tasks.Wait()
	defer k.drop()
	if conn.Subprotocol() != protocol {
		k.close(unknownProtocol, "Subprotocol not acceptable")
		return
	}
	stop := context.AfterFunc(s.Stopping, func() { k.close(int(websocket.StatusServiceRestart), "The server restarts: connect again") }) //nolint:contextcheck // it lives as long as its connection
	defer stop()
	if k.initialised(auth.CallerOf(r.Context())) { //nolint:contextcheck // it lives as long as its connection
		k.serve() //nolint:contextcheck // it lives as long as its connection
	}
}

// close says why the connection ends and ends it, be the client reading or not.
func (k *socket) close(code int, reason string) {
	k.closing.Do(func() {
		timer := time.AfterFunc(goodbye, func() { _ = k.under.Close() })
		defer timer.Stop()
		_ = k.conn.Close(websocket.StatusCode(code), reason)
	})
	k.end()
}

// drop ends the connection and all that runs on it.
func (k *socket) drop() {
	k.end()
	_ = k.under.Close()
	_ = k.conn.CloseNow()
}

// underneath keeps hold of the connection under a WebSocket. Closing a WebSocket
// waits for the message that is being written, which a client that does not read
// would never let end; closing what is underneath does not.
type underneath struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack hands the connection over.
func (u *underneath) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(u.ResponseWriter).Hijack()
	u.conn = conn
	return conn, buffers, err
}

// read is the next message. A message that is none closes the connection.
func (k *socket) read(ctx context.Context) (m message, ok bool) {
	kind, text, err := k.conn.Read(ctx)
	if err != nil {
		return m, false
	}
	if kind != websocket.MessageText || strict.Unmarshal(text, &m) != nil || m.Type == "" {
		k.close(invalidMessage, "Invalid message received")
		return m, false
	}
	return m, true
}

// initialised takes connection_init and signs the caller in: by its payload, or
// as who the request's own header said. From then on the connection lasts no
// longer than what it was signed in with.
func (k *socket) initialised(caller auth.Caller) bool {
	late := time.AfterFunc(initTimeout, func() { k.close(initialisation, "Connection initialisation timeout") })
	m, ok := k.read(k.ctx)
	if !late.Stop() || !ok {
		return false
	}
	switch m.Type {
	case "connection_init":
	case "subscribe":
		k.close(unauthorized, "Unauthorized")
		return false
	default:
		k.close(invalidMessage, "Invalid message received")
		return false
	}
	var payload map[string]any
	if len(m.Payload) > 0 && strict.Unmarshal(m.Payload, &payload) != nil {
		k.close(invalidMessage, "Invalid message received")
		return false
	}
	for _, name := range []string{"authorization", "Authorization"} {
		header, _ := payload[name].(string)
		token, given := bearer(header)
		if !given {
			continue
		}
		var err error
		if caller, err = k.server.Auth.Authenticate(k.ctx, token); errors.Is(err, auth.ErrToken) {
			k.close(forbidden, "Forbidden")
			return false
		} else if err != nil {
			k.close(int(websocket.StatusTryAgainLater), "Sign-in is not possible at the moment")
			return false
		}
	}
	k.ctx = auth.WithCaller(k.ctx, caller)
	if caller.Principal != nil {
		held := k.server.Auth.Hold(k.ctx, caller)
		context.AfterFunc(held, func() {
			if k.ctx.Err() == nil {
				k.close(forbidden, "Forbidden: the sign-in has ended")
			}
		})
	}
	return k.send([]byte(`{"type":"connection_ack"}`)) == nil
}

func (k *socket) serve() {
	k.tasks.Go(k.ping)
	for {
		m, ok := k.read(k.ctx)
		if !ok {
			return
		}
		switch m.Type {
		case "ping":
			if k.send([]byte(`{"type":"pong"}`)) != nil {
				return
			}
		case "pong":
		case "complete":
			k.mu.Lock()
			if cancel := k.running[m.ID]; cancel != nil {
				cancel()
				delete(k.running, m.ID)
			}
			k.mu.Unlock()
		case "connection_init":
			k.close(tooMany, "Too many initialisation requests")
			return
		case "subscribe":
			if !k.subscribe(m) {
				return
			}
		default:
			k.close(invalidMessage, "Invalid message received")
			return
		}
	}
}

// ping finds out whether the client is still there.
func (k *socket) ping() {
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-time.After(pingInterval):
		}
		ctx, cancel := context.WithTimeout(k.ctx, pingInterval)
		err := k.conn.Ping(ctx)
		cancel()
		if err != nil {
			k.drop()
			return
		}
	}
}

// subscribe starts an operation, which may be of any kind.
func (k *socket) subscribe(m message) bool {
	var params request
	if m.ID == "" || len(m.Payload) == 0 || strict.Unmarshal(m.Payload, &params, numbers) != nil {
		k.close(invalidMessage, "Invalid message received")
		return false
	}
	ctx, cancel := context.WithCancel(k.ctx)
	k.mu.Lock()
	_, twice := k.running[m.ID]
	full := len(k.running) >= maxOperations
	if !twice && !full {
		k.running[m.ID] = cancel
	}
	k.mu.Unlock()
	switch {
	case twice:
		cancel()
		k.close(duplicate, clipped("Subscriber for "+m.ID+" already exists"))
		return false
	case full:
		cancel()
		k.close(tooMany, "Too many operations at once: at most "+strconv.Itoa(maxOperations))
		return false
	}
	k.tasks.Go(func() {
		defer cancel()
		k.operate(ctx, m.ID, &params)
	})
	return true
}

// operate runs an operation and sends its answers. A panic in it ends it, and
// no more.
func (k *socket) operate(ctx context.Context, id string, params *request) {
	defer func() {
		if p := recover(); p != nil {
			_ = k.server.recovered(ctx, p)
			k.finish(ctx, id)
		}
	}()
	ctx, tracedRequest := k.server.trace(ctx, nil, nil)
	op, errs := k.server.accept(ctx, params)
	if errs != nil {
		tracedRequest.refused(ctx, errs)
		k.refuse(ctx, id, k.server.failed(ctx, errs))
		return
	}
	if !op.subscription() {
		a := k.server.run(ctx, op)
		tracedRequest.answered(ctx, string(op.Operation.Operation), op, a)
		if k.next(ctx, id, a) == nil {
			k.finish(ctx, id)
		}
		return
	}
	next, failed := k.server.opened(ctx, op, tracedRequest)
	if failed != nil {
		k.refuse(ctx, id, failed)
		return
	}
	for a := next(); a != nil; a = next() {
		if a.ends {
			k.refuse(ctx, id, a)
			return
		}
		if k.next(ctx, id, a) != nil {
			return
		}
	}
	k.finish(ctx, id)
}

func (k *socket) next(ctx context.Context, id string, a *answer) error {
	if err := ctx.Err(); err != nil { // the client has completed it
		return err
	}
	kept := answers.Get().(*[]byte) //nolint:errcheck // only these are put in
	b := execution.AppendString(append((*kept)[:0], `{"type":"next","id":`...), id)
	b = append(a.append(append(b, `,"payload":`...)), '}')
	a.recycle()
	err := k.send(b)
	if *kept = b; cap(b) <= maxBody {
		answers.Put(kept)
	}
	return err
}

// refuse ends an operation that did not run.
func (k *socket) refuse(ctx context.Context, id string, a *answer) {
	if !k.forget(ctx, id) {
		return
	}
	b := execution.AppendString([]byte(`{"type":"error","id":`), id)
	b = append(append(append(b, `,"payload":`...), a.list()...), '}')
	_ = k.send(b)
}

// finish says that an operation has ended.
func (k *socket) finish(ctx context.Context, id string) {
	if k.forget(ctx, id) {
		_ = k.send(append(execution.AppendString([]byte(`{"type":"complete","id":`), id), '}'))
	}
}

// forget makes an id free again, unless the client, which may have used it anew,
// completed the operation before.
func (k *socket) forget(ctx context.Context, id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	delete(k.running, id)
	return true
}

// send writes one message, within its time. A client that does not read loses
// its connection. What is sent to many at once goes past the library, which knows
// nothing of that and takes half as much again: one frame in one write, so that what
// the library writes itself, pings and closings, comes before or after it.
func (k *socket) send(text []byte) error {
	kept := answers.Get().(*[]byte) //nolint:errcheck // only these are put in
	b := append(frameHead((*kept)[:0], len(text)), text...)
	k.writing.Lock()
	_ = k.under.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := k.under.Write(b)
	if err == nil {
		err = k.under.SetWriteDeadline(time.Time{})
	}
	k.writing.Unlock()
	if err != nil {
		k.drop()
	}
	if *kept = b; cap(b) <= maxBody {
		answers.Put(kept)
	}
	return err
}

// frameHead appends the head of a frame with a whole text of some bytes, as servers send it
// (RFC 6455, section 5.2).
func frameHead(b []byte, size int) []byte {
	const wholeText, in16, in64 = 0x81, 126, 127
	switch {
	case size < in16:
		return append(b, wholeText, byte(size)) //nolint:gosec // it fits
	case size <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, wholeText, in16), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(b, wholeText, in64), uint64(size))
}

// clipped fits a reason into the 123 bytes of a closing message, which must be
// UTF-8 to its end.
func clipped(reason string) string { return strings.ToValidUTF8(reason[:min(len(reason), 120)], "") }
