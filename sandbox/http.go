package sandbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed openapi/*.yaml
var openapi embed.FS

// Key is what every service but the control asks for in the X-Api-Key header.
const Key = "sandbox-key"

// collection is one kind of record as a service serves it.
type collection struct {
	svc, obj string
	page     func(after string, limit int) (rows []any, keys []string, next string)
	get      func(key string) any
	total    func() int
}

func serveTable[T any](svc, obj string, t *table[T], key func(*T) string) collection {
	return collection{
		svc, obj,
		func(after string, limit int) ([]any, []string, string) {
			rows, next := t.page(after, limit)
			out, keys := make([]any, len(rows)), make([]string, len(rows))
			for i, r := range rows {
				out[i], keys[i] = r, key(r)
			}
			return out, keys, next
		},
		func(k string) any {
			if r := t.get(k); r != nil {
				return r
			}
			return nil
		},
		func() int { return len(t.keys) },
	}
}

// Handler serves all services: /erp, /wms, /carrier, /crm, and /control for
// whoever runs the sandbox.
func (c *Company) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, col := range []collection{
		serveTable("erp", "customers", &c.customers, func(r *customer) string { return r.CustNo }),
		serveTable("erp", "materials", &c.materials, func(r *material) string { return r.MatNo }),
		serveTable("erp", "groups", &c.groups, func(r *group) string { return r.Grp }),
		serveTable("erp", "vendors", &c.vendors, func(r *vendor) string { return r.VenNo }),
		serveTable("erp", "agreements", &c.agreement, func(r *agreement) string { return r.AgrNo }),
		serveTable("erp", "credits", &c.credits, func(r *credit) string { return r.CustNo }),
		serveTable("erp", "salesOrders", &c.orders, func(r *salesOrder) string { return r.DocNo }),
		serveTable("erp", "purchases", &c.purchases, func(r *purchase) string { return r.PoNo }),
		serveTable("erp", "invoices", &c.invoices, func(r *invoice) string { return r.InvNo }),
		serveTable("erp", "returns", &c.returns, func(r *returnOrder) string { return r.RaNo }),
		serveTable("wms", "sites", &c.sites, func(r *site) string { return r.Site }),
		serveTable("wms", "stock", &c.stock, func(r *stockRow) string { return r.SKU }),
		serveTable("wms", "dispatches", &c.dispatch, func(r *dispatch) string { return r.DlvNo }),
		serveTable("carrier", "trackers", &c.trackers, func(r *tracker) string { return r.Code }),
		serveTable("crm", "calendars", &c.calendars, func(r *calendar) string { return r.Customer + "/" + r.Place }),
	} {
		c.serve(mux, col)
	}
	for _, svc := range []string{"erp", "wms", "carrier", "crm"} {
		mux.Handle("GET /"+svc+"/v1/changes",
			c.service(svc, "changes", func(w http.ResponseWriter, r *http.Request) { c.serveChanges(w, r, svc) }))
		mux.Handle("GET /"+svc+"/v1/ping",
			c.service(svc, "ping", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, map[string]bool{"up": true}) }))
		mux.HandleFunc("GET /"+svc+"/openapi.yaml", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, openapi, "openapi/"+svc+".yaml")
		})
	}
	mux.Handle("POST /erp/v1/prices", c.service("erp", "prices", c.servePrices))
	mux.Handle("POST /erp/v1/salesOrders", c.service("erp", "submit", c.takeOrder))
	mux.Handle("GET /erp/v1/submissions/{ref}", c.service("erp", "submission", func(w http.ResponseWriter, r *http.Request) {
		c.mu.RLock()
		doc, known := c.submitted[r.PathValue("ref")]
		c.mu.RUnlock()
		if !known {
			refuse(w, http.StatusNotFound, "ref", "no such reference")
			return
		}
		answer(w, http.StatusOK, map[string]string{"docNo": doc})
	}))
	mux.Handle("POST /erp/v1/salesOrders/{no}/changes", c.service("erp", "change", c.takeChange))
	mux.Handle("POST /erp/v1/salesOrders/{no}/cancel", c.service("erp", "cancel", c.takeCancellation))
	mux.Handle("POST /erp/v1/purchases/{no}/confirmation", c.service("erp", "confirm", c.takeConfirmation))
	mux.Handle("POST /erp/v1/materials/{no}/leadTime", c.service("erp", "leadTime", c.takeLeadTime))
	for _, obj := range []string{"materials", "customers", "vendors", "groups"} {
		mux.Handle("POST /erp/v1/"+obj+"/{no}/correction",
			c.service("erp", "correct", func(w http.ResponseWriter, r *http.Request) { c.takeCorrection(w, r, obj) }))
	}
	mux.Handle("POST /erp/v1/shipNotices", c.service("erp", "announce", c.takeNotice))
	mux.Handle("POST /erp/v1/shipNotices/{no}/cancel", c.service("erp", "unannounce", c.takeWithdrawal))
	mux.Handle("POST /erp/v1/returnRequests", c.service("erp", "return", c.takeReturn))
	mux.Handle("POST /carrier/v1/trackers", c.service("carrier", "register", c.takeParcels))
	mux.Handle("GET /erp/v1/papers/{kind}/{no}", c.service("erp", "papers", c.serveDocument))
	mux.Handle("GET /carrier/v1/papers/{kind}/{no}", c.service("carrier", "papers", c.serveDocument))
	c.control(mux)
	return mux
}

func (c *Company) serve(mux *http.ServeMux, col collection) {
	path := "/" + col.svc + "/v1/" + col.obj
	mux.Handle("GET "+path, c.service(col.svc, col.obj, func(w http.ResponseWriter, r *http.Request) {
		limit, err := strconv.Atoi(r.FormValue("limit"))
		if err != nil || limit < 1 || limit > 1000 {
			refuse(w, http.StatusBadRequest, "limit", "must be 1 to 1000")
			return
		}
		c.mu.RLock()
		defer c.mu.RUnlock()
		rows, keys, next := col.page(r.FormValue("after"), limit)
		answer(w, http.StatusOK, map[string]any{"rows": c.report(col.obj, rows, keys), "next": next, "total": col.total()})
	}))
	mux.Handle("POST "+path+"/query", c.service(col.svc, col.obj, func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Keys []string `json:"keys"`
		}
		if json.NewDecoder(r.Body).Decode(&q) != nil || len(q.Keys) > 1000 {
			refuse(w, http.StatusBadRequest, "keys", "must be a list of at most 1000")
			return
		}
		c.mu.RLock()
		defer c.mu.RUnlock()
		var rows []any
		var keys []string
		for _, k := range q.Keys {
			if row := col.get(k); row != nil {
				rows, keys = append(rows, row), append(keys, k)
			}
		}
		answer(w, http.StatusOK, map[string]any{"rows": c.report(col.obj, rows, keys), "total": len(rows)})
	}))
}

// report are the rows with what overrides make them say.
func (c *Company) report(obj string, rows []any, keys []string) []any {
	out := make([]any, len(rows))
	for i, row := range rows {
		out[i] = row
		set, ok := c.overrides[obj+"/"+keys[i]]
		if !ok {
			continue
		}
		text, _ := json.Marshal(row)
		var loose map[string]any
		_ = json.Unmarshal(text, &loose)
		for k, v := range set {
			loose[k] = v
		}
		out[i] = loose
	}
	return out
}

func (c *Company) serveChanges(w http.ResponseWriter, r *http.Request, svc string) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	limit, err := strconv.Atoi(r.FormValue("limit"))
	if err != nil || limit < 1 || limit > 10000 {
		refuse(w, http.StatusBadRequest, "limit", "must be 1 to 10000")
		return
	}
	last := c.journal.seq
	out := []touch{}
	if s := r.FormValue("since"); s != "" {
		since, err := strconv.Atoi(s)
		if err != nil || since > last {
			refuse(w, http.StatusBadRequest, "since", "is no place of this feed")
			return
		}
		for _, t := range c.touched {
			if t.Seq <= since || t.Svc != svc {
				continue
			}
			if len(out) >= limit && t.Seq != out[len(out)-1].Seq {
				answer(w, http.StatusOK, map[string]any{"world": c.world, "changes": out, "last": out[len(out)-1].Seq, "more": true})
				return
			}
			out = append(out, t)
		}
	}
	answer(w, http.StatusOK, map[string]any{"world": c.world, "changes": out, "last": last, "more": false})
}

func (c *Company) servePrices(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Positions []priceAsk `json:"positions"`
	}
	if json.NewDecoder(r.Body).Decode(&q) != nil || len(q.Positions) > 1000 {
		refuse(w, http.StatusBadRequest, "positions", "must be a list of at most 1000")
		return
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]priceAnswer, len(q.Positions))
	for i, p := range q.Positions {
		on := p.On
		if on == "" {
			on = c.dayOf(time.Now())
		}
		out[i] = c.price(p, on)
	}
	answer(w, http.StatusOK, map[string]any{"positions": out})
}

// takeParcels takes parcels to carry. One that is known already stays as it is.
func (c *Company) takeParcels(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r)
	var all struct {
		Parcels []registration `json:"parcels"`
	}
	if err != nil || json.Unmarshal(body, &all) != nil || len(all.Parcels) == 0 || len(all.Parcels) > 1000 {
		refuse(w, http.StatusBadRequest, "parcels", "must be a list of 1 to 1000")
		return
	}
	c.mu.RLock()
	var fresh []registration
	for i, p := range all.Parcels {
		if p.Code == "" || len(p.Code) > 40 {
			c.mu.RUnlock()
			refuse(w, http.StatusUnprocessableEntity, fmt.Sprintf("parcels[%d].tracking_code", i), "missing or longer than 40")
			return
		}
		if c.trackers.get(p.Code) == nil {
			fresh = append(fresh, p)
		}
	}
	c.mu.RUnlock()
	if len(fresh) > 0 {
		text, _ := json.Marshal(fresh)
		if err := c.do(effect{Do: "register", Body: text}); err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
	}
	answer(w, http.StatusOK, map[string]int{"taken": len(fresh)})
}

// serveDocument writes a small but real PDF.
func (c *Company) serveDocument(w http.ResponseWriter, r *http.Request) {
	kind, no := r.PathValue("kind"), r.PathValue("no")
	c.mu.RLock()
	known := kind == "invoice" && c.invoices.get(no) != nil || kind == "pod" && c.trackers.get(no) != nil && c.trackers.get(no).POD != "" ||
		kind == "tds" && c.materials.get(no) != nil
	c.mu.RUnlock()
	if !known {
		refuse(w, http.StatusNotFound, "no", "no such document")
		return
	}
	title := map[string]string{"invoice": "Invoice", "pod": "Proof of delivery", "tds": "Technical data sheet"}[kind]
	w.Header().Set("Content-Type", "application/pdf")
	_, _ = w.Write(pdf(title + " " + no))
}

func pdf(text string) []byte {
	var b bytes.Buffer
	var at []int
	obj := func(s string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), s)
	}
	b.WriteString("%PDF-1.4\n")
	stream := fmt.Sprintf("BT /F1 24 Tf 72 760 Td (%s) Tj ET", strings.NewReplacer("(", "", ")", "", "\\", "").Replace(text))
	obj("<< /Type /Catalog /Pages 2 0 R >>")
	obj("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	obj("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>")
	obj(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(stream), stream))
	obj("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return b.Bytes()
}

// service wraps one endpoint of a service: the key, the call log, the time it
// takes, and the faults in force.
func (c *Company) service(svc, op string, serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.calls.add(svc, op)
		fault, hit := c.faults.take(svc, op)
		if hit && fault.Kind == "refuse" {
			panic(http.ErrAbortHandler) // the connection is cut, as by a server that is not there
		}
		if c.opt.Latency > 0 && fault.Kind != "latency" { // which says itself how long
			least := c.opt.Latency / 8
			wait(r, least+time.Duration(rand.Int64N(int64(c.opt.Latency-least))))
		}
		if r.Header.Get("X-Api-Key") != Key {
			refuse(w, http.StatusUnauthorized, "", "key missing or wrong")
			return
		}
		if !hit {
			serve(w, r)
			return
		}
		fault.serve(w, r, serve)
	})
}

func wait(r *http.Request, d time.Duration) {
	select {
	case <-r.Context().Done():
	case <-time.After(d):
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func refuse(w http.ResponseWriter, status int, field, text string) {
	answer(w, status, map[string]string{"field": field, "error": text})
}

// callLog counts the calls of each endpoint.
type callLog struct {
	mu    sync.Mutex
	count map[string]int
}

func (l *callLog) add(svc, op string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count = map[string]int{}
	}
	l.count[svc+"/"+op]++
}

func (l *callLog) all() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int{}
	for k, v := range l.count {
		out[k] = v
	}
	return out
}
