package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

// balancer passes requests on to whichever server is ready, one after the other. Whoever ends
// takes its connections with it; they come again, and to another one.
type balancer struct {
	server *http.Server
	up     []atomic.Bool
	addrs  []string
	next   atomic.Uint64
	stop   context.CancelFunc
}

const lookEvery = 100 * time.Millisecond

func balance(addr string, servers []string) (*balancer, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &balancer{up: make([]atomic.Bool, len(servers)), addrs: servers, stop: stop}
	for i := range servers {
		b.up[i].Store(true)
		go b.watch(ctx, i)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: b.pick()})
			r.Out.Host = r.In.Host // by which pages are known as our own
			r.SetXForwarded()
		},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "No server is ready.", http.StatusBadGateway)
		},
	}
	b.server = &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = b.server.Serve(listener) }()
	return b, nil
}

func (b *balancer) watch(ctx context.Context, i int) {
	for ctx.Err() == nil {
		b.up[i].Store(ready(b.addrs[i]))
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// pick is the next server that is ready, or one that is not where none is.
func (b *balancer) pick() string {
	for range b.addrs {
		if i := b.next.Add(1) % uint64(len(b.addrs)); b.up[i].Load() {
			return b.addrs[i]
		}
	}
	return b.addrs[0]
}

func (b *balancer) close() {
	b.stop()
	_ = b.server.Close()
}
