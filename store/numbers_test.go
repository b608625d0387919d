package store

import (
	"cmp"

	"portico/trade"
)

// Number is a record of a list that tests page through.
type Number struct{ N int }

// Numbers is the list of the numbers up to one, by their remainder of three, largest first, and by themselves.
func Numbers(scope trade.Scope, name string, most int) *List[Number] {
	l := &List[Number]{relation: countedOff, name: name, scope: scope, order: []sortKey{{"g.n % 3", "bigint", true}, {"g.n", "bigint", false}}}
	l.and("g.n <= " + l.args.add(most))
	return l
}

var countedOff = read(relation[Number]{
	kind: "Number", from: "generate_series(1, 100) AS g(n)", visible: anyParty, columns: []columns{always("g.n AS n")},
}, same[Number])

// InOrder are the numbers as the list has them.
func InOrder(a, b int) int { return cmp.Or(cmp.Compare(b%3, a%3), cmp.Compare(a, b)) }
