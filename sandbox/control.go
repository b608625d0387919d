package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Fault makes a service misbehave.
type Fault struct {
	Service string `json:"service"`
	// Op narrows it to one endpoint, e.g. prices; empty is the whole service.
	Op string `json:"op,omitempty"`
	// Kind is latency, refuse, throttle, drop (do the work, lose the answer),
	// maintenance, duplicate (do the work twice), garble (an answer that cannot
	// be read) or error.
	Kind string `json:"kind"`
	// Millis is how long an answer takes with latency, or, with throttle, to stay away.
	Millis int `json:"millis,omitempty"`
	// Times ends the fault after so many calls; 0 is until it is lifted.
	Times int `json:"times,omitempty"`
	// Seconds ends the fault after so long; 0 is until it is lifted.
	Seconds float64 `json:"seconds,omitempty"`
	until   time.Time
}

var faultKinds = map[string]bool{
	"latency": true, "refuse": true, "throttle": true, "drop": true, "maintenance": true, "duplicate": true, "garble": true, "error": true,
}

type faultSet struct {
	mu  sync.Mutex
	all []*Fault
}

// Break puts a fault in force.
func (c *Company) Break(f Fault) {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	if f.Seconds > 0 {
		f.until = time.Now().Add(time.Duration(f.Seconds * float64(time.Second)))
	}
	c.faults.all = append(c.faults.all, &f)
}

// ClearFaults lifts all faults.
func (c *Company) ClearFaults() {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	c.faults.all = nil
}

func (s *faultSet) take(svc, op string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.all {
		if f.Service != svc || f.Op != "" && f.Op != op || !f.until.IsZero() && time.Now().After(f.until) {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.all = append(s.all[:i:i], s.all[i+1:]...)
			}
		}
		return *f, true
	}
	return Fault{}, false
}

