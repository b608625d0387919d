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
	for name, visible := range map[string]visibility{
		"account": ownAccount("account_id"), "supplier": ownSupplier("supplier_id"), "either": ownEither("account_id", "supplier_id"),
		"systems": operatorOnly, "catalogue": anyParty,
	} {
		var a args
		sql := visible(s, &a)
		all[name] = struct {
			SQL  string
			Args []any
		}{sql, a.list}
	}
	return all
}

// KeptStatements is how many statements are kept.
const KeptStatements = keptStatements
