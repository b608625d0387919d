package resolvers

import (
	"context"
	"time"

	"portico/graph"
	"portico/process/watch"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// longestPeriod is the longest time that measures are asked over.
const longestPeriod = 400

// days are the moments between which some days lie, in UTC; an end that is left out is today, a
// beginning so many days before it.
func days(p *graph.DateRangeInput, most int) (from, until time.Time, err error) {
	today := trade.DateOf(time.Now(), time.UTC)
	to, since := today, today.AddDays(1-most)
	if p != nil && p.To != nil {
		to, since = *p.To, p.To.AddDays(1-most)
	}
	if p != nil && p.From != nil {
		since = *p.From
	}
	if to.Before(since) {
		return from, until, badInput("the period ends before it begins")
	}
	if since.Before(to.AddDays(-longestPeriod)) {
		return from, until, badInput("a period is at most 400 days")
	}
	return since.Time(), to.AddDays(1).Time(), nil
}

// measuring are the operation's loaders, and the days that measures are asked over.
func measuring(ctx context.Context, p *graph.DateRangeInput, most int) (l *loaders.Loaders, from, until time.Time, err error) {
	if l, err = reader(ctx); err != nil {
		return nil, from, until, err
	}
	from, until, err = days(p, most)
	return l, from, until, err
}

// SLA is how objectives were kept over some days.
func (r query) SLA(ctx context.Context, period graph.DateRangeInput) ([]*operating.SlaReport, error) {
	l, from, until, err := measuring(ctx, &period, 30)
	if err != nil {
		return nil, err
	}
	objectives, err := operatingstore.AllObjectives(ctx, l.Store, l.Scope())
	if err != nil {
		return nil, err
	}
	results, err := operatingstore.MeasureResults(ctx, l.Store, l.Scope(), operatingstore.MeasuredBy{From: from, Until: until})
	if err != nil {
		return nil, err
	}
	of := map[operating.BusinessMeasure]*operating.MeasureResult{}
	for _, m := range results {
		of[m.Measure] = m
	}
	all := make([]*operating.SlaReport, len(objectives))
	for i, o := range objectives {
		actual := of[o.Measure]
		if actual == nil {
			actual = &operating.MeasureResult{Measure: o.Measure}
		}
		all[i] = &operating.SlaReport{Objective: o, Actual: actual, Met: o.Met(actual), From: from, Until: until}
	}
	return all, nil
}

// SlaReport are the resolvers of SlaReport.
func (r *Resolver) SlaReport() graph.SlaReportResolver { return slaReport{r} }

type slaReport struct{ *Resolver }

// Breaches are the alerts that were raised for objectives in the days of the report.
func (r slaReport) Breaches(ctx context.Context, objs []*operating.SlaReport) ([][]*trade.Alert, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	found, err := operatingstore.Breaches(ctx, l.Store, l.Scope(), objs[0].From, objs[0].Until,
		keysOf(objs, func(o *operating.SlaReport) string { return o.Objective.ID }))
	all := make([][]*trade.Alert, len(objs))
	for i, o := range objs {
		if all[i] = found[o.Objective.ID]; all[i] == nil {
			all[i] = []*trade.Alert{}
		}
	}
	return all, err
}

// Roi is what the business came to over some days.
func (r query) Roi(ctx context.Context, period graph.DateRangeInput, breakDown bool) (*operating.RoiReport, error) {
	l, from, until, err := measuring(ctx, &period, 30)
	if err != nil {
		return nil, err
	}
	found, err := operatingstore.MeasureResults(ctx, l.Store, l.Scope(), operatingstore.MeasuredBy{From: from, Until: until, Keys: breakDown})
	if err != nil {
		return nil, err
	}
	first, last := trade.DateOf(from, time.UTC), trade.DateOf(until, time.UTC).AddDays(-1)
	return &operating.RoiReport{Period: trade.DateRange{From: &first, To: &last}, Measures: found}, nil
}

// Scorecard is how suppliers keep their word.
func (r tradingPartner) Scorecard(ctx context.Context, objs []*procurement.TradingPartner,
	period *graph.DateRangeInput,
) ([][]*operating.MeasureResult, error) {
	l, from, until, err := measuring(ctx, period, 90)
	if err != nil {
		return nil, err
	}
	found, err := operatingstore.Scorecards(ctx, l.Store, l.Scope(), from, until,
		keysOf(objs, func(o *procurement.TradingPartner) string { return o.ID }))
	all := make([][]*operating.MeasureResult, len(objs))
	for i, o := range objs {
		if all[i] = found[o.ID]; all[i] == nil {
			all[i] = []*operating.MeasureResult{}
		}
	}
	return all, err
}

// SaveObjective makes or changes an objective.
func (r mutation) SaveObjective(ctx context.Context, idempotencyKey string, input graph.ObjectiveInput) (*graph.ObjectivePayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := r.Operating.SaveObjective(ctx, by, idempotencyKey, operating.Objective{
		ID: inputs.Text(input.ID), Version: inputs.Text(input.ExpectedVersion), Name: input.Name, Measure: input.Measure, Maximum: input.Maximum,
		Percent: input.Percent, Window: input.Window, Queue: input.Queue, Severity: input.Severity,
	})
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.ObjectivePayload{Errors: refusals, Replayed: a.Replayed}
	_, p.Objective, err = about(ctx, r.Resolver, l, "", loaders.Objectives, a.SubjectID)
	return p, err
}

// RecordSupportTickets records a count of a help desk.
func (r mutation) RecordSupportTickets(ctx context.Context, idempotencyKey string,
	input graph.SupportTicketCountInput,
) (*graph.SupportTicketsPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	if input.Period == nil || input.Period.From == nil || input.Period.To == nil {
		return nil, badInput("a count is of days with both ends")
	}
	a, err := r.Operating.RecordTickets(ctx, by, idempotencyKey,
		watch.TicketCount{From: *input.Period.From, To: *input.Period.To, Count: input.Count, Source: input.Source})
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.SupportTicketsPayload{Errors: refusals, Replayed: a.Replayed}
	if a.SubjectID == "" {
		return p, nil
	}
	from, until, err := days(input.Period, 30)
	if err != nil {
		return nil, err
	}
	found, err := operatingstore.MeasureResults(ctx, l.Store, l.Scope(),
		operatingstore.MeasuredBy{From: from, Until: until, Measures: []operating.BusinessMeasure{operating.SupportTickets}})
	if len(found) > 0 {
		p.Result = found[0]
	}
	return p, err
}
