package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"go.opentelemetry.io/otel/attribute"

	"portico/edge/auth"
	"portico/edge/budget"
	"portico/edge/guard"
	"portico/graph/execution"
	"portico/graph/governance"
	"portico/resolvers/loaders"
	"portico/telemetry"
)

const operationTimeout = 10 * time.Second

// operation is one that may run.
type operation struct {
	graphql.OperationContext
	cost            int64
	charged         int64 // to client and account
	client, account string
	limits          budget.Limits // of the account
	sunset          []governance.Deprecation
}

func (o *operation) subscription() bool { return o.Operation.Operation == ast.Subscription }

func (o *operation) mutation() bool { return o.Operation.Operation == ast.Mutation }

// accept makes an operation of a request, or tells why it is none. The order is
// the guard's: what is refused has cost little more than reading it.
func (s *server) accept(ctx context.Context, params *request) (*operation, gqlerror.List) {
	if errs := s.document(ctx, params); errs != nil {
		return nil, errs
	}
	document, errs := s.guard.Document(params.Query)
	if errs != nil {
		return nil, errs
	}
	if hash := params.hash(); hash != "" {
		s.Known.Keep(hash, params.Query)
	}
	definition, errs := document.Operation(params.OperationName)
	if errs != nil {
		return nil, errs
	}
	variables, err := validator.VariableValues(s.Bindings.Schema, definition, params.Variables)
	if err != nil {
		return nil, guard.Invalid(err)
	}
	if errs := s.guard.Inputs(document, definition, variables); errs != nil {
		return nil, errs
	}
	cost, errs := s.guard.Cost(document, definition, variables)
	if errs != nil {
		return nil, errs
	}
	op := &operation{cost: cost, OperationContext: graphql.OperationContext{
		RawQuery: params.Query, OperationName: params.OperationName, Doc: document.QueryDocument, Operation: definition,
		Variables: variables, DisableIntrospection: auth.CallerOf(ctx).Scope.Decide(introspection, nil) != nil, RecoverFunc: s.recovered,
	}}
	if telemetry.Recording(ctx) {
		op.ResolverMiddleware = traced
	}
	op.sunset = s.sunset.usedBy(definition)
	if errs := s.sunset.refused(op.sunset, time.Now()); errs != nil {
		s.Use.Count(definition, clientOf(ctx))
		return nil, errs
	}
	if errs := s.turnedAway(op); errs != nil {
		return nil, errs
	}
	if errs := s.charge(ctx, op); errs != nil {
		return nil, errs
	}
	s.Use.Count(definition, clientOf(ctx))
	return op, nil
}

// clientOf is the program that asks, as whoever signed the caller's token names it.
func clientOf(ctx context.Context) string {
	p := auth.CallerOf(ctx).Principal
	switch {
	case p == nil:
		return "nobody signed in"
	case p.Client == "":
		return "a client without a name"
	}
	return p.Client
}

// answer is the response to a request: of one that ran, or of one that did not.
type answer struct {
	data   []byte // JSON; nil where nothing ran
	errors gqlerror.List
	cost   int64
	took   execution.Statistics
	tally  telemetry.Tally
	sunset []governance.Deprecation
	shared bool // told to others too: its data is not taken back
	// persisted says that its request named a document that is known here.
	persisted bool
	ends      bool // the stream ends with it, for the next item could not be made
	once      sync.Once
	text      []byte // of a shared one, as JSON
}

// recycle takes the answer's data back, once it is written.
func (a *answer) recycle() {
	if !a.shared {
		execution.Recycle(a.data)
	}
}

// run answers a query or mutation, under its deadline and with loaders of its
// own.
func (s *server) run(ctx context.Context, op *operation) *answer {
	defer s.load.enter(op.mutation())()
	a := &answer{cost: op.cost, sunset: op.sunset}
	ctx, cancel := context.WithTimeout(graphql.WithOperationContext(ctx, &op.OperationContext), operationTimeout)
	defer cancel()
	ctx = s.reading(ctx, a)
	a.data, a.took = s.schema.Answer(ctx)
	a.errors = graphql.GetErrors(ctx)
	s.refund(op, a.took.Objects)
	return a
}

