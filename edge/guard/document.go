// Package guard is what a request meets before anything expensive is done for
// it: documents are measured before they are validated, and costed before they
// run. It knows GraphQL and nothing of the trade.
package guard

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Codes that refusals carry in extensions.code.
const (
	TooLarge   = "DOCUMENT_TOO_LARGE"
	TooComplex = "DOCUMENT_TOO_COMPLEX"
	TooCostly  = "OPERATION_TOO_COSTLY"
	NotParsed  = "GRAPHQL_PARSE_FAILED"
	NotValid   = "GRAPHQL_VALIDATION_FAILED"
)

// Limits are what a document may have at most.
type Limits struct {
	Bytes      int
	Tokens     int
	Word       int   // bytes of a name or number
	Variables  int   // in the document
	Width      int   // fields and fragments of one selection set, as written
	Fields     int   // and fragments, each written out where it is spread
	Depth      int   // of selection sets, fragments written out
	Aliases    int   // in the document
	Repeats    int   // of one response key, or one fragment, in one selection set
	Pairs      int   // of fields in one place of the answer, fragments written out
	Directives int   // in the document
	Operations int   // in the document
	Fragments  int   // in the document
	Cost       int64 // of an operation
}

// Default are limits that leave room for every page a portal may want.
var Default = Limits{
	Bytes: 64 << 10, Tokens: 2000, Word: 200, Variables: 100, Width: 200, Fields: 5000, Depth: 20, Aliases: 60, Repeats: 60, Pairs: 4000,
	Directives: 60, Operations: 20, Fragments: 60, Cost: 2_000_000,
}

const (
	keptDocuments = 1000
	maxErrors     = 5   // of validation that are told
	maxMessage    = 200 // bytes of what a message may say
)

// Guard keeps the documents that were found good.
type Guard struct {
	limits Limits
	schema *ast.Schema
	// scalars read what clients write for them, by name; those that are not there have rules of the language's own.
	scalars map[string]Scalar
	lists   map[string]bool // input types that may hold them
	rules   []validator.Rule
	kept    *lru.Cache[string, *Document]
	// looking has room for half the processors: documents that nobody sent before
	// are parsed and validated by no more at once, so that a flood of them leaves
	// the other half to those that are known.
	looking chan struct{}
}

// New guards a schema, and what clients write for its scalars.
func New(schema *ast.Schema, limits Limits, scalars map[string]Scalar) (*Guard, error) {
	kept, err := lru.New[string, *Document](keptDocuments)
	if err != nil {
		return nil, err
	}
	g := &Guard{
		limits: limits, schema: schema, scalars: scalars, lists: holdingLists(schema), kept: kept,
		looking: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
	}
	// What a caller may not see must not be suggested to it.
	bare := map[string]validator.Rule{
		"FieldsOnCorrectType": rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
		"ScalarLeafs":         rules.ScalarLeafsRuleWithoutSuggestions,
		"KnownArgumentNames":  rules.KnownArgumentNamesRuleWithoutSuggestions,
		"KnownTypeNames":      rules.KnownTypeNamesRuleWithoutSuggestions,
		"ValuesOfCorrectType": rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	}
	all := rules.NewDefaultRules().GetInner()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		rule, suggests := bare[name]
		if !suggests {
			rule = validator.Rule{Name: name, RuleFunc: all[name]}
		}
		g.rules = append(g.rules, rule)
	}
	return g, nil
}

// Document is a document within its limits and valid.
type Document struct {
	*ast.QueryDocument
	costs  map[*ast.OperationDefinition]*cost
	inputs map[*ast.OperationDefinition][]input
}

