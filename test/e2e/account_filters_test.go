package e2e

import (
	"slices"
	"testing"

	"portico/test/e2e/api"
)

// skusOf are the items that a filter finds.
func (s *server) skusOf(t *testing.T, persona string, filter api.ItemFilter) (skus []string) {
	t.Helper()
	for _, n := range must(api.ItemSkus(s.as(t, persona), 100, api.ItemSortSkuAsc, &filter)).Items.Nodes {
		skus = append(skus, n.Sku)
	}
	return skus
}

// Covers: C03
// Cases: H13
func TestItemsAreFilteredForTheAccountThatIsAskedFor(t *testing.T) {
	t.Parallel()
	s := portico(t)
	ids := map[string]string{}
	for persona, number := range map[string]string{"buyer": "10001", "buyer-child": "10002", "buyer-other": "10004"} {
		ids[number] = must(api.Account(s.as(t, persona), api.AccountBy{Number: &number})).Account.Id
	}
	of := func(guide api.ItemFilter, number string) api.ItemFilter {
		guide.Account = new(ids[number])
		return guide
	}
	for what, guide := range map[string]api.ItemFilter{
		"contracted": {Contracted: new(true)}, "ordered before": {OrderedBefore: new(true)},
	} {
		all := s.skusOf(t, "buyer", guide)
		head, branch := s.skusOf(t, "buyer", of(guide, "10001")), s.skusOf(t, "buyer", of(guide, "10002"))
		if own := s.skusOf(t, "buyer-child", guide); !slices.Equal(branch, own) || len(branch) == 0 {
			t.Errorf("%s of the branch: %v, and as it sees itself %v", what, branch, own)
		}
		if slices.Equal(head, branch) || len(all) <= len(head) && len(all) < 100 {
			t.Errorf("%s: any %d, the head's %d, the branch's %d", what, len(all), len(head), len(branch))
		}
		if operator := s.skusOf(t, "operator", of(guide, "10002")); !slices.Equal(operator, branch) {
			t.Errorf("%s as an operator: %v, want %v", what, operator, branch)
		}
	}
	// Items that are ordered most often are those of the account, too.
	most := func(persona string, filter api.ItemFilter) api.ItemSkusItemsItemConnection {
		return must(api.ItemSkus(s.as(t, persona), 3, api.ItemSortMostOrdered, &filter)).Items
	}
	branch, own := most("buyer", of(api.ItemFilter{}, "10002")), most("buyer-child", api.ItemFilter{})
	if !slices.Equal(branch.Nodes, own.Nodes) {
		t.Errorf("most ordered: %s, want %s", asJSON(branch), asJSON(own))
	}

	// Part numbers, of which two accounts have different ones in one request.
	child := s.as(t, "buyer-child")
	item := api.ItemBy{Sku: &s.skusOf(t, "buyer-child", api.ItemFilter{Contracted: new(true)})[0]}
	for _, n := range must(api.ItemPartNumbers(child)).Items.Nodes {
		if n.CustomerPartNumber != nil {
			item.Sku = new(n.Sku)
			break
		}
	}
	want := must(api.ItemPartNumber(child, item, nil)).Item.CustomerPartNumber
	for _, persona := range []string{"buyer", "operator"} {
		a := must(api.ItemPartNumbersOfTwo(s.as(t, persona), item, ids["10001"], ids["10002"])).Item
		if want == nil || a.Other == nil || *a.Other != *want || a.One != nil && *a.One == *want {
			t.Errorf("as %s: %s, want %s for the branch", persona, asJSON(a), val(want))
		}
		if (a.Any == nil) != (persona == "operator") {
			t.Errorf("as %s without an account: %s", persona, asJSON(a))
		}
	}

	// An account that is not the caller's is refused at its place, as one that is not there.
	for _, account := range []string{ids["10004"], "acc_none", ""} {
		buyer := s.try(t, "buyer")
		_, listed := api.ItemSkus(buyer, 1, api.ItemSortRelevance, &api.ItemFilter{Contracted: new(true), Account: &account})
		_, one := api.ItemPartNumber(buyer, item, &account)
		for place, err := range map[string]error{"[filter account]": listed, "[account]": one} {
			errs := errorsOf(t, err)
			if !slices.Equal(codes(errs), []string{"BAD_USER_INPUT"}) || !slices.Equal(arguments(errs), []string{place}) {
				t.Errorf("%q at %s: %s", account, place, asJSON(errs))
			}
		}
	}
}
