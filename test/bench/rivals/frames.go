package rivals

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// framed is the least that a server of streams can do: it greets whoever connects, makes one
// frame of what it is told, and writes that to all. It signs nobody in, asks nobody's rights,
// keeps nothing and answers one question alone.
type framed struct {
	mu    sync.Mutex
	conns []net.Conn
}

// serveFrames serves as that rival.
func serveFrames(addr string) error {
	f := &framed{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /graphql", f.connect)
	mux.HandleFunc("POST /tell", f.serve)
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		fmt.Fprintf(w, "process_cpu_seconds_total %f\n", float64(u.Utime.Nano()+u.Stime.Nano())/1e9)
	})
	return (&http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: time.Minute}).ListenAndServe()
}

const caughtUp = `{"type":"next","id":"1","payload":{"data":{"shipmentUpdates":{}}}}`

// connect is the handshake of RFC 6455, and the one of graphql-transport-ws.
func (f *framed) connect(w http.ResponseWriter, r *http.Request) {
	conn, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
		"%s\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	for _, said := range []string{`{"type":"connection_ack"}`, caughtUp} { // to connection_init and to subscribe
		if skip(brw.Reader) != nil {
			return
		}
		if _, err := conn.Write(frameOf([]byte(said))); err != nil {
			return
		}
	}
	f.mu.Lock()
	f.conns = append(f.conns, conn)
	f.mu.Unlock()
	for skip(brw.Reader) == nil { // until it goes
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, c := range f.conns {
		if c == conn {
			f.conns = append(f.conns[:i], f.conns[i+1:]...)
			break
		}
	}
}

// skip reads over a frame of a client.
func skip(r *bufio.Reader) error {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	size := int(head[1] & 0x7f)
	if size == 126 {
		var more [2]byte
		if _, err := io.ReadFull(r, more[:]); err != nil {
			return err
		}
		size = int(binary.BigEndian.Uint16(more[:]))
	}
	if size == 127 {
		return errors.New("a long frame")
	}
	_, err := r.Discard(size + 4) // with its mask
	return err
}

// frameOf is a text as one frame.
func frameOf(text []byte) []byte {
	b := []byte{0x81}
	if len(text) < 126 {
		b = append(b, byte(len(text)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(len(text)))
	}
	return append(b, text...)
}

const writers = 2 // as many as there are processors

// serve writes what it is told to all who are there, and is done when it has. Whoever does not read
// for five seconds is dropped.
func (f *framed) serve(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	frame := frameOf(fmt.Appendf(nil, string(text), time.Now().UTC().Format(time.RFC3339Nano)))
	f.mu.Lock()
	conns := append([]net.Conn{}, f.conns...)
	f.mu.Unlock()
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for _, conn := range conns[len(conns)*i/writers : len(conns)*(i+1)/writers] {
				_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
				if _, err := conn.Write(frame); err != nil {
					_ = conn.Close()
				}
			}
		})
	}
	all.Wait()
}
