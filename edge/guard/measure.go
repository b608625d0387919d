package guard

import (
	"maps"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// size is what a selection set is with its fragments written out. Fragments
// count among the fields where they are spread: writing them out takes a step
// for each.
type size struct{ fields, depth int }

// measure refuses a parsed document that is over a limit. Every fragment is
// measured once, however often it is spread, and counting stops at the limits:
// it takes as long as the document, be it one that doubles at every level.
func (g *Guard) measure(d *ast.QueryDocument) gqlerror.List {
	m := measuring{
		limits: g.limits, fragments: make(map[string]ast.SelectionSet, len(d.Fragments)), known: map[string]size{},
		within: map[string]bool{},
	}
	for _, f := range d.Fragments {
		if _, twice := m.fragments[f.Name]; twice { // the second would be validated and not measured
			return refused(NotValid, "The document has two fragments of one name.")
		}
		m.fragments[f.Name] = f.SelectionSet
	}
	for _, op := range d.Operations {
		m.set(op.SelectionSet)
	}
	for name := range m.fragments { // those that nothing spreads, too: they are validated
		m.fragment(name)
	}
	if errs := m.over(); errs != nil {
		return errs
	}
	// From here on what is written out is bounded.
	sets := slices.Collect(maps.Values(m.fragments))
	for _, op := range d.Operations {
		sets = append(sets, op.SelectionSet)
	}
	for _, set := range sets {
		if m.merge([]ast.SelectionSet{set}); m.pairs > g.limits.Pairs {
			return refused(TooComplex,
				"The document selects the same fields too often in the same places: validation would compare more than %d pairs of them.",
				g.limits.Pairs)
		}
	}
	return nil
}

// merge counts the pairs of fields that stand in one place of the answer, for
// validation compares each with each.
func (m *measuring) merge(sets []ast.SelectionSet) {
	places := map[string][]ast.SelectionSet{}
	for _, set := range sets {
		m.gather(set, places)
	}
	for _, below := range places {
		if m.pairs += len(below) * (len(below) - 1) / 2; m.pairs > m.limits.Pairs {
			return
		}
		m.merge(below)
	}
}

func (m *measuring) gather(set ast.SelectionSet, places map[string][]ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			places[s.Alias] = append(places[s.Alias], s.SelectionSet)
		case *ast.InlineFragment:
			m.gather(s.SelectionSet, places)
		case *ast.FragmentSpread:
			m.gather(m.fragments[s.Name], places)
		}
	}
}

type measuring struct {
	limits          Limits
	fragments       map[string]ast.SelectionSet
	known           map[string]size
	within          map[string]bool // fragments that are being measured
	repeats         int             // of what is repeated most
	largest         size
	unknown, circle bool // a fragment is spread that is not there, or in itself
	pairs           int  // of fields in one place
}

func (m *measuring) over() gqlerror.List {
	l := m.limits
	switch {
	case m.unknown: // validation would compare each with every other
		return refused(NotValid, "The document spreads a fragment that is not in it.")
	case m.circle: // has no end when it is written out
		return refused(NotValid, "The document spreads a fragment in itself.")
	case m.largest.fields > l.Fields:
		return refused(TooComplex, "The document selects more than %d fields and fragments, with its fragments written out.", l.Fields)
	case m.largest.depth > l.Depth:
		return refused(TooComplex, "The document is deeper than %d levels.", l.Depth)
	case m.repeats > l.Repeats:
		return refused(TooComplex, "The document selects one field or fragment more than %d times in one place.", l.Repeats)
	}
	return nil
}

func (m *measuring) set(set ast.SelectionSet) (total size) {
	if len(set) == 0 {
		return total
	}
	seen := make(map[string]int, len(set))
	for _, s := range set {
		var part size
		var key string
		switch s := s.(type) {
		case *ast.Field:
			key = s.Alias
			below := m.set(s.SelectionSet)
			part = size{below.fields + 1, below.depth + 1}
		case *ast.InlineFragment:
			key = "... on " + s.TypeCondition
			part = m.set(s.SelectionSet)
			part.fields++
		case *ast.FragmentSpread:
			key = "..." + s.Name
			part = m.fragment(s.Name)
			part.fields++
		}
		seen[key]++
		m.repeats = max(m.repeats, seen[key])
		total = size{min(total.fields+part.fields, m.limits.Fields+1), max(total.depth, min(part.depth, m.limits.Depth+1))}
	}
	m.largest = size{max(m.largest.fields, total.fields), max(m.largest.depth, total.depth)}
	return total
}

func (m *measuring) fragment(name string) size {
	if known, ok := m.known[name]; ok {
		return known
	}
	set, there := m.fragments[name]
	m.unknown = m.unknown || !there
	m.circle = m.circle || m.within[name]
	if !there || m.within[name] {
		return size{}
	}
	m.within[name] = true
	m.known[name] = m.set(set)
	delete(m.within, name)
	return m.known[name]
}
