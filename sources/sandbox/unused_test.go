package sandbox_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"portico/sources"
	"portico/sources/sandbox"
	"portico/sources/sourcetest"
)

// TestWhatARowHasAndNobodyTakesIsNamed has the warehouse system say more of stock than is asked of it.
func TestWhatARowHasAndNobodyTakesIsNamed(t *testing.T) {
	const site = `"site": "RTM", "qty": 7, "res": 0, "safety": 0`
	for name, c := range map[string]struct {
		row  string
		want map[string]string
	}{
		"nothing more":               {`{"sku": "S1", "uom": "PCE", "rev": 1, "sites": [{` + site + `}]}`, nil},
		"names in other case":        {`{"SKU": "S1", "Uom": "PCE", "REV": 1, "sites": [{` + site + `}]}`, nil},
		"a value":                    {`{"sku": "S1", "uom": "PCE", "rev": 1, "lot": "7", "sites": [{` + site + `}]}`, map[string]string{"lot": "S1"}},
		"a value of an element":      {`{"sku": "S1", "uom": "PCE", "rev": 1, "sites": [{` + site + `, "bin": 7}]}`, map[string]string{"sites.#.bin": "S1"}},
		"an object":                  {`{"sku": "S1", "uom": "PCE", "rev": 1, "owner": {"id": 1, "of": {"x": true}}, "sites": [{` + site + `}]}`, map[string]string{"owner.id": "S1", "owner.of.x": "S1"}},
		"a list":                     {`{"sku": "S1", "uom": "PCE", "rev": 1, "tags": ["a", "b"], "sites": [{` + site + `}]}`, map[string]string{"tags.#": "S1"}},
		"null says nothing":          {`{"sku": "S1", "uom": "PCE", "rev": 1, "lot": null, "sites": [{` + site + `}]}`, nil},
		"an empty list says as much": {`{"sku": "S1", "uom": "PCE", "rev": 1, "lots": [], "sites": [{` + site + `}]}`, nil},
		"a record that is rejected":  {`{"sku": "S1", "uom": "PCE", "rev": "x", "lot": "7", "sites": [{` + site + `}]}`, map[string]string{"lot": "S1"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"rows": [%s]}`, c.row)
			}))
			t.Cleanup(server.Close)
			wms, err := sandbox.OpenWMS(sandbox.Config{URL: server.URL + "/wms"},
				sources.Credentials{Key: func() string { return sourcetest.Secret }})
			if err != nil {
				t.Fatal(err)
			}
			page, err := wms.Stock(t.Context(), sources.Query{Limit: 10})
			if err != nil || !maps.Equal(page.Unused, c.want) {
				t.Errorf("unused are %v, want %v; %v", page.Unused, c.want, err)
			}
		})
	}
}
