package records

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
)

var accounts = store.Read(store.Relation[trade.Account]{
	Kind: "Account", From: "accounts a", Visible: store.OwnAccount("a.id"), Source: (*trade.Account).From,
	Columns: []store.Columns{
		store.Always(`a.id, a.number, a.name, a.status, coalesce(a.parent_id, '') AS "parent_ref.id", a.currency, a.tax_category`),
		store.When("paymentTerms deliveryTerms", "a.payment_terms, a.delivery_terms"),
		store.When("externalIds provenance", store.ProvenanceColumns("a")),
	},
}, store.Identity[trade.Account])

// Accounts reads accounts by id.
func Accounts(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Account, error) {
	return accounts.By(ctx, s, scope, "a.id", "", ids)
}

// AccountsByNumber reads accounts by customer number.
func AccountsByNumber(ctx context.Context, s *store.Store, scope trade.Scope, numbers []string) (map[string]*trade.Account, error) {
	return accounts.By(ctx, s, scope, "a.number", "", numbers)
}

// Branches reads the accounts directly below each, at most 100 each.
func Branches(ctx context.Context, s *store.Store, scope trade.Scope, parents []string) (map[string][]*trade.Account, error) {
	found, err := accounts.Under(ctx, s, scope, "", "a.parent_id", "a.number", parents)
	for k, v := range found {
		found[k] = v[:min(len(v), 100)]
	}
	return found, err
}

// AccountFilter narrows a list of accounts.
type AccountFilter struct {
	Search string
	Status []trade.AccountStatus
	Parent string // id: branches at any depth
}

