package edge

import (
	"context"
	"log/slog"
	"math"
	"os"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"portico/edge/auth"
	"portico/edge/budget"
	"portico/edge/guard"
	"portico/graph"
	"portico/graph/execution"
	"portico/graph/governance"
	"portico/resolvers"
	"portico/trade"
)

type plenty struct{}

func (plenty) Lease(_ context.Context, _ string, _, _, _, burst int64) (int64, time.Duration, error) {
	return burst, 0, nil
}

// BenchmarkAccept measures what the guard, rights and budgets add to a request
// whose document is known: everything that accept and refund do, against what
// any server does, which is to read the variables and make a context. Rights are
// in the plan and cost a look at its key.
func BenchmarkAccept(b *testing.B) {
	bindings := graph.NewBindings(graph.Config{Resolvers: &resolvers.Resolver{}})
	documents, err := guard.New(bindings.Schema, guard.Default, graph.InputScalars)
	if err != nil {
		b.Fatal(err)
	}
	points, err := budget.New(plenty{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	known, err := guard.NewKnown(func() map[string]guard.Manifest { return nil })
	if err != nil {
		b.Fatal(err)
	}
	limits := budget.Limits{Rate: math.MaxInt32, Burst: math.MaxInt64 / 4}
	s := &server{
		Options: Options{
			Bindings: bindings, Known: known, Use: &governance.Counter{},
			Budgets: Budgets{Budget: points, Client: limits, Account: limits}, Log: slog.New(slog.DiscardHandler),
		}, guard: documents,
		load: newLoad(), sunset: newGoneSoon(bindings.Schema, nil),
	}
	s.schema, err = execution.New(bindings)
	if err != nil {
		b.Fatal(err)
	}
	rights := newRights(bindings.Schema)
	text, err := os.ReadFile("../test/bench/pages/orders.graphql")
	if err != nil {
		b.Fatal(err)
	}
	caller := auth.Caller{
		Principal: &auth.Principal{Issuer: "i", Subject: "s", Client: "c"},
		Scope:     trade.CustomerScope([]trade.Ref{{ID: "acc_1", Key: "1"}}, auth.Personas[0].Rights),
	}
	ctx := auth.WithCaller(b.Context(), caller)
	b.Run("on", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := &request{}
			r.Query = string(text)
			op, errs := s.accept(ctx, r)
			if errs != nil {
				b.Fatal(errs)
			}
			_ = rights.Key(ctx)
			s.refund(op, 1000)
		}
	})
	doc, errs := documents.Document(string(text))
	if errs != nil {
		b.Fatal(errs)
	}
	kept := map[string]*ast.QueryDocument{string(text): doc.QueryDocument}
	b.Run("off", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := &request{}
			r.Query = string(text)
			d := kept[r.Query]
			definition := d.Operations.ForName("")
			variables, err := validator.VariableValues(bindings.Schema, definition, r.Variables)
			if err != nil {
				b.Fatal(err)
			}
			op := &operation{}
			op.Doc, op.Operation, op.Variables = d, definition, variables
		}
	})
}
