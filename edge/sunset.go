package edge

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/graph/execution"
	"portico/graph/governance"
)

// sunsetCode is the code of an operation that was turned away to show what will be gone.
const sunsetCode = "SUNSET"

// BrownOut is a time in which what goes away is refused already, so that who still needs it notices
// while there is time.
type BrownOut struct {
	Coordinate string    `yaml:"coordinate"`
	From       time.Time `yaml:"from"`
	To         time.Time `yaml:"to"`
}

// goneSoon are the elements of the schema that go away, by coordinate; which of them an operation
// names is found once a document.
type goneSoon struct {
	all       map[string]governance.Deprecation
	brownOuts []BrownOut
	found     *lru.Cache[*ast.OperationDefinition, []governance.Deprecation]
}

func newGoneSoon(schema *ast.Schema, brownOuts []BrownOut) *goneSoon {
	g := &goneSoon{all: map[string]governance.Deprecation{}, brownOuts: brownOuts}
	for _, d := range governance.Deprecations(schema) {
		g.all[d.Coordinate] = d
	}
	g.found, _ = lru.New[*ast.OperationDefinition, []governance.Deprecation](1000) // it fails for sizes below 1 alone
	return g
}

// usedBy are those that an operation names.
func (g *goneSoon) usedBy(op *ast.OperationDefinition) []governance.Deprecation {
	if len(g.all) == 0 {
		return nil
	}
	if known, ok := g.found.Get(op); ok {
		return known
	}
	var usedBy []governance.Deprecation
	for _, at := range governance.Coordinates(op) {
		if d, ok := g.all[at]; ok {
			usedBy = append(usedBy, d)
		}
	}
	g.found.Add(op, usedBy)
	return usedBy
}

// refused is the refusal of an operation that names something in a brown-out of it; nil where none is.
func (g *goneSoon) refused(usedBy []governance.Deprecation, now time.Time) gqlerror.List {
	for _, d := range usedBy {
		for _, b := range g.brownOuts {
			if b.Coordinate == d.Coordinate && !now.Before(b.From) && now.Before(b.To) {
				message := d.Coordinate + " goes away on " + d.SunsetOn + ", and is not answered until " + b.To.UTC().Format(time.RFC3339) +
					" to show that it will be gone. " + d.Reason
				if d.Replacement != "" {
					message = strings.TrimSuffix(strings.TrimSpace(message), ".") + ". Use " + d.Replacement + "."
				}
				return gqlerror.List{{
					Message: message,
					Extensions: map[string]any{
						"code": sunsetCode, "coordinate": d.Coordinate, "sunsetOn": d.SunsetOn, "replacement": d.Replacement,
						"retryAfter": time.Until(b.To).Seconds(),
					},
				}}
			}
		}
	}
	return nil
}

// setSunset tells in an answer's headers that something of its operation is deprecated (RFC 9745), and when the
// first of it goes away (RFC 8594).
func setSunset(h http.Header, usedBy []governance.Deprecation) {
	if len(usedBy) == 0 {
		return
	}
	since, sunset := usedBy[0].Since, usedBy[0].SunsetOn
	for _, d := range usedBy[1:] {
		since, sunset = min(since, d.Since), min(sunset, d.SunsetOn)
	}
	if at, err := time.Parse(time.DateOnly, since); err == nil {
		h.Set("Deprecation", "@"+strconv.FormatInt(at.Unix(), 10))
	}
	if at, err := time.Parse(time.DateOnly, sunset); err == nil {
		h.Set("Sunset", at.UTC().Format(http.TimeFormat))
	}
}

// appendSunset appends the same for who reads no headers, as a member of extensions.
func appendSunset(b []byte, usedBy []governance.Deprecation) []byte {
	if len(usedBy) == 0 {
		return b
	}
	b = append(b, `,"deprecations":[`...)
	for i, d := range usedBy {
		if i > 0 {
			b = append(b, ',')
		}
		b = execution.AppendString(append(b, `{"coordinate":`...), d.Coordinate)
		b = execution.AppendString(append(b, `,"sunsetOn":`...), d.SunsetOn)
		if d.Replacement != "" {
			b = execution.AppendString(append(b, `,"replacement":`...), d.Replacement)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}
