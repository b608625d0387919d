package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// layer is where a room stands. Experience calls process, process calls system, everyone
// speaks the language; no arrow goes up.
type layer string

const (
	language   layer = "language"
	system     layer = "system"
	process    layer = "process"
	experience layer = "experience"
	wiring     layer = "wiring" // puts everything together, so it imports what it likes
	around     layer = "around" // none of it is served, or it is somebody else's
)

// layers say the layer of everything in a folder at the top: it is read from the path alone.
var layers = map[string]layer{
	"": wiring, "app": wiring,
	"graph": experience, "resolvers": experience, "edge": experience, "events": experience,
	"process": process,
	"sources": system, "store": system, "migrations": system,
	"trade": language, "evidence": language, "telemetry": language,
	"sandbox": around, "web": around, "examples": around, "test": around, "tools": around,
}

// below are the layers that a layer may call.
var below = map[layer][]layer{
	language: {}, system: {language}, process: {system, language}, experience: {process, language},
}

// arrows are the imports that the layers alone do not allow: each with its reason.
var arrows = map[string]map[string]string{
	// language
	"evidence": {
		"evidence/signatures": "a bundle is checked by the signatures in it",
		"trade/procurement":   "keys, messages and receipts of partners",
	},

	"trade/operating": {"trade": "the words that all areas share"}, "trade/ordering": {"trade": "as above"},
	"trade/procurement": {"trade": "as above"}, "trade/tracking": {"trade": "as above"},

	// system
	"store":         {"migrations": "it brings the tables up to date"},
	"store/records": {"store": "the connection, lists and who sees what"},
	"store/records/replication": {
		"store":           "the connection and transactions",
		"store/operating": "a shipment that is saved wakes the deliveries that waited for it, in its transaction",
	},
	"store/ledger":    {"store": "the connection, lists and who sees what"},
	"store/operating": {"store": "the connection, lists and who sees what"},
	"store/storetest": {
		"store": "a fresh store for each test", "store/postgres": "on a PostgreSQL of its own",
		"graph": "the ages in the schema",
	},

	// process
	"process":            {"process/durable": "every flow is durable"},
	"process/orders":     {"process": "the desk, keys, refusals", "process/durable": "its flows"},
	"process/purchasing": {"process": "the desk, keys, refusals", "process/durable": "its flows"},
	"process/stewards":   {"process": "the desk, keys, refusals", "process/durable": "its flows"},
	"process/replica": {
		"process":          "a replay is a write under a key",
		"process/tracking": "what a source reports of tracking is applied as what carriers push",
	},
	"process/tracking":    {"process": "a replay is a write under a key, and deliveries are gathered"},
	"process/watch":       {"process": "the desk, keys, refusals", "process/durable": "operations are settled and ids made by it"},
	"process/notify":      {"process": "endpoints are saved under a key", "process/durable": "ids are made by it"},
	"process/processtest": {"sandbox": "the company that flows are tried on", "sources/sandbox": "and its systems"},
	"process/processtest/loaded": {
		"process/processtest": "whose company is loaded", "process/replica": "by which it is", "store/storetest": "into a database for tests",
	},

	// experience
	"graph": {"graph/execution": "the generated table is run by it"},
	"resolvers": {
		"store/records": "the same", "store/ledger": "the same", "store/operating": "the same",
		"graph": "the contract", "resolvers/loaders": "the read side", "resolvers/inputs": "what clients write",
		"resolvers/streams": "what subscribers are delivered", "edge/auth": "who asks",
		"edge/documents": "links", "events": "streams", "store": "lists: their filters stand with their statements",
	},
	"resolvers/inputs": {
		"graph": "what clients write", "store/records": "filters stand with their statements", "store/ledger": "the same",
		"store/operating": "the same",
	},
	"resolvers/streams": {
		"events": "the hub and its cursors", "graph/execution": "a stream is pulled by it", "store": "the connection",
		"store/operating": "the log of changes",
	},
	"resolvers/loaders": {
		"store/records": "reads the copy", "store/ledger": "what was promised",
		"store/operating": "and what runs the product", "graph/execution": "keys of a whole level", "store": "the read side ends at the store",
		"sources": "or at a source",
	},
	"edge": {
		"edge/auth": "who asks", "edge/budget": "what it may cost", "edge/guard": "what it may be",
		"graph/execution": "runs it", "graph/governance": "counts it", "resolvers/loaders": "one operation's",
	},
	"edge/documents":                     {"sources": "the error kinds of whoever keeps a document"},
	"edge/intake":                        {"sources": "why a delivery was not taken"},
	"events/bus":                         {"events": "hands to the hub what it hears"},
	"graph/execution/difftest/graph":     {"graph/execution": "the generated table", "graph/execution/difftest/model": "what it binds to"},
	"graph/execution/difftest/resolvers": {"graph/execution/difftest/graph": "implements it", "graph/execution/difftest/model": "returns it"},
}

