package graph

import (
	"time"

	"github.com/sosodev/duration"
	"github.com/vektah/gqlparser/v2/ast"
)

// StaleAfter reads from the schema's @source the age past which values of each
// type are stale, by the type's name. A field's own @source speaks for the
// type it leads to.
func StaleAfter() map[string]time.Duration {
	limits := map[string]time.Duration{}
	read := func(name string, directives ast.DirectiveList) {
		d := directives.ForName("source")
		if d == nil {
			return
		}
		if age := d.Arguments.ForName("maxAge"); age != nil {
			if v, err := duration.Parse(age.Value.Raw); err == nil {
				limits[name] = v.ToTimeDuration()
			}
		}
	}
	for _, t := range parsedSchema.Types {
		read(t.Name, t.Directives)
		for _, f := range t.Fields {
			name := f.Type.Name()
			if name == "PriceResult" {
				name = "Price"
			}
			read(name, f.Directives)
		}
	}
	limits["CreditPosition"] = limits["Account"]
	return limits
}
