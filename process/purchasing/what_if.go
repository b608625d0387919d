package purchasing

import (
	"context"
	"time"

	"portico/process"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/procurement"
)

// WhatIf says which commitments to customers deviations would touch, were they decided so.
// Accepted, the supply comes as answered; refused, the order stands; countered, it comes as
// proposed. It writes nothing.
func (p *Flows) WhatIf(ctx context.Context, scope trade.Scope, all []*trade.Deviation, decision trade.DeviationDecision,
	counter *trade.CounterProposal,
) ([]*trade.CommitmentReview, error) {
	found := make([]*trade.CommitmentReview, len(all))
	var lines, responses []string
	for _, d := range all {
		lines, responses = append(lines, d.LineID), append(responses, d.ResponseID)
	}
	orders, err := records.PurchaseOrdersOfLines(ctx, p.desk.Store, scope, process.Distinct(lines))
	if err != nil {
		return nil, err
	}
	kinds, err := ledger.Responses(ctx, p.desk.Store, scope, process.Distinct(responses))
	if err != nil {
		return nil, err
	}
	said, err := ledger.AcknowledgmentsIn(ctx, p.desk.Store, scope, process.Distinct(responses))
	if err != nil {
		return nil, err
	}
	var places []records.PlaceOf
	for _, o := range orders {
		for _, l := range o.LinesKnown {
			if orders[l.ID] != nil && l.ItemRef.ID != "" {
				places = append(places, records.PlaceOf{ItemID: l.ItemRef.ID, WarehouseID: o.WarehouseRef.ID})
			}
		}
	}
	today := trade.DateOf(p.desk.Now(), time.UTC)
	pegging, err := records.PeggingOf(ctx, p.desk.Store, places, today)
	if err != nil {
		return nil, err
	}
	for i, d := range all {
		o, r := orders[d.LineID], kinds[d.ResponseID]
		if o == nil || r == nil {
			continue
		}
		request := &trade.ResponseRequest{Kind: r.Kind}
		for _, l := range said[d.ResponseID] {
			request.Lines = append(request.Lines, *l)
		}
		for _, a := range procurement.Answers(request, o) {
			at := pegging[records.PlaceOf{ItemID: a.Line.ItemRef.ID, WarehouseID: o.WarehouseRef.ID}]
			if a.Line.ID != d.LineID || at == nil {
				continue
			}
			after := at.Supply
			switch decision {
			case trade.AcceptDeviation:
				after = procurement.Replaced(at.Supply, d.LineID, a.Parts, today)
			case trade.CounterDeviation:
				after = procurement.Replaced(at.Supply, d.LineID, countered(a.Parts, counter), today)
			}
			found[i] = procurement.Review(at.Demands, at.Supply, after, d.LineID, a.Line.Ordered.Unit)
		}
	}
	return found, nil
}

// countered are the parts that come, were a counter-proposal taken.
func countered(parts []trade.ConfirmedPart, c *trade.CounterProposal) []trade.ConfirmedPart {
	if c == nil || c.Quantity == nil && c.DeliveryDate == nil && c.ShipDate == nil {
		return parts
	}
	var all []trade.ConfirmedPart
	for _, part := range parts {
		if c.DeliveryDate != nil {
			part.DeliveryDate = c.DeliveryDate
		}
		if c.ShipDate != nil {
			part.ShipDate = c.ShipDate
		}
		all = append(all, part)
	}
	if c.Quantity != nil && len(all) > 0 {
		all = all[:1]
		all[0].Quantity = *c.Quantity
	}
	return all
}
