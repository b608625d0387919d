package edge

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"portico/edge/auth"
	"portico/trade"
)

func TestAChangeIsAnsweredOnceForAllWhoAreToldTheSame(t *testing.T) {
	var s sharing
	var made atomic.Int32
	begun, go_ := make(chan bool), make(chan bool)
	mk := func() *answer {
		if made.Add(1) == 1 {
			close(begun)
			<-go_
		}
		return &answer{data: []byte("1")}
	}
	var all sync.WaitGroup
	all.Go(func() { s.of(t.Context(), "a", mk) })
	<-begun
	left, leave := context.WithCancel(t.Context())
	leave()
	if a := s.of(left, "a", mk); a != nil {
		t.Error("who has left is told")
	}
	for range 50 {
		all.Go(func() {
			if a := s.of(t.Context(), "a", mk); a == nil || !a.shared || string(a.data) != "1" {
				t.Errorf("told %+v", a)
			}
		})
	}
	if a := s.of(t.Context(), "b", mk); a == nil {
		t.Error("another change waits for this one")
	}
	close(go_)
	all.Wait()
	if made.Load() != 2 {
		t.Errorf("made %d times, want once for each change", made.Load())
	}
	s.turned = time.Now().Add(-2 * sharedFor)
	s.of(t.Context(), "c", mk)
	if s.of(t.Context(), "a", mk); made.Load() != 3 {
		t.Error("who comes a little later has it made anew")
	}
	s.turned = time.Now().Add(-2 * sharedFor)
	s.of(t.Context(), "d", mk)
	if s.of(t.Context(), "a", mk); made.Load() != 5 {
		t.Errorf("an answer is kept for ever: made %d times", made.Load())
	}
}

func TestOnlyThoseShareWhoAreToldTheSame(t *testing.T) {
	const plain = `subscription ($after: String, $n: Int, $d: Boolean!) { s(after: $after) { id events(first: $n) { id } ...F } } fragment F
		on X { a @include(if: $d) }`
	key := func(user string, scope trade.Scope, query string, variables map[string]any) string {
		doc, err := parser.ParseQuery(&ast.Source{Input: query})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range doc.Operations[0].SelectionSet[0].(*ast.Field).SelectionSet {
			if spread, ok := f.(*ast.FragmentSpread); ok {
				spread.Definition = doc.Fragments.ForName(spread.Name)
			}
		}
		op := &operation{OperationContext: graphql.OperationContext{RawQuery: query, Operation: doc.Operations[0], Variables: variables}}
		return sharedBy(auth.Caller{Principal: &auth.Principal{Subject: user}, Scope: scope}, op)
	}
	a := trade.SupplierScope("a", []string{"shipment:read"})
	base := key("u", a, plain, map[string]any{"after": "1", "n": 1, "d": true})
	for name, c := range map[string]struct {
		got  string
		same bool
	}{
		"another user who sees the same":  {key("v", a, plain, map[string]any{"after": "1", "n": 1, "d": true}), true},
		"from another cursor":             {key("u", a, plain, map[string]any{"after": "2", "n": 1, "d": true}), true},
		"another argument below":          {key("u", a, plain, map[string]any{"after": "1", "n": 2, "d": true}), false},
		"another directive in a fragment": {key("u", a, plain, map[string]any{"after": "1", "n": 1, "d": false}), false},
		"another document":                {key("u", a, plain+" ", map[string]any{"after": "1", "n": 1, "d": true}), false},
		"another party": {key("u", trade.SupplierScope("b", []string{"shipment:read"}), plain,
			map[string]any{"after": "1", "n": 1, "d": true}), false},
		"other rights": {key("u", trade.SupplierScope("a", []string{"shipment:read", "po:read"}), plain,
			map[string]any{"after": "1", "n": 1, "d": true}), false},
		"another user, of what is personal": {key("v", a, `subscription { s { order { allowedActions } } }`, nil), false},
	} {
		other := base
		if name == "another user, of what is personal" {
			other = key("u", a, `subscription { s { order { allowedActions } } }`, nil)
		}
		if (c.got == other) != c.same {
			t.Errorf("%s: shared is %t", name, c.got == other)
		}
	}
}
