// Package sourcetest is the contract of the ports in executable form: every
// adapter passes it, and what it finds in one is cured in all.
package sourcetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"portico/sources"
	"portico/trade"
)

// T is what the suite reports to; *testing.T is one, and the suite's own tests
// have another that counts.
type T interface {
	Context() context.Context
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Helper()
}

var _ T = (*testing.T)(nil)

// Secret is the key that Open's systems ask for; it must be in no error.
const Secret = "a-secret-key-of-the-suite"

// Open connects an adapter to a system at url with the key [Secret]. The system
// answers as the product does, or is one of the suite's that answers wrongly.
type Open func(url string) (sources.Adapter, error)

// Run plays the contract against the product at url. Ports that the adapter
// does not claim are listed and left out.
func Run(t T, open Open, url string) {
	t.Helper()
	a, err := open(url)
	if err != nil {
		t.Errorf("open: %v", err)
		return
	}
	if err := a.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	run(t, a, "warehouses", sources.Warehouses.Warehouses, func(r *trade.Warehouse) key { return key{r.Code, &r.Provenance} }, nil)
	run(t, a, "categories", sources.Categories.Categories, func(r *trade.Category) key { return key{r.Code, &r.Provenance} }, nil)
	run(t, a, "suppliers", sources.Suppliers.Suppliers, func(r *trade.TradingPartner) key { return key{r.Code, &r.Provenance} }, nil)
	run(t, a, "accounts", sources.Accounts.Accounts, func(r *trade.Account) key { return key{r.Number, &r.Provenance} }, checkAccount)
	run(t, a, "calendars", sources.Calendars.Calendars, func(r *trade.Calendar) key { return key{r.AccountRef.Key + "/" + r.Location, &r.Provenance} }, nil)
	run(t, a, "credit", sources.Credit.Credit, func(r *trade.CreditPosition) key { return key{r.AccountRef.Key, &r.Provenance} }, nil)
	run(t, a, "items", sources.Items.Items, func(r *trade.Item) key { return key{r.SKU, &r.Provenance} }, checkItem)
	run(t, a, "contracts", sources.Contracts.Contracts, func(r *trade.Contract) key { return key{r.Number, &r.Provenance} }, nil)
	run(t, a, "stock", sources.Inventory.Stock, func(r *trade.Stock) key { return key{r.ItemRef.Key + " " + r.WarehouseRef.Key, &r.Provenance} }, checkStock)
	run(t, a, "orders", sources.Orders.Orders, func(r *trade.Order) key { return key{*r.Number, &r.Provenance} }, checkOrder)
	run(t, a, "purchase orders", sources.PurchaseOrders.PurchaseOrders, func(r *trade.PurchaseOrder) key { return key{r.Number, &r.Provenance} }, checkPurchaseOrder)
	run(t, a, "shipments", sources.Shipments.Shipments, func(r *trade.Shipment) key { return key{r.Number, &r.Provenance} }, nil)
	run(t, a, "tracking", sources.Tracking.Tracking, func(r *trade.Tracking) key { return key{r.TrackingNumber, &r.Provenance} }, checkTracking)
	run(t, a, "invoices", sources.Invoices.Invoices, func(r *trade.Invoice) key { return key{r.Number, &r.Provenance} }, checkInvoice)
	run(t, a, "returns", sources.Returns.Returns, func(r *trade.Return) key { return key{*r.Number, &r.Provenance} }, nil)
	changes(t, a)
	prices(t, a)
	papers(t, a)
	faults(t, open)
}

type key struct {
	name string
	from *trade.Provenance
}

// run plays pages, batches and the shape of one kind of record.
func run[P sources.Adapter, R any](t T, a sources.Adapter, kind string, read func(P, context.Context, sources.Query) (sources.Page[R], error), keyOf func(*R) key, check func(T, *R)) {
	t.Helper()
	port, claims := a.(P)
	if !claims {
		t.Logf("not claimed: %s", kind)
		return
	}
	var all []R
	seen := map[string]bool{}
	refs := map[string]bool{}
	after := ""
	for range 10_000 {
		page, err := read(port, t.Context(), sources.Query{After: after, Limit: 7})
		if err != nil {
			t.Errorf("%s: a page: %v", kind, err)
			return
		}
		for i := range page.Records {
			k := keyOf(&page.Records[i])
			if seen[k.name] {
				t.Errorf("%s: %s is on two pages", kind, k.name)
			}
			seen[k.name] = true
			stamped(t, kind, k)
			refs[ref(k)] = true
		}
		all = append(all, page.Records...)
		if page.Next == "" {
			break
		}
		if page.Next == after {
			t.Errorf("%s: the page after %q leads to itself", kind, after)
			return
		}
		after = page.Next
	}
	if len(all) == 0 {
		t.Errorf("%s: there are none to test with", kind)
		return
	}
	whole, err := read(port, t.Context(), sources.Query{Limit: 1000})
	if err != nil {
		t.Errorf("%s: a large page: %v", kind, err)
		return
	}
	if whole.Next == "" && len(whole.Records) != len(all) {
		t.Errorf("%s: %d in small pages and %d in one: pages have gaps", kind, len(all), len(whole.Records))
	}
	some := []string{"no-such-record"}
	for _, r := range slices.Sorted(maps.Keys(refs)) {
		if len(some) < 6 {
			some = append(some, r)
		}
	}
	batch, err := read(port, t.Context(), sources.Query{Refs: some})
	if err != nil {
		t.Errorf("%s: a batch with a key that is not known: %v; leave it out instead", kind, err)
		return
	}
	got := map[string]bool{}
	for i := range batch.Records {
		got[ref(keyOf(&batch.Records[i]))] = true
	}
	for _, r := range some[1:] {
		if !got[r] {
			t.Errorf("%s: asked for %s by its reference, it did not come", kind, r)
		}
	}
	if len(got) > len(some)-1 {
		t.Errorf("%s: a batch of %d brought %d", kind, len(some)-1, len(got))
	}
	for i := range all {
		if check != nil {
			check(t, &all[i])
		}
	}
}

