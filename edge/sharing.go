package edge

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"portico/edge/auth"
)

// Many who follow the same things with the same document, and may see the same, are told the
// same of a change: it is answered once for all of them.

// shareable is an event that is the same one for all who are told of it with the same key.
type shareable interface{ SharedAs() string }

// personal are fields that say something else to each caller, whatever they may see.
var personal = []string{"allowedActions", "idempotencyKey", "usage"}

// sharedFor is how long an answer is kept for others that are told of the same change, twice
// as long at most. Whoever comes later has it made anew.
const sharedFor = time.Second

// sharing keeps answers to events while others may want the same.
type sharing struct {
	mu            sync.Mutex
	turned        time.Time
	young, former map[string]*sharedAnswer
}

type sharedAnswer struct {
	made chan struct{}
	a    *answer
}

// of is the answer under a key, made once however many ask at a time. A caller whose ctx ends
// waits no longer, and gets none.
func (s *sharing) of(ctx context.Context, key string, mk func() *answer) *answer {
	s.mu.Lock()
	if now := time.Now(); now.Sub(s.turned) > sharedFor {
		s.former, s.young, s.turned = s.young, map[string]*sharedAnswer{}, now
	}
	one := s.young[key]
	if one == nil {
		one = s.former[key]
	}
	if one == nil {
		one = &sharedAnswer{made: make(chan struct{})}
		s.young[key] = one
		s.mu.Unlock()
		defer close(one.made)
		one.a = mk()
		one.a.shared = true
		return one.a
	}
	s.mu.Unlock()
	select {
	case <-one.made:
		return one.a
	case <-ctx.Done():
		return nil
	}
}

// sharedBy is what two streams have in common that are told the same of the same change: what
// their callers may see, the document, and the variables that its answers depend on.
func sharedBy(caller auth.Caller, op *operation) string {
	root := op.Operation.SelectionSet
	used := map[string]any{}
	for _, s := range root {
		// The arguments of the stream say which changes are told; how, is said below it.
		if f, ok := s.(*ast.Field); ok {
			variablesOf(f.SelectionSet, op.Variables, used, map[string]bool{})
			directives(f.Directives, op.Variables, used)
		}
	}
	variables, err := json.Marshal(used)
	if err != nil {
		return "" // shared with nobody
	}
	key := caller.Scope.Key() + "\n" + op.OperationName + "\n" + string(variables) + "\n"
	for _, field := range personal {
		if strings.Contains(op.RawQuery, field) && caller.Principal != nil {
			key += auth.UserID(caller.Principal) + "\n"
			break
		}
	}
	sum := sha256.Sum256([]byte(key + op.RawQuery))
	return string(sum[:])
}

func variablesOf(set ast.SelectionSet, all, used map[string]any, seen map[string]bool) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			for _, a := range s.Arguments {
				value(a.Value, all, used)
			}
			directives(s.Directives, all, used)
			variablesOf(s.SelectionSet, all, used, seen)
		case *ast.InlineFragment:
			directives(s.Directives, all, used)
			variablesOf(s.SelectionSet, all, used, seen)
		case *ast.FragmentSpread:
			directives(s.Directives, all, used)
			if !seen[s.Name] && s.Definition != nil {
				seen[s.Name] = true
				variablesOf(s.Definition.SelectionSet, all, used, seen)
			}
		}
	}
}

func directives(list ast.DirectiveList, all, used map[string]any) {
	for _, d := range list {
		for _, a := range d.Arguments {
			value(a.Value, all, used)
		}
	}
}

func value(v *ast.Value, all, used map[string]any) {
	if v == nil {
		return
	}
	if v.Kind == ast.Variable {
		used[v.Raw] = all[v.Raw]
	}
	for _, c := range v.Children {
		value(c.Value, all, used)
	}
}
