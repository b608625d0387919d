// Package purchasing are the flows of suppliers: what they answer to purchase orders, what planners
// decide about it, ship notices, lead times, and how partners are let in.
package purchasing

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store/records"
	"portico/trade"
)

// Flows are the flows of purchase orders: what suppliers answer, and what planners
// decide about it.
type Flows struct {
	desk    *process.Desk
	signing Signing
}

// New makes the flows of purchase orders, and registers them with the engine
// that plays them. Receipts are signed with a key.
func New(d *process.Desk, signing Signing) *Flows {
	p := &Flows{desk: d, signing: signing}
	if d.Engine != nil {
		durable.Register(d.Engine, p.respond())
		durable.Register(d.Engine, p.despatch())
		durable.Register(d.Engine, p.unannounce())
		durable.Register(d.Engine, p.leadTime())
	}
	return p
}

// Tables are the flows for people.
func (p *Flows) Tables() []durable.Table {
	return []durable.Table{p.respond().Table(), p.despatch().Table(), p.unannounce().Table(), p.leadTime().Table()}
}

// answeredAfter is how long suppliers take to answer: from half an hour to a month.
var answeredAfter = prometheus.NewHistogramVec(prometheus.HistogramOpts{
	Name:    "portico_supplier_acknowledgment_seconds",
	Help:    "From the issue of a purchase order to its first answer that says more than that it came, by supplier.",
	Buckets: []float64{1800, 3600, 4 * 3600, 8 * 3600, 86400, 2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400, 30 * 86400},
}, []string{"supplier"})

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector { return []prometheus.Collector{answeredAfter} }

// forbidden says why something is not allowed on a purchase order as it is; nil where it is.
func (p *Flows) forbidden(scope trade.Scope, action trade.PurchaseOrderAction, now *records.PurchaseOrderNow) *trade.StateNotAllowed {
	may := trade.AllowedOnPurchase(scope.ToAct(false), now.Status)
	no := &trade.StateNotAllowed{
		Refusal: trade.Refusal{
			Code:    trade.CodeState,
			Message: "The purchase order is in a state in which this is not possible.", Path: []string{"input", "purchaseOrder"},
		},
		State: string(now.Status), Allowed: []string{},
	}
	for _, a := range may {
		no.Allowed = append(no.Allowed, string(a))
	}
	if !slices.Contains(may, action) {
		return no
	}
	if p.desk.Sources.Serving(sources.OfPurchaseOrders, "") != now.Instance {
		no.Message, no.Allowed = "The purchase order is kept by a system that is not written to any more.", []string{}
		return no
	}
	return nil
}