func ref(k key) string {
	if k.from.SourceRef == nil {
		return ""
	}
	return *k.from.SourceRef
}

func stamped(t T, kind string, k key) {
	t.Helper()
	switch {
	case k.name == "":
		t.Errorf("%s: a record has no key", kind)
	case ref(k) == "":
		t.Errorf("%s %s: it does not say its reference in the source", kind, k.name)
	case k.from.AsOf == nil || time.Since(*k.from.AsOf) > time.Minute:
		t.Errorf("%s %s: it does not say that it holds now", kind, k.name)
	}
}

func changes(t T, a sources.Adapter) {
	t.Helper()
	teller, claims := a.(sources.Changes)
	if !claims {
		t.Logf("not claimed: changes")
		return
	}
	now, err := teller.Changes(t.Context(), "", 10)
	if err != nil || now.Next == "" || now.Epoch == "" || len(now.Changes) > 0 {
		t.Errorf("changes from now: %+v, %v; want a place, an epoch and no changes", now, err)
		return
	}
	again, err := teller.Changes(t.Context(), now.Next, 10)
	if err != nil || again.Epoch != now.Epoch {
		t.Errorf("changes after %s: %+v, %v", now.Next, again, err)
	}
}

func prices(t T, a sources.Adapter) {
	t.Helper()
	pricing, claims := a.(sources.Pricing)
	accounts, both := a.(sources.Accounts)
	items, all := a.(sources.Items)
	if !claims || !both || !all {
		t.Logf("not claimed: prices")
		return
	}
	buyers, err := accounts.Accounts(t.Context(), sources.Query{Limit: 1})
	goods, err2 := items.Items(t.Context(), sources.Query{Limit: 20})
	if err != nil || err2 != nil {
		t.Errorf("prices: %v", errors.Join(err, err2))
		return
	}
	var keys []trade.PriceKey
	for _, i := range goods.Records {
		keys = append(keys, trade.PriceKey{Account: buyers.Records[0].Number, SKU: i.SKU, Quantity: "1", Unit: i.BaseUnit, Day: trade.DateOf(time.Now())})
	}
	keys = append(keys, trade.PriceKey{Account: "no-such-account", SKU: keys[0].SKU, Quantity: "1", Unit: keys[0].Unit, Day: keys[0].Day})
	results, err := pricing.Prices(t.Context(), keys)
	if err != nil || len(results) != len(keys) {
		t.Errorf("prices: %d answers to %d keys, %v", len(results), len(keys), err)
		return
	}
	for i, r := range results {
		if p, ok := r.(*trade.Price); ok {
			money(t, "price of "+p.SKU, p.UnitPrice.Price)
			if p.SKU != keys[i].SKU || !p.UnitPrice.Per.Value.IsPos() || p.UnitPrice.Per.Unit != keys[i].Unit {
				t.Errorf("price %d: of %s per %s %s, asked for %s in %s", i, p.SKU, p.UnitPrice.Per.Value, p.UnitPrice.Per.Unit, keys[i].SKU, keys[i].Unit)
			}
		}
	}
	if _, priced := results[len(results)-1].(*trade.Price); priced {
		t.Errorf("an account that is not there has a price")
	}
}

func papers(t T, a sources.Adapter) {
	t.Helper()
	keeper, claims := a.(sources.Documents)
	if !claims {
		t.Logf("not claimed: documents")
		return
	}
	body, err := keeper.Document(t.Context(), "invoice/no-such-paper")
	if err == nil {
		_ = body.Close()
	}
	if sources.KindOf(err) != sources.NotFound {
		t.Errorf("a paper that is not there: %v, want NotFound", err)
	}
}
