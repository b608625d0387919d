package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// point is where something happens to a call, seen from outside the server.
type point string

// Points between a request, its effect and its answer.
const (
	beforeCommit point = "before COMMIT reaches the database"
	afterCommit  point = "after COMMIT, its answer withheld"
	beforeEffect point = "before a request reaches the ERP"
	afterEffect  point = "after the ERP's effect, its answer withheld"
	afterAnswer  point = "after the ERP's answer"
)

// armed is a fault that waits for its moment: the nth time that something passes its
// point, do is called, and what is cut is cut.
type armed struct {
	mu    sync.Mutex
	at    point
	n     int
	after time.Duration
	do    func()
	hit   bool
}

func (a *armed) arm(at point, n int, after time.Duration, do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at, a.n, a.after, a.do, a.hit = at, n, after, do, false
}

func (a *armed) disarm() (hit bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = ""
	return a.hit
}

// mark tells that a fault was met that no point stands for.
func (a *armed) mark() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hit = true
}

// passes tells whether this is the moment of a fault at a point.
func (a *armed) passes(at point) (do func(), after time.Duration, now bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at != at {
		return nil, 0, false
	}
	if a.n--; a.n > 0 {
		return nil, 0, false
	}
	a.at, a.hit = "", true
	return a.do, a.after, true
}

// betweenDatabase passes PostgreSQL's wire protocol on, and sees COMMIT go by.
func betweenDatabase(listener net.Listener, socket string, faults *armed) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = client.Close() }()
			server, err := net.Dial("unix", socket)
			if err != nil {
				return
			}
			defer func() { _ = server.Close() }()
			withheld := make(chan struct{})
			var once sync.Once
			withhold := func() { once.Do(func() { close(withheld) }) }
			go func() {
				defer func() { _ = client.Close() }()
				buffer := make([]byte, 64<<10)
				for {
					n, err := server.Read(buffer)
					select {
					case <-withheld:
						return
					default:
					}
					if err != nil {
						return
					}
					if _, err := client.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
			passStatements(client, server, faults, withhold)
		}()
	}
}

// passStatements passes messages from the server to the database, one by one.
func passStatements(client, server net.Conn, faults *armed, withhold func()) {
	first := true
	for {
		head := make([]byte, 5)
		if first { // which has no type
			head = head[:4]
		}
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		commit := !first && head[0] == 'Q' && bytes.HasPrefix(body, []byte("COMMIT"))
		first = false
		if commit {
			if do, _, now := faults.passes(beforeCommit); now {
				do()
				return
			}
			if do, _, now := faults.passes(afterCommit); now {
				withhold()
				_, _ = server.Write(append(head, body...))
				time.Sleep(20 * time.Millisecond) // it is executed
				do()
				return
			}
		}
		if _, err := server.Write(append(head, body...)); err != nil {
			return
		}
	}
}

// betweenERP passes calls on to the company, and sees writes of orders go by.
func betweenERP(company string, faults *armed) http.Handler {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write := r.Method == http.MethodPost &&
			(strings.HasPrefix(r.URL.Path, "/erp/v1/salesOrders") && !strings.HasSuffix(r.URL.Path, "/query") ||
				r.URL.Path == "/erp/v1/returnRequests")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if write {
			if do, _, now := faults.passes(beforeEffect); now {
				do()
				panic(http.ErrAbortHandler)
			}
		}
		on, err := http.NewRequestWithContext(r.Context(), r.Method, company+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		on.Header = r.Header.Clone()
		resp, err := client.Do(on)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if write {
			if do, _, now := faults.passes(afterEffect); now {
				do()
				panic(http.ErrAbortHandler)
			}
		}
		for k, v := range resp.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(text)
		if write {
			if do, after, now := faults.passes(afterAnswer); now {
				if f, ok := w.(http.Flusher); ok {
					f.Flush()
				}
				time.Sleep(after)
				do()
			}
		}
	})
}
