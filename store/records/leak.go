//go:build leak

package records

import "portico/store"

// A build with this tag has one read that forgets its scope. The isolation
// matrix must find it: a test that has never failed proves nothing.
func init() { orders.Visible = store.AnyParty }
