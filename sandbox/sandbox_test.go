package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func open(t *testing.T, opt Options) *Company {
	t.Helper()
	if opt.Epoch.IsZero() {
		opt.Epoch = epoch
	}
	c, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// state is everything the company would tell.
func state(t *testing.T, c *Company) string {
	t.Helper()
	text, err := json.Marshal([]any{
		c.customers.rows, c.materials.rows, c.orders.rows, c.purchases.rows, c.invoices.rows, c.returns.rows,
		c.stock.rows, c.dispatch.rows, c.trackers.rows, c.touched,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheSameSeedMakesTheSameCompany(t *testing.T) {
	a, b := open(t, Options{}), open(t, Options{})
	if state(t, a) != state(t, b) {
		t.Error("two companies of one seed differ")
	}
	if state(t, a) == state(t, open(t, Options{Seed: 2})) {
		t.Error("two seeds make the same company")
	}
	if n := len(a.customers.keys); n != 7 {
		t.Errorf("%d customers, want 5 and the two branches of one", n)
	}
	for what, c := range map[string][2]int{
		"materials": {len(a.materials.keys), 600}, "sites": {len(a.sites.keys), 3},
		"orders": {len(a.orders.keys), 300}, "purchases": {len(a.purchases.keys), 60}, "vendors": {len(a.vendors.keys), 4},
	} {
		if c[0] != c[1] {
			t.Errorf("%d %s, want %d", c[0], what, c[1])
		}
	}
}

func TestTheJournalGivesTheSameCompanyAgain(t *testing.T) {
	folder := t.TempDir()
	c := open(t, Options{Folder: folder})
	for range 60 {
		if err := c.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	before := state(t, c)
	if c.Close() != nil {
		t.Fatal("close")
	}
	if again := state(t, open(t, Options{Folder: folder, Seed: 9, Epoch: epoch.AddDate(0, 1, 0)})); again != before {
		t.Error("the journal gives another company")
	}
	// A crash cut the last line off: it was never answered.
	path := filepath.Join(folder, "journal.jsonl")
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(text, []byte(`{"seq": 9999, "do": "or`)...), 0o600); err != nil {
		t.Fatal(err)
	}
	c = open(t, Options{Folder: folder})
	if state(t, c) != before {
		t.Error("half a line changed the company")
	}
	if err := c.Tick(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Folder: folder}); err != nil {
		t.Errorf("after the half line was cut and written on: %v", err)
	}
}

func TestQuantitiesAddUpHoweverLongItLives(t *testing.T) {
	c := open(t, Options{})
	for range 400 {
		if err := c.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	for no, o := range c.orders.rows {
		for _, it := range o.Items {
			if it.QtyGi+it.QtyCxl > it.QtyOrd || it.QtyPod > it.QtyGi || it.QtyBo > it.QtyOrd-it.QtyGi-it.QtyCxl || it.QtyAll < 0 {
				t.Fatalf("order %s item %s: %+v", no, it.Pos, it)
			}
		}
	}
}

func call(t *testing.T, c *Company, method, path, body string, into any) int {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", Key)
	w := httptest.NewRecorder()
	func() {
		defer func() {
			p := recover()
			if err, _ := p.(error); errors.Is(err, http.ErrAbortHandler) {
				w.Code = 0 // the connection was cut
			} else if p != nil {
				panic(p)
			}
		}()
		c.Handler().ServeHTTP(w, r)
	}()
	if into != nil {
		_ = json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(into)
	}
	return w.Code
}

func TestTheERPTakesAnOrderOnceAndRefusesWhatIsWrong(t *testing.T) {
	c := open(t, Options{})
	const order = `{"extRef":"r1","soldTo":"10001","shipToNo":"01","poRef":"P","items":[{"matNo":"VLV-10001","qty":5,"uom":"PCE"}]}`
	var first, second struct{ DocNo string }
	if code := call(t, c, "POST", "/erp/v1/salesOrders", order, &first); code != 201 || first.DocNo == "" {
		t.Fatalf("got %d %q", code, first.DocNo)
	}
	call(t, c, "POST", "/erp/v1/salesOrders", order, &second)
	if second != first || len(c.submitted) != 1 {
		t.Errorf("the same reference gave %s and %s", first.DocNo, second.DocNo)
	}
	for name, c2 := range map[string]struct{ from, to, field string }{
		"customer unknown":  {"10001", "77", "soldTo"},
		"address unknown":   {`"shipToNo":"01"`, `"shipToNo":"99"`, "shipToNo"},
		"material unknown":  {"VLV-10001", "XXX", "items[0].matNo"},
		"unit not sold":     {"PCE", "PAL", "items[0].uom"},
		"nothing ordered":   {`"qty":5`, `"qty":0`, "items[0].qty"},
		"no reference":      {`"extRef":"r1"`, `"extRef":""`, "extRef"},
		"less than a step":  {`VLV-10001","qty":5`, `SCR-10002","qty":60`, "items[0].qty"},
		"below the minimum": {`VLV-10001","qty":5`, `SCR-10002","qty":5`, "items[0].qty"},
	} {
		body := strings.Replace(strings.Replace(order, c2.from, c2.to, 1), `"extRef":"r1"`, `"extRef":"`+name+`"`, 1)
		if name == "no reference" {
			body = strings.Replace(order, c2.from, c2.to, 1)
		}
		var told struct{ Field string }
		if code := call(t, c, "POST", "/erp/v1/salesOrders", body, &told); code != 422 || told.Field != c2.field {
			t.Errorf("%s: got %d at %q, want 422 at %q", name, code, told.Field, c2.field)
		}
	}
}

func TestFaultsDoWhatTheySay(t *testing.T) {
	c := open(t, Options{})
	const order = `{"extRef":"f1","soldTo":"10001","shipToNo":"01","items":[{"matNo":"VLV-10001","qty":5,"uom":"PCE"}]}`
	c.Break(Fault{Service: "erp", Op: "submit", Kind: "drop", Times: 1})
	if code := call(t, c, "POST", "/erp/v1/salesOrders", order, nil); code != 0 || c.submitted["f1"] == "" {
		t.Errorf("drop: got %d, and the work is %q; want no answer and the work done", code, c.submitted["f1"])
	}
	if code := call(t, c, "POST", "/erp/v1/salesOrders", order, nil); code != 201 {
		t.Errorf("after once: got %d", code)
	}
	for kind, want := range map[string]int{"refuse": 0, "throttle": 429, "maintenance": 503, "error": 500, "garble": 200} {
		c.Break(Fault{Service: "wms", Kind: kind})
		var page struct{ Rows []any }
		if code := call(t, c, "GET", "/wms/v1/sites?limit=3", "", &page); code != want || kind == "garble" && page.Rows != nil {
			t.Errorf("%s: got %d with %d rows, want %d", kind, code, len(page.Rows), want)
		}
		if code := call(t, c, "GET", "/erp/v1/ping", "", nil); code != 200 {
			t.Errorf("%s of the warehouse reached the ERP: %d", kind, code)
		}
		c.ClearFaults()
	}
	if code := call(t, c, "GET", "/wms/v1/sites?limit=3", "", nil); code != 200 {
		t.Errorf("mended: got %d", code)
	}
	r := httptest.NewRequest(http.MethodGet, "/erp/v1/ping", nil)
	w := httptest.NewRecorder()
	if c.Handler().ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		t.Errorf("without a key: got %d", w.Code)
	}
}

func TestTheFeedTellsEveryChangeOnceInOrder(t *testing.T) {
	c := open(t, Options{})
	type feed struct {
		World   string
		Changes []touch
		Last    int
		More    bool
	}
	var now feed
	call(t, c, "GET", "/erp/v1/changes?limit=10", "", &now)
	for range 30 {
		if err := c.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	since, told := now.Last, 0
	for {
		var f feed
		call(t, c, "GET", "/erp/v1/changes?limit=3&since="+jsonInt(since), "", &f)
		for _, ch := range f.Changes {
			if ch.Seq <= since {
				t.Fatalf("change %d after %d", ch.Seq, since)
			}
		}
		told += len(f.Changes)
		if since = f.Last; !f.More {
			break
		}
	}
	want := 0
	for _, x := range c.touched {
		if x.Svc == "erp" {
			want++
		}
	}
	if told != want || want == 0 {
		t.Errorf("%d changes told, %d happened", told, want)
	}
}

func jsonInt(n int) string { b, _ := json.Marshal(n); return string(b) }
