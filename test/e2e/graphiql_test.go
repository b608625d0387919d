package e2e

import (
	"context"
	"flag"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"portico/test/e2e/extras"
)

var screenshot = flag.String("screenshot", "", "where to put a picture of GraphiQL, e.g. ../docs/graphiql.png")

// browse opens a browser for which no other host has an address, until the test ends.
func browse(t *testing.T, chromium, host string) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.WindowSize(1500, 950), chromedp.UserDataDir(folder(t, true)),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE "+host))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Covers: U07
func TestGraphiQLSignsInAndRunsTheStarterWithoutLeavingTheHost(t *testing.T) {
	t.Parallel()
	chromium := extras.Program(t, "GraphiQL in a real browser", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
	s := portico(t)
	own, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	ctx := browse(t, chromium, own.Hostname())

	var mu sync.Mutex
	var foreign []string
	chromedp.ListenTarget(ctx, func(e any) {
		if sent, ok := e.(*network.EventRequestWillBeSent); ok {
			u, err := url.Parse(sent.Request.URL)
			if err == nil && u.Host != own.Host && u.Scheme != "data" && u.Scheme != "blob" {
				mu.Lock()
				foreign = append(foreign, sent.Request.URL)
				mu.Unlock()
			}
		}
	})
	var persona, result string
	err = chromedp.Run(ctx,
		network.Enable(),
		chromedp.Navigate(s.url+"/"), // leads to GraphiQL
		chromedp.WaitVisible(`#persona`, chromedp.ByQuery),
		chromedp.WaitVisible(`.graphiql-execute-button`, chromedp.ByQuery),
		chromedp.Poll(`document.querySelector('#persona').value === 'buyer'`, nil),
		chromedp.Poll(`document.querySelectorAll('.graphiql-query-editor .view-line').length > 5`, nil),
		chromedp.Value(`#persona`, &persona, chromedp.ByQuery),
		chromedp.Click(`.graphiql-execute-button`, chromedp.ByQuery),
		chromedp.Poll(`document.querySelector('.result-window')?.textContent.replaceAll('\u00a0', ' ').includes('"viewer"')`, nil),
		chromedp.Text(`.result-window`, &result, chromedp.ByQuery),
	)
	if err != nil {
		t.Fatal(err)
	}
	result = strings.ReplaceAll(result, "\u00a0", " ")
	if persona != "buyer" || !strings.Contains(result, "10001") || strings.Contains(result, "errors") {
		t.Errorf("signed in as %q, the starter shows %.400s", persona, result)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(foreign) > 0 {
		t.Errorf("the page asks other hosts: %v", foreign)
	}
	if *screenshot != "" {
		var png []byte
		if err := chromedp.Run(ctx, chromedp.CaptureScreenshot(&png)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(*screenshot, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
