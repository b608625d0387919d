package execution

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// encoder writes the response in one pass. It visits the objects of every frame in the order
// they were gathered, so a cursor per frame finds an object's results; for that it goes on
// behind a null, which also finds every error, and cuts the buffer afterwards.
type encoder struct {
	r       *run
	path    []step
	errs    []*gqlerror.Error
	denied  []*field // fields whose denial is said
	objects int
	careful bool // a field panicked: every accessor runs guarded
}

type step struct {
	name  string
	index int
}

// encode returns the JSON of the whole response. When an accessor panics, the
// pass is made again with every accessor guarded, so that a panic costs only
// its field, and nothing when there is none.
func (r *run) encode() (data []byte, objects int, errs []*gqlerror.Error) {
	if r.broken.Load() != nil {
		return null(), 0, nil
	}
	for _, careful := range []bool{false, true} {
		e := &encoder{r: r, careful: careful}
		if b, ok := e.try(); ok {
			return b, e.objects, e.errs
		}
		for i := range r.frames {
			r.frames[i].next = 0
		}
	}
	return null(), 0, nil
}

// buffers are answers that were written and given back.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keptBuffer is the size in bytes past which a buffer is not kept.
const keptBuffer = 1 << 20

// Recycle takes the data of a response back, once it is written. Whoever keeps
// the data does not call it.
func Recycle(data []byte) {
	if cap(data) <= keptBuffer {
		buffers.Put(&data)
	}
}

func (e *encoder) try() (b []byte, ok bool) {
	if !e.careful {
		defer func() {
			if p := recover(); p != nil {
				ok = false
			}
		}()
	}
	hint := e.r.p.hint.Load()
	buffer := *buffers.Get().(*[]byte) //nolint:errcheck // the generated table made it
	if int64(cap(buffer)) < hint {
		buffer = make([]byte, 0, max(hint, 512))
	}
	b, good := e.object(buffer[:0], e.r.p.root, nil)
	if !good {
		b = append(b[:0], "null"...)
	}
	if n := int64(len(b)); n > hint || n < hint/4 {
		e.r.p.hint.Store(n + n/8)
	}
	return b, true
}

// object appends o and tells whether it may stand; if not, nothing was appended.
func (e *encoder) object(b []byte, s *selection, o any) ([]byte, bool) {
	start, idx, ok := len(b), 0, true
	if s.frame >= 0 {
		fr := &e.r.frames[s.frame]
		idx = fr.next
		fr.next++
	}
	e.objects++
	b = append(b, '{')
	serial := s == e.r.p.root && e.r.p.op.Operation == ast.Mutation
	for _, f := range s.fields {
		if serial && f.call != nil && !e.r.calls[f.call.id].finish {
			e.r.start([]*call{f.call})
		}
		b = append(b, f.key...)
		if f.leaf != nil && !e.careful {
			if nb := f.leaf(b, o, 0); nb != nil {
				b = nb
				continue
			}
			b = append(b, "null"...)
			if f.nonNull {
				e.null(f)
				ok = false
			}
			continue
		}
		var good bool
		if b, good = e.field(b, s, f, o, idx); !good {
			b = append(b, "null"...)
			ok = ok && !f.nonNull
		}
	}
	if !ok {
		return b[:start], false
	}
	return append(b, '}'), true
}