// reading gives a run its loaders, what it counts in, and where its errors go.
func (s *server) reading(ctx context.Context, a *answer) context.Context {
	ctx = telemetry.WithTally(ctx, &a.tally)
	ctx = loaders.With(ctx, loaders.New(s.Loaders, auth.CallerOf(ctx).Scope))
	return graphql.WithResponseContext(ctx, s.present, s.recovered)
}

// stream opens a subscription. next answers its events one after the other, each
// with loaders and a deadline of its own, and is nil after the last; where the
// stream does not open, failed tells why.
func (s *server) stream(ctx context.Context, op *operation) (next func() *answer, failed *answer) {
	ctx = graphql.WithOperationContext(ctx, &op.OperationContext)
	opening := &answer{cost: op.cost, sunset: op.sunset}
	opened := s.reading(ctx, opening)
	events := s.schema.Subscribe(opened)
	loaders.Release(opened)
	if opening.errors = graphql.GetErrors(opened); events == nil || opening.errors != nil {
		return nil, opening
	}
	render := func(ctx context.Context, event any) *answer {
		a := &answer{cost: op.cost, sunset: op.sunset}
		ctx, tracedRequest := traceAlone(ctx, "event")
		defer func() { tracedRequest.answered(ctx, "event", op, a) }()
		ctx, cancel := context.WithTimeout(ctx, operationTimeout)
		defer cancel()
		ctx = s.reading(ctx, a)
		a.data, a.took = events.Answer(ctx, event)
		a.errors = graphql.GetErrors(ctx)
		return a
	}
	by := sharedBy(auth.CallerOf(ctx), op)
	ended := false
	return func() *answer {
		if ended {
			return nil
		}
		event, ok := events.Next(ctx)
		if !ok {
			return nil
		}
		var a *answer
		if one, ok := events.Item(event).(shareable); ok && by != "" {
			// Others want it although this one may leave meanwhile.
			a = s.sharing.of(ctx, by+one.SharedAs(), func() *answer { return s.insist(context.WithoutCancel(ctx), event, render) })
		} else {
			a = s.insist(ctx, event, render)
		}
		ended = a != nil && a.ends
		return a
	}, nil
}

// insistFor are the pauses after which an item of a stream that could not be made is made again.
var insistFor = []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// insist renders an event, again where that fails for a fault of ours, such as a database that stands. An item that was left
// out would never be missed: where it cannot be made, the stream ends, and its client resumes after the last one it has.
func (s *server) insist(ctx context.Context, event any, render func(context.Context, any) *answer) *answer {
	a := render(ctx, event)
	for _, pause := range insistFor {
		if outcomeOf(a) != failedOut {
			return a
		}
		select {
		case <-ctx.Done():
			return a
		case <-s.Stopping.Done():
			return a
		case <-time.After(pause):
			a.recycle()
			a = render(ctx, event)
		}
	}
	if outcomeOf(a) != failedOut {
		return a
	}
	a.recycle()
	return &answer{cost: a.cost, ends: true, errors: append(gqlerror.List{{
		Message:    "The next item cannot be made at the moment. Subscribe again after the cursor of the last one.",
		Extensions: map[string]any{"code": away},
	}}, a.errors...)}
}

// opened opens a subscription, and ends the following of the request for it: each of its events is
// followed by itself.
func (s *server) opened(ctx context.Context, op *operation, f tracedRequest) (next func() *answer, failed *answer) {
	next, failed = s.stream(ctx, op)
	a := failed
	if a == nil {
		a = &answer{cost: op.cost, sunset: op.sunset}
	}
	f.answered(ctx, "subscription", op, a)
	return next, failed
}

