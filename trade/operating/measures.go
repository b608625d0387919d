package operating

import (
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// BusinessMeasure is what the business is measured by.
type BusinessMeasure string

// Measures.
const (
	OrderCycleTime          BusinessMeasure = "ORDER_CYCLE_TIME"
	AcknowledgmentLatency   BusinessMeasure = "ACKNOWLEDGMENT_LATENCY"
	InventoryAccuracy       BusinessMeasure = "INVENTORY_ACCURACY"
	IntegrationFailureRate  BusinessMeasure = "INTEGRATION_FAILURE_RATE"
	ExceptionResolutionTime BusinessMeasure = "EXCEPTION_RESOLUTION_TIME"
	ShipmentTimeliness      BusinessMeasure = "SHIPMENT_TIMELINESS"
	CrossSystemConsistency  BusinessMeasure = "CROSS_SYSTEM_CONSISTENCY"
	OrderErrorRate          BusinessMeasure = "ORDER_ERROR_RATE"
	SupportTickets          BusinessMeasure = "SUPPORT_TICKETS"
	SupplierOnTime          BusinessMeasure = "SUPPLIER_ON_TIME"
	SupplierFillRate        BusinessMeasure = "SUPPLIER_FILL_RATE"
	SupplierDeviationRate   BusinessMeasure = "SUPPLIER_DEVIATION_RATE"
)

// Unit is what a measure is told in.
type Unit string

// Units of measures.
const (
	InTime      Unit = "time"              // median and 95th percentile
	AtLeast     Unit = "percent, at least" // the more the better
	AtMost      Unit = "percent, at most"  // the less the better
	PerThousand Unit = "per thousand orders"
)

// MeasureDefinition says what a measure is.
type MeasureDefinition struct {
	Measure BusinessMeasure
	Unit    Unit
	Case    string // what is one case, and when it counts
	By      string // what it is broken down by
}

// Measures are the definitions of all measures.
var Measures = []MeasureDefinition{
	{OrderCycleTime, InTime, "An order all of whose shipments are delivered: from when it was placed to the last delivery. It counts on " +
		"the day of that.", "account"},
	{
		AcknowledgmentLatency, InTime,
		"A purchase order that its supplier answered through Portico: from when it was issued to the first answer. It counts on the day of " +
			"the answer.", "supplier",
	},
	{
		InventoryAccuracy, AtLeast,
		"A stock figure that a comparison held against what the warehouse or ERP counted, at the time of the comparison; it was right where " +
			"neither differed.", "source",
	},
	{
		IntegrationFailureRate, AtMost,
		"A call to a source; it failed where the source did not answer, asked for fewer calls, did not let us in, or answered what cannot be " +
			"read. A refusal is an answer.", "source",
	},
	{
		ExceptionResolutionTime, InTime,
		"An alert: from when it was raised to when it was resolved, by a person or because its reason went away. It counts on the day of that.",
		"queue",
	},
	{
		ShipmentTimeliness, InTime,
		"Something that happened to a shipment since measuring began: from when it happened to when portals could see it, which is the " +
			"carrier's delay and ours. It counts on the day on which it could be seen.", "source",
	},
	{
		CrossSystemConsistency, AtLeast,
		"A record that a comparison held against another system's, with totals and quantities among its fields; it was consistent where no " +
			"field differed.", "kind of record",
	},
	{
		OrderErrorRate, AtMost, "An order; it was wrong where something of it is sent back as damaged, defective, another item, too much or " +
			"too late, or where the ERP accepted it with differences that the buyer had to accept. It counts on the day on which it was placed.",
		"account",
	},
	{
		SupportTickets, PerThousand,
		"Tickets that a help desk opened (recordSupportTickets), for each thousand orders placed in the same days. They count on the last day " +
			"of what was recorded together.", "help desk",
	},
	{SupplierOnTime, AtLeast, "A purchase order that was received: whether its last shipment was delivered on or before the day that the " +
		"supplier promised last, or else the day that was asked for. It counts on the day of the delivery.", "supplier"},
	{
		SupplierFillRate, AtLeast,
		"A line of a purchase order that was received: how much of what was ordered came, each line counting alike and none for more than all " +
			"of it. It counts on the day of delivery that was asked for, or at once where that is still to come.", "supplier",
	},
	{
		SupplierDeviationRate, AtMost,
		"A line of an answer to a purchase order; it deviates where anything of it is another than was ordered. It counts on the day of the " +
			"answer.", "supplier",
	},
}

// Definition is what a measure is; nil where there is no such measure.
func (m BusinessMeasure) Definition() *MeasureDefinition {
	for i, d := range Measures {
		if d.Measure == m {
			return &Measures[i]
		}
	}
	return nil
}

// MeasureResult is the value of a measure over some time.
type MeasureResult struct {
	Measure        BusinessMeasure
	Key            *string
	Samples        int
	P50, P95       *time.Duration
	Percent, Count *udecimal.Decimal
}

// Objective is what a measure is held to.
type Objective struct {
	ID       string            `json:"ID"`
	Name     string            `json:"Name"`
	Measure  BusinessMeasure   `json:"Measure"`
	Maximum  *time.Duration    `json:"Maximum"`
	Percent  *udecimal.Decimal `json:"Percent"`
	Window   time.Duration     `json:"Window"`
	Queue    string            `json:"Queue"`
	Severity trade.Severity    `json:"Severity"`
	Version  string            `json:"Version"`
}

// NodeID is the objective's global id.
func (o *Objective) NodeID() string { return o.ID }

// Met tells whether a result is within the objective. Without cases nothing is missed.
func (o *Objective) Met(r *MeasureResult) bool {
	switch {
	case r == nil || r.Samples == 0:
		return true
	case o.Maximum != nil:
		return r.P95 == nil || *r.P95 <= *o.Maximum
	case r.Percent == nil || o.Percent == nil:
		return true
	case o.Measure.Definition().Unit == AtLeast:
		return !r.Percent.LessThan(*o.Percent)
	}
	return !r.Percent.GreaterThan(*o.Percent)
}

// SlaReport is how an objective was kept over some days.
type SlaReport struct {
	Objective *Objective
	Actual    *MeasureResult
	Met       bool
	// From and Until are the days as moments; Until is not of them.
	From, Until time.Time
}

// RoiReport is what the business was measured at over some days.
type RoiReport struct {
	Period   trade.DateRange
	Measures []*MeasureResult
}
