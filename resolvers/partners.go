package resolvers

import (
	"context"
	"time"

	"portico/graph"
	"portico/process"
	"portico/process/purchasing"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/procurement"
)

// Partner finds a trading partner.
func (r query) Partner(ctx context.Context, by graph.TradingPartnerBy) (*procurement.TradingPartner, error) {
	return find(ctx, by.ID, by.Code, loaders.Partners, loaders.PartnersByCode)
}

// Partners are the trading partners that the caller may see, by name.
func (r query) Partners(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.TradingPartnerFilter,
) (*procurement.TradingPartnerConnection, error) {
	f := ledger.PartnerFilter{}
	if filter != nil {
		f = ledger.PartnerFilter{Search: inputs.Text(filter.Search), Stage: filter.Stage}
	}
	return page(ctx, func(s trade.Scope) *store.List[procurement.TradingPartner] { return ledger.PartnerList(s, f) }, first, after, last,
		before)
}

// TradingPartner are the resolvers of TradingPartner.
func (r *Resolver) TradingPartner() graph.TradingPartnerResolver { return tradingPartner{r} }

type tradingPartner struct{ *Resolver }

// Onboarding is where partners stand, and what is missing.
func (r tradingPartner) Onboarding(ctx context.Context, objs []*procurement.TradingPartner) ([]*procurement.Onboarding, error) {
	l, err := reader(ctx)
	if err != nil {
		return nil, err
	}
	facts, err := ledger.PartnerFacts(ctx, l.Store, l.Scope(), objs)
	all := make([]*procurement.Onboarding, len(facts))
	for i, f := range facts {
		all[i] = f.Onboarding(time.Now())
	}
	return all, err
}

func (r tradingPartner) Keys(ctx context.Context, objs []*procurement.TradingPartner) ([][]*procurement.PartnerKey, error) {
	return lists(related(ctx, objs, (*procurement.TradingPartner).NodeID, loaders.KeysOfPartners))
}

func (r tradingPartner) Tolerance(ctx context.Context, objs []*procurement.TradingPartner) ([]*trade.ToleranceProfile, error) {
	return related(ctx, objs, (*procurement.TradingPartner).NodeID, loaders.TolerancesOf)
}

func (r tradingPartner) Quota(_ context.Context, objs []*procurement.TradingPartner) ([]*graph.Quota, error) {
	all := make([]*graph.Quota, len(objs))
	for i, o := range objs {
		all[i] = &graph.Quota{CostPerMinute: r.CostPerMinute}
		if o.CostPerMinute != nil {
			all[i].CostPerMinute = *o.CostPerMinute
		}
	}
	return all, nil
}

func (r tradingPartner) Items(ctx context.Context, objs []*procurement.TradingPartner, first *int, after *string, last *int,
	before *string,
) ([]*trade.SupplierItemConnection, error) {
	return pages(ctx, keysOf(objs, (*procurement.TradingPartner).NodeID), records.RangeOf, first, after, last, before)
}

// RegisterPartner registers a partner.
func (r mutation) RegisterPartner(ctx context.Context, idempotencyKey string, input graph.PartnerInput) (*graph.PartnerPayload, error) {
	var existing *string
	p, err := r.partnered(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		a, err := r.Partners.Register(ctx, s, by, idempotencyKey, procurement.TradingPartner{
			Code: input.Code, Name: input.Name, GLN: input.Gln, RequiresSignature: input.RequiresSignature,
			Channels:      inputs.Channels(input.Channels),
			Scopes:        input.Scopes,
			CostPerMinute: input.CostPerMinute, ToleranceID: inputs.Text(input.ToleranceProfile),
		})
		if err == nil && purchasing.TradedBefore(a) {
			existing = &a.SubjectID
		}
		return a, err
	})
	if p != nil {
		p.Existing = existing
	}
	return p, err
}

// UpdatePartner changes a partner.
func (r mutation) UpdatePartner(ctx context.Context, idempotencyKey string, input graph.UpdatePartnerInput) (*graph.PartnerPayload, error) {
	return r.partnered(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Partners.Update(ctx, s, by, idempotencyKey, purchasing.PartnerChange{
			PartnerID: input.Partner, Version: input.ExpectedVersion, Name: input.Name, GLN: input.Gln, RequiresSignature: input.RequiresSignature,
			Channels: inputs.Channels(input.Channels),
			Scopes:   input.Scopes, CostPerMinute: input.CostPerMinute, ToleranceID: input.ToleranceProfile,
		})
	})
}

// AdvanceOnboarding moves a partner to another stage.
func (r mutation) AdvanceOnboarding(ctx context.Context, idempotencyKey string, input graph.AdvanceOnboardingInput) (*graph.PartnerPayload,
	error,
) {
	return r.partnered(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Partners.Move(ctx, s, by, idempotencyKey, input.Partner, input.To, input.Reason)
	})
}

// RotatePartnerKey adds a signing key.
func (r mutation) RotatePartnerKey(ctx context.Context, idempotencyKey string, input graph.RotatePartnerKeyInput) (*graph.PartnerPayload,
	error,
) {
	return r.partnered(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Partners.AddKey(ctx, s, by, idempotencyKey,
			purchasing.NewKey{PartnerID: input.Partner, PEM: input.PublicKeyPem, ValidFrom: input.ValidFrom})
	})
}

// ProvePartnerKey proves a signing key.
func (r mutation) ProvePartnerKey(ctx context.Context, idempotencyKey string, input graph.ProvePartnerKeyInput) (*graph.PartnerPayload,
	error,
) {
	return r.partnered(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Partners.ProveKey(ctx, s, by, idempotencyKey, input.Key, input.Signature)
	})
}

// RevokePartnerKey revokes a signing key.
func (r mutation) RevokePartnerKey(ctx context.Context, idempotencyKey string, input graph.RevokePartnerKeyInput) (*graph.PartnerPayload,
	error,
) {
	return r.partnered(ctx, func(s trade.Scope, by process.Submitter) (*process.Acted, error) {
		return r.Partners.RevokeKey(ctx, s, by, idempotencyKey, input.Key, input.Reason)
	})
}

func (r mutation) partnered(ctx context.Context,
	do func(trade.Scope, process.Submitter) (*process.Acted, error),
) (*graph.PartnerPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := do(l.Scope(), by)
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.PartnerPayload{Errors: refusals, Replayed: a.Replayed}
	_, p.Partner, err = about(ctx, r.Resolver, l, "", loaders.Partners, a.SubjectID)
	return p, err
}
