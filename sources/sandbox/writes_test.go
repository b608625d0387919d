package sandbox_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/quagmt/udecimal"

	company "portico/sandbox"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/trade"
)

func TestTheERPTakesAnOrderOnceUnderItsKey(t *testing.T) {
	c, err := company.Open(company.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c.Handler())
	defer server.Close()
	set, err := sandbox.OpenCompany(server.URL, company.Key)
	if err != nil {
		t.Fatal(err)
	}
	items, err := sources.ItemRecords.Fetch(t.Context(), set, sources.Query{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	draft := trade.Draft{Account: "10001", ShipTo: "01", CustomerPoNumber: "PO"}
	for _, i := range items.Records {
		if i.Status == trade.ItemActive && i.BaseUnit == "EA" {
			draft.Lines = []trade.DraftLine{{
				LineNumber: "10", SKU: i.SKU,
				Quantity: trade.Quantity{Value: udecimal.MustFromInt64(1000, 0), Unit: "EA"},
			}}
			break
		}
	}
	if _, err := set.ReceiptByKey(t.Context(), "erp", "PORTICO-1"); sources.KindOf(err) != sources.NotFound {
		t.Errorf("a key that nobody sent: %v, want that it is not found", err)
	}
	var all sync.WaitGroup
	numbers := make([]string, 8)
	for i := range numbers {
		all.Go(func() {
			r, err := set.SubmitOrder(t.Context(), "erp", "PORTICO-1", draft)
			if numbers[i] = r.Number; err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, n := range numbers {
		if n == "" || n != numbers[0] {
			t.Errorf("receipts %v, want one number", numbers)
		}
	}
	if r, err := set.ReceiptByKey(t.Context(), "erp", "PORTICO-1"); err != nil || r.Number != numbers[0] {
		t.Errorf("looked up: %v, %v", r, err)
	}
	told, err := sources.OrderRecords.Fetch(t.Context(), set, sources.Query{Refs: numbers[:1]})
	if err != nil || len(told.Records) != 1 || told.Records[0].ExternalRef == nil || *told.Records[0].ExternalRef != "PORTICO-1" {
		t.Errorf("the order does not tell our reference: %v", err)
	}
	// The answer is lost: it may have arrived, and it is not sent again by itself.
	c.Break(company.Fault{Service: "erp", Op: "submit", Kind: "drop"})
	before := c.Calls()["erp/submit"]
	if _, err := set.SubmitOrder(t.Context(), "erp", "PORTICO-2", draft); sources.KindOf(err) != sources.Uncertain {
		t.Errorf("an answer that is lost: %v, want that the outcome is uncertain", err)
	}
	if n := c.Calls()["erp/submit"] - before; n != 1 {
		t.Errorf("an order whose answer is lost was sent %d times", n)
	}
	c.ClearFaults()
	if r, err := set.ReceiptByKey(t.Context(), "erp", "PORTICO-2"); err != nil || r.Number == "" {
		t.Errorf("what arrived is not found: %v, %v", r, err)
	}
	draft.Lines[0].Quantity.Value = udecimal.MustFromInt64(1, 0)
	if _, err := set.SubmitOrder(t.Context(), "erp", "PORTICO-3", draft); sources.KindOf(err) != sources.Rejected ||
		!strings.Contains(fmt.Sprint(sources.Reason(err)), "least") {
		t.Errorf("too few: %v", err)
	}
}
