package sourcetest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"portico/sources"
)

// faults plays systems that answer wrongly, and wants each sorted.
func faults(t T, open Open) {
	t.Helper()
	for name, f := range map[string]struct {
		serve http.HandlerFunc
		want  sources.Kind
	}{
		"throttled":         {status(http.StatusTooManyRequests, "Retry-After", "7"), sources.Throttled},
		"maintenance":       {status(http.StatusServiceUnavailable), sources.Unavailable},
		"failing":           {status(http.StatusInternalServerError), sources.Uncertain},
		"denied":            {status(http.StatusUnauthorized), sources.Denied},
		"refusing":          {status(http.StatusUnprocessableEntity), sources.Rejected},
		"cut off":           {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, sources.Uncertain},
		"half an answer":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"rows": [`)) }, sources.Garbled},
		"a page of HTML":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sorry</html>")) }, sources.Garbled},
		"a slow answer":     {slow, sources.Uncertain},
		"nobody at the URL": {nil, sources.Unavailable},
	} {
		server := httptest.NewServer(f.serve)
		if f.serve == nil {
			server.Close()
		}
		a, err := open(server.URL)
		if err != nil {
			t.Errorf("%s: open: %v", name, err)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		err = a.Ping(ctx)
		cancel()
		if got := sources.KindOf(err); got != f.want {
			t.Errorf("%s: sorted as %v (%v), want %v", name, got, err, f.want)
		}
		if err != nil && strings.Contains(err.Error(), Secret) {
			t.Errorf("%s: the key is in the error", name)
		}
		if f.want == sources.Throttled && sources.RetryAfter(err) != 7*time.Second {
			t.Errorf("%s: to be left alone for %v, want 7s", name, sources.RetryAfter(err))
		}
		server.CloseClientConnections()
		server.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a, err := open("http://localhost:1"); err == nil {
		if err := a.Ping(ctx); err == nil || sources.KindOf(err) != 0 {
			t.Errorf("a caller who went away: %v, want its own cancellation", err)
		}
	}
}

// slow answers nothing until the caller hangs up, which net/http sees only once
// the body is read.
func slow(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(code)
	}
}
