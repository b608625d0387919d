package process

import (
	"portico/process/durable"
	"portico/sources"
)

// Mode is how a workflow answers.
type Mode string

// Modes of workflows.
const (
	AnsweredAtOnce Mode = "answered at once"
	Queued         Mode = "queued, and answered once durable"
	Pushed         Mode = "pushed as it comes"
)

// Workflow is something that portals rely on, with how it answers and which kind of
// record it writes, if it writes any: its owner is the source that serves that.
type Workflow struct {
	Name, Field string // Field is that of the schema
	Mode        Mode
	Writes      sources.Subject
}

// Workflows is the one table of how each workflow answers.
var Workflows = []Workflow{
	{"account validation", "Query.account", AnsweredAtOnce, ""},
	{"inventory inquiry", "Item.availability", AnsweredAtOnce, ""},
	{"price inquiry", "Item.price", AnsweredAtOnce, ""},
	{"availability promise", "Item.promise", AnsweredAtOnce, ""},
	{"order validation", "Query.validateOrder", AnsweredAtOnce, ""},
	{"order submission", "Mutation.submitOrder", Queued, sources.OfOrders},
	{"order submission, many together", "Mutation.submitOrders", Queued, sources.OfOrders},
	{"order change", "Mutation.amendOrder", Queued, sources.OfOrders},
	{"order cancellation", "Mutation.cancelOrder", Queued, sources.OfOrders},
	{"order approval", "Mutation.approveOrder", Queued, sources.OfOrders},
	{"order rejection", "Mutation.rejectOrder", AnsweredAtOnce, ""},
	{"acceptance of changes", "Mutation.acceptOrderChanges", Queued, sources.OfOrders},
	{"return initiation", "Mutation.requestReturn", Queued, sources.OfReturns},
	{"supplier's answer", "Mutation.respondToPurchaseOrder", Queued, sources.OfPurchaseOrders},
	{"decision on a deviation", "Mutation.decideDeviation", Queued, sources.OfPurchaseOrders},
	{"ship notice", "Mutation.submitDespatchAdvice", Queued, sources.OfPurchaseOrders},
	{"withdrawal of a ship notice", "Mutation.cancelDespatchAdvice", Queued, sources.OfPurchaseOrders},
	{"lead time of a supplier's item", "Mutation.changeLeadTime", Queued, sources.OfItems},
	{"tolerances of suppliers", "Mutation.saveToleranceProfile", AnsweredAtOnce, ""},
	{"registration of a partner", "Mutation.registerPartner", AnsweredAtOnce, ""},
	{"change of a partner", "Mutation.updatePartner", AnsweredAtOnce, ""},
	{"onboarding of a partner", "Mutation.advanceOnboarding", AnsweredAtOnce, ""},
	{"a partner's new key", "Mutation.rotatePartnerKey", AnsweredAtOnce, ""},
	{"proof of a partner's key", "Mutation.provePartnerKey", AnsweredAtOnce, ""},
	{"revocation of a partner's key", "Mutation.revokePartnerKey", AnsweredAtOnce, ""},
	{"exception to the other side", "Mutation.reportException", AnsweredAtOnce, ""},
	{"taking an alert", "Mutation.acknowledgeAlert", AnsweredAtOnce, ""},
	{"closing an alert", "Mutation.resolveAlert", AnsweredAtOnce, ""},
	{"what codes mean", "Mutation.publishCodeMapping", AnsweredAtOnce, ""},
	{"a partner's webhook", "Mutation.saveWebhookEndpoint", AnsweredAtOnce, ""},
	{"end of a webhook", "Mutation.deleteWebhookEndpoint", AnsweredAtOnce, ""},
	{"a webhook's new secret", "Mutation.rotateWebhookSecret", AnsweredAtOnce, ""},
	{"a webhook's delivery, again", "Mutation.redeliverWebhook", AnsweredAtOnce, ""},
	{"decision on a conflict of master data", "Mutation.resolveMasterDataConflict", Queued, sources.OfItems},
	{"an objective", "Mutation.saveObjective", AnsweredAtOnce, ""},
	{"a help desk's tickets", "Mutation.recordSupportTickets", AnsweredAtOnce, ""},
	{"shipment milestones", "Subscription.shipmentUpdates", Pushed, ""},
	{"progress of operations", "Subscription.operationUpdates", Pushed, ""},
	{"changes of orders", "Subscription.orderUpdates", Pushed, ""},
	{"changes of purchase orders", "Subscription.purchaseOrderUpdates", Pushed, ""},
	{"changes of stock", "Subscription.availabilityUpdates", Pushed, ""},
	{"new and changed invoices", "Subscription.invoiceUpdates", Pushed, ""},
	{"alerts", "Subscription.alertUpdates", Pushed, ""},
	{"undoing an operation", "Mutation.compensate", Queued, sources.OfOrders},
	{"settling an unknown outcome", "Mutation.settleOperation", Queued, sources.OfOrders},
	{"retrying a dead letter", "Mutation.retryDeadLetter", Queued, sources.OfOrders},
	{"discarding a dead letter", "Mutation.discardDeadLetter", Queued, sources.OfOrders},
	{"replay of past news", "Mutation.replay", AnsweredAtOnce, ""},
	{"pausing a source", "Mutation.pauseSource", AnsweredAtOnce, ""},
	{"resuming a source", "Mutation.resumeSource", AnsweredAtOnce, ""},
}

// StepTable is a flow as a table, for people.
type StepTable struct {
	Kind, Action string
	Steps        []StepRow
}

// StepRow is one step of it.
type StepRow struct{ Name, What, Undoes string }

// Flows are all flows as tables.
func Flows(d *Desk) []StepTable {
	o, p, s := NewOrders(d, nil), NewPurchasing(d, Signing{}), NewStewards(d)
	return []StepTable{table(o.submitOrder()), table(o.amendOrder()), table(o.cancelOrder()), table(o.requestReturn()), table(p.respond()), table(p.announce()), table(p.unannounce()), table(p.leadTime()), table(s.correct())}
}

func table[W any](f durable.Flow[W]) StepTable {
	t := StepTable{Kind: string(f.Kind), Action: f.Action}
	for _, s := range f.Steps {
		t.Steps = append(t.Steps, StepRow{s.Name, s.What, s.Undoes})
	}
	return t
}
