package intake_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"portico/edge/intake"
	"portico/process/tracking"
	company "portico/sandbox"
	"portico/sources/sandbox"
	"portico/store"
	"portico/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// door receives what the company's carrier pushes.
type door struct{ http.Handler }

func open(t *testing.T, st *store.Store) door {
	t.Helper()
	set, err := sandbox.OpenCompany("http://127.0.0.1:1", company.Key)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks/{source}", intake.Handler(tracking.NewIntake(st, set, time.Now, slog.New(slog.DiscardHandler))))
	return door{mux}
}

// push sends a body as one who knows the secret, unless a signature is given.
func (d door) push(source, id string, body io.Reader, signature string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/"+source, body)
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", "1")
	r.Header.Set("Webhook-Signature", signature)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// TestWhatIsNotTakenIsToldWhy sends what is refused, as a problem of RFC 9457.
func TestWhatIsNotTakenIsToldWhy(t *testing.T) {
	d := open(t, storetest.New(t))
	for name, c := range map[string]struct {
		source string
		body   io.Reader
		status int
		detail string
	}{
		"a source that there is not":      {"none", strings.NewReader("{}"), 404, "There is no source of that name that pushes."},
		"a source that does not push":     {"erp", strings.NewReader("{}"), 404, "There is no source of that name that pushes."},
		"a signature that is none":        {"carrier", strings.NewReader("{}"), 401, "Not taken: "},
		"more than is read":               {"carrier", strings.NewReader(strings.Repeat("x", 1<<20+1)), 413, "at most 1048576 bytes"},
		"more than is read, of nobody":    {"none", strings.NewReader(strings.Repeat("x", 1<<20+1)), 413, "at most 1048576 bytes"},
		"as much as is read":              {"none", strings.NewReader(strings.Repeat("x", 1<<20)), 404, "no source"},
		"a connection that breaks within": {"carrier", io.MultiReader(strings.NewReader("{"), broken{}), 400, "The body could not be read."},
	} {
		got := d.push(c.source, "evt_1", c.body, "v1,AAAA")
		var problem struct {
			Title, Detail string
			Status        int
		}
		err := json.Unmarshal(got.Body.Bytes(), &problem)
		if err != nil || got.Code != c.status || problem.Status != c.status || problem.Title == "" ||
			!strings.Contains(problem.Detail, c.detail) ||
			got.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s, want %d %q", name, got.Code, got.Body, c.status, c.detail)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// TestEachDeliveryGivesItsPlaceBack sends more, one after the other, than are received at a time.
func TestEachDeliveryGivesItsPlaceBack(t *testing.T) {
	d := open(t, nil) // nothing of it is kept
	for n := range 1100 {
		if got := d.push("none", "evt_1", strings.NewReader("{}"), ""); got.Code != 404 {
			t.Fatalf("delivery %d: %d %s", n+1, got.Code, got.Body)
		}
	}
}

// TestMoreThanHaveRoomAreTurnedAwayAndTakenLater holds all places, and lets one go.
func TestMoreThanHaveRoomAreTurnedAwayAndTakenLater(t *testing.T) {
	d := open(t, nil)
	held, arrived, done := make(chan struct{}), make(chan struct{}), make(chan struct{}, 512)
	for range 512 {
		go func() {
			d.push("none", "evt_1", waiting{held, arrived}, "")
			done <- struct{}{}
		}()
	}
	for range 512 {
		<-arrived
	}
	full := func() *httptest.ResponseRecorder { return d.push("none", "evt_1", strings.NewReader("{}"), "") }
	if got := full(); got.Code != http.StatusServiceUnavailable {
		t.Fatalf("512 are being received, and one more is not turned away: %d", got.Code)
	}
	if got := full(); got.Header().Get("Retry-After") != "1" {
		t.Errorf("who is turned away is told to come again after %q s", got.Header().Get("Retry-After"))
	}
	close(held)
	for range 512 {
		<-done
	}
	if got := full(); got.Code != 404 {
		t.Errorf("after all were received: %d", got.Code)
	}
}

// waiting is a body that does not arrive before it is let, and says that it is waited for.
type waiting struct{ on, awaited chan struct{} }

func (w waiting) Read([]byte) (int, error) {
	w.awaited <- struct{}{}
	<-w.on
	return 0, io.EOF
}
