package store

import "portico/trade"

// Predicates are those by which a scope sees rows, on columns account_id and
// supplier_id, for a test that holds them to the one decision.
func Predicates(s trade.Scope) map[string]struct {
	SQL  string
	Args []any
} {
	all := map[string]struct {
		SQL  string
		Args []any
	}{}
	for name, visible := range map[string]Visibility{
		"account": OwnAccount("account_id"), "supplier": OwnSupplier("supplier_id"), "either": OwnEither("account_id", "supplier_id"),
		"systems": OperatorOnly, "catalogue": AnyParty,
	} {
		var a Args
		sql := visible(s, &a)
		all[name] = struct {
			SQL  string
			Args []any
		}{sql, a.List}
	}
	return all
}

// KeptStatements is how many statements are kept.
const KeptStatements = keptStatements
