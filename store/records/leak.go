package records

import "portico/store"

// forgets is set by the linker, in the one build in which the isolation matrix must find a leak (-X portico/store/records.forgets=orders):
// a test that has never failed proves nothing. As a build tag it had everything above compiled once more.
var forgets string

func init() {
	if forgets == "orders" {
		orders.Visible = store.AnyParty
	}
}
