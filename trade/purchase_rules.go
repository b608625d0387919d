package trade

import "slices"

// PurchaseOrderAction is what can be done with a purchase order.
type PurchaseOrderAction string

// What can be done with a purchase order.
const (
	ActAcknowledge PurchaseOrderAction = "ACKNOWLEDGE"
	ActPropose     PurchaseOrderAction = "PROPOSE_CHANGE"
	ActDecide      PurchaseOrderAction = "DECIDE_DEVIATION"
	ActShip        PurchaseOrderAction = "SHIP"
	ActUnship      PurchaseOrderAction = "CANCEL_DESPATCH_ADVICE"
)

// PurchaseOrderRule says who may do what with a purchase order in which states; Right is
// needed beside the role.
type PurchaseOrderRule struct {
	Action PurchaseOrderAction
	Roles  []Role
	Right  string
	States []PurchaseOrderStatus
}

var (
	suppliers  = []Role{Supplier, Operator} // an operator answers for a supplier who telephones
	answerable = []PurchaseOrderStatus{
		POIssued, POSent, POReceivedBySupplier, POAcknowledged, POChanged, POPendingReview, POPartiallyShipped,
		POPartiallyReceived,
	}
	// shippable are the states in which a supplier has agreed, and something may be left.
	shippable   = []PurchaseOrderStatus{POAcknowledged, POChanged, POPartiallyShipped, POPartiallyReceived}
	unshippable = append([]PurchaseOrderStatus{POShipped}, shippable...)
)

// PurchaseOrderRules is the table of who may change what of a purchase order, and when:
// every write to one is held to it, and so is what a portal is told that may be done.
var PurchaseOrderRules = []PurchaseOrderRule{
	{ActAcknowledge, suppliers, "po:respond", answerable},
	{ActPropose, suppliers, "po:respond", answerable},
	{ActShip, suppliers, "despatch:write", shippable},
	{ActUnship, suppliers, "despatch:write", unshippable},
	{ActDecide, []Role{Operator}, "planning:write", []PurchaseOrderStatus{POPendingReview}},
}

// AllowedOnPurchase are what somebody may do with a purchase order now.
func AllowedOnPurchase(by Act, status PurchaseOrderStatus) []PurchaseOrderAction {
	all := []PurchaseOrderAction{}
	for _, r := range PurchaseOrderRules {
		if slices.Contains(r.Roles, by.Role) && slices.Contains(by.Rights, r.Right) && slices.Contains(r.States, status) {
			all = append(all, r.Action)
		}
	}
	return all
}
