package edge

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// TestFramesAreReadAsTheyWereSent sends texts of every size of head, with the library's own
// pings between them.
func TestFramesAreReadAsTheyWereSent(t *testing.T) {
	sizes := []int{0, 1, 125, 126, 127, 65535, 65536, 200_000}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		under := &underneath{ResponseWriter: w}
		conn, err := websocket.Accept(under, r, nil)
		if err != nil {
			return
		}
		ctx, end := context.WithCancel(r.Context())
		k := &socket{conn: conn, under: under.conn, ctx: ctx, end: end}
		defer k.drop()
		go func() { _, _, _ = conn.Read(ctx) }() // which takes the pongs
		for _, n := range sizes {
			if k.send(bytes.Repeat([]byte("x"), n)) != nil || conn.Ping(ctx) != nil {
				return
			}
		}
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}))
	defer server.Close()
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(server.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 20)
	for _, n := range sizes {
		kind, text, err := conn.Read(t.Context())
		if err != nil || kind != websocket.MessageText || len(text) != n || strings.Trim(string(text), "x") != "" {
			t.Fatalf("of %d bytes came %d: %v", n, len(text), err)
		}
	}
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("closed: %v", err)
	}
}