// AccountList is the accounts the scope sees, by number.
func AccountList(scope trade.Scope, f AccountFilter) *store.List[trade.Account] {
	l := &store.List[trade.Account]{
		Relation: accounts, Name: "accounts", Scope: scope,
		Order: []store.SortKey{store.Ascending("a.number", "text")},
	}
	if f.Search != "" {
		p := l.Args.Add("%" + likeEscaper.Replace(f.Search) + "%")
		l.And("(a.name ILIKE " + p + " OR a.number ILIKE " + p + ")")
	}
	if f.Status != nil {
		l.And("a.status = ANY(" + l.Args.Add(pq.Array(f.Status)) + ")")
	}
	if f.Parent != "" {
		// The parent must be the caller's to see: a branch must not find out by it
		// whose branch it is.
		l.And(`a.id IN (WITH RECURSIVE b AS (SELECT id FROM accounts WHERE parent_id = ` + l.Args.Add(f.Parent) + ` AND ` +
			store.OwnAccount("parent_id")(scope, &l.Args) + `
			UNION SELECT c.id FROM accounts c JOIN b ON c.parent_id = b.id) SELECT id FROM b)`)
	}
	return l
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// AccountTree finds the accounts with these customer numbers and all accounts
// below them, by number: what a customer whose token names the numbers acts
// for. It is how scopes are made, so it takes none.
func AccountTree(ctx context.Context, s *store.Store, numbers []string) ([]trade.Ref, error) {
	const query = `
		WITH RECURSIVE tree AS (
			SELECT id, number FROM accounts WHERE number = ANY($1)
			UNION SELECT c.id, c.number FROM accounts c JOIN tree t ON c.parent_id = t.id)
		SELECT id, number AS key FROM tree ORDER BY number`
	var accounts []trade.Ref
	if err := s.Select(ctx, &accounts, query, store.TextArray(numbers)); err != nil {
		return nil, fmt.Errorf("account tree: %w", err)
	}
	return accounts, nil
}

// FirstShipTos reads the first location, by code, that accounts receive goods at.
func FirstShipTos(ctx context.Context, s *store.Store, scope trade.Scope, accounts []string) (map[string]*trade.AccountLocation, error) {
	found, err := locations.Under(ctx, s, scope, "", "l.account_id", "l.code", accounts)
	first := map[string]*trade.AccountLocation{}
	for account, all := range found {
		if i := slices.IndexFunc(all, func(l *trade.AccountLocation) bool { return slices.Contains(l.Roles, trade.ShipTo) }); i >= 0 {
			first[account] = all[i]
		}
	}
	return first, err
}

type locationRow struct {
	trade.AccountLocation
	RolesJSON  store.JSON[[]trade.LocationRole]
	DaysJSON   store.JSON[[]trade.Weekday]
	ClosedJSON store.JSON[[]trade.Date]
}

func (r *locationRow) trade() *trade.AccountLocation {
	r.Roles, r.DeliveryDays, r.ClosedOn = r.RolesJSON.Value, r.DaysJSON.Value, r.ClosedJSON.Value
	return &r.AccountLocation
}

var locations = store.Read(store.Relation[trade.AccountLocation]{
	Kind: "AccountLocation", From: "account_locations l", Visible: store.OwnAccount("l.account_id"),
	Columns: []store.Columns{
		store.Always(`l.id, l.account_id AS "account_ref.id", l.code, coalesce(l.warehouse_id, '') AS "warehouse_ref.id"`),
		store.When("roles", "to_jsonb(l.roles) AS roles_json"),
		store.When("address Item.promise", "l.address"),
		store.When("deliveryDays closedOn Item.promise", `to_jsonb(l.delivery_days) AS days_json,
			to_jsonb(ARRAY(SELECT d FROM unnest(l.closed_on) d WHERE d >= current_date ORDER BY d LIMIT 100)) AS closed_json`),
	},
}, (*locationRow).trade)

// Locations reads locations by id.
func Locations(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.AccountLocation, error) {
	return locations.By(ctx, s, scope, "l.id", "", ids)
}

// LocationList is the locations below accounts, by code.
func LocationList(scope trade.Scope, role *trade.LocationRole) *store.List[trade.AccountLocation] {
	l := &store.List[trade.AccountLocation]{
		Relation: locations, Name: "locations", Scope: scope, Parent: "l.account_id",
		Order: []store.SortKey{store.Ascending("l.code", "text"), store.Ascending("l.id", "text")},
	}
	if role != nil {
		l.And(l.Args.Add(string(*role)) + " = ANY(l.roles)")
	}
	return l
}

type creditRow struct {
	trade.CreditPosition
	Currency    string
	CreditLimit store.NullDecimal
	Used        store.NullDecimal
}

func (r *creditRow) trade() *trade.CreditPosition {
	r.Limit, r.Exposure = r.CreditLimit.Money(r.Currency), *r.Used.Money(r.Currency)
	return &r.CreditPosition
}

var credits = store.Read(store.Relation[trade.CreditPosition]{
	Kind: "CreditPosition", From: "credit_positions c", Visible: store.OwnAccount("c.account_id"), Source: (*trade.CreditPosition).From,
	Columns: []store.Columns{store.Always(`c.account_id AS "account_ref.id", c.currency, c.credit_limit, c.exposure AS used, c.on_hold,
		c.hold_reason, ` + store.ProvenanceColumns("c"))},
}, (*creditRow).trade)

// Credit reads credit positions by the account's id.
func Credit(ctx context.Context, s *store.Store, scope trade.Scope, accounts []string) (map[string]*trade.CreditPosition, error) {
	return credits.By(ctx, s, scope, "c.account_id", "", accounts)
}

var contracts = store.Read(store.Relation[trade.Contract]{
	Kind: "Contract", From: "contracts c", Visible: store.OwnAccount("c.account_id"),
	Source: func(c *trade.Contract) *trade.Provenance { return &c.Provenance },
	Columns: []store.Columns{store.Always(`c.id, c.number, c.account_id AS "account_ref.id", c.valid_from, c.valid_to, ` +
		store.ProvenanceColumns("c"))},
}, store.Identity[trade.Contract])

// Contracts reads contracts by id.
func Contracts(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.Contract, error) {
	return contracts.By(ctx, s, scope, "c.id", "", ids)
}

// ContractsByNumber reads contracts by number.
func ContractsByNumber(ctx context.Context, s *store.Store, scope trade.Scope, numbers []string) (map[string]*trade.Contract, error) {
	return contracts.By(ctx, s, scope, "c.number", "", numbers)
}

// ContractsOf reads the contracts of accounts that hold now or will, at most
// 100 each.
func ContractsOf(ctx context.Context, s *store.Store, scope trade.Scope, accounts []string) (map[string][]*trade.Contract, error) {
	found, err := contracts.Under(ctx, s, scope, "", "c.account_id", "c.number", accounts)
	today := trade.DateOf(time.Now(), time.UTC)
	for k, all := range found {
		inForce := all[:0]
		for _, c := range all {
			if (c.ValidTo == nil || !c.ValidTo.Before(today)) && len(inForce) < 100 {
				inForce = append(inForce, c)
			}
		}
		found[k] = inForce
	}
	return found, err
}
