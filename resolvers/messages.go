package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"portico/evidence/signatures"
	"portico/graph"
	"portico/resolvers/loaders"
	"portico/trade/procurement"
)

// envelope is the request of a mutation as it arrived, with the document in it: the input,
// where that is one variable of the one mutation that is asked for.
func envelope(ctx context.Context, signature *string) *signatures.Envelope {
	e := signatures.In(ctx)
	if e == nil {
		if signature == nil {
			return nil
		}
		e = &signatures.Envelope{} // over a stream, which has no request to keep
	}
	encrypted := *e
	encrypted.Signature = signature
	input := graphql.GetFieldContext(ctx).Field.Arguments.ForName("input")
	if input != nil && input.Value.Kind == ast.Variable && len(graphql.GetOperationContext(ctx).Operation.SelectionSet) == 1 {
		encrypted.Document = signatures.Variable(encrypted.Body, input.Value.Raw)
	}
	return &encrypted
}

// SignedMessage are the resolvers of SignedMessage.
func (r *Resolver) SignedMessage() graph.SignedMessageResolver { return signedMessage{r} }

type signedMessage struct{ *Resolver }

func (r signedMessage) Partner(ctx context.Context, objs []*procurement.SignedMessage) ([]*procurement.TradingPartner, error) {
	return related(ctx, objs, func(o *procurement.SignedMessage) string { return o.SupplierID }, loaders.Partners)
}

func (r signedMessage) Key(ctx context.Context, objs []*procurement.SignedMessage) ([]*procurement.PartnerKey, error) {
	return related(ctx, objs, func(o *procurement.SignedMessage) string { return o.KeyID }, loaders.PartnerKeys)
}

func (r signedMessage) Receipts(ctx context.Context, objs []*procurement.SignedMessage) ([][]*procurement.Receipt, error) {
	return lists(related(ctx, objs, (*procurement.SignedMessage).NodeID, loaders.Receipts))
}
