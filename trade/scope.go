package trade

import "slices"

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
	supplier string
	rights   []string
}

// CustomerScope sees the accounts with these ids, and what belongs to them.
func CustomerScope(accounts, rights []string) Scope {
	return Scope{role: Customer, accounts: slices.Clone(accounts), rights: slices.Clone(rights)}
}

// SupplierScope sees what belongs to the trading partner with this id.
func SupplierScope(supplier string, rights []string) Scope {
	return Scope{role: Supplier, supplier: supplier, rights: slices.Clone(rights)}
}

// OperatorScope sees every account and supplier.
func OperatorScope(rights []string) Scope {
	return Scope{role: Operator, rights: slices.Clone(rights)}
}

// GuestScope is signed in and sees nothing.
func GuestScope(rights []string) Scope { return Scope{role: Guest, rights: slices.Clone(rights)} }

// Role is the kind of caller.
func (s Scope) Role() Role { return s.role }

// Accounts are the ids of the accounts the caller acts for; empty for callers
// that are no customer.
func (s Scope) Accounts() []string { return s.accounts }

// Supplier is the id of the trading partner the caller acts for, or empty.
func (s Scope) Supplier() string { return s.supplier }

// Everything tells whether the caller sees the records of all parties.
func (s Scope) Everything() bool { return s.role == Operator }

// Rights are the OAuth scopes in force.
func (s Scope) Rights() []string { return s.rights }

// May tells whether one of the rights is in force.
func (s Scope) May(anyOf ...string) bool {
	for _, r := range anyOf {
		if slices.Contains(s.rights, r) {
			return true
		}
	}
	return false
}

// Sees tells whether the account with this id is the caller's to see.
func (s Scope) Sees(account string) bool {
	return s.Everything() || slices.Contains(s.accounts, account)
}
