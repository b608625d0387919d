package command

import "portico/sources"

// mode is how a workflow answers.
type mode string

// Modes of workflows.
const (
	atOnce      mode = "answered at once"
	onceDurable mode = "queued, and answered once durable"
	asItComes   mode = "pushed as it comes"
)

// workflow is something that portals rely on, with how it answers and which kind of
// record it writes, if it writes any: its owner is the source that serves that.
type workflow struct {
	Name, Field string // Field is that of the schema
	Mode        mode
	Writes      sources.Subject
}

// workflows is the one table of how each workflow answers.
var workflows = []workflow{
	{"account validation", "Query.account", atOnce, ""},
	{"inventory inquiry", "Item.availability", atOnce, ""},
	{"price inquiry", "Item.price", atOnce, ""},
	{"availability promise", "Item.promise", atOnce, ""},
	{"order validation", "Query.validateOrder", atOnce, ""},
	{"order submission", "Mutation.submitOrder", onceDurable, sources.OfOrders},
	{"order submission, many together", "Mutation.submitOrders", onceDurable, sources.OfOrders},
	{"order change", "Mutation.amendOrder", onceDurable, sources.OfOrders},
	{"order cancellation", "Mutation.cancelOrder", onceDurable, sources.OfOrders},
	{"order approval", "Mutation.approveOrder", onceDurable, sources.OfOrders},
	{"order rejection", "Mutation.rejectOrder", atOnce, ""},
	{"acceptance of changes", "Mutation.acceptOrderChanges", onceDurable, sources.OfOrders},
	{"return initiation", "Mutation.requestReturn", onceDurable, sources.OfReturns},
	{"order response", "Mutation.respondToPurchaseOrder", onceDurable, sources.OfPurchaseOrders},
	{"decision on a deviation", "Mutation.decideDeviation", onceDurable, sources.OfPurchaseOrders},
	{"despatch advice", "Mutation.submitDespatchAdvice", onceDurable, sources.OfPurchaseOrders},
	{"withdrawal of a despatch advice", "Mutation.cancelDespatchAdvice", onceDurable, sources.OfPurchaseOrders},
	{"lead time of a supplier's item", "Mutation.changeLeadTime", onceDurable, sources.OfItems},
	{"tolerances of suppliers", "Mutation.saveToleranceProfile", atOnce, ""},
	{"registration of a partner", "Mutation.registerPartner", atOnce, ""},
	{"change of a partner", "Mutation.updatePartner", atOnce, ""},
	{"onboarding of a partner", "Mutation.advanceOnboarding", atOnce, ""},
	{"a partner's new key", "Mutation.rotatePartnerKey", atOnce, ""},
	{"proof of a partner's key", "Mutation.provePartnerKey", atOnce, ""},
	{"revocation of a partner's key", "Mutation.revokePartnerKey", atOnce, ""},
	{"exception to the other side", "Mutation.reportException", atOnce, ""},
	{"taking an alert", "Mutation.acknowledgeAlert", atOnce, ""},
	{"closing an alert", "Mutation.resolveAlert", atOnce, ""},
	{"what codes mean", "Mutation.publishCodeMapping", atOnce, ""},
	{"a partner's webhook", "Mutation.saveWebhookEndpoint", atOnce, ""},
	{"end of a webhook", "Mutation.deleteWebhookEndpoint", atOnce, ""},
	{"a webhook's new secret", "Mutation.rotateWebhookSecret", atOnce, ""},
	{"a webhook's delivery, again", "Mutation.redeliverWebhook", atOnce, ""},
	{"decision on a conflict of master data", "Mutation.resolveMasterDataConflict", onceDurable, sources.OfItems},
	{"an objective", "Mutation.saveObjective", atOnce, ""},
	{"a help desk's tickets", "Mutation.recordSupportTickets", atOnce, ""},
	{"shipment milestones", "Subscription.shipmentUpdates", asItComes, ""},
	{"progress of operations", "Subscription.operationUpdates", asItComes, ""},
	{"changes of orders", "Subscription.orderUpdates", asItComes, ""},
	{"changes of purchase orders", "Subscription.purchaseOrderUpdates", asItComes, ""},
	{"changes of stock", "Subscription.availabilityUpdates", asItComes, ""},
	{"new and changed invoices", "Subscription.invoiceUpdates", asItComes, ""},
	{"alerts", "Subscription.alertUpdates", asItComes, ""},
	{"undoing an operation", "Mutation.compensate", onceDurable, sources.OfOrders},
	{"settling an unknown outcome", "Mutation.settleOperation", onceDurable, sources.OfOrders},
	{"retrying a dead letter", "Mutation.retryDeadLetter", onceDurable, sources.OfOrders},
	{"discarding a dead letter", "Mutation.discardDeadLetter", onceDurable, sources.OfOrders},
	{"replay of past deliveries and records", "Mutation.replay", onceDurable, ""},
	{"pausing a source", "Mutation.pauseSource", atOnce, ""},
	{"resuming a source", "Mutation.resumeSource", atOnce, ""},
}
