package trade

import "time"

// Alert is something that a person should look at.
type Alert struct {
	ID              string       `json:"ID"`
	Kind            AlertKind    `json:"Kind"`
	Severity        Severity     `json:"Severity"`
	State           AlertState   `json:"State"`
	Message         string       `json:"Message"`
	SuggestedAction *string      `json:"SuggestedAction"`
	Audience        []Audience   `json:"Audience"`
	Queue           string       `json:"Queue"`
	Responsible     *Responsible `json:"Responsible"`
	Subject         string       `json:"Subject"`
	SupplierID      string       `json:"SupplierID"` // whose it is, beside operators; empty for nobody's
	DeviationID     string       `json:"DeviationID"`
	AtRisk          *Quantity    `json:"AtRisk"`
	RaisedAt        time.Time    `json:"RaisedAt"`
	TakerID         string       `json:"TakerID"`
	AcknowledgedAt  *time.Time   `json:"AcknowledgedAt"`
	ResolvedAt      *time.Time   `json:"ResolvedAt"`
	Resolution      *string      `json:"Resolution"`
	// OrderIDs are the customers' orders that it touches, as an alert is raised.
	OrderIDs []string `json:"OrderIDs"`
}

// NodeID is the alert's global id.
func (a *Alert) NodeID() string { return a.ID }

// AlertKind is a kind of alert.
type AlertKind string

// Kinds of alerts.
const (
	AlertSupplyLate     AlertKind = "SUPPLY_LATE"
	AlertSupplyShort    AlertKind = "SUPPLY_SHORT"
	AlertPrice          AlertKind = "PRICE_VARIANCE"
	AlertCommitment     AlertKind = "CUSTOMER_COMMITMENT_AT_RISK"
	AlertReplenishment  AlertKind = "REPLENISHMENT_EXCEPTION"
	AlertAcknowledgment AlertKind = "ACKNOWLEDGMENT_OVERDUE"
	AlertReported       AlertKind = "REPORTED"
	AlertUnannounced    AlertKind = "DESPATCH_ADVICE_OVERDUE"
	AlertDiscrepancy    AlertKind = "RECEIPT_DISCREPANCY"
	AlertLeadTime       AlertKind = "LEAD_TIME_CHANGED"
	AlertSource         AlertKind = "SOURCE_UNHEALTHY"
	AlertStuck          AlertKind = "OPERATION_STUCK"
	AlertDeadLetter     AlertKind = "DEAD_LETTER"
	AlertUnmapped       AlertKind = "UNMAPPED_CODE"
	AlertConflict       AlertKind = "MASTER_DATA_CONFLICT"
	AlertObjective      AlertKind = "OBJECTIVE_BREACHED"
	AlertProcess        AlertKind = "PROCESS_UNHEALTHY"
	AlertClient         AlertKind = "CLIENT_REFUSED"
	AlertRefused        AlertKind = "OPERATION_REFUSED"
	AlertSilent         AlertKind = "SHIPMENT_DELAYED"
	AlertForgotten      AlertKind = "EFFECT_FORGOTTEN"
	AlertForeign        AlertKind = "FOREIGN_WRITE"
)

// Queues are the queues of people who own alerts, by kind.
var Queues = map[AlertKind]string{
	AlertSupplyLate: "planning", AlertSupplyShort: "planning", AlertPrice: "purchasing", AlertCommitment: "customer-service",
	AlertReplenishment: "planning",
	AlertUnannounced:   "purchasing", AlertDiscrepancy: "purchasing", AlertAcknowledgment: "purchasing", AlertReported: "purchasing",
	AlertLeadTime: "planning",
	AlertSource:   "operations", AlertStuck: "operations", AlertDeadLetter: "operations", AlertUnmapped: "logistics", AlertConflict: "data",
	AlertProcess: "operations", AlertClient: "portals", AlertRefused: "customer-service", AlertSilent: "logistics",
	AlertForgotten: "operations", AlertForeign: "data",
}

// AlertState is where an alert stands.
type AlertState string

// States of alerts.
const (
	AlertOpen         AlertState = "OPEN"
	AlertAcknowledged AlertState = "ACKNOWLEDGED"
	AlertResolved     AlertState = "RESOLVED"
)

// Severity is how urgent something is.
type Severity string

// Severities, least first.
const (
	Info     Severity = "INFO"
	Warning  Severity = "WARNING"
	Critical Severity = "CRITICAL"
)
