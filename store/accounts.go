package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"portico/trade"
)

var accounts = read(relation[trade.Account]{
	kind: "Account", from: "accounts a", visible: ownAccount("a.id"), source: (*trade.Account).From,
	columns: []columns{
		always(`a.id, a.number, a.name, a.status, coalesce(a.parent_id, '') AS "parent_ref.id", a.currency, a.tax_category`),
		when("paymentTerms deliveryTerms", "a.payment_terms, a.delivery_terms"),
		when("externalIds provenance", provenance("a")),
	},
}, same[trade.Account])

// Accounts reads accounts by id.
func (s *Store) Accounts(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Account, error) {
	return accounts.by(ctx, s, scope, "a.id", "", ids)
}

// AccountsByNumber reads accounts by customer number.
func (s *Store) AccountsByNumber(ctx context.Context, scope trade.Scope, numbers []string) (map[string]*trade.Account, error) {
	return accounts.by(ctx, s, scope, "a.number", "", numbers)
}

// Branches reads the accounts directly below each, at most 100 each.
func (s *Store) Branches(ctx context.Context, scope trade.Scope, parents []string) (map[string][]*trade.Account, error) {
	found, err := accounts.under(ctx, s, scope, "", "a.parent_id", "a.number", parents)
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
func AccountList(scope trade.Scope, f AccountFilter) *List[trade.Account] {
	l := &List[trade.Account]{relation: accounts, name: "accounts", scope: scope, order: []sortKey{ascending("a.number", "text")}}
	if f.Search != "" {
		p := l.args.add("%" + likeEscaper.Replace(f.Search) + "%")
		l.and("(a.name ILIKE " + p + " OR a.number ILIKE " + p + ")")
	}
	if f.Status != nil {
		l.and("a.status = ANY(" + l.args.add(pq.Array(f.Status)) + ")")
	}
	if f.Parent != "" {
		// The parent must be the caller's to see: a branch must not find out by it
		// whose branch it is.
		l.and(`a.id IN (WITH RECURSIVE b AS (SELECT id FROM accounts WHERE parent_id = ` + l.args.add(f.Parent) + ` AND ` + ownAccount("parent_id")(scope, &l.args) + `
			UNION SELECT c.id FROM accounts c JOIN b ON c.parent_id = b.id) SELECT id FROM b)`)
	}
	return l
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// AccountTree finds the accounts with these customer numbers and all accounts
// below them, by number: what a customer whose token names the numbers acts
// for. It is how scopes are made, so it takes none.
func (s *Store) AccountTree(ctx context.Context, numbers []string) ([]trade.Ref, error) {
	const query = `
		WITH RECURSIVE tree AS (
			SELECT id, number FROM accounts WHERE number = ANY($1)
			UNION SELECT c.id, c.number FROM accounts c JOIN tree t ON c.parent_id = t.id)
		SELECT id, number AS key FROM tree ORDER BY number`
	var accounts []trade.Ref
	if err := s.sel(ctx, nil, &accounts, query, textArray(numbers)); err != nil {
		return nil, fmt.Errorf("account tree: %w", err)
	}
	return accounts, nil
}

// FirstShipTos reads the first location, by code, that accounts receive goods at.
func (s *Store) FirstShipTos(ctx context.Context, scope trade.Scope, accounts []string) (map[string]*trade.AccountLocation, error) {
	found, err := locations.under(ctx, s, scope, "", "l.account_id", "l.code", accounts)
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
	RolesJSON  jsonOf[[]trade.LocationRole]
	DaysJSON   jsonOf[[]trade.Weekday]
	ClosedJSON jsonOf[[]trade.Date]
}

func (r *locationRow) trade() *trade.AccountLocation {
	r.Roles, r.DeliveryDays, r.ClosedOn = r.RolesJSON.value, r.DaysJSON.value, r.ClosedJSON.value
	return &r.AccountLocation
}

var locations = read(relation[trade.AccountLocation]{
	kind: "AccountLocation", from: "account_locations l", visible: ownAccount("l.account_id"),
	columns: []columns{
		always(`l.id, l.account_id AS "account_ref.id", l.code, coalesce(l.warehouse_id, '') AS "warehouse_ref.id"`),
		when("roles", "to_jsonb(l.roles) AS roles_json"),
		when("address Item.promise", "l.address"),
		when("deliveryDays closedOn Item.promise", `to_jsonb(l.delivery_days) AS days_json,
			to_jsonb(ARRAY(SELECT d FROM unnest(l.closed_on) d WHERE d >= current_date ORDER BY d LIMIT 100)) AS closed_json`),
	},
}, (*locationRow).trade)

// Locations reads locations by id.
func (s *Store) Locations(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.AccountLocation, error) {
	return locations.by(ctx, s, scope, "l.id", "", ids)
}

// LocationList is the locations below accounts, by code.
func LocationList(scope trade.Scope, role *trade.LocationRole) *List[trade.AccountLocation] {
	l := &List[trade.AccountLocation]{
		relation: locations, name: "locations", scope: scope, parent: "l.account_id", order: []sortKey{ascending("l.code", "text"), ascending("l.id", "text")},
	}
	if role != nil {
		l.and(l.args.add(string(*role)) + " = ANY(l.roles)")
	}
	return l
}

type creditRow struct {
	trade.CreditPosition
	Currency    string
	CreditLimit nullDecimal
	Used        nullDecimal
}

func (r *creditRow) trade() *trade.CreditPosition {
	r.Limit, r.Exposure = r.CreditLimit.money(r.Currency), *r.Used.money(r.Currency)
	return &r.CreditPosition
}

var credits = read(relation[trade.CreditPosition]{
	kind: "CreditPosition", from: "credit_positions c", visible: ownAccount("c.account_id"), source: (*trade.CreditPosition).From,
	columns: []columns{always(`c.account_id AS "account_ref.id", c.currency, c.credit_limit, c.exposure AS used, c.on_hold, c.hold_reason, ` + provenance("c"))},
}, (*creditRow).trade)

// Credit reads credit positions by the account's id.
func (s *Store) Credit(ctx context.Context, scope trade.Scope, accounts []string) (map[string]*trade.CreditPosition, error) {
	return credits.by(ctx, s, scope, "c.account_id", "", accounts)
}

var contracts = read(relation[trade.Contract]{
	kind: "Contract", from: "contracts c", visible: ownAccount("c.account_id"), source: func(c *trade.Contract) *trade.Provenance { return &c.Provenance },
	columns: []columns{always(`c.id, c.number, c.account_id AS "account_ref.id", c.valid_from, c.valid_to, ` + provenance("c"))},
}, same[trade.Contract])

// Contracts reads contracts by id.
func (s *Store) Contracts(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.Contract, error) {
	return contracts.by(ctx, s, scope, "c.id", "", ids)
}

// ContractsByNumber reads contracts by number.
func (s *Store) ContractsByNumber(ctx context.Context, scope trade.Scope, numbers []string) (map[string]*trade.Contract, error) {
	return contracts.by(ctx, s, scope, "c.number", "", numbers)
}

// ContractsOf reads the contracts of accounts that hold now or will, at most
// 100 each.
func (s *Store) ContractsOf(ctx context.Context, scope trade.Scope, accounts []string) (map[string][]*trade.Contract, error) {
	found, err := contracts.under(ctx, s, scope, "", "c.account_id", "c.number", accounts)
	today := trade.DateOf(time.Now())
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
