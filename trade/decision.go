package trade

import (
	"errors"
	"slices"
	"strings"
)

// Party says whose a record is, by the ids of its account and its trading
// partner; each is empty where it is none's.
type Party struct {
	AccountID  string `json:"AccountID"`
	SupplierID string `json:"SupplierID"`
}

// ErrNotYours is the decision on a record of others. Whoever answers a caller
// with it answers as if the record were not there.
var ErrNotYours = errors.New("there is no such record")

// MissingRight is the decision on what needs a right that is not in force.
type MissingRight struct{ AnyOf []string }

// Error names the rights of which one would do.
func (e *MissingRight) Error() string {
	return "This needs one of the scopes " + strings.Join(e.AnyOf, ", ") + "."
}

// Decide is the one decision on what a caller may do or see: it needs one right
// of each list, and to be a party to the record, where there is one. It is asked
// when an operation is planned, of every event before it is pushed, and by
// whatever acts later in a caller's name. A read of many rows asks the same in
// SQL, in the store's visibility.
func (s Scope) Decide(needs [][]string, party *Party) error {
	for _, anyOf := range needs {
		if !slices.ContainsFunc(anyOf, func(right string) bool { return slices.Contains(s.rights, right) }) {
			return &MissingRight{anyOf}
		}
	}
	if party != nil && !s.partyTo(*party) {
		return ErrNotYours
	}
	return nil
}

func (s Scope) partyTo(w Party) bool {
	switch s.role {
	case Customer:
		return w.AccountID != "" && slices.Contains(s.accounts, w.AccountID)
	case Supplier:
		return w.SupplierID != "" && w.SupplierID == s.supplier
	}
	return s.Everything()
}