// Rendered is what an event of a stream says. Errors are those of fields of it, as JSON, or nil.
type Rendered struct{ Data, Errors json.RawMessage }

// render opens a stream with a document of our own, which costs nobody anything, and answers its
// first event; nil where it ends without one.
func (s *server) render(ctx context.Context, text string, variables map[string]any) (*Rendered, error) {
	document, errs := s.guard.Document(text)
	if errs != nil {
		return nil, errs
	}
	definition, errs := document.Operation("")
	if errs != nil {
		return nil, errs
	}
	values, err := validator.VariableValues(s.Bindings.Schema, definition, variables)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, failed := s.stream(ctx, &operation{OperationContext: graphql.OperationContext{
		RawQuery: text, Doc: document.QueryDocument, Operation: definition, Variables: values, DisableIntrospection: true,
		RecoverFunc: s.recovered,
	}})
	if failed != nil {
		return nil, failed.errors
	}
	a := next()
	if a == nil {
		return nil, nil
	}
	defer a.recycle()
	rendered := &Rendered{Data: bytes.Clone(a.data)}
	if len(a.errors) > 0 {
		rendered.Errors = a.list()
	}
	return rendered, nil
}

// failed is the answer to a request that does not run.
func (s *server) failed(ctx context.Context, errs gqlerror.List) *answer {
	ctx = graphql.WithResponseContext(ctx, s.present, s.recovered)
	for _, err := range errs {
		graphql.AddError(ctx, err)
	}
	return &answer{errors: graphql.GetErrors(ctx)}
}

// append appends the answer as JSON: its data is that already, and what it took
// is told to everybody. One that is shared is written once.
func (a *answer) append(b []byte) []byte {
	if !a.shared {
		return a.write(b)
	}
	a.once.Do(func() { a.text = a.write(nil) })
	return append(b, a.text...)
}

func (a *answer) write(b []byte) []byte {
	b = append(b, '{')
	if len(a.errors) > 0 {
		b = append(append(append(b, `"errors":`...), a.list()...), ',')
	}
	if a.data != nil {
		b = append(append(append(b, `"data":`...), a.data...), ',')
		b = append(b, `"extensions":{"cost":{"requested":`...)
		b = strconv.AppendInt(b, a.cost, 10)
		b = strconv.AppendInt(append(b, `,"actual":`...), int64(a.took.Objects), 10)
		b = append(b, `},"statistics":{`...)
		for _, n := range [...]struct {
			name string
			n    int64
		}{
			{`"resolverCalls":`, int64(a.took.Calls)},
			{`,"callsSaved":`, int64(a.took.Saved)},
			{`,"statements":`, a.tally.Statements.Load()},
			{`,"sourceCalls":`, a.tally.SourceCalls.Load()},
		} {
			b = strconv.AppendInt(append(b, n.name...), n.n, 10)
		}
		b = append(b, '}')
		if a.took.Errors > 0 {
			b = strconv.AppendInt(append(b, `,"errorsOmitted":`...), int64(a.took.Errors), 10)
		}
		b = appendSunset(b, a.sunset)
		b = append(b, `},`...)
	}
	b[len(b)-1] = '}'
	return b
}

// list are the errors as JSON.
func (a *answer) list() []byte {
	errs, err := json.Marshal(a.errors)
	if err != nil {
		return []byte(`[{"message":"internal error","extensions":{"code":"INTERNAL"}}]`)
	}
	return errs
}

// traced makes a span of each call of a resolver, which serves a whole level,
// in requests whose trace is recorded. Spans carry no arguments: they may be
// anybody's data.
func traced(ctx context.Context, next graphql.Resolver) (any, error) {
	field := graphql.GetFieldContext(ctx)
	ctx, span := telemetry.Part(ctx, field.Object+"."+field.Field.Name, attribute.Int("level", len(field.Path())))
	result, err := next(ctx)
	telemetry.End(span, err, "field failed")
	return result, err
}
