package store_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portico/store"
	"portico/store/storetest"
	"portico/trade"
)

// reading finds the tables that a piece of SQL reads.
var reading = regexp.MustCompile(`(?i)\b(?:FROM|JOIN)\s+([a-z_]+)\b`)

// owned are the tables whose rows belong to an account or a supplier.
var owned = []string{
	"accounts", "account_locations", "account_items", "credit_positions", "contracts", "orders", "order_lines", "schedule_lines",
	"purchase_orders", "purchase_order_lines",
	"purchase_schedule_lines", "shipments", "shipment_orders", "shipment_purchase_orders", "shipment_events", "packages", "package_lines",
	"invoices", "invoice_lines",
	"returns", "return_lines", "trading_partners", "approvals", "spending_limits", "order_changes", "commitment_changes", "users", "timeline",
	"purchase_order_responses", "line_acknowledgments", "deviations", "supply_impacts", "alerts", "alert_orders", "despatch_advices",
	"handling_units", "despatch_lines",
	"purchase_order_revisions", "supplier_items", "lead_time_changes", "changes", "webhook_endpoints", "webhook_deliveries", "measured",
}

// predicates are what joins a scope into a statement; a function may also read a
// relation, which has one, within a scope.
var (
	predicates = []string{
		"ofOwnAccounts", "ofAccount", "OwnAccount", "OwnSupplier", "OwnEither", "ownEndpoint", "OperatorOnly", "shipmentVisible",
	}
	readings = []string{"By", "Under", "Relation", "Visible"}
)

// unscoped are the functions that read such tables for nobody in particular,
// and why they may.
var unscoped = map[string]string{
	"ShipmentsToRegister":     "the process that tells the carrier of parcels, at nobody's request",
	"AccountTree":             "it makes scopes: the numbers come from a verified token",
	"RegisterPartner":         "of a partner that operators alone register",
	"PartnerGrant":            "it makes scopes: the code comes from a verified token",
	"MessagesEnded":           "receipts are signed at nobody's request",
	"kinds":                   "what is held is compared with what its source says, at nobody's request",
	"tracked":                 "what a carrier's system reports is marked, at nobody's request",
	"ReturnsAsked":            "of an order that was locked within the caller's scope just before",
	"OursAt":                  "what a source has forgotten is listed for operators, at nobody's request",
	"NumberOf":                "of the order of an operation, at nobody's request",
	"OrderChangesSince":       "of an order that was locked within the caller's scope just before",
	"SetSpendingLimit":        "for whoever runs this alone",
	"SpentSince":              "by the caller's own id, which comes from a verified token",
	"PlaceOrders":             "their accounts were read within the caller's scope just before",
	"withPurchaseLines":       "of a purchase order that was locked within the caller's scope just before",
	"PeggingOf":               "which customers count on a supply is found whoever answers; operators alone are told",
	"CasesOf":                 "of an answer whose purchase order was locked within the caller's scope just before",
	"LinesAnswered":           "of an answer whose purchase order was locked within the caller's scope just before",
	"ResponseByNumber":        "of the supplier of a purchase order that was locked within the caller's scope just before",
	"changesWhere":            "for streams, of which each asks whose a change is; those that are missed are read within the scope",
	"RestartLog":              "what is of another database is removed at nobody's request",
	"nextLead":                "of an item in a supplier's range, which is read within the scope",
	"LogWaits":                "it tells no change",
	"RemoveChanges":           "what is kept no longer is removed at nobody's request",
	"beforeRevision":          "revisions are compared as their source tells them, at nobody's request",
	"keepRevisions":           "revisions are compared as their source tells them, at nobody's request",
	"orderedLine":             "revisions are compared as their source tells them, at nobody's request",
	"DueLeadTimes":            "they are written to the ERP on their day, at nobody's request",
	"RemoveOperations":        "what is kept no longer is removed at nobody's request",
	"NumbersOf":               "of a ship notice that was locked within the caller's scope just before",
	"DespatchByNumber":        "of the supplier of a purchase order that was locked within the caller's scope just before",
	"SettleDespatches":        "ship notices follow their shipments at nobody's request",
	"AlertedOrders":           "a list of orders, which is read within the scope",
	"OutdatedPurchaseOrders":  "cases that cannot matter any more are closed at nobody's request",
	"RaiseOverdueAlerts":      "alerts are raised at nobody's request",
	"WakeDeliveries":          "news that waited for shipments is applied at nobody's request",
	"CountWebhookEndpoints":   "of the company that the scope stands for, by its accounts and supplier",
	"RemoveWebhookEndpoint":   "an endpoint that was locked within the caller's scope just before",
	"WebhookTargets":          "for who sends, at nobody's request: what each owner may see is asked of them",
	"TakeDeliveries":          "what was planned is sent at nobody's request",
	"RecordAttempt":           "what was planned is sent at nobody's request",
	"refersTo":                "a condition of a list of shipments, which is read within the scope",
	"UnitsInUse":              "an SSCC is one in the world, whoever's it is; told is only that it is taken",
	"RemoveWebhookDeliveries": "what is kept no longer is removed at nobody's request",
	"delivered":               "a part of how cases are measured",
	"measures":                "cases are measured at nobody's request",
	"RemoveMeasured":          "what is kept no longer is removed at nobody's request",
	"untilResolved":           "a part of what operators are told is found at nobody's request",
	"systemAlerts":            "what operators are told is found at nobody's request",
	"KeepAlerts":              "alerts are raised at nobody's request",
	"withNumbers":             "what carriers report delivered is derived at nobody's request",
	"inShipments":             "what carriers report delivered is derived at nobody's request",
	"arrived":                 "what carriers report delivered is derived at nobody's request",
	"deriveDelivered":         "what carriers report delivered is derived at nobody's request",
	"EncryptedColumns":        "texts are encrypted anew at nobody's request",
	"inbound":                 "supply on its way is told without saying whose: day, quantity and certainty",
}

