package governance

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// Counter counts what clients ask for: by document as they ask, which is one addition, and by
// element of the schema when it is read.
type Counter struct {
	mu   sync.Mutex
	seen map[asked]*calls
}

type asked struct {
	operation *ast.OperationDefinition
	client    string
}

type calls struct {
	n    int64
	last time.Time
}

// Count counts an operation that a client sent. Operations are told apart by where they are in
// memory: the same document is parsed once.
func (c *Counter) Count(op *ast.OperationDefinition, client string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[asked]*calls{}
	}
	key := asked{op, client}
	was := c.seen[key]
	if was == nil {
		was = &calls{}
		c.seen[key] = was
	}
	was.n++
	was.last = time.Now()
}

// Take is what was asked since it was taken last, by element and client.
func (c *Counter) Take() []Use {
	c.mu.Lock()
	seen := c.seen
	c.seen = nil
	c.mu.Unlock()
	type key struct{ coordinate, client string }
	found := map[key]*Use{}
	for a, calls := range seen {
		for _, at := range Coordinates(a.operation) {
			u := found[key{at, a.client}]
			if u == nil {
				u = &Use{Coordinate: at, Client: a.client}
				found[key{at, a.client}] = u
			}
			if u.Calls += calls.n; u.LastUsedAt.Before(calls.last) {
				u.LastUsedAt = calls.last
			}
		}
	}
	all := make([]Use, 0, len(found))
	for _, u := range found {
		all = append(all, *u)
	}
	slices.SortFunc(all, func(a, b Use) int { return strings.Compare(a.Coordinate+" "+a.Client, b.Coordinate+" "+b.Client) })
	return all
}

// Coordinates are the elements of the schema that an operation, which is valid, names: fields,
// arguments, and the input fields and enum values that are written in it.
func Coordinates(op *ast.OperationDefinition) []string {
	found := map[string]bool{}
	coordinates(op.SelectionSet, found, map[*ast.FragmentDefinition]bool{})
	all := make([]string, 0, len(found))
	for at := range found {
		all = append(all, at)
	}
	slices.Sort(all)
	return all
}

func coordinates(set ast.SelectionSet, found map[string]bool, seen map[*ast.FragmentDefinition]bool) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if s.ObjectDefinition != nil && !strings.HasPrefix(s.Name, "__") {
				at := s.ObjectDefinition.Name + "." + s.Name
				found[at] = true
				for _, a := range s.Arguments {
					found[at+"("+a.Name+":)"] = true
					collectGiven(a.Value, found)
				}
			}
			coordinates(s.SelectionSet, found, seen)
		case *ast.InlineFragment:
			coordinates(s.SelectionSet, found, seen)
		case *ast.FragmentSpread:
			if s.Definition != nil && !seen[s.Definition] {
				seen[s.Definition] = true
				coordinates(s.Definition.SelectionSet, found, seen)
			}
		}
	}
}

func collectGiven(v *ast.Value, found map[string]bool) {
	if v == nil {
		return
	}
	if v.Kind == ast.EnumValue && v.Definition != nil {
		found[v.Definition.Name+"."+v.Raw] = true
	}
	for _, c := range v.Children {
		if v.Kind == ast.ObjectValue && v.Definition != nil {
			found[v.Definition.Name+"."+c.Name] = true
		}
		collectGiven(c.Value, found)
	}
}