func (f Fault) serve(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	switch f.Kind {
	case "latency":
		wait(r, time.Duration(f.Millis)*time.Millisecond)
		serve(w, r)
	case "throttle":
		w.Header().Set("Retry-After", strconv.Itoa(max(1, f.Millis/1000)))
		refuse(w, http.StatusTooManyRequests, "", "slow down")
	case "maintenance":
		w.Header().Set("Retry-After", "60")
		refuse(w, http.StatusServiceUnavailable, "", "maintenance window")
	case "drop":
		serve(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case "duplicate":
		body, _ := readAll(r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		serve(httptest.NewRecorder(), r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		serve(w, r)
	case "garble":
		rec := httptest.NewRecorder()
		serve(rec, r)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
	default:
		refuse(w, http.StatusInternalServerError, "", "internal error")
	}
}

func readAll(r *http.Request) ([]byte, error) { return io.ReadAll(io.LimitReader(r.Body, 4<<20)) }

// Change makes a record be told with other top-level values, and puts it into
// its service's change feed.
func (c *Company) Change(service, object, key string, set map[string]any) error {
	body, err := json.Marshal(override{service, object, key, set})
	if err != nil {
		return err
	}
	return c.do(effect{Do: "override", Key: key, Body: body})
}

// Calls are the numbers of calls so far, by service and endpoint.
func (c *Company) Calls() map[string]int { return c.calls.all() }

// EffectRefs are the references of all that was taken from outside, in its order.
func (c *Company) EffectRefs() (refs []string) {
	for _, e := range c.journal.since(0) {
		switch e.Do {
		case "submit", "change", "cancel", "return":
			refs = append(refs, e.Key)
		}
	}
	return refs
}

// Document is the number that a reference was given, or empty.
func (c *Company) Document(ref string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.submitted[ref]
}

// SetSpeed changes the speed of time; 0 stands still.
func (c *Company) SetSpeed(speed float64) {
	c.mu.Lock()
	c.speed = speed
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Company) control(mux *http.ServeMux) {
	mux.HandleFunc("POST /control/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		if json.NewDecoder(r.Body).Decode(&f) != nil || !faultKinds[f.Kind] {
			refuse(w, http.StatusBadRequest, "kind", "must be one of latency, refuse, throttle, drop, maintenance, duplicate, garble, error")
			return
		}
		c.Break(f)
		answer(w, http.StatusOK, f)
	})
	mux.HandleFunc("DELETE /control/faults", func(w http.ResponseWriter, _ *http.Request) {
		c.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /control/calls", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, c.Calls()) })
	mux.HandleFunc("GET /control/journal", func(w http.ResponseWriter, r *http.Request) {
		since, _ := strconv.Atoi(r.FormValue("since"))
		answer(w, http.StatusOK, c.journal.since(since))
	})
	mux.HandleFunc("POST /control/speed", func(w http.ResponseWriter, r *http.Request) {
		speed, err := strconv.ParseFloat(r.FormValue("speed"), 64)
		if err != nil || speed < 0 || speed > 1000 {
			refuse(w, http.StatusBadRequest, "speed", "must be 0 to 1000")
			return
		}
		c.SetSpeed(speed)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /control/ship", func(w http.ResponseWriter, r *http.Request) {
		percent, err := strconv.Atoi(r.FormValue("percent"))
		if err != nil || percent < 1 || percent > 100 {
			refuse(w, http.StatusBadRequest, "percent", "must be 1 to 100")
			return
		}
		if err := c.do(effect{Do: "ship", Key: r.FormValue("order"), N: percent}); err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /control/buy", func(w http.ResponseWriter, r *http.Request) {
		b, body, ok := written[buying](w, r, "a purchase")
		if !ok {
			return
		}
		if c.vendors.get(b.VenNo) == nil || c.sites.get(b.Whs) == nil || len(b.Items) == 0 {
			refuse(w, http.StatusBadRequest, "venNo", "vendor, warehouse or items unknown")
			return
		}
		if err := c.do(effect{Do: "buy", Body: body}); err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
		c.mu.RLock()
		defer c.mu.RUnlock()
		answer(w, http.StatusOK, map[string]string{"poNo": strconv.Itoa(4500000 + c.docSeq["po"])})
	})
	mux.HandleFunc("POST /control/stock", func(w http.ResponseWriter, r *http.Request) {
		qty, err := strconv.Atoi(r.FormValue("qty"))
		if err != nil || qty < 0 || c.stock.get(r.FormValue("sku")) == nil {
			refuse(w, http.StatusBadRequest, "sku", "unknown, or qty is none")
			return
		}
		if err := c.do(effect{Do: "setStock", Key: r.FormValue("sku"), N: qty}); err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /control/receive", func(w http.ResponseWriter, r *http.Request) {
		percent, err := strconv.Atoi(r.FormValue("percent"))
		if err != nil || percent < 0 || percent > 200 {
			refuse(w, http.StatusBadRequest, "percent", "must be 0 to 200")
			return
		}
		how := receipt{}
		if text := r.FormValue("damaged"); text != "" {
			if how.Damaged, err = strconv.Atoi(text); err != nil || how.Damaged < 0 || how.Damaged > 100 {
				refuse(w, http.StatusBadRequest, "damaged", "must be 0 to 100")
				return
			}
		}
		body, err := json.Marshal(how)
		if err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
		if err := c.do(effect{Do: "receiveNotice", Key: r.FormValue("dispatch"), N: percent, Body: body}); err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /control/revise", func(w http.ResponseWriter, r *http.Request) {
		if err := c.do(effect{Do: "revise", Key: r.FormValue("purchase")}); err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /control/tick", func(w http.ResponseWriter, _ *http.Request) {
		if err := c.Tick(); err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /control/records", func(w http.ResponseWriter, r *http.Request) {
		var o override
		if json.NewDecoder(r.Body).Decode(&o) != nil || o.Key == "" {
			refuse(w, http.StatusBadRequest, "key", "must name a record")
			return
		}
		if err := c.Change(o.Svc, o.Obj, o.Key, o.Set); err != nil {
			refuse(w, http.StatusInternalServerError, "", err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