// apart are rooms of which nothing else of ours may be known inside, whatever their layer allows.
var apart = map[string][]string{
	"trade": {}, "telemetry": {}, "trade/clock": {}, "evidence/signatures": {}, "migrations": {}, "store/postgres": {},
	// They know GraphQL, and nothing of the trade.
	"graph/execution": {}, "graph/governance": {}, "edge/guard": {}, "edge/budget": {},
	// The company is somebody else's system: it knows GS1 numbers and nothing of ours.
	"sandbox": {"trade"},
	// Another company's system, filled with the sandbox's.
	"sandbox/tryton": {"sandbox", "sources", "sources/sandbox", "sources/tryton/rpc", "trade", "trade/procurement"},
	"web":            {},
	// They see the server from outside alone.
	"test/e2e/ports": {}, "test/e2e/extras": {},
	"test/cluster": {"test/e2e/ports", "store/postgres"},
	"test/faults":  {"test/e2e/ports", "store/postgres", "evidence/signatures"},
	// The bench holds Portico against handlers of the same pages.
	"test/bench": {"evidence/signatures", "test/bench/rivals"},
	"test/bench/rivals": {
		"edge", "edge/auth", "edge/documents", "graph", "graph/execution", "process", "resolvers", "resolvers/loaders", "sources",
		"sources/sandbox", "store", "store/records", "trade",
	},
	// Golden files of what is stored.
	"test/stored": {"trade"},
	// It sees the code as text, and the tests as a command.
	"test/breaks":   {},
	"tools/release": {},
	// What suppliers copy: the standard library alone.
	"examples/supplier-client": {}, "examples/tracking": {},
}

// outside names what a room must not import from elsewhere, and those in it that name nothing themselves.
var outside = map[string][]string{
	"trade":     {"database/sql", "net/http", "github.com/99designs", "github.com/jmoiron", "github.com/lib"},
	"evidence":  {"database/sql", "github.com/99designs", "github.com/jmoiron", "github.com/lib"},
	"resolvers": {"database/sql", "github.com/jmoiron", "github.com/lib", "net/http"},
	"process":   {"net/http", "database/sql", "github.com/99designs", "github.com/jmoiron", "github.com/lib"},
	// Requests to partners are sent by it.
	"process/notify": {"database/sql", "github.com/99designs", "github.com/jmoiron", "github.com/lib"},
	// A company for tests answers by it.
	"process/processtest": {"database/sql", "github.com/99designs", "github.com/jmoiron", "github.com/lib"},
	"store":               {"net/http", "github.com/99designs"},
	// It may have to fetch PostgreSQL.
	"store/postgres": {"github.com/99designs"},
	"sources":        {"database/sql", "github.com/99designs", "github.com/jmoiron", "github.com/lib"},
}

// inside tells whether a room is another one or below it.
func inside(room, other string) bool { return room == other || strings.HasPrefix(room, other+"/") }

// outsideOf is what a room must not import from elsewhere: what it says itself, or else the room it is in.
func outsideOf(room string) []string {
	for room != "." {
		if names, stated := outside[room]; stated {
			return names
		}
		room = path.Dir(room)
	}
	return nil
}

// allows tells whether a room may import another one.
func allows(room, other string) bool {
	if only, stated := apart[room]; stated {
		return slices.Contains(only, other)
	}
	top, _, _ := strings.Cut(room, "/")
	otherTop, _, _ := strings.Cut(other, "/")
	of := layers[top]
	if strings.HasPrefix(room, "sources/") && (other == "sources" || other == "sources/pushed" || strings.HasPrefix(other, room+"/")) {
		return true // an adapter: the ports, what adapters share of verifying, and its own rooms
	}
	return of == wiring || arrows[room][other] != "" || slices.Contains(below[of], layers[otherTop])
}

