package trade

import (
	"fmt"
	"slices"
)

// Role is the kind of caller.
type Role string

// Roles of callers.
const (
	Anonymous Role = ""
	Guest     Role = "guest"
	Customer  Role = "customer"
	Supplier  Role = "supplier"
	Operator  Role = "operator"
)

// Scope is what one caller may see. It is made once, from a verified token,
// and every function that reads records takes it: without one, no read
// compiles. The zero Scope sees nothing.
type Scope struct {
	role     Role
	accounts []string
	buyer    Ref
	supplier string
	rights   []string
	allowed  string // the rights in order, as one text that no other rights have
	parties  string // whom it acts for, as one text

	costPerMinute int
}

// planners are the rights that open what others count on, for the distributor's own people
// alone, whatever a token of somebody else says.
var planners = []string{"planning:read", "planning:write"}

func scope(role Role, rights []string) Scope {
	rights = slices.Clone(rights)
	if role != Operator {
		rights = slices.DeleteFunc(rights, func(r string) bool { return slices.Contains(planners, r) })
	}
	slices.Sort(rights)
	return Scope{role: role, rights: rights, allowed: fmt.Sprintf("%q", rights)}.byName()
}

func (s Scope) byName() Scope {
	s.parties = fmt.Sprintf("%q %q %q", s.role, slices.Sorted(slices.Values(s.accounts)), s.supplier)
	return s
}

// CustomerScope sees these accounts, named by id and number, and what belongs
// to them. The first one buys where no other is named.
func CustomerScope(accounts []Ref, rights []string) Scope {
	s := scope(Customer, rights)
	for _, a := range accounts {
		s.accounts = append(s.accounts, a.ID)
	}
	if len(accounts) > 0 {
		s.buyer = accounts[0]
	}
	return s.byName()
}

// SupplierScope sees what belongs to the trading partner with this id.
func SupplierScope(supplier string, rights []string) Scope {
	s := scope(Supplier, rights)
	s.supplier = supplier
	return s.byName()
}

// OperatorScope sees every account and supplier.
func OperatorScope(rights []string) Scope {
	return scope(Operator, rights)
}

// GuestScope is signed in and sees nothing.
func GuestScope(rights []string) Scope { return scope(Guest, rights) }

// Key is a text that callers have in common who see and may do the same, and nobody else.
func (s Scope) Key() string {
	return fmt.Sprintf("%q %q %q %q %s", s.role, s.accounts, s.buyer, s.supplier, s.allowed)
}

// Parties is a text that callers have in common who act for the same parties, whatever they
// may do there.
func (s Scope) Parties() string { return s.parties }

// Role is the kind of caller.
func (s Scope) Role() Role { return s.role }

// Accounts are the ids of the accounts the caller acts for; empty for callers
// that are no customer.
func (s Scope) Accounts() []string { return s.accounts }

// Buyer is the account, by id and number, that a customer buys for where no
// other is named; the zero Ref for callers that are no customer.
func (s Scope) Buyer() Ref { return s.buyer }

// Supplier is the id of the trading partner the caller acts for, or empty.
func (s Scope) Supplier() string { return s.supplier }

// CostPerMinute is what the caller's partner may ask for a minute, in units of cost; 0 is
// what all may.
func (s Scope) CostPerMinute() int { return s.costPerMinute }

// Everything tells whether the caller sees the records of all parties.
func (s Scope) Everything() bool { return s.role == Operator }

// Rights are the OAuth scopes in force, in order.
func (s Scope) Rights() []string { return s.rights }

// RightsKey is the same text for scopes with the same rights, and for no
// others. It is empty for the zero Scope alone.
func (s Scope) RightsKey() string { return s.allowed }

// WithCost is the scope with another number of points that may be spent in a minute; 0 is that of its class.
func (s Scope) WithCost(perMinute int) Scope {
	s.costPerMinute = perMinute
	return s
}
