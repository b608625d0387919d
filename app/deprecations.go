package app

import (
	"github.com/vektah/gqlparser/v2/ast"

	"portico/graph/governance"
	"portico/trade"
	"portico/trade/operating"
)

// deprecations are what goes away of a schema, as the graph tells it.
func deprecations(s *ast.Schema) []*operating.Deprecation {
	all := []*operating.Deprecation{}
	for _, d := range governance.Deprecations(s) {
		since, err := trade.ParseDate(d.Since)
		on, also := trade.ParseDate(d.SunsetOn)
		if err != nil || also != nil { // make check refuses such a schema
			continue
		}
		deprecation := &operating.Deprecation{Coordinate: d.Coordinate, Reason: d.Reason, Since: since, SunsetOn: on}
		if d.Replacement != "" {
			deprecation.Replacement = &d.Replacement
		}
		all = append(all, deprecation)
	}
	return all
}
