package execution

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// Executor is a graphql.ExecutableSchema that runs plans. Its fields are set
// before the first operation.
type Executor struct {
	b     *Bindings
	plans *lru.Cache[*ast.OperationDefinition, *variants]

	// Width is how many calls of one operation run at a time.
	Width int
	// Rights, unless nil, tell what the caller of an operation may not read.
	Rights Rights
}

// Rights tell what the caller in a context may not read. They are asked when a
// plan is compiled, and the plan is kept for all callers with the same key.
type Rights interface {
	// Key is the same text for callers with the same rights.
	Key(ctx context.Context) string
	// Deny tells why the caller may not read a field, by its coordinate
	// ("Type.field"); nil when it may.
	Deny(ctx context.Context, coordinate string) error
}

// Statistics are what one operation took.
type Statistics struct {
	Calls   int // of resolvers
	Saved   int // calls that one per parent would have made besides
	Objects int // in the answer, below its root
	Errors  int // that were left out of the answer, past the first 100
}

// variants are the plans of one operation.
type variants struct {
	conditions []string // variables that decide what is selected
	plans      *lru.Cache[variant, *plan]
}

// variant is what decides, besides the operation, what a plan selects.
type variant struct{ conditions, rights string }

const (
	keptOperations = 1000 // as many as the query cache keeps documents
	keptVariants   = 16
	defaultWidth   = 16
	maxErrors      = 100
)

// New returns an executor of the schema that b describes.
func New(b *Bindings) (*Executor, error) {
	plans, err := lru.New[*ast.OperationDefinition, *variants](keptOperations)
	if err != nil {
		return nil, err
	}
	return &Executor{b: b, Width: defaultWidth, plans: plans}, nil
}

// Schema is the schema that operations are validated against.
func (x *Executor) Schema() *ast.Schema { return x.b.Schema }

// Complexity is the cost that the schema's own functions give a field.
func (x *Executor) Complexity(ctx context.Context, typeName, field string, child int, args map[string]any) (int, bool) {
	return x.b.Complexity(ctx, typeName, field, child, args)
}

// plan finds or compiles the plan of an operation under its variables and its
// caller's rights.
func (x *Executor) plan(ctx context.Context, oc *graphql.OperationContext) (*plan, error) {
	v, ok := x.plans.Get(oc.Operation)
	if !ok {
		plans, err := lru.New[variant, *plan](keptVariants)
		if err != nil {
			return nil, err
		}
		v = &variants{conditions(oc.Doc, oc.Operation), plans}
		x.plans.Add(oc.Operation, v)
	}
	key := variant{conditions: truth(v.conditions, oc.Variables)}
	if x.Rights != nil {
		key.rights = x.Rights.Key(ctx)
	}
	if p, ok := v.plans.Get(key); ok {
		return p, nil
	}
	var deny func(string) error
	if x.Rights != nil {
		deny = func(coordinate string) error { return x.Rights.Deny(ctx, coordinate) }
	}
	p := x.b.compile(oc.Doc, oc.Operation, oc.Variables, deny)
	v.plans.Add(key, p)
	return p, nil
}

// Exec is Answer or Subscribe, as gqlgen asks for them.
func (x *Executor) Exec(ctx context.Context) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation != ast.Subscription {
		done := false
		return func(ctx context.Context) *graphql.Response {
			if done {
				return nil
			}
			done = true
			data, _ := x.Answer(ctx)
			return &graphql.Response{Data: data}
		}
	}
	stream := x.Subscribe(ctx)
	return func(ctx context.Context) *graphql.Response {
		if stream == nil {
			return nil
		}
		event, ok := stream.Next(ctx)
		if !ok {
			return nil
		}
		data, _ := stream.Answer(ctx, event)
		return &graphql.Response{Data: data}
	}
}

// null is the data of an operation that failed as a whole. It is made anew each
// time, for data may be recycled.
func null() []byte { return []byte("null") }

