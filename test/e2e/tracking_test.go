package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"portico/test/e2e/api"
	"portico/test/e2e/extras"
)

var trackingPicture = flag.String("tracking", "", "where to put a picture of the tracking page, e.g. ../examples/tracking/tracking.png")

// TestTheTrackingPageMissesNoStepAcrossARestart follows a shipment in a browser while its
// carrier pushes, the server is killed, and the carrier pushes before the browser is back.
//
// Covers: U06 F10 T01
func TestTheTrackingPageMissesNoStepAcrossARestart(t *testing.T) {
	chromium := extras.Program(t, "the tracking page in a real browser", "chromium", "chromium-browser", "google-chrome",
		"google-chrome-stable")
	t.Parallel()
	s := start(t, loaded(t))
	t.Cleanup(func() { _ = s.stop() })
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	var parcel struct {
		ID     string
		Number string `db:"tracking_number"`
	}
	if err := s.database(t).GetContext(t.Context(), &parcel,
		`SELECT d.id, d.tracking_number FROM shipments d JOIN accounts a ON a.id = d.account_id WHERE a.number = '10001'
			AND d.direction = 'OUTBOUND'
		AND d.status NOT IN ('DELIVERED', 'RETURNED', 'CANCELLED') AND d.tracking_number <> '' ORDER BY d.created_at DESC LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	n := 0
	push := func(code, town string, lat, lon float64) {
		t.Helper()
		n++
		body, _ := json.Marshal(map[string]any{
			"parcel": parcel.Number,
			"scans": []any{map[string]any{
				"no": n, "code": code, "note": "Step " + fmt.Sprint(n), "at": time.Now().UTC().Format(time.RFC3339Nano),
				"place": map[string]any{"town": town, "land": "DE", "lat": lat, "lon": lon},
			}},
		})
		p := &pushing{server: s}
		if status, text := p.post("acme", signedWith("whsec_YWNtZSBpbiBkZXZlbG9wbWVudCBhbG9uZQ==", fmt.Sprint("step ", n), time.Now(), body),
			body); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, text)
		}
	}
	own, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	ctx := browse(t, chromium, own.Hostname())
	step := func(what string, actions ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, actions...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	told := func(n int) chromedp.Action {
		return chromedp.Poll(fmt.Sprintf(`[...document.querySelectorAll('#timeline li span')].some((e) => e.textContent === 'Step %d')`, n), nil,
			chromedp.WithPollingTimeout(20*time.Second))
	}
	live := chromedp.Poll(`document.querySelector('#live')?.className === 'live'`, nil, chromedp.WithPollingTimeout(20*time.Second))
	step("open", chromedp.Navigate(s.url+"/examples/tracking/#"+parcel.ID), live,
		chromedp.WaitVisible(`[data-id="`+parcel.ID+`"][aria-current="true"]`, chromedp.ByQuery))
	push("HUB", "Rheine", 52.28, 7.44)
	step("a step, live", told(1))
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.exited
	step("lost", chromedp.Poll(`document.querySelector('#live').className === 'lost'`, nil, chromedp.WithPollingTimeout(20*time.Second)))
	s.revive(t)
	s.ready(t)
	push("VAN", "Hamburg", 53.55, 9.99)
	step("a step that was missed", told(2), live)
	push("POD", "Hamburg", 53.55, 9.99)
	var shown []string
	var status, route string
	step("delivered", told(3), chromedp.Poll(`document.querySelector('h2 .status').textContent === 'Delivered'`, nil),
		chromedp.Evaluate(`[...document.querySelectorAll('#timeline li')].map((e) => e.dataset.event)`, &shown),
		chromedp.Text("h2 .status", &status), chromedp.Evaluate(`document.querySelector('#route title').textContent`, &route),
		chromedp.Click(`summary`, chromedp.ByQuery))
	var want []string
	for _, e := range must(api.ShipmentEvents(s.as(t, "buyer"), parcel.ID)).Shipment.Events.Nodes {
		want = append(want, e.Id)
	}
	if !slices.Equal(shown, want) || !strings.Contains(route, "Rheine, Hamburg") {
		t.Errorf("it shows %v and %q, and the events are %v", shown, route, want)
	}
	if *trackingPicture != "" {
		var picture []byte
		step("picture", chromedp.Sleep(300*time.Millisecond), chromedp.CaptureScreenshot(&picture))
		if err := os.WriteFile(*trackingPicture, picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
