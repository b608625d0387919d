package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// skusOf are the items that a filter finds.
func (s *server) skusOf(t *testing.T, persona, filter string) []string {
	t.Helper()
	a := s.good(t, persona, `{ items(first: 100, orderBy: SKU_ASC, filter: {`+filter+`}) { nodes { sku } } }`, nil)
	var skus []string
	for _, n := range a.at("items", "nodes").([]any) {
		skus = append(skus, say(walk(n, "sku")))
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
		ids[number] = say(s.good(t, persona, `query ($n: String!) { account(by: {number: $n}) { id } }`,
			map[string]any{"n": number}).at("account", "id"))
	}
	of := func(number string) string { return fmt.Sprintf("account: %q", ids[number]) }
	for _, guide := range []string{"contracted: true", "orderedBefore: true"} {
		all := s.skusOf(t, "buyer", guide)
		head, branch := s.skusOf(t, "buyer", guide+", "+of("10001")), s.skusOf(t, "buyer", guide+", "+of("10002"))
		if own := s.skusOf(t, "buyer-child", guide); !slices.Equal(branch, own) || len(branch) == 0 {
			t.Errorf("%s of the branch: %v, and as it sees itself %v", guide, branch, own)
		}
		if slices.Equal(head, branch) || len(all) <= len(head) && len(all) < 100 {
			t.Errorf("%s: any %d, the head's %d, the branch's %d", guide, len(all), len(head), len(branch))
		}
		if operator := s.skusOf(t, "operator", guide+", "+of("10002")); !slices.Equal(operator, branch) {
			t.Errorf("%s as an operator: %v, want %v", guide, operator, branch)
		}
	}
	// Items that are ordered most often are those of the account, too.
	const most = `query ($a: ID) { items(first: 3, orderBy: MOST_ORDERED, filter: {account: $a}) { nodes { sku } } }`
	branch, own := s.good(t, "buyer", most, map[string]any{"a": ids["10002"]}), s.good(t, "buyer-child", most, nil)
	if fmt.Sprint(branch.at("items")) != fmt.Sprint(own.at("items")) {
		t.Errorf("most ordered: %s, want %s", branch.Body, own.Body)
	}

	// Part numbers, of which two accounts have different ones in one request.
	sku := s.skusOf(t, "buyer-child", "contracted: true")[0]
	known := s.good(t, "buyer-child", `{ items(first: 100) { nodes { sku customerPartNumber } } }`, nil)
	for _, n := range known.at("items", "nodes").([]any) {
		if walk(n, "customerPartNumber") != nil {
			sku = say(walk(n, "sku"))
			break
		}
	}
	const numbers = `query ($sku: String!, $a: ID!, $b: ID!) { item(by: {sku: $sku}) { any: customerPartNumber
		a: customerPartNumber(account: $a) b: customerPartNumber(account: $b) } }`
	want := s.good(t, "buyer-child", `query ($sku: String!) { item(by: {sku: $sku}) { customerPartNumber } }`,
		map[string]any{"sku": sku}).at("item", "customerPartNumber")
	for _, persona := range []string{"buyer", "operator"} {
		a := s.good(t, persona, numbers, map[string]any{"sku": sku, "a": ids["10001"], "b": ids["10002"]})
		if a.at("item", "b") != want || want == nil || a.at("item", "a") == want {
			t.Errorf("as %s: %s, want %v for the branch", persona, a.Body, want)
		}
		if (a.at("item", "any") == nil) != (persona == "operator") {
			t.Errorf("as %s without an account: %s", persona, a.Body)
		}
	}

	// An account that is not the caller's is refused at its place, as one that is not there.
	for _, account := range []string{ids["10004"], "acc_none", ""} {
		for query, place := range map[string]string{
			`query ($a: ID) { items(first: 1, filter: {contracted: true, account: $a}) { nodes { sku } } }`: `"argument":["filter","account"]`,
			`query ($a: ID) { item(by: {sku: "` + sku + `"}) { customerPartNumber(account: $a) } }`:         `"argument":["account"]`,
		} {
			a := s.query(t, "buyer", query, map[string]any{"a": account})
			if !slices.Equal(a.codes(), []string{"BAD_USER_INPUT"}) || !strings.Contains(a.Body, place) {
				t.Errorf("%s with %q: %s", query, account, a.Body)
			}
		}
	}
}
