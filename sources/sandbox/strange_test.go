package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"portico/sources"
	"portico/sources/sandbox"
	"portico/sources/sourcetest"
)

// TestARowThatSaysNoNumberIsRejectedByItsPlace has the warehouse system say strange things of stock: nothing of it is taken for a
// zero, and the row beside it is read.
func TestARowThatSaysNoNumberIsRejectedByItsPlace(t *testing.T) {
	const sites = `{"sku": "S2", "uom": "PCE", "rev": 1, "sites": `
	const sound = `{"sku": "S1", "uom": "PCE", "rev": 1, "sites": [{"site": "RTM", "qty": 7, "res": 0, "safety": 0}]}`
	for name, c := range map[string]struct{ row, want string }{
		"a quantity is null":          {sites + `[{"site":"RTM","qty":1},{"site":"ANR","qty":null}]}`, "sites[1].qty: it is null"},
		"a reservation is null":       {sites + `[{"site":"RTM","qty":1,"res":null}]}`, "sites[0].res: it is null"},
		"a revision is null":          {`{"sku":"S2","uom":"PCE","rev":null,"sites":[{"site":"RTM","qty":1}]}`, "rev: it is null"},
		"a quantity is a text":        {sites + `[{"site":"RTM","qty":"7"}]}`, "sites.qty: it is a JSON string"},
		"a quantity is a list":        {sites + `[{"site":"RTM","qty":[7]}]}`, "sites.qty: it is a JSON array"},
		"a quantity is a fraction":    {sites + `[{"site":"RTM","qty":7.5}]}`, "sites.qty: it is a JSON number 7.5"},
		"the sites are null":          {sites + `null}`, "sites: it is null"},
		"the sites are missing":       {`{"sku":"S2","uom":"PCE","rev":1}`, "sites: it is null"},
		"the sites are an object":     {sites + `{"RTM":7}}`, "sites: it is a JSON object"},
		"a site is there twice":       {sites + `[{"site":"RTM","qty":1},{"site":"RTM","qty":2}]}`, `twice: "RTM"`},
		"a unit that nobody knows":    {`{"sku":"S2","uom":"XYZ","rev":1,"sites":[{"site":"RTM","qty":1}]}`, `"XYZ" has no meaning`},
		"a row that is no object":     {`[7]`, "it has not the expected shape"},
		"a row that is null":          {`null`, "sites: it is null"},
		"a row that names no number":  {sites + `[{"site":"RTM","qty":1e400}]}`, "sites.qty: it is a JSON number"},
		"a number that is too large":  {sites + `[{"site":"RTM","qty":99999999999999999999}]}`, "sites.qty: it is a JSON number"},
		"a site that is null, as all": {sites + `[null]}`, "sites[0]: it is null"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"rows": [%s, %s]}`, c.row, sound)
			}))
			t.Cleanup(server.Close)
			wms, err := sandbox.OpenWMS(sandbox.Config{URL: server.URL + "/wms"},
				sources.Credentials{Key: func() string { return sourcetest.Secret }})
			if err != nil {
				t.Fatal(err)
			}
			page, err := wms.Stock(t.Context(), sources.Query{Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Records) != 1 || page.Records[0].ItemRef.Key != "S1" || page.Records[0].OnHand.String() != "7" {
				t.Errorf("beside it is read %+v", page.Records)
			}
			if len(page.Rejected) != 1 || !strings.Contains(page.Rejected[0].Reason, c.want) {
				t.Errorf("rejected are %+v, want one for %q", page.Rejected, c.want)
			}
		})
	}
}
