package resolvers

import (
	"context"

	"portico/graph"
	"portico/process/stewards"
	"portico/resolvers/loaders"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/operating"
)

// CodeMappings are the tables of what codes mean, by the names of their sources.
func (r query) CodeMappings(ctx context.Context, standard *trade.CodeStandard) ([]*operating.CodeMapping, error) {
	return whole(ctx, func(s trade.Scope) *store.List[operating.CodeMapping] {
		return operatingstore.CodeMappingList(s, standard)
	})
}

// CodeMapping are the resolvers of CodeMapping.
func (r *Resolver) CodeMapping() graph.CodeMappingResolver { return codeMapping{} }

type codeMapping struct{}

func (codeMapping) Unmapped(ctx context.Context, objs []*operating.CodeMapping) ([][]*operating.UnmappedCode, error) {
	return lists(related(ctx, objs, (*operating.CodeMapping).NodeID, loaders.UnmappedCodes))
}

// PublishCodeMapping publishes what codes mean.
func (r mutation) PublishCodeMapping(ctx context.Context, idempotencyKey string, input graph.CodeMappingInput) (*graph.CodeMappingPayload,
	error,
) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	entries := make([]operating.CodeMappingEntry, len(input.Entries))
	for i, e := range input.Entries {
		entries[i] = operating.CodeMappingEntry{Code: e.Code, Meaning: e.Meaning}
	}
	a, err := r.Codes.Publish(ctx, l.Scope(), by, idempotencyKey,
		stewards.Publication{MappingID: input.Mapping, Version: input.ExpectedVersion, Entries: entries, Reason: input.Reason})
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.CodeMappingPayload{Errors: refusals, Replayed: a.Replayed}
	_, p.Mapping, err = about(ctx, r.Resolver, l, "", loaders.CodeMappings, a.SubjectID)
	return p, err
}
