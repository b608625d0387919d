package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"portico/test/e2e/api"
	"portico/test/e2e/extras"
)

var consolePictures = flag.String("console", "", "folder to put pictures of the console's pages in")

// TestTheConsoleShowsWhoseFaultItIsAndWhatToDo uses the console as an operator, in a browser: the ERP fails, its alert says so and what to
// do, is taken by keyboard, and an order that waits is found with its hops; both colour schemes can be read.
//
// Covers: F12 O06 O03 O05
func TestTheConsoleShowsWhoseFaultItIsAndWhatToDo(t *testing.T) {
	t.Parallel()
	chromium := extras.Program(t, "the console in a real browser", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
	s := start(t, loaded(t))
	s.control(t, http.MethodPost, "/control/speed?speed=0", nil)
	s.settled(t)
	o := orderingAt(t, s)
	s.control(t, http.MethodPost, "/control/faults", map[string]any{"service": "erp", "op": "submit", "kind": "refuse"})
	key, in := o.order()
	waiting := o.submit(t, key, in)
	s.control(t, http.MethodPost, "/control/faults", map[string]any{"service": "erp", "kind": "refuse"})
	correlation := waiting.Operation.CorrelationId
	if correlation == "" {
		correlation = at(must(api.OperationSteps(s.as(t, "operator"), nil)).Operations.Nodes, 0).CorrelationId
	}
	own, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	ctx := browse(t, chromium, own.Hostname())
	step := func(what string, actions ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, actions...); err != nil {
			var page string
			_ = chromedp.Run(ctx, chromedp.Text("body", &page))
			t.Fatalf("%s: %v\n%s", what, err, page)
		}
	}
	until := func(condition string) chromedp.Action {
		return chromedp.Poll(condition, nil, chromedp.WithPollingTimeout(40*time.Second))
	}
	text := func(selector, part string) chromedp.Action {
		return until(fmt.Sprintf(`document.querySelector(%q)?.textContent.includes(%q)`, selector, part))
	}
	awaited := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	picture := func(name string) {
		t.Helper()
		if *consolePictures == "" {
			return
		}
		var png []byte
		step("a picture", chromedp.FullScreenshot(&png, 100))
		if err := os.WriteFile(filepath.Join(*consolePictures, name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	step("sign in", chromedp.Navigate(s.url+"/console"), text("main button", "operator of the sandbox"), chromedp.Click("main button"))
	step("the alert", until(`[...document.querySelectorAll('[aria-label="Alerts"] tr')].some((r) => r.textContent.includes('erp') && r.textContent.includes('the ERP') && r.textContent.includes('Look at the system'))`),
		text(`[aria-label="Systems"]`, "down"), text(`[aria-label="Work in progress"]`, "submit order"))
	picture("now")
	// By keyboard: the button to take the alert is reached with Tab and pressed with Enter.
	step("taken by keyboard", chromedp.Evaluate(`[...document.querySelectorAll('[aria-label="Alerts"] tr')].find((r) => r.textContent.includes('erp:') || r.textContent.includes('erp does')).previousElementSibling?.querySelector('button:last-of-type')?.focus() ?? document.querySelector('nav a:last-child').focus()`, nil))
	for range 40 {
		var on string
		step("tab", chromedp.KeyEvent(kb.Tab),
			chromedp.Evaluate(`document.activeElement.textContent + '|' + (document.activeElement.closest('tr')?.textContent ?? '')`, &on))
		if strings.HasPrefix(on, "Acknowledge|") && strings.Contains(on, "the ERP") && strings.Contains(on, "operations") {
			break
		}
	}
	step("taken", chromedp.KeyEvent(kb.Enter), text("#said", "Acknowledged."))
	s.until(t, 10*time.Second, "the alert taken", func() bool {
		return !null(s.alerted(t, api.AlertKindSourceUnhealthy, api.AlertStateAcknowledged,
			func(a api.AlertDetails) bool { return a.Subject == "erp" || a.Subject == "finance" }))
	})
	for _, page := range []struct{ name, shows string }{
		{"parked", "Dead letters"},
		{"deviations", "beyond tolerance"},
		{"conflicts", "There are no open conflicts."},
		{"partners", "V2001"},
		{"measures", "Calls to systems succeed"},
		{"schema", "Nothing is deprecated."},
	} {
		step(page.name, chromedp.Click(`nav a[href="#`+page.name+`"]`), text("main", page.shows),
			until(`document.querySelector('nav a[aria-current="page"]').getAttribute('href') === '#`+page.name+`'`))
		picture(page.name)
	}
	// What is pressed while the page is refreshed is clicked once it is released; and a page that takes longer than the pause between two
	// refreshes is shown.
	var place []float64
	step("pressed", chromedp.Evaluate(`(() => { document.querySelector('main').firstElementChild.dataset.seen = '';
		const box = document.querySelector('nav a[href="#deviations"]').getBoundingClientRect();
		return [box.x + box.width / 2, box.y + box.height / 2]; })()`, &place))
	step("released", chromedp.MouseEvent(input.MousePressed, place[0], place[1], chromedp.ButtonLeft, chromedp.ClickCount(1)))
	step("kept", chromedp.Evaluate(`new Promise((r) => setTimeout(r, 6000))`, nil, awaited), // in which the page would be refreshed
		until(`'seen' in document.querySelector('main').firstElementChild.dataset`),
		chromedp.MouseEvent(input.MouseReleased, place[0], place[1], chromedp.ButtonLeft, chromedp.ClickCount(1)),
		text("main", "beyond tolerance"))
	step("slow", chromedp.Evaluate(`(() => { const send = window.fetch; window.slow = 1;
		window.fetch = async (...all) => { if (window.slow) await new Promise((r) => setTimeout(r, 7000)); return send(...all); }; })()`, nil),
		chromedp.Click(`nav a[href="#measures"]`), text("main", "Calls to systems succeed"), chromedp.Evaluate(`window.slow = 0`, nil))
	step("find", chromedp.Click(`nav a[href="#find"]`), chromedp.WaitVisible(`main input`),
		chromedp.SendKeys(`main input`, correlation+kb.Enter), text("ol.hops", "submit"),
		text("main", "(submit order) is ")) // queued, or tried once more
	picture("find")
	// Both colour schemes can be read: text against paper has a contrast of at least 4.5 (WCAG 2.2, 1.4.3).
	const contrast = `(() => { const lum = (c) => { const [r, g, b] = c.match(/[\d.]+/g).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
		const paper = lum(getComputedStyle(document.body).backgroundColor);
		return Math.min(...[...document.querySelectorAll('main *, header *')].filter((e) => e.childElementCount === 0 && e.textContent.trim() &&
		!e.closest('[aria-current], button.first')).map((e) => { const ink = lum(getComputedStyle(e).color);
		return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); })); })()`
	for _, scheme := range []string{"light", "dark"} {
		var least float64
		step(scheme, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
			chromedp.Navigate(s.url+"/console#now"), text(`[aria-label="Systems"]`, "erp"), chromedp.Evaluate(contrast, &least))
		if least < 4.5 {
			t.Errorf("in the %s scheme some text has a contrast of %.1f", scheme, least)
		}
		picture(scheme)
	}
	s.control(t, http.MethodDelete, "/control/faults", nil)
	step("well again", until(`![...document.querySelectorAll('[aria-label="Alerts"] tr')].some((r) => r.textContent.includes('the ERP') && r.textContent.includes('operations') && r.textContent.includes('connections'))`), text(`[aria-label="Systems"]`, "up"))
	// A conflict, of which the warehouse, which takes no such writes, says something else.
	sku := must(api.ItemSkus(s.as(t, "operator"), 1, api.ItemSortRelevance, nil)).Items.Nodes[0].Sku
	for _, query := range []string{
		`INSERT INTO reconciliations (id, capability, subject, held, instance, after, sums, claimed_until, at, count, source_count)
			VALUES ('rec_staged', 'ITEMS', 'items', 'erp', 'wms', '', '{}', now() + interval '1 day', now(), 1, 1)`,
		`INSERT INTO differences (id, capability, subject, key, field, held, instance, value, source_value)
			SELECT 'mdc_staged', 'ITEMS', 'items', sku, 'name', 'erp', 'wms', name, 'Something else' FROM items WHERE sku = '` + sku + `'`,
	} {
		if _, err := s.database(t).Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	step("decided", chromedp.Navigate(s.url+"/console#conflicts"), text(`[aria-label="Conflicts"]`, "Something else"))
	picture("conflicts")
	step("held", chromedp.Click(`[aria-label="Conflicts"] button`), chromedp.WaitVisible(`#ask input`),
		chromedp.SendKeys(`#ask input`, "It is on the box."+kb.Enter), text("#said", "Decided."), text("main", "There are no open conflicts."))
	s.until(t, 20*time.Second, "written", func() bool {
		latest := must(api.OperationSteps(s.as(t, "operator"), &api.OperationFilter{
			Kind: []api.OperationKind{api.OperationKindResolveMasterData},
		})).Operations.Nodes
		return at(latest, 0).State == api.OperationStateCommitted
	})
}
