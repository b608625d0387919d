package trade

import "slices"

// OrderAction is what can be done with an order.
type OrderAction string

// What can be done with an order.
const (
	ActAmend         OrderAction = "AMEND"
	ActCancel        OrderAction = "CANCEL"
	ActCancelLine    OrderAction = "CANCEL_LINE"
	ActReturn        OrderAction = "RETURN"
	ActApprove       OrderAction = "APPROVE"
	ActReject        OrderAction = "REJECT"
	ActAcceptChanges OrderAction = "ACCEPT_CHANGES"
)

// Act is somebody about to act on an order.
type Act struct {
	Role   Role
	Rights []string
	// Own tells that whoever acts placed the order.
	Own bool
}

// ToAct is the caller about to act on an order, of their own or of somebody else.
func (s Scope) ToAct(own bool) Act { return Act{s.role, s.rights, own} }

// OrderRule says who may do what with an order in which states. Right is needed beside
// the role; Other asks for somebody else than who placed it, and Asked that the order's
// operation waits for the buyer.
type OrderRule struct {
	Action OrderAction
	Roles  []Role
	Right  string
	Other  bool
	Asked  bool
	States []OrderStatus
}

var (
	buyers = []Role{Customer, Operator}
	// unpicked are the states in which nothing has been released for picking.
	unpicked = []OrderStatus{OrderOnHold, OrderConfirmed, OrderPartiallyBackordered, OrderBackordered}
	sent     = []OrderStatus{OrderPartiallyShipped, OrderShipped, OrderPartiallyDelivered, OrderDelivered, OrderInvoiced, OrderClosed}
)

// OrderRules is the table of who may change what of an order, and when: every write
// to an order is held to it, and so is what a portal is told that may be done.
var OrderRules = []OrderRule{
	{Action: ActAmend, Roles: buyers, Right: "order:write", States: unpicked},
	{Action: ActCancelLine, Roles: buyers, Right: "order:write", States: unpicked},
	{
		Action: ActCancel, Roles: buyers, Right: "order:write",
		States: append([]OrderStatus{OrderPendingApproval, OrderQueued, OrderPartiallyShipped}, unpicked...),
	},
	{Action: ActReturn, Roles: buyers, Right: "order:write", States: sent},
	{Action: ActApprove, Roles: []Role{Customer}, Right: "order:approve", Other: true, States: []OrderStatus{OrderPendingApproval}},
	{Action: ActReject, Roles: []Role{Customer}, Right: "order:approve", Other: true, States: []OrderStatus{OrderPendingApproval}},
	{Action: ActAcceptChanges, Roles: buyers, Right: "order:write", Asked: true, States: unpicked},
}

// AllowedActions are what somebody may do with an order now. asked tells that an
// operation on it waits for its buyer; nothing but to accept or to cancel is allowed then.
func AllowedActions(by Act, status OrderStatus, asked bool) []OrderAction {
	all := []OrderAction{}
	for _, r := range OrderRules {
		if asked && r.Action != ActCancel && !r.Asked || r.Asked && !asked {
			continue
		}
		if slices.Contains(r.Roles, by.Role) && slices.Contains(by.Rights, r.Right) && slices.Contains(r.States, status) &&
			(!r.Other || !by.Own) {
			all = append(all, r.Action)
		}
	}
	return all
}
