package app

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestAnswersThatNobodyReadsEnd sends many requests at once down each connection, and reads no answer.
//
// Cases: I3
func TestAnswersThatNobodyReadsEnd(t *testing.T) {
	const connections = 40
	var closed, answering atomic.Int32
	large := []byte(strings.Repeat("x", 1<<20))
	srv := limited(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answering.Add(1)
		defer answering.Add(-1)
		for range 8 { // more than the buffers between us take
			_, _ = w.Write(large)
		}
	}))
	if srv.WriteTimeout <= 0 || srv.WriteTimeout > time.Minute || srv.ReadHeaderTimeout <= 0 || srv.IdleTimeout <= 0 {
		t.Fatalf("a connection may stay open: %+v", srv)
	}
	srv.WriteTimeout = time.Second // of which the story need not wait a minute
	srv.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed.Add(1)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(listener) }()
	t.Cleanup(func() { _ = srv.Close() })
	for range connections {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = fmt.Fprint(conn, strings.Repeat("GET / HTTP/1.1\r\nHost: portico\r\n\r\n", 20))
	}
	for deadline := time.Now().Add(20 * time.Second); closed.Load() < connections || answering.Load() > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d connections are over, %d are still answered", closed.Load(), connections, answering.Load())
		}
	}
}
