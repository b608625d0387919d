package store

import (
	"cmp"

	"portico/trade"
)

// Number is a record of a list that tests page through.
type Number struct{ N int }

// Numbers is the list of the numbers up to one, by their remainder of three, largest first, and by themselves.
func Numbers(scope trade.Scope, name string, most int) *List[Number] {
	l := &List[Number]{Relation: countedOff, Name: name, Scope: scope, Order: []SortKey{{"g.n % 3", "bigint", true}, {"g.n", "bigint", false}}}
	l.And("g.n <= " + l.Args.Add(most))
	return l
}

var countedOff = Read(Relation[Number]{
	Kind: "Number", From: "generate_series(1, 100) AS g(n)", Visible: AnyParty, Columns: []Columns{Always("g.n AS n")},
}, Identity[Number])

// InOrder are the numbers as the list has them.
func InOrder(a, b int) int { return cmp.Or(cmp.Compare(b%3, a%3), cmp.Compare(a, b)) }
