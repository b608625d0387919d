package purchasing

import (
	"context"
	"fmt"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// leadTimeWork is what the steps of a lead time work on.
type leadTimeWork struct {
	LeadTime trade.LeadTime `json:"LeadTime"`
	Ref      string         `json:"Ref"`
}

// leadTimeChange is a lead time that a supplier announces, in the place of one that it announced before and that does not hold
// yet. Planning is told at once; the ERP when it holds: the operation is empty until then.
type leadTimeChange struct {
	flows   *Flows
	request *trade.LeadTimeRequest
}

// LeadTimeChange is an announced lead time as a document to [Flows.Receive].
func (p *Flows) LeadTimeChange(r *trade.LeadTimeRequest) Document {
	return &leadTimeChange{flows: p, request: r}
}

func (d *leadTimeChange) header() header {
	return header{
		kind: procurement.CatalogDocument, write: "changeLeadTime", input: d.request,
		source: d.flows.desk.Sources.Serving(sources.OfItems, ""),
	}
}

// purchaseOrders are none: it is about an item.
func (*leadTimeChange) purchaseOrders(context.Context, *store.Tx, trade.Scope) ([]string, error) {
	return nil, nil
}

func (d *leadTimeChange) take(ctx context.Context, tx *store.Tx, from Origin, print string) (spent ledger.SpentKey, _ []trade.UserError,
	err error,
) {
	p, r, by := d.flows, d.request, from.By
	now, err := records.LockSupplierItem(ctx, tx, from.Scope, r.SupplierItemID)
	if err != nil {
		return spent, nil, err
	}
	if now == nil {
		return spent, oneError(process.Invalid(trade.CodeNotFound, "There is no such item of a supplier.", "supplierItem")), nil
	}
	today := trade.DateOf(p.desk.Now(), time.UTC)
	if errs := trade.CheckLeadTime(r, now, today); errs != nil {
		return spent, errs, nil
	}
	c := &records.LeadTimeChange{
		ID: durable.NewID("ltc_"), SupplierItemID: now.ID, Days: r.LeadTimeDays, From: r.EffectiveFrom,
		Reason: r.Reason, Principal: by.Principal, CorrelationID: by.CorrelationID,
	}
	if err := records.SaveLeadTime(ctx, tx, c); err != nil {
		return spent, nil, err
	}
	if err := p.reportLeadTime(ctx, tx, now, c); err != nil {
		return spent, nil, err
	}
	audit := operating.AuditRecord{
		Actor: by.Principal, Action: "lead-time.announce", Subject: now.ID, CorrelationID: by.CorrelationID,
		Before: map[string]any{"leadTimeDays": now.LeadTimeDays, "next": now.NextLeadTime},
		After:  map[string]any{"leadTimeDays": c.Days, "effectiveFrom": c.From, "input": print},
	}
	if err := ledger.Audit(ctx, tx, audit); err != nil {
		return spent, nil, err
	}
	spent.Subject = now.ID
	if !today.Before(c.From) {
		spent.OperationID, err = p.applyLeadTime(ctx, tx, now, c, from.Key, print)
	}
	return spent, nil, err
}

func (*leadTimeChange) recordAcceptance(time.Time) {}

// reportLeadTime raises the alert about a lead time, in the place of an earlier one.
func (p *Flows) reportLeadTime(ctx context.Context, tx *store.Tx, now *trade.SupplierItem, c *records.LeadTimeChange) error {
	if err := records.ResolveAlertsAbout(ctx, tx, trade.AlertLeadTime, now.ID, "The supplier reported a newer lead time."); err != nil {
		return err
	}
	was, severity := "", trade.Info
	if now.LeadTimeDays != nil {
		was = fmt.Sprintf(" instead of %d", *now.LeadTimeDays)
	}
	if now.LeadTimeDays == nil || c.Days > *now.LeadTimeDays {
		severity = trade.Warning
	}
	advice := "Order earlier what is needed after that day, and look at what is ordered already."
	return operatingstore.RaiseAlerts(ctx, tx, []*trade.Alert{{
		ID: durable.NewID("alr_"), Kind: trade.AlertLeadTime, Severity: severity, SuggestedAction: &advice,
		Audience: []trade.Audience{trade.ForOperator}, Queue: trade.Queues[trade.AlertLeadTime],
		Message: fmt.Sprintf("%s delivers %s in %d days%s, ordered from %s on.", now.SupplierRef.Key, now.ItemRef.Key, c.Days, was, c.From),
		Subject: now.ID, SupplierID: now.SupplierRef.ID,
	}})
}

// applyLeadTime begins the operation that writes an announced lead time to the ERP. The
// operation is empty where another has begun, or replaced it.
func (p *Flows) applyLeadTime(ctx context.Context, tx *store.Tx, item *trade.SupplierItem, c *records.LeadTimeChange, key,
	print string,
) (operation string, err error) {
	n := ledger.NewOperation{
		Lane: item.ID, Fingerprint: print, After: map[string]any{"leadTimeDays": c.Days, "announced": c.ID},
		Operation: trade.Operation{
			ID: durable.NewID("opr_"), CorrelationID: c.CorrelationID, Key: key, Principal: c.Principal, Subject: &item.ID,
			SupplierID: item.SupplierRef.ID, Source: p.desk.Sources.Serving(sources.OfItems, ""),
		},
	}
	if ok, err := records.ApplyLeadTime(ctx, tx, c.ID, n.ID); err != nil || !ok {
		return "", err
	}
	work := leadTimeWork{
		LeadTime: trade.LeadTime{Supplier: item.SupplierRef.Key, SKU: item.ItemRef.Key, Days: c.Days},
		Ref:      "PORTICO-" + n.ID[len("opr_"):],
	}
	return n.ID, process.Begin(ctx, p.desk, tx, p.leadTime(), n, work, work.Ref)
}

// applyDue begins the operations of lead times whose day has come.
func (p *Flows) applyDue(ctx context.Context) error {
	due, err := records.DueLeadTimes(ctx, p.desk.Store, trade.DateOf(p.desk.Now(), time.UTC))
	if err != nil {
		return err
	}
	for _, c := range due {
		err := p.desk.Store.InTx(ctx, func(tx *store.Tx) error {
			item, err := records.LockSupplierItem(ctx, tx, trade.OperatorScope(nil), c.SupplierItemID)
			if err != nil || item == nil {
				return err // gone with its announcement, or its supplier is not known any more
			}
			_, err = p.applyLeadTime(ctx, tx, item, &c, c.ID, c.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(due) > 0 {
		p.desk.Engine.Wake(p.desk.Sources.Serving(sources.OfItems, ""))
	}
	return nil
}

// leadTime is the flow of a lead time to the ERP.
func (p *Flows) leadTime() durable.Flow[leadTimeWork] {
	return durable.Flow[leadTimeWork]{
		Kind: trade.SetLeadTime, Action: "lead-time.apply",
		Steps: []durable.Step[leadTimeWork]{
			{
				Name: "apply", System: &process.ERP, What: "Writes the lead time to the ERP, on the day from which it holds.",
				Do: func(ctx context.Context, r *durable.Run[leadTimeWork]) error {
					_, err := p.desk.HandOver(ctx, r.Source, r.Work.Ref, r.Attempted, func() (sources.Receipt, error) {
						return p.desk.Sources.SetLeadTime(ctx, r.Source, r.Work.Ref, r.Work.LeadTime)
					})
					return err
				},
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the item as the ERP has it.",
				Do: func(ctx context.Context, r *durable.Run[leadTimeWork]) error {
					if err := process.Reread(ctx, p.desk, r, sources.ItemRecords, replication.SaveItems, r.Work.LeadTime.SKU); err != nil {
						return err
					}
					r.Save(func(tx *store.Tx) error { return records.EndLeadTime(ctx, tx, r.ID, true) })
					return nil
				},
			},
		},
		// Both sides are told that the ERP counts on the old one still.
		Refused: func(ctx context.Context, tx *store.Tx, r *durable.Run[leadTimeWork], failure trade.OperationFailure) error {
			if err := records.EndLeadTime(ctx, tx, r.ID, false); err != nil {
				return err
			}
			now, err := records.LockSupplierItem(ctx, tx, trade.OperatorScope(nil), r.Subject)
			if err != nil || now == nil {
				return err
			}
			l := r.Work.LeadTime
			return operatingstore.RaiseAlerts(ctx, tx, []*trade.Alert{{
				ID: durable.NewID("alr_"), Kind: trade.AlertReported, Severity: trade.Warning,
				Message:  fmt.Sprintf("The lead time of %d days for %s was not applied: %s", l.Days, l.SKU, failure.Message),
				Audience: []trade.Audience{trade.ForOperator, trade.ForSupplier}, Queue: trade.Queues[trade.AlertReported],
				Responsible: &failure.Responsible, Subject: now.ID, SupplierID: now.SupplierRef.ID,
			}})
		},
	}
}
