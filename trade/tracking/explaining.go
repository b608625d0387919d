package tracking

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/trade"
)

// StatusExplanation says why a derived status is what it is.
type StatusExplanation struct {
	Status string
	Rule   string
	Facts  []StatusFact
}

// StatusFact is one fact that a rule considered.
type StatusFact struct {
	At             time.Time
	Message        string
	Ref            *string
	Used           bool
	IgnoredBecause *IgnoredReason
}

const shipmentRule = "The latest actual event decides; delivered, returned and cancelled do not go back; estimates and plans move the " +
	"arrival alone; what was declared wrong does not count."

const packagesRule = " Each package follows the events that name it or the whole shipment. " +
	"Some delivered packages make it delivered in part, and " +
	"all make it delivered; otherwise the package on its way with the latest event decides."

// ExplainShipment says which events made the status of a shipment with these packages, and which did not and why. An event
// counts where it does for one of them.
func ExplainShipment(events []trade.ShipmentEvent, packages []int) *StatusExplanation {
	u := &Units{}
	for _, n := range packages {
		u.Packages = append(u.Packages, Package{Number: n})
	}
	whole, _ := Derive(events, u)
	x := &StatusExplanation{Status: string(whole.Status), Rule: shipmentRule, Facts: []StatusFact{}}
	if len(packages) > 1 {
		x.Rule += packagesRule
	}
	used := map[string]bool{} // by key
	for _, n := range packages {
		for _, v := range Judge(eventsOf(events, n)) {
			used[v.Event.Key] = used[v.Event.Key] || v.Ignored == ""
		}
	}
	for _, v := range Judge(events) {
		if used[v.Event.Key] {
			v.Ignored = ""
		}
		f := StatusFact{At: v.Event.OccurredAt, Message: string(v.Event.Milestone), Ref: &v.Event.ID, Used: v.Ignored == ""}
		if t := v.Event.Raw.Text; t != nil && *t != "" {
			f.Message += ": " + *t
		} else if v.Event.Raw.Code != "" {
			f.Message += " (" + v.Event.Raw.Code + ")"
		}
		if !f.Used {
			f.IgnoredBecause = &v.Ignored
		}
		x.Facts = append(x.Facts, f)
	}
	return x
}

const (
	orderRule    = "The quantities of the lines decide, and holds while nothing has left."
	ownRule      = "Portico keeps the order and has not handed it over, or it was refused: its operation decides."
	headerRule   = "The source's own status of the whole order decides, for it says what its lines do not."
	purchaseRule = "The source's status decides once goods are on their way, the supplier's order response to the revision in force before."
)

// ExplainOrder says which of its lines and holds made an order's status.
func ExplainOrder(o *trade.Order, lines []trade.OrderLine) *StatusExplanation {
	x := &StatusExplanation{Status: string(o.Status), Rule: orderRule, Facts: []StatusFact{}}
	by := o.Provenance.ReceivedAt
	if o.Provenance.AsOf != nil {
		by = *o.Provenance.AsOf
	}
	whole := *o
	whole.LinesKnown = lines
	derived := whole.DerivedStatus() == o.Status
	switch {
	case o.Number == nil:
		x.Rule, derived = ownRule, false
		x.Facts = append(x.Facts, StatusFact{At: o.PlacedAt, Message: "Placed here, and not in the ERP yet", Used: true})
	case !derived:
		x.Rule = headerRule
	}
	if o.Raw != nil {
		text := o.Raw.Code
		if o.Raw.Text != nil {
			text += ", " + *o.Raw.Text
		}
		x.Facts = append(x.Facts, StatusFact{At: by, Message: "The source says " + text, Used: !derived && o.Number != nil})
	}
	for _, h := range o.Holds {
		x.Facts = append(x.Facts, StatusFact{At: h.Since, Message: "Held: " + h.Reason, Used: o.Status == trade.OrderOnHold})
	}
	for i := range lines {
		l := &lines[i]
		said := []string{fmt.Sprintf("%s %s ordered", l.Ordered.Value, l.Ordered.Unit)}
		for _, q := range []struct {
			what string
			q    trade.Quantity
		}{
			{"confirmed", l.Confirmed},
			{"backordered", l.Backordered},
			{"shipped", l.Shipped},
			{"delivered", l.Delivered},
			{"invoiced", l.Invoiced},
			{"cancelled", l.Cancelled},
		} {
			if q.q.Value.IsPos() {
				said = append(said, fmt.Sprintf("%s %s", q.q.Value, q.what))
			}
		}
		if l.DeliveredBasis == trade.DeliveredByPackages {
			said = append(said, "and what was delivered is what carriers report of its packages")
		}
		x.Facts = append(x.Facts, StatusFact{
			At: by, Message: fmt.Sprintf("Line %s: %s", l.LineNumber, strings.Join(said, ", ")), Ref: &l.ID,
			Used: derived,
		})
	}
	slices.SortStableFunc(x.Facts, func(a, b StatusFact) int { return a.At.Compare(b.At) })
	return x
}

// ExplainPurchaseOrder says what of the source's status and the supplier's answers made a
// purchase order's status.
func ExplainPurchaseOrder(p *trade.PurchaseOrder, answers []trade.PurchaseOrderResponse) *StatusExplanation {
	x := &StatusExplanation{Status: string(p.Status), Rule: purchaseRule, Facts: []StatusFact{}}
	by := p.Provenance.ReceivedAt
	if p.Provenance.AsOf != nil {
		by = *p.Provenance.AsOf
	}
	x.Facts = append(x.Facts, StatusFact{
		At: by, Message: fmt.Sprintf("The source says %s, of revision %d", p.SourceStatus, p.Revision),
		Used: p.SourceStatus == p.Status,
	})
	late := IgnoredLate
	slices.SortFunc(answers, func(a, b trade.PurchaseOrderResponse) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	for i := range answers {
		a := &answers[i]
		f := StatusFact{At: a.ReceivedAt, Message: fmt.Sprintf("Answer %s: %s, to revision %d", a.ResponseNumber, a.Kind, a.Revision), Ref: &a.ID}
		if f.Used = p.SourceStatus != p.Status && i == len(answers)-1; !f.Used {
			f.IgnoredBecause = &late
		}
		x.Facts = append(x.Facts, f)
	}
	slices.SortStableFunc(x.Facts, func(a, b StatusFact) int { return a.At.Compare(b.At) })
	return x
}
