package documents

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portico/sources"
	"portico/trade"
)

type keeper struct{ err error }

func (k keeper) Document(_ context.Context, source, ref string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(source + " " + ref)), k.err
}

func TestALinkWorksUntilItExpiresAndForNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base, _ := url.Parse("https://portal.example/base")
		links := NewLinks(base, keys("a key"))
		link := links.To(&trade.DocumentRef{Instance: "erp", Ref: "invoice/1", MediaType: "application/pdf", FileName: "a \"b\".pdf"})
		get := func(token string, k keeper) *httptest.ResponseRecorder {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /documents/{token}", links.Handler(k, slog.New(slog.DiscardHandler)))
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/documents/"+token, nil))
			return w
		}
		token, ok := strings.CutPrefix(link.URL, "https://portal.example/base/documents/")
		if !ok || link.ExpiresAt == nil {
			t.Fatalf("link %+v", link)
		}
		if w := get(token, keeper{}); w.Code != http.StatusOK || w.Body.String() != "erp invoice/1" ||
			w.Header().Get("Cache-Control") != "private, no-store" {
			t.Errorf("got %d %q %v", w.Code, w.Body, w.Header())
		}
		if w := get(token, keeper{sources.Fail(sources.NotFound, "none")}); w.Code != http.StatusNotFound {
			t.Errorf("a document that is not there: %d", w.Code)
		}
		if w := get(token, keeper{sources.Fail(sources.Unavailable, "down")}); w.Code != http.StatusServiceUnavailable {
			t.Errorf("a source that is down: %d", w.Code)
		}
		other := NewLinks(base, keys("another key")).To(&trade.DocumentRef{Instance: "erp", Ref: "invoice/2"})
		for _, bad := range []string{
			"", "x", "x.y", token[:len(token)-2], "A" + token,
			strings.TrimPrefix(other.URL, "https://portal.example/base/documents/"),
		} {
			if bad == "" {
				continue
			}
			if w := get(bad, keeper{}); w.Code != http.StatusNotFound {
				t.Errorf("token %q: %d", bad, w.Code)
			}
		}
		time.Sleep(TTL + time.Second) // simulated
		if w := get(token, keeper{}); w.Code != http.StatusNotFound {
			t.Errorf("an expired link: %d", w.Code)
		}
	})
	if (&Links{}).To(nil) != nil {
		t.Error("a link to nothing")
	}
}

func keys(all ...string) func() [][]byte {
	return func() [][]byte {
		var out [][]byte
		for _, k := range all {
			out = append(out, []byte(k))
		}
		return out
	}
}

func TestALinkOpensAfterItsKeyWasRotated(t *testing.T) {
	base, _ := url.Parse("https://portal.example.com")
	old, rotated, over := NewLinks(base, keys("old")), NewLinks(base, keys("new", "old")), NewLinks(base, keys("new"))
	ref := &trade.DocumentRef{Instance: "erp", Ref: "invoice/1"}
	token := func(l *Links) string { u := l.To(ref).URL; return u[strings.LastIndex(u, "/")+1:] }
	if _, ok := rotated.open(token(old)); !ok {
		t.Error("a link does not open after a rotation")
	}
	if _, ok := old.open(token(rotated)); ok {
		t.Error("the old key seals after a rotation")
	}
	if _, ok := over.open(token(old)); ok {
		t.Error("a link opens when its key is gone")
	}
}
