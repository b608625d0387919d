// Package processtest is a trading company for the tests of flows.
package processtest

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	company "portico/sandbox"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/trade"
	"portico/trade/clock"
)

// World is a company that can be exchanged for another one behind its address.
type World struct {
	URL string // of the company
	// Now is the company that answers there.
	Now atomic.Pointer[company.Company]
}

// New makes a world with a company, until the test ends.
func New(t *testing.T) *World {
	t.Helper()
	w := &World{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.Now.Load().Handler().ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.URL = server.URL
	w.Begin(t, company.Options{Latency: time.Millisecond, Epoch: began}) // how slow it is matters to none of these tests
	return w
}

// began is when the company of every world was as it is made: companies of one moment are one to those who replicate them.
var began = time.Now() //nolint:forbidigo // the day of the tests' own clocks, which is the machine's

// Begin puts another company in the place of the one before.
func (w *World) Begin(t *testing.T, opt company.Options) *company.Company {
	t.Helper()
	c, err := company.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	w.Now.Store(c)
	return c
}

// Set are the company's systems.
func (w *World) Set(t *testing.T) *sources.Set {
	t.Helper()
	set, err := sandbox.OpenCompany(w.URL, company.Key)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// ERP is a connection to the company's ERP.
func (w *World) ERP(t *testing.T) *sandbox.ERP {
	t.Helper()
	erp, err := sandbox.OpenERP(w.At("/erp"))
	if err != nil {
		t.Fatal(err)
	}
	return erp
}

// At is the configuration of one of its systems, and what it is asked with.
func (w *World) At(path string) (sandbox.Config, sources.Credentials) {
	return sandbox.Config{URL: w.URL + path}, sources.Credentials{Key: func() string { return company.Key }}
}

// Systems are the company's, with these for its ERP.
func (w *World) Systems(t *testing.T, limits sources.Limits, erps map[string]sources.Adapter) *sources.Set {
	t.Helper()
	var list []sources.Source
	add := func(name string, a sources.Adapter, err error) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, sources.Source{Name: name, Adapter: a, Limits: limits})
	}
	for name, erp := range erps {
		add(name, erp, nil)
	}
	ledger, err := sandbox.OpenLedger(w.At("/erp"))
	add("finance", ledger, err)
	wms, err := sandbox.OpenWMS(w.At("/wms"))
	add("wms", wms, err)
	carrier, err := sandbox.OpenCarrier(w.At("/carrier"))
	add("carrier", carrier, err)
	crm, err := sandbox.OpenCRM(w.At("/crm"))
	add("crm", crm, err)
	set, err := sources.NewSet(list, sandbox.Routes)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Eventually waits until something is done, and fails the test where that takes too long.
func Eventually(t *testing.T, what string, finished func() bool) {
	t.Helper()
	for waited := clock.Start(); !finished(); {
		if waited.Elapsed() > 90*time.Second {
			t.Fatalf("not %s in time", what)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
}

// Operator sees everything, and may do nothing.
var Operator = trade.OperatorScope(nil)
