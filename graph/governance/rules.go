package governance

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Use is that a client asks for an element of the schema.
type Use struct {
	Coordinate string    `json:"coordinate"`
	Client     string    `json:"client"`
	Calls      int64     `json:"calls"`
	LastUsedAt time.Time `json:"lastUsedAt"`
}

// Document is an operation that a client sends, by where it is kept.
type Document struct{ Name, Text string }

// Deprecation is an element that goes away.
type Deprecation struct {
	Coordinate, Reason, Since, SunsetOn, Replacement string // days as in 2027-06-30
}

// Published is the state of things that a schema is held to.
type Published struct {
	Schema    *ast.Schema
	Use       []Use
	Documents []Document
}

// Check tells what is wrong with a schema on a day: changes that break clients without having
// been announced, elements against the rules, and documents of clients that it does not answer.
func Check(now *ast.Schema, p Published, today time.Time) (problems []string) {
	deprecated := map[string]Deprecation{}
	for _, d := range Deprecations(p.Schema) {
		deprecated[d.Coordinate] = d
	}
	for _, c := range Diff(p.Schema, now) {
		if c.Level != Breaking {
			continue
		}
		if why := forbidden(c, deprecated[c.Coordinate], p.Use, today); why != "" {
			problems = append(problems, fmt.Sprintf("%s: %s: %s", c.Coordinate, c.Message, why))
		}
	}
	problems = append(problems, rules(now)...)
	for _, doc := range p.Documents {
		if _, errs := gqlparser.LoadQueryWithRules(now, doc.Text, nil); errs != nil {
			problems = append(problems, fmt.Sprintf("%s: %s", doc.Name, first(errs)))
		}
	}
	return problems
}

func first(errs gqlerror.List) string {
	e := errs[0]
	if len(e.Locations) > 0 {
		return fmt.Sprintf("line %d: %s", e.Locations[0].Line, e.Message)
	}
	return e.Message
}

// forbidden says why a breaking change may not be made; nothing where it may: what was
// announced goes after its day, unless somebody still asks for it.
func forbidden(c Change, d Deprecation, use []Use, today time.Time) string {
	if !c.Removed || d.Coordinate == "" {
		return "it breaks clients: deprecate what was, with @deprecated and @sunset, and publish that first"
	}
	on, err := time.Parse(time.DateOnly, d.SunsetOn)
	if err != nil || today.Before(on) {
		return "its removal was planned for " + d.SunsetOn + ", and no sooner"
	}
	for _, u := range use {
		if u.Coordinate == c.Coordinate {
			return fmt.Sprintf("%s asked for it %d times, the last time on %s", u.Client, u.Calls, u.LastUsedAt.Format(time.DateOnly))
		}
	}
	return ""
}

var (
	pascal = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
	camel  = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)
	upper  = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)
)

// ours tells whether a definition is this schema's own, and not of GraphQL or of federation.
func ours(d *ast.Definition) bool {
	return !d.BuiltIn && !strings.HasPrefix(d.Name, "_") && d.Name != "FieldSet" && d.Name != "federation__Scope"
}

// rules are what every schema of this house keeps to.
func rules(s *ast.Schema) (problems []string) {
	wrong := func(at, format string, args ...any) {
		problems = append(problems, at+": "+fmt.Sprintf(format, args...))
	}
	checkNamed := func(at, name, description string, like *regexp.Regexp, directives ast.DirectiveList) {
		if !like.MatchString(name) {
			wrong(at, "is not named as the others are (%s)", like)
		}
		if strings.TrimSpace(description) == "" {
			wrong(at, "has no description")
		}
		old, sunset := directives.ForName("deprecated"), directives.ForName("sunset")
		switch {
		case old != nil && sunset == nil:
			wrong(at, "is deprecated without @sunset, which says until when")
		case old == nil && sunset != nil:
			wrong(at, "has a @sunset without @deprecated, which says why")
		case sunset != nil:
			if _, err := dayOf(sunset); err != nil {
				wrong(at, "%v", err)
			}
			if since, err := time.Parse(time.DateOnly, argument(sunset, "since")); err != nil {
				wrong(at, "has a @sunset that does not say since when it is deprecated, such as since: \"2026-06-30\"")
			} else if on, err := dayOf(sunset); err == nil && !since.Before(on) {
				wrong(at, "goes before it is deprecated")
			}
			if r := argument(sunset, "replacement"); r != "" && !exists(s, r) {
				wrong(at, "is to be replaced by %s, which is not there", r)
			}
		}
	}
	for name, d := range s.Types {
		if !ours(d) {
			continue
		}
		checkNamed(name, name, d.Description, pascal, nil)
		for _, v := range d.EnumValues {
			checkNamed(name+"."+v.Name, v.Name, v.Description, upper, v.Directives)
		}
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "_") {
				continue
			}
			at := name + "." + f.Name
			checkNamed(at, f.Name, f.Description, camel, f.Directives)
			for _, a := range f.Arguments {
				checkNamed(at+"("+a.Name+":)", a.Name, a.Description, camel, a.Directives)
			}
			if d == s.Mutation && (f.Arguments.ForName("idempotencyKey") == nil || !strings.HasSuffix(f.Type.NamedType, "Payload")) {
				wrong(at, "is a write: it takes an idempotencyKey and answers with a payload")
			}
		}
		if payload := s.Types[name]; strings.HasSuffix(name, "Payload") &&
			(payload.Fields.ForName("errors") == nil || payload.Fields.ForName("replayed") == nil) {
			wrong(name, "is a payload: it has errors and replayed")
		}
	}
	slices.Sort(problems)
	return problems
}

func argument(d *ast.Directive, name string) string {
	if a := d.Arguments.ForName(name); a != nil {
		return a.Value.Raw
	}
	return ""
}

func dayOf(sunset *ast.Directive) (time.Time, error) {
	on, err := time.Parse(time.DateOnly, argument(sunset, "on"))
	if err != nil {
		return on, errors.New("@sunset(on:) must be a day such as 2027-06-30")
	}
	return on, nil
}

// exists tells whether a coordinate leads to something.
func exists(s *ast.Schema, coordinate string) bool {
	name, field, isField := strings.Cut(coordinate, ".")
	d := s.Types[name]
	return d != nil && (!isField || d.Fields.ForName(field) != nil || d.EnumValues.ForName(field) != nil)
}

// Deprecations are the elements of a schema that go away, soonest first.
func Deprecations(s *ast.Schema) (all []Deprecation) {
	add := func(at string, directives ast.DirectiveList) {
		old, sunset := directives.ForName("deprecated"), directives.ForName("sunset")
		if old != nil && sunset != nil {
			all = append(all, Deprecation{
				at, argument(old, "reason"), argument(sunset, "since"), argument(sunset, "on"),
				argument(sunset, "replacement"),
			})
		}
	}
	for name, d := range s.Types {
		for _, v := range d.EnumValues {
			add(name+"."+v.Name, v.Directives)
		}
		for _, f := range d.Fields {
			add(name+"."+f.Name, f.Directives)
			for _, a := range f.Arguments {
				add(name+"."+f.Name+"("+a.Name+":)", a.Directives)
			}
		}
	}
	slices.SortFunc(all, func(a, b Deprecation) int { return strings.Compare(a.SunsetOn+a.Coordinate, b.SunsetOn+b.Coordinate) })
	return all
}
