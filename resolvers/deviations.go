package resolvers

import (
	"context"

	"portico/graph"
	"portico/process/purchasing"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store/records"
	"portico/telemetry"
	"portico/trade"
)

// DecideDeviation decides a deviation.
func (r mutation) DecideDeviation(ctx context.Context, idempotencyKey string, input graph.DecideDeviationInput) (*graph.DeviationPayload,
	error,
) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := r.Purchasing.Decide(ctx, l.Scope(), by, idempotencyKey, purchasing.DeviationDecision{
		DeviationID: input.Deviation, Decision: input.Decision, Counter: inputs.CounterProposal(input.Counter), Comment: input.Comment,
	}, telemetry.Wait(ctx, mostWait))
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.DeviationPayload{Errors: refusals, Replayed: a.Replayed}
	p.Operation, p.Deviation, err = about(ctx, r.Resolver, l, a.OperationID, loaders.Deviations, a.SubjectID)
	return p, err
}

// Deviation are the resolvers of Deviation.
func (r *Resolver) Deviation() graph.DeviationResolver { return deviation{r} }

type deviation struct{ *Resolver }

func (r deviation) Line(ctx context.Context, objs []*trade.Deviation) ([]*trade.PurchaseOrderLine, error) {
	return related(ctx, objs, func(o *trade.Deviation) string { return o.LineID }, loaders.PurchaseOrderLines)
}

func (r deviation) DecidedBy(ctx context.Context, objs []*trade.Deviation) ([]*trade.User, error) {
	return related(ctx, objs, func(o *trade.Deviation) string { return o.DeciderID }, loaders.Users)
}

// WhatIf says what a decision would touch.
func (r deviation) WhatIf(ctx context.Context, objs []*trade.Deviation, decision trade.DeviationDecision,
	counter *graph.CounterProposalInput,
) ([]*trade.CommitmentReview, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	return r.Purchasing.WhatIf(ctx, l.Scope(), objs, decision, inputs.CounterProposal(counter))
}

// CommitmentReview are the resolvers of CommitmentReview.
func (r *Resolver) CommitmentReview() graph.CommitmentReviewResolver { return commitmentReview{r} }

type commitmentReview struct{ *Resolver }

func (r commitmentReview) Alerts(ctx context.Context, objs []*trade.CommitmentReview) ([][]*trade.Alert, error) {
	return related(ctx, objs, func(o *trade.CommitmentReview) string { return o.DeviationID }, loaders.AlertsOf)
}

// CommitmentImpact are the resolvers of CommitmentImpact.
func (r *Resolver) CommitmentImpact() graph.CommitmentImpactResolver { return commitmentImpact{r} }

type commitmentImpact struct{ *Resolver }

func (r commitmentImpact) OrderLine(ctx context.Context, objs []*trade.CommitmentImpact) ([]*trade.OrderLine, error) {
	return related(ctx, objs, func(o *trade.CommitmentImpact) string { return o.OrderLineID }, loaders.OrderLines)
}

// AwaitedDecision are the resolvers of AwaitedDecision.
func (r *Resolver) AwaitedDecision() graph.AwaitedDecisionResolver { return awaitedDecision{r} }

type awaitedDecision struct{ *Resolver }

func (r awaitedDecision) Differences(_ context.Context, objs []*trade.AwaitedDecision) ([][]trade.SubmitOrderError, error) {
	return unions[trade.SubmitOrderError](objs, func(o *trade.AwaitedDecision) []trade.UserError { return o.Differences })
}

func (r awaitedDecision) Deviations(ctx context.Context, objs []*trade.AwaitedDecision) ([][]*trade.Deviation, error) {
	return related(ctx, objs, func(o *trade.AwaitedDecision) string { return o.ResponseID }, loaders.DeviationsIn)
}

// ToleranceProfiles are all of them, by name.
func (r query) ToleranceProfiles(ctx context.Context) ([]*trade.ToleranceProfile, error) {
	return everyOne(ctx, records.ToleranceList)
}

// SaveToleranceProfile makes or changes a tolerance profile.
func (r mutation) SaveToleranceProfile(ctx context.Context, idempotencyKey string,
	input graph.ToleranceProfileInput,
) (*graph.ToleranceProfilePayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := r.Purchasing.SaveTolerance(ctx, by, idempotencyKey, trade.ToleranceProfile{
		ID: inputs.Text(input.ID), Version: inputs.Text(input.ExpectedVersion), Name: input.Name, OverQuantityPercent: input.OverQuantityPercent,
		UnderQuantityPercent: input.UnderQuantityPercent,
		PricePercent:         input.PricePercent, EarlyDays: input.EarlyDays, LateDays: input.LateDays,
		AllowSubstitution: input.AllowSubstitution,
		OutOfTolerance:    input.OutOfTolerance,
	})
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.ToleranceProfilePayload{Errors: refusals, Replayed: a.Replayed}
	_, p.Profile, err = about(ctx, r.Resolver, l, "", loaders.Tolerances, a.SubjectID)
	return p, err
}