// TestEveryStatementOnATenantsTableAsksForTheScope reads the source of every
// statement. One that reads a table of tenants must stand in a function, or in
// a relation, that joins the scope into it; or among the few that may not, each
// with its reason.
func TestEveryStatementOnATenantsTableAsksForTheScope(t *testing.T) {
	var files []string
	for _, room := range []string{".", "records", "records/replication", "ledger", "operating"} {
		found, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil || len(found) == 0 {
			t.Fatal(room, err)
		}
		files = append(files, found...)
	}
	found, used := 0, map[string]bool{}
	for _, name := range files {
		// what is saved is what sources tell
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(filepath.Base(name), "sav") || filepath.Base(name) == "leak.go" {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			parts := []ast.Node{decl}
			if g, ok := decl.(*ast.GenDecl); ok { // each variable by itself
				parts = nil
				for _, s := range g.Specs {
					parts = append(parts, s)
				}
			}
			for _, part := range parts {
				tables, asks := map[string]bool{}, false
				joining := predicates
				if _, isFunc := part.(*ast.FuncDecl); isFunc {
					joining = slices.Concat(predicates, readings)
				}
				ast.Inspect(part, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.BasicLit:
						if n.Kind == token.STRING {
							for _, m := range reading.FindAllStringSubmatch(n.Value, -1) {
								if slices.Contains(owned, m[1]) {
									tables[m[1]] = true
								}
							}
							if from, ok := strings.CutPrefix(strings.Trim(n.Value, "`\""), ""); ok &&
								slices.Contains(owned, strings.SplitN(from+" ", " ", 2)[0]) && len(strings.Fields(from)) == 2 {
								tables[strings.Fields(from)[0]] = true // the from of a relation: "orders d"
							}
						}
					case *ast.Ident:
						asks = asks || slices.Contains(joining, n.Name)
					case *ast.SelectorExpr:
						asks = asks || slices.Contains(joining, n.Sel.Name)
					}
					return true
				})
				if len(tables) == 0 {
					continue
				}
				found++
				what := nameOf(part)
				if !asks {
					if unscoped[what] == "" {
						t.Errorf("%s: %s reads %v and joins no scope", set.Position(part.Pos()), what, tables)
					}
					used[what] = true
				}
			}
		}
	}
	if found < 25 {
		t.Errorf("only %d statements were found; has the shape of the code changed?", found)
	}
	for what := range unscoped {
		if !used[what] {
			t.Errorf("%s needs no exception any more", what)
		}
	}
}

func nameOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return n.Name.Name
	case *ast.ValueSpec:
		return n.Names[0].Name
	}
	return "?"
}

// TestThePredicatesSeeWhatTheDecisionAllows holds what is asked in SQL to what is
// asked in Go.
func TestThePredicatesSeeWhatTheDecisionAllows(t *testing.T) {
	db := storetest.Open(t)
	parties := []string{"", "acc_1", "acc_2", "acc_3", "par_1", "par_2"}
	for name, scope := range map[string]trade.Scope{
		"nobody": {}, "guest": trade.GuestScope(nil), "operator": trade.OperatorScope(nil), "supplier": trade.SupplierScope("par_1", nil),
		"supplier of nothing": trade.SupplierScope("", nil),
		"customer":            trade.CustomerScope([]trade.Ref{{ID: "acc_1"}, {ID: "acc_3"}}, nil),
		"customer of nothing": trade.CustomerScope(nil, nil),
	} {
		for kind, predicate := range store.Predicates(scope) {
			for _, account := range parties {
				for _, supplier := range parties {
					var sees bool
					row := db.QueryRowContext(t.Context(),
						fmt.Sprintf(`SELECT coalesce(bool_and(%s), FALSE) FROM (VALUES (nullif('%s', ''), nullif('%s', ''))) v(account_id, supplier_id)`,
							predicate.SQL, account, supplier), predicate.Args...)
					if err := row.Scan(&sees); err != nil {
						t.Fatal(err)
					}
					whose := trade.Party{AccountID: account, SupplierID: supplier}
					switch kind {
					case "account":
						whose.SupplierID = ""
					case "supplier":
						whose.AccountID = ""
					}
					allowed := scope.Decide(nil, &whose) == nil
					switch kind {
					case "systems": // which belong to nobody, and are for operators
						allowed = scope.Everything()
					case "catalogue":
						allowed = slices.Contains([]trade.Role{trade.Operator, trade.Customer, trade.Supplier}, scope.Role())
					}
					if allowed != sees {
						t.Errorf("%s, %s, %+v: the predicate says %t, the decision %t", name, kind, whose, sees, allowed)
					}
				}
			}
		}
	}
}
