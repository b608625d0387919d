package notify

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestSignVector is the example of the specification of Standard Webhooks.
func TestSignVector(t *testing.T) {
	got, err := Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`),
		[]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := Sign("msg_1", 1, nil, []string{"whsec_YQ==", "whsec_Yg=="}); err != nil || len(strings.Fields(got)) != 2 {
		t.Errorf("with two secrets: %s, %v", got, err)
	}
	if _, err := Sign("msg_1", 1, nil, []string{"whsec_?"}); err == nil {
		t.Error("a secret that is none signs")
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// TestPrivateAddressesAreRefused holds what is dialled, and not only what is written, to the
// public internet.
func TestPrivateAddressesAreRefused(t *testing.T) {
	came := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if came++; r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		}
	}))
	defer server.Close()
	port := server.Listener.Addr().(*net.TCPAddr).Port
	closed := New(nil, time.Now)
	for _, address := range []string{
		server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1),
		strings.Replace(server.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), strings.Replace(server.URL, "127.0.0.1", "0.0.0.0", 1),
		strings.Replace(server.URL, "127.0.0.1", "2130706433", 1),
	} {
		if a := closed.Post(t.Context(), address, "whd_1", []byte("{}"), []string{"whsec_YQ=="}); a.Error == nil || a.HTTPStatus != nil {
			t.Errorf("%s: %+v", address, a)
		}
	}
	if came != 0 {
		t.Fatalf("%d came through, at port %d", came, port)
	}
	for _, address := range []string{
		"https://10.1.2.3/", "https://192.168.0.1", "https://169.254.169.254/", "https://[fd00::1]/",
		"https://[::1]/", "https://100.64.0.1/", "https://localhost/", "https://224.0.0.1/", "https://[64:ff9b::a00:1]/",
	} {
		if why := closed.Unreachable(t.Context(), address); why != private {
			t.Errorf("%s: %q", address, why)
		}
	}
	for _, address := range []string{"https://8.8.8.8/", "https://[2606:4700::1111]/"} {
		if why := closed.Unreachable(t.Context(), address); why != "" {
			t.Errorf("%s: %q", address, why)
		}
	}
	open := New(loopback, time.Now)
	if a := open.Post(t.Context(), server.URL, "whd_1", []byte("{}"), []string{"whsec_YQ=="}); a.Error != nil ||
		*a.HTTPStatus != http.StatusOK || came != 1 {
		t.Errorf("allowed: %+v, %d came", a, came)
	}
	if a := open.Post(t.Context(), server.URL+"/elsewhere", "whd_1", []byte("{}"), []string{"whsec_YQ=="}); a.Error == nil ||
		*a.Error != "It answered 307: redirects are not followed." || came != 2 {
		t.Errorf("a redirect: %+v, %d came", a, came)
	}
	if !open.Plain("127.9.9.9") || !open.Plain("localhost") || open.Plain("10.0.0.1") || open.Plain("example.com") ||
		closed.Plain("127.0.0.1") {
		t.Error("who is sent to without TLS")
	}
	server.Close()
	if a := New(loopback, time.Now).Post(t.Context(), server.URL, "whd_1", []byte("{}"), []string{"whsec_YQ=="}); a.Error == nil ||
		*a.Error != "It could not be reached: connection refused." {
		t.Errorf("nobody is there: %v, %v", *a.Error, a.HTTPStatus)
	}
}

func TestCertificatesCount(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	u, _ := url.Parse(server.URL)
	if a := New(loopback, time.Now).Post(t.Context(), "https://"+u.Host, "whd_1", []byte("{}"), []string{"whsec_YQ=="}); a.Error == nil ||
		*a.Error != "Its certificate is by nobody who is known." {
		t.Errorf("%+v", a)
	}
}
