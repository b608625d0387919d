package purchasing

import (
	"context"
	"fmt"

	"portico/process/durable"
	"portico/store"
	"portico/store/records"
	"portico/trade"
	"portico/trade/procurement"
)

// review finds, for an answer that differs, which commitments to customers count on what
// differs.
func (p *Flows) review(ctx context.Context, tx *store.Tx, a *answering) error {
	var places []records.PlaceOf
	of := func(line *trade.PurchaseOrderLine) records.PlaceOf {
		return records.PlaceOf{ItemID: line.ItemRef.ID, WarehouseID: a.now.WarehouseRef.ID}
	}
	answers := map[string]*procurement.LineAnswer{}
	for i := range a.answers {
		answers[a.answers[i].Line.ID] = &a.answers[i]
	}
	for _, d := range a.deviations {
		if line := answers[d.LineID].Line; d.Field != trade.PriceDeviates && line.ItemRef.ID != "" {
			places = append(places, of(line))
		}
	}
	if places == nil || a.now.WarehouseRef.ID == "" {
		return nil
	}
	today := trade.DateOf(p.desk.Now())
	pegging, err := records.PeggingOf(ctx, tx, places, today)
	if err != nil {
		return err
	}
	for i := range a.deviations {
		d := &a.deviations[i]
		answer := answers[d.LineID]
		if at := pegging[of(answer.Line)]; d.Field != trade.PriceDeviates && at != nil {
			d.Review = procurement.Review(at.Demands, at.Supply, procurement.Replaced(at.Supply, answer.Line.ID, answer.Parts, today),
				answer.Line.ID, answer.Line.Ordered.Unit)
		}
	}
	return nil
}

// alertsFor are what a planner, a buyer and customer service are told of an answer beyond
// the tolerance, before anything is written.
func alertsFor(a *answering) (all []*trade.Alert) {
	lines := map[string]string{}
	for _, l := range a.now.LinesKnown {
		lines[l.ID] = l.LineNumber
	}
	decide := "Look at whatIf of the deviation, and decide it with decideDeviation."
	if a.now.Tolerance.OutOfTolerance == trade.AlertBeyond {
		decide = "It was applied; tell whoever counts on it."
	}
	who := trade.PartnerAtFault
	for i := range a.deviations {
		d := &a.deviations[i]
		if d.WithinTolerance {
			continue
		}
		raise := func(kind trade.AlertKind, severity trade.Severity, format string, args ...any) *trade.Alert {
			alert := &trade.Alert{
				ID: durable.NewID("alr_"), Kind: kind, Severity: severity,
				Message:         fmt.Sprintf("Purchase order %s line %s: ", a.now.Number, lines[d.LineID]) + fmt.Sprintf(format, args...),
				SuggestedAction: &decide,
				Audience:        []trade.Audience{trade.ForOperator}, Queue: trade.Queues[kind], Responsible: &who, Subject: d.LineID,
				SupplierID: a.now.SupplierRef.ID, DeviationID: d.ID,
			}
			all = append(all, alert)
			return alert
		}
		if d.Field == trade.PriceDeviates {
			raise(trade.AlertPrice, trade.Warning, "the price is another one than ordered.") // no price in a text
			continue
		}
		kind := trade.AlertSupplyLate
		if d.Field == trade.QuantityDeviates {
			kind = trade.AlertSupplyShort
		}
		raise(kind, trade.Warning, "%s instead of %s.", string(d.Proposed), string(d.Expected)) // no price, which is told above
		exception := raise(trade.AlertReplenishment, trade.Warning, "stock will be otherwise than planned: %s instead of %s.",
			string(d.Proposed), string(d.Expected))
		if d.Review == nil {
			continue
		}
		exception.AtRisk = &d.Review.AtRisk
		if len(d.Review.Commitments) > 0 {
			alert := raise(trade.AlertCommitment, trade.Critical, "%d order lines of customers count on it.", len(d.Review.Commitments))
			alert.AtRisk = &d.Review.AtRisk
			for _, c := range d.Review.Commitments {
				alert.OrderIDs = append(alert.OrderIDs, c.OrderID)
			}
		}
	}
	return all
}
