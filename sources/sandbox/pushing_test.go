package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	company "portico/sandbox"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/sources/sourcetest"
)

// TestTheCarrierPushes has the company's carrier push to somebody who fails at first: what it
// pushes keeps the contract, and what failed comes again.
func TestTheCarrierPushes(t *testing.T) {
	c, err := company.Open(company.Options{Speed: 0})
	if err != nil {
		t.Fatal(err)
	}
	type delivery struct {
		h    http.Header
		body []byte
	}
	came := make(chan delivery, 100)
	failed := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !failed {
			failed = true
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		came <- delivery{r.Header, body}
	}))
	defer server.Close()
	carrier, err := sandbox.OpenCarrier(sandbox.Config{URL: server.URL}, sources.Credentials{
		Key: func() string { return "" }, Secrets: func() []string { return []string{"whsec_b2xk", company.PushSecret} },
	})
	if err != nil {
		t.Fatal(err)
	}
	go c.Push(t.Context(), server.URL)
	for n := range 40 { // each moves something, and not each a parcel
		if err := c.Tick(); err != nil {
			t.Fatal(err)
		}
		select {
		case d := <-came:
			if !failed {
				t.Error("it came before it failed")
			}
			signed := http.Header{}
			for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
				signed.Set(name, d.h.Get(name))
			}
			sourcetest.Receive(t, carrier, signed, d.body, time.Now())
			return
		case <-time.After(time.Duration(n) * 10 * time.Millisecond):
		}
	}
	t.Fatal("nothing was pushed")
}
