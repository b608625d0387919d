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
	for _, p := range sources.Ports() {
		if p.Readable() {
			run(t, a, p)
		}
	}
	changes(t, a)
	prices(t, a)
	documents(t, a)
	faults(t, open)
}

// run plays pages, batches and the shape of one kind of record.
func run(t T, a sources.Adapter, of sources.Port) {
	t.Helper()
	kind := string(of.Subject)
	if !of.Serves(a) {
		t.Logf("not claimed: %s", kind)
		return
	}
	read := func(q sources.Query) (sources.Page[sources.Record], error) { return of.Records(t.Context(), a, q) }
	var all []sources.Record
	seen := map[string]bool{}
	refs := map[string]bool{}
	after := ""
	for range 10_000 {
		page, err := read(sources.Query{After: after, Limit: 7})
		if err != nil {
			t.Errorf("%s: a page: %v", kind, err)
			return
		}
		for _, r := range page.Records {
			if seen[r.Key] {
				t.Errorf("%s: %s is on two pages", kind, r.Key)
			}
			seen[r.Key] = true
			stamped(t, kind, r)
			refs[ref(r)] = true
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
	whole, err := read(sources.Query{Limit: 1000})
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
	batch, err := read(sources.Query{Refs: some})
	if err != nil {
		t.Errorf("%s: a batch with a key that is not known: %v; leave it out instead", kind, err)
		return
	}
	got := map[string]bool{}
	for _, r := range batch.Records {
		got[ref(r)] = true
	}
	for _, r := range some[1:] {
		if !got[r] {
			t.Errorf("%s: asked for %s by its reference, it did not come", kind, r)
		}
	}
	if len(got) > len(some)-1 {
		t.Errorf("%s: a batch of %d brought %d", kind, len(some)-1, len(got))
	}
	for _, r := range all {
		check(t, of.Subject, r.Value)
	}
}

func ref(r sources.Record) string {
	if r.From.SourceRef == nil {
		return ""
	}
	return *r.From.SourceRef
}

func stamped(t T, kind string, r sources.Record) {
	t.Helper()
	switch {
	case r.Key == "":
		t.Errorf("%s: a record has no key", kind)
	case ref(r) == "":
		t.Errorf("%s %s: it does not say its reference in the source", kind, r.Key)
	case r.From.AsOf == nil || time.Since(*r.From.AsOf) > time.Minute:
		t.Errorf("%s %s: it does not say that it holds now", kind, r.Key)
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
	next, err := teller.Changes(t.Context(), now.Next, 10)
	if err != nil || next.Epoch != now.Epoch {
		t.Errorf("changes after %s: %+v, %v", now.Next, next, err)
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
		keys = append(keys, trade.PriceKey{
			Account: buyers.Records[0].Number, SKU: i.SKU, Quantity: "1", Unit: i.BaseUnit,
			Day: trade.DateOf(time.Now(), time.UTC),
		})
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
				t.Errorf("price %d: of %s per %s %s, asked for %s in %s", i, p.SKU, p.UnitPrice.Per.Value, p.UnitPrice.Per.Unit, keys[i].SKU,
					keys[i].Unit)
			}
		}
	}
	if _, priced := results[len(results)-1].(*trade.Price); priced {
		t.Errorf("an account that is not there has a price")
	}
}

func documents(t T, a sources.Adapter) {
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
		t.Errorf("a document that does not exist: %v, want NotFound", err)
	}
}
