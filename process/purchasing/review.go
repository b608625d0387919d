package purchasing

import (
	"context"
	"fmt"
	"time"

	"portico/process/durable"
	"portico/store"
	"portico/store/records"
	"portico/trade"
	"portico/trade/procurement"
)

// review finds, for an answer that differs, which commitments to customers count on what
// differs.
func (d *orderResponse) review(ctx context.Context, tx *store.Tx) error {
	var places []records.PlaceOf
	of := func(line *trade.PurchaseOrderLine) records.PlaceOf {
		return records.PlaceOf{ItemID: line.ItemRef.ID, WarehouseID: d.now.WarehouseRef.ID}
	}
	answers := map[string]*procurement.LineAnswer{}
	for i := range d.answers {
		answers[d.answers[i].Line.ID] = &d.answers[i]
	}
	for _, deviation := range d.deviations {
		if line := answers[deviation.LineID].Line; deviation.Field != trade.PriceDeviates && line.ItemRef.ID != "" {
			places = append(places, of(line))
		}
	}
	if places == nil || d.now.WarehouseRef.ID == "" {
		return nil
	}
	today := trade.DateOf(d.flows.desk.Now(), time.UTC)
	pegging, err := records.PeggingOf(ctx, tx, places, today)
	if err != nil {
		return err
	}
	for i := range d.deviations {
		deviation := &d.deviations[i]
		answer := answers[deviation.LineID]
		if at := pegging[of(answer.Line)]; deviation.Field != trade.PriceDeviates && at != nil {
			deviation.Review = procurement.Review(at.Demands, at.Supply, procurement.Replaced(at.Supply, answer.Line.ID, answer.Parts, today),
				answer.Line.ID, answer.Line.Ordered.Unit)
		}
	}
	return nil
}

// alerts are what a planner, a buyer and customer service are told of an answer beyond
// the tolerance, before anything is written.
func (d *orderResponse) alerts() (all []*trade.Alert) {
	lines := map[string]string{}
	for _, l := range d.now.LinesKnown {
		lines[l.ID] = l.LineNumber
	}
	decide := "Look at whatIf of the deviation, and decide it with decideDeviation."
	if d.now.Tolerance.OutOfTolerance == trade.AlertBeyond {
		decide = "It was applied; inform the people who rely on it."
	}
	who := trade.PartnerAtFault
	for i := range d.deviations {
		deviation := &d.deviations[i]
		if deviation.WithinTolerance {
			continue
		}
		raise := func(kind trade.AlertKind, severity trade.Severity, format string, args ...any) *trade.Alert {
			alert := &trade.Alert{
				ID: durable.NewID("alr_"), Kind: kind, Severity: severity,
				Message:         fmt.Sprintf("Purchase order %s line %s: ", d.now.Number, lines[deviation.LineID]) + fmt.Sprintf(format, args...),
				SuggestedAction: &decide,
				Audience:        []trade.Audience{trade.ForOperator}, Queue: trade.Queues[kind], Responsible: &who, Subject: deviation.LineID,
				SupplierID: d.now.SupplierRef.ID, DeviationID: deviation.ID,
			}
			all = append(all, alert)
			return alert
		}
		if deviation.Field == trade.PriceDeviates {
			raise(trade.AlertPrice, trade.Warning, "the price is another one than ordered.") // no price in a text
			continue
		}
		kind := trade.AlertSupplyLate
		if deviation.Field == trade.QuantityDeviates {
			kind = trade.AlertSupplyShort
		}
		raise(kind, trade.Warning, "%s instead of %s.", string(deviation.Proposed), string(deviation.Expected)) // no price, which is told above
		exception := raise(trade.AlertReplenishment, trade.Warning, "stock will differ from the plan: %s instead of %s.",
			string(deviation.Proposed), string(deviation.Expected))
		if deviation.Review == nil {
			continue
		}
		exception.AtRisk = &deviation.Review.AtRisk
		if len(deviation.Review.Commitments) > 0 {
			alert := raise(trade.AlertCommitment, trade.Critical, "%d order lines of customers count on it.", len(deviation.Review.Commitments))
			alert.AtRisk = &deviation.Review.AtRisk
			for _, c := range deviation.Review.Commitments {
				alert.OrderIDs = append(alert.OrderIDs, c.OrderID)
			}
		}
	}
	return all
}
