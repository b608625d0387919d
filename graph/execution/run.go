package execution

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// run is one execution of a plan. Every frame has one writer, the task that produced it, and
// is complete before a call reads it; the counters order the two.
type run struct {
	*Executor
	p      *plan
	ctx    context.Context
	oc     *graphql.OperationContext
	ec     any
	frames []frame
	spare  *[]frame // where frames came from and go back to
	calls  []state
	gates  []gate
	slots  chan struct{} // nil where there are no more calls than may run at once
	tasks  sync.WaitGroup
	broken atomic.Pointer[error] // a panic outside any field: our own mistake
	dead   chan struct{}         // closed when broken, for who waits at a gate; nil where there is none
	made   atomic.Int64          // calls made
	served atomic.Int64          // parents they served
}

type frame struct {
	objs []any
	next int // the encoder's cursor
}

type state struct {
	ctx     context.Context
	field   graphql.FieldContext
	own     callContext
	waits   atomic.Int32
	results any
	n       int
	errs    []error // per parent
	err     error   // of all parents
	base    []int   // where each frame's parents start
	gate    *gate
	run     *run
	left    bool
	finish  bool
}

func (s *state) fault(i int) error {
	if s.err != nil {
		return s.err
	}
	if s.errs != nil {
		return s.errs[i]
	}
	return nil
}

func (x *Executor) newRun(ctx context.Context, p *plan, oc *graphql.OperationContext) *run {
	spare, ok := p.spare.Get().(*[]frame) // with room for as many objects as a run before had
	if !ok {
		fresh := make([]frame, p.frames)
		spare = &fresh
	}
	r := &run{Executor: x, p: p, ctx: ctx, oc: oc, ec: x.b.Context(oc), frames: *spare, spare: spare, calls: make([]state, len(p.calls))}
	if len(p.calls) > x.Width {
		r.slots = make(chan struct{}, x.Width)
	}
	r.reset()
	return r
}

// recycle keeps the frames for the next run, without what was in them.
func (r *run) recycle() {
	for i := range r.frames {
		f := &r.frames[i]
		clear(f.objs)
		f.objs, f.next = f.objs[:0], 0
	}
	r.p.spare.Put(r.spare)
	r.frames, r.spare = nil, nil
}

// enter waits until one more call may run, and leave says that it ended.
func (r *run) enter() {
	if r.slots != nil {
		r.slots <- struct{}{}
	}
}

func (r *run) leave() {
	if r.slots != nil {
		<-r.slots
	}
}

func (r *run) reset() {
	if len(r.p.gates) > 0 {
		r.gates, r.dead = make([]gate, len(r.p.gates)), make(chan struct{})
	}
	for i, n := range r.p.gates {
		r.gates[i].left.Store(int32(n)) //nolint:gosec // it fits
		r.gates[i].open = make(chan struct{})
	}
	bases := make([]int, r.p.bases)
	for i, k := range r.p.calls {
		s := &r.calls[i]
		s.waits.Store(int32(len(k.parents) + k.after)) //nolint:gosec // it fits
		s.results, s.n, s.errs, s.err, s.left, s.run = nil, 0, nil, nil, false, r
		s.base, bases = bases[:len(k.parents):len(k.parents)], bases[len(k.parents):]
		if k.gate >= 0 {
			s.gate = &r.gates[k.gate]
		}
	}
}

// start runs the calls that wait for nothing but the root, and all that follows from them.
func (r *run) start(ks []*call) {
	r.spread(ks)
	r.tasks.Wait()
}

// spread runs ready calls: the one with the longest way down here, for it ends
// last, and the others beside it.
func (r *run) spread(ready []*call) {
	for len(ready) > 0 {
		for i, k := range ready {
			if k.height > ready[0].height {
				ready[0], ready[i] = k, ready[0]
			}
		}
		for _, k := range ready[1:] {
			r.tasks.Go(func() { r.spread([]*call{k}) })
		}
		ready = r.perform(ready[0])
	}
}

// perform makes one call and gathers what it uncovers.
func (r *run) perform(k *call) (ready []*call) {
	defer func() {
		if p := recover(); p != nil {
			err := r.oc.RecoverFunc(r.ctx, p)
			if r.broken.CompareAndSwap(nil, &err) && r.dead != nil {
				close(r.dead)
			}
			ready = nil
		}
	}()
	s := &r.calls[k.id]
	s.finish = true
	n := 0
	for i, p := range k.parents {
		s.base[i] = n
		n += len(r.frames[p.frame].objs)
	}
	s.n = n
	if n > 0 {
		r.made.Add(1)
		r.served.Add(int64(n))
		r.enter()
		r.resolve(k, s, n)
		r.leave()
	}
	s.leave()
	for _, u := range k.users {
		if !u.f.below() {
			continue
		}
		objs := r.frames[u.sel.frame].objs
		if s.results != nil && s.err == nil {
			for i := range objs {
				at := s.base[u.slot] + i
				if s.errs == nil || s.errs[at] == nil {
					r.gather(u.f, s.results, at)
				}
			}
		}
		ready = r.finish(u.f, ready)
	}
	for _, later := range k.unlocks {
		if r.calls[later.id].waits.Add(-1) == 0 {
			ready = append(ready, later)
		}
	}
	return ready
}