func TestRoomsImportOnlyWhatTheirLayerAllows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen, used := map[string]bool{}, map[[2]string]bool{}
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := list.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		room := strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, "portico"), "/")
		seen[room] = true
		if top, _, _ := strings.Cut(room, "/"); layers[top] == "" {
			t.Errorf("%s stands in no layer: a folder at the top belongs to one", pkg.ImportPath)
		}
		for _, imported := range pkg.Imports {
			if other, ours := strings.CutPrefix(imported, "portico/"); ours {
				if used[[2]string{room, other}] = true; !allows(room, other) {
					t.Errorf("%s imports %s, which its layer may not", room, other)
				}
				continue
			}
			for _, no := range outsideOf(room) {
				if inside(imported, no) {
					t.Errorf("%s imports %s, which is not its business", room, imported)
				}
			}
		}
	}
	for room, to := range arrows {
		for other := range to {
			if !used[[2]string{room, other}] {
				t.Errorf("arrows has %s import %s, which it does not", room, other)
			}
		}
	}
	for room, only := range apart {
		if !seen[room] {
			t.Errorf("apart names %s, which is not there", room)
		}
		for _, other := range only {
			if !used[[2]string{room, other}] {
				t.Errorf("apart has %s import %s, which it does not", room, other)
			}
		}
	}
}

// deciding are the places that ask whose a scope is or what its role is, and
// why that is no decision on what a caller may do or see: that is
// trade.Scope.Decide alone, and the visibility that asks the same in SQL.
var deciding = map[string]string{
	"trade":                                   "the decision itself",
	"store/reading.go":                        "the decision in SQL, held to the other by TestThePredicatesSeeWhatTheDecisionAllows",
	"store/ledger/partners.go":                "the caller's own partner, as any partner",
	"store/ledger/audit.go":                   "for operators alone",
	"process/purchasing/messages.go":          "whether a supplier sent it, whose signatures count",
	"process/purchasing/partners.go":          "what is the distributor's own to do",
	"store/records/items.go":                  "an operator has no part numbers of its own",
	"resolvers/loaders/loaders.go":            "reads the caller's own accounts, as any accounts",
	"resolvers/loaders/live.go":               "the account whose share decides which source's count is shown",
	"process/desk.go":                         "keeps whom somebody acts for that writes",
	"process/orders/spending.go":              "the limits of an account's table are for its buyers",
	"process/purchasing/report_exception.go":  "which side an exception is reported to",
	"store/operating/alerts.go":               "an operator sees what is meant for either side",
	"store/records/purchase_orders.go":        "whose work list it is: to answer, or to decide",
	"store/records/users.go":                  "people act for several accounts, of which one is enough",
	"store/operating/webhooks.go":             "a company's endpoints are those that were saved for its own accounts alone",
	"process/notify/webhooks.go":              "for which company an endpoint is saved",
	"edge/auth/auth.go":                       "who acts for nobody any more is not let in",
	"resolvers/queries.go":                    "viewer: which of its types, and what stands in it",
	"resolvers/items.go":                      "the account a price is for, where none is named",
	"edge/persisted.go":                       "who may send documents of its own, before anything is decided on",
	"edge/budget.go":                          "whose budget is charged",
	"test/bench/rivals/reference.go":          "a rival of ours",
	"test/bench/rivals/reference_supplies.go": "the same",
}

// TestDecisionsAreMadeInOnePlace finds code that looks into a scope to decide by
// itself.
func TestDecisionsAreMadeInOnePlace(t *testing.T) {
	looks := regexp.MustCompile(`\b(?:[sS]cope|s|Scope\(\))\.(?:Role|Accounts|Supplier|Everything|Rights|Buyer)\(\)`)
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for n, line := range strings.Split(string(text), "\n") {
			if !looks.MatchString(line) {
				continue
			}
			place := file
			if deciding[place] == "" {
				place = filepath.Dir(file)
			}
			if used[place] = true; deciding[place] == "" {
				t.Errorf("%s:%d looks into a scope: ask trade.Scope.Decide, or say in deciding why it decides nothing", file, n+1)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range deciding {
		if !used[place] {
			t.Errorf("deciding names %s, which looks into no scope", place)
		}
	}
}