// Document parses a document, or refuses it: for its size, what its tokens
// show, what it would be with its fragments written out, and only then for what
// is not valid in it. Each step is cheap for whatever the step before let pass.
func (g *Guard) Document(query string) (*Document, gqlerror.List) {
	if kept, ok := g.kept.Get(query); ok {
		return kept, nil
	}
	if len(query) > g.limits.Bytes {
		return nil, refused(TooLarge, "The document is longer than %d KiB.", g.limits.Bytes>>10)
	}
	g.looking <- struct{}{}
	defer func() { <-g.looking }()
	source := &ast.Source{Input: query}
	if errs := g.scan(source); errs != nil {
		return nil, errs
	}
	parsed, err := parser.ParseQuery(source)
	if err != nil {
		return nil, withCode(NotParsed, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
	}
	if len(parsed.Operations) == 0 {
		return nil, refused(NotValid, "The document has no operation: write one such as { viewer { user { id } } }.")
	}
	if errs := g.measure(parsed); errs != nil {
		return nil, errs
	}
	if errs := g.validate(parsed); len(errs) > 0 {
		return nil, withCode(NotValid, errs)
	}
	d := &Document{
		parsed, make(map[*ast.OperationDefinition]*cost, len(parsed.Operations)),
		make(map[*ast.OperationDefinition][]input, len(parsed.Operations)),
	}
	for _, op := range parsed.Operations {
		if op.Operation == ast.Subscription && roots(op.SelectionSet, map[string]bool{}) != 1 {
			return nil, refused(NotValid, "A subscription selects exactly one root field.")
		}
		d.costs[op] = g.costOf(op)
		var errs gqlerror.List
		if d.inputs[op], errs = g.inputs(op); errs != nil {
			return nil, errs
		}
	}
	g.kept.Add(query, d)
	return d, nil
}

// Operation is the one with a name; the only one where none is given.
func (d *Document) Operation(name string) (*ast.OperationDefinition, gqlerror.List) {
	if op := d.Operations.ForName(name); op != nil {
		return op, nil
	}
	if name == "" {
		return nil, refused(NotValid, "The document has several operations: name one in operationName.")
	}
	return nil, refused(NotValid, "The document has no operation of that name.")
}

// Cost is that of an operation of the document under its variables, or the
// refusal of one that costs too much.
func (g *Guard) Cost(d *Document, op *ast.OperationDefinition, variables map[string]any) (int64, gqlerror.List) {
	n := d.costs[op].of(&sizes{variables: variables})
	if n > g.limits.Cost {
		return n, refused(TooCostly,
			"The operation costs %d, and may cost %d. Ask for fewer elements (first, last), or for fewer lists in lists.", n, g.limits.Cost)
	}
	return n, nil
}

// Invalid is the refusal of variables that are not what the operation says.
func Invalid(err error) gqlerror.List {
	return withCode(NotValid, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}

// errEnough ends a validation that has found as many errors as are told: a client
// can make one with every two tokens.
var errEnough = errors.New("enough errors")

// validate tells the first errors of a document.
func (g *Guard) validate(d *ast.QueryDocument) (errs gqlerror.List) {
	defer func() {
		if p := recover(); p != nil && p != any(errEnough) {
			panic(p)
		}
	}()
	observers := &validator.Events{}
	for _, rule := range g.rules {
		rule.RuleFunc(observers, func(options ...validator.ErrorOption) {
			e := &gqlerror.Error{Rule: rule.Name}
			for _, option := range options {
				option(e)
			}
			if errs = append(errs, e); len(errs) == maxErrors {
				panic(errEnough)
			}
		})
	}
	validator.Walk(g.schema, d, observers)
	return errs
}

// roots counts the response keys at a subscription's root, for validation
// counts the names of fields.
func roots(set ast.SelectionSet, seen map[string]bool) int {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			seen[s.Alias] = true
		case *ast.InlineFragment:
			roots(s.SelectionSet, seen)
		case *ast.FragmentSpread:
			roots(s.Definition.SelectionSet, seen)
		}
	}
	return len(seen)
}

func refused(code, format string, args ...any) gqlerror.List {
	return gqlerror.List{{Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": code}}}
}

// withCode are errors, none of them long, with their code. A client can make each
// as long as the document.
func withCode(code string, errs gqlerror.List) gqlerror.List {
	for _, e := range errs {
		if e.Message = clip(e.Message); e.Extensions == nil {
			e.Extensions = map[string]any{}
		}
		e.Extensions["code"] = code
		e.Locations = e.Locations[:min(len(e.Locations), 2)]
	}
	return errs
}

func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return s[:maxMessage] + "..."
}
