package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	company "portico/sandbox"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/sources/sourcetest"
)

// products are the company's systems, each with its adapter.
var products = map[string]struct {
	path string
	open func(sandbox.Config, sources.Credentials) (sources.Adapter, error)
}{
	"erp":     {"/erp", opened(sandbox.OpenERP)},
	"ledger":  {"/erp", opened(sandbox.OpenLedger)},
	"wms":     {"/wms", opened(sandbox.OpenWMS)},
	"carrier": {"/carrier", opened(sandbox.OpenCarrier)},
	"crm":     {"/crm", opened(sandbox.OpenCRM)},
}

func opened[A sources.Adapter](open func(sandbox.Config, sources.Credentials) (A, error)) func(sandbox.Config,
	sources.Credentials) (sources.Adapter, error) {
	return func(c sandbox.Config, k sources.Credentials) (sources.Adapter, error) { return open(c, k) }
}

// system is the company behind a door that asks for the suite's key.
func system(t *testing.T) string {
	t.Helper()
	c, err := company.Open(company.Options{})
	if err != nil {
		t.Fatal(err)
	}
	serve := c.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") == sourcetest.Secret {
			r.Header.Set("X-Api-Key", company.Key)
		}
		serve.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAdaptersKeepTheContract(t *testing.T) {
	url := system(t)
	for name, p := range products {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(url string) (sources.Adapter, error) {
				return p.open(sandbox.Config{URL: url + p.path}, sources.Credentials{Key: func() string { return sourcetest.Secret }})
			}, url)
		})
	}
}