// field appends the value of f, or nothing and false for null.
func (e *encoder) field(b []byte, s *selection, f *field, o any, idx int) ([]byte, bool) {
	if f.typename {
		return append(append(append(b, '"'), s.object.Name...), '"'), true
	}
	if f.denied != nil { // said once, where it is met first
		if !slices.Contains(e.denied, f) {
			e.denied = append(e.denied, f)
			e.fail(f, f.denied)
		}
		return b, false
	}
	i := 0
	if f.call != nil {
		st := &e.r.calls[f.call.id]
		i = st.base[f.slot] + idx
		if err := st.fault(i); err != nil {
			e.fail(f, err)
			return b, false
		}
		o = st.results
	}
	switch {
	case f.b.Leaf != nil:
		nb, bad := e.leaf(f, func() []byte { return f.b.Leaf(b, o, i) })
		if nb != nil {
			return nb, true
		}
		if f.nonNull && !bad {
			e.null(f)
		}
		return b, false
	case f.b.One != nil:
		v := f.b.One(o, i)
		if v == nil {
			if f.nonNull {
				e.null(f)
			}
			return b, false
		}
		e.path = append(e.path, step{f.alias, -1})
		b, good := e.value(b, f, v, f.nonNull)
		e.path = e.path[:len(e.path)-1]
		return b, good
	}
	n := f.b.Len(o, i)
	if n < 0 {
		if f.nonNull {
			e.null(f)
		}
		return b, false
	}
	start, ok := len(b), true
	b = append(b, '[')
	e.path = append(e.path, step{f.alias, 0})
	top := len(e.path) - 1
	for j := range n {
		if j > 0 {
			b = append(b, ',')
		}
		e.path[top].index = j
		var good, bad bool
		if f.b.LeafAt != nil {
			var nb []byte
			if e.careful {
				nb, bad = e.leaf(nil, func() []byte { return f.b.LeafAt(b, o, i, j) })
			} else {
				nb = f.b.LeafAt(b, o, i, j)
			}
			if nb != nil {
				b, good = nb, true
			}
		} else if v := f.b.At(o, i, j); v != nil {
			b, good = e.value(b, f, v, f.elemNN)
			bad = !good
		}
		if !good {
			b = append(b, "null"...)
			if f.elemNN {
				if !bad {
					e.add(f, e.currentPath(), fmt.Errorf("cannot return null for non-null element of field %s", f.coord))
				}
				ok = false
			}
		}
	}
	e.path = e.path[:top]
	if !ok {
		return b[:start], false
	}
	return append(b, ']'), true
}

// value appends an object of a concrete or abstract type.
func (e *encoder) value(b []byte, f *field, v any, nonNull bool) ([]byte, bool) {
	sel := f.sub
	if f.abstract != nil {
		dyn := v
		var name string
		name, v = f.abstract.kindOf(v)
		if v == nil {
			if name == "" {
				e.add(f, e.currentPath(), fmt.Errorf("unexpected type %T for %s", dyn, f.coord))
			} else if nonNull {
				e.add(f, e.currentPath(), fmt.Errorf("cannot return null for non-null field %s", f.coord))
			}
			return b, false
		}
		sel = f.abstract.byName[name]
	}
	return e.object(b, sel, v)
}

func (e *encoder) leaf(f *field, get func() []byte) (b []byte, bad bool) {
	if !e.careful {
		return get(), false
	}
	defer func() {
		if p := recover(); p != nil {
			err, ok := p.(fieldError)
			b, bad = nil, true
			if ok {
				e.fail(f, err)
			} else {
				e.fail(f, e.r.oc.RecoverFunc(e.r.ctx, p))
			}
		}
	}()
	return get(), false
}

func (e *encoder) null(f *field) {
	e.fail(f, fmt.Errorf("cannot return null for non-null field %s", f.coord))
}

// currentPath is the path of the element being written.
func (e *encoder) currentPath() ast.Path {
	p := make(ast.Path, 0, 2*len(e.path)+1)
	for _, s := range e.path {
		p = append(p, ast.PathName(s.name))
		if s.index >= 0 {
			p = append(p, ast.PathIndex(s.index))
		}
	}
	return p
}

// fail records err at f of the object being written, or, without f, at the
// element of the list being written.
func (e *encoder) fail(f *field, err error) {
	p := e.currentPath()
	if f != nil {
		p = append(p, ast.PathName(f.alias))
	}
	e.add(f, p, err)
}

func (e *encoder) add(f *field, p ast.Path, err error) {
	if pe, ok := errors.AsType[panicked](err); ok {
		err = e.r.oc.RecoverFunc(e.r.ctx, pe.value)
	}
	_, own := errors.AsType[bare](err)
	for _, err := range errorsOf(err) {
		ge := &gqlerror.Error{Err: err, Message: err.Error()}
		if in, ok := errors.AsType[*gqlerror.Error](err); ok {
			c := *in
			ge = &c
			if own {
				ge.Path = nil
			}
		}
		if ge.Path == nil {
			ge.Path = p
		}
		if ge.Locations == nil && f != nil && f.ast.Position != nil {
			ge.Locations = []gqlerror.Location{{Line: f.ast.Position.Line, Column: f.ast.Position.Column}}
		}
		e.errs = append(e.errs, ge)
	}
}

// report hands the errors to the presenter, up to the number that an answer
// carries.
func (r *run) report(errs []*gqlerror.Error) {
	for _, err := range errs[:min(len(errs), maxErrors)] {
		graphql.AddError(r.ctx, err)
	}
}