// Answer runs the query or mutation in ctx and returns its data as JSON. Errors
// are added to the response context in ctx.
func (x *Executor) Answer(ctx context.Context) ([]byte, Statistics) {
	oc := graphql.GetOperationContext(ctx)
	p, err := x.plan(ctx, oc)
	if err != nil {
		graphql.AddError(ctx, err)
		return null(), Statistics{}
	}
	r := x.newRun(ctx, p, oc)
	r.root()
	if oc.Operation.Operation != ast.Mutation { // those the encoder starts, one root after the other
		r.start(r.complete(p.root, nil)) //nolint:contextcheck // the run carries the operation's context
	}
	return r.respond() //nolint:contextcheck // the run carries the operation's context
}

func (r *run) respond() ([]byte, Statistics) {
	b, objects, errs := r.encode()
	if err := r.broken.Load(); err != nil {
		graphql.AddError(r.ctx, *err)
		return null(), Statistics{}
	}
	r.report(errs)
	r.recycle()
	calls, parents := int(r.made.Load()), int(r.served.Load())
	return b, Statistics{Calls: calls, Saved: parents - calls, Objects: max(objects-1, 0), Errors: max(len(errs)-maxErrors, 0)}
}

func (r *run) root() {
	if r.p.root.frame >= 0 {
		root := &r.frames[r.p.root.frame]
		root.objs = append(root.objs, nil)
	}
}

// Subscription is an open stream of events.
type Subscription struct {
	x      *Executor
	p      *plan
	oc     *graphql.OperationContext
	events Events
}

// Subscribe opens the subscription in ctx, whose end is the stream's. It is nil
// where the stream did not open, and why is in the response context.
func (x *Executor) Subscribe(ctx context.Context) *Subscription {
	oc := graphql.GetOperationContext(ctx)
	p, err := x.plan(ctx, oc)
	if err != nil {
		graphql.AddError(ctx, err)
		return nil
	}
	r := x.newRun(ctx, p, oc)
	if len(p.root.fields) != 1 || p.root.fields[0].call == nil && p.root.fields[0].denied == nil {
		graphql.AddErrorf(ctx, "must subscribe to exactly one stream")
		return nil
	}
	root := p.root.fields[0]
	var events Events
	if err = root.denied; err == nil {
		events, err = r.open(root.call) //nolint:contextcheck // the run carries the operation's context
	}
	if err != nil {
		e := &encoder{r: r}
		e.fail(root, err)
		r.report(e.errs)
		return nil
	}
	if events == nil {
		return nil
	}
	return &Subscription{x, p, oc, events}
}

// Next waits for the next event; not ok is the end of the stream.
func (s *Subscription) Next(ctx context.Context) (event any, ok bool) { return s.events(ctx) }

// Item is what an event is about: the value that the stream told.
func (s *Subscription) Item(event any) any { return s.p.root.fields[0].call.b.One(event, 0) }

// Answer runs the operation for an event and returns its data as JSON. Errors
// are added to the response context in ctx.
func (s *Subscription) Answer(ctx context.Context, event any) ([]byte, Statistics) {
	r := s.x.newRun(ctx, s.p, s.oc)
	r.root()
	root := s.p.root.fields[0]
	opened := &r.calls[root.call.id]
	opened.results, opened.n, opened.ctx = event, 1, ctx
	opened.waits.Store(0)
	var ready []*call
	if root.below() {
		r.gather(root, event, 0)
		ready = r.finish(root, nil)
	}
	r.start(ready)     //nolint:contextcheck // the run carries the operation's context
	return r.respond() //nolint:contextcheck // the run carries the operation's context
}

func (r *run) open(k *call) (next Events, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = r.oc.RecoverFunc(r.ctx, p)
		}
	}()
	fc := &graphql.FieldContext{Object: k.object, Field: collected(k), IsResolver: true, IsMethod: true}
	ctx := graphql.WithFieldContext(r.ctx, fc)
	if fc.Args, err = r.arguments(ctx, k); err != nil {
		return nil, err
	}
	var pulled Events
	if next, err = k.b.Stream(context.WithValue(ctx, pullKey{}, &pulled), r.ec, fc.Args); next == nil {
		next = pulled
	}
	return next, err
}