func (r *run) resolve(k *call, s *state, n int) {
	ctx := r.ctx
	if k.parent != nil {
		if up := r.calls[k.parent.id].ctx; up != nil {
			ctx = up
		}
	}
	if s.err = ctx.Err(); s.err != nil {
		return
	}
	if err := r.broken.Load(); err != nil {
		s.err = *err
		return
	}
	defer func() {
		if p := recover(); p != nil {
			s.err = r.oc.RecoverFunc(ctx, p)
		}
	}()
	s.field = graphql.FieldContext{Object: k.object, Field: collected(k), IsResolver: true, IsMethod: true}
	fc := &s.field
	s.own = callContext{graphql.WithFieldContext(ctx, fc), s}
	ctx = &s.own
	s.ctx = ctx
	if fc.Args, s.err = r.arguments(ctx, k); s.err != nil {
		return
	}
	objs := r.frames[k.parents[0].frame].objs
	if len(k.parents) > 1 {
		objs = make([]any, 0, n)
		for _, p := range k.parents {
			objs = append(objs, r.frames[p.frame].objs...)
		}
	}
	results, got, err := r.call(ctx, k, objs, fc.Args)
	if b, ok := errors.AsType[graphql.BatchErrors](err); ok {
		s.errs, err = b.Errors(), nil
		if len(s.errs) != n {
			err = fmt.Errorf("resolver %s returned %d errors for %d parents", k.coord, len(s.errs), n)
		}
	}
	if err == nil && got != n {
		err = fmt.Errorf("resolver %s returned %d results for %d parents", k.coord, got, n)
	}
	s.results, s.err = results, err
}

// call calls the resolver, through the operation's middleware if it has one.
func (r *run) call(ctx context.Context, k *call, objs []any, args map[string]any) (results any, n int, err error) {
	if r.oc.ResolverMiddleware == nil {
		return k.b.Call(ctx, r.ec, objs, args)
	}
	return through(ctx, r, k, objs, args)
}

func through(ctx context.Context, r *run, k *call, objs []any, args map[string]any) (results any, n int, err error) {
	results, err = r.oc.ResolverMiddleware(ctx, func(ctx context.Context) (any, error) {
		var results any
		var err error
		results, n, err = k.b.Call(ctx, r.ec, objs, args)
		return results, err
	})
	return results, n, err
}

// arguments are those of a call. Resolvers only read them, so that arguments
// without variables are decoded once for all runs of the plan.
func (r *run) arguments(ctx context.Context, k *call) (map[string]any, error) {
	if k.b.Args == nil {
		return nil, nil
	}
	if known := k.args.Load(); known != nil {
		return *known, nil
	}
	args, err := k.b.Args(ctx, r.ec, k.ast.ArgumentMap(r.oc.Variables))
	if err != nil {
		return nil, bare{within(err)}
	}
	if k.fixed {
		k.args.Store(&args)
	}
	return args, nil
}

// within tells in an error's extensions where in the arguments it is: its path ends
// at the field, by section 7.1.2 of the specification.
func within(err error) error {
	e, ok := errors.AsType[*gqlerror.Error](err)
	if !ok {
		return err
	}
	for i, step := range e.Path {
		if _, field := step.(ast.PathName); field && i+1 < len(e.Path) {
			if e.Extensions == nil {
				e.Extensions = map[string]any{}
			}
			e.Extensions["argument"] = e.Path[i+1:]
			break
		}
	}
	return err
}

// gather puts the objects under (o, i).f into the frames below it.
func (r *run) gather(f *field, o any, i int) {
	if f.b.One != nil {
		r.place(f, f.b.One(o, i))
		return
	}
	for j := range f.b.Len(o, i) {
		r.place(f, f.b.At(o, i, j))
	}
}

func (r *run) place(f *field, v any) {
	if v == nil {
		return
	}
	sel := f.sub
	if f.abstract != nil {
		var name string
		if name, v = f.abstract.kindOf(v); v == nil {
			return
		}
		sel = f.abstract.byName[name]
	}
	if sel != nil && sel.frame >= 0 {
		r.frames[sel.frame].objs = append(r.frames[sel.frame].objs, v)
	}
}

// finish says that the frames under f are complete.
func (r *run) finish(f *field, ready []*call) []*call {
	if f.sub != nil {
		return r.complete(f.sub, ready)
	}
	if f.abstract != nil {
		for _, s := range f.abstract.order {
			ready = r.complete(s, ready)
		}
	}
	return ready
}

// complete goes down through plain fields and lists the calls whose last parent this was.
func (r *run) complete(s *selection, ready []*call) []*call {
	if s.frame < 0 {
		return ready
	}
	for _, f := range s.fields {
		if f.call == nil && f.below() {
			for _, o := range r.frames[s.frame].objs {
				r.gather(f, o, 0)
			}
			ready = r.finish(f, ready)
		}
	}
	for _, k := range s.calls {
		if r.calls[k.id].waits.Add(-1) == 0 {
			ready = append(ready, k)
		}
	}
	return ready
}
