package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rooms say who may import whom. Experience calls process, process calls
// system, everyone speaks trade; no arrow goes up. A new folder states its
// place here.
var rooms = map[string][]string{
	// spoken by all
	"trade":     {},
	"telemetry": {},
	// What is said in business, and who said it: cryptography, nothing of the trade.
	"signatures": {},

	// system: where facts live
	"migrations":      {},
	"postgres":        {},
	"store":           {"migrations", "telemetry", "trade"},
	"store/storetest": {"postgres", "store", "graph"},
	"sources":         {"telemetry", "trade"},
	// Adapters never meet each other.
	"sources/sandbox":    {"sources", "sources/pushed", "trade"},
	"sources/pushed":     {"sources", "trade"},
	"sources/carriers":   {"sources", "sources/pushed", "trade"},
	"sources/epcis":      {"sources", "sources/pushed", "trade"},
	"sources/tryton":     {"sources", "sources/tryton/rpc", "trade"},
	"sources/tryton/rpc": {"sources", "trade"},
	"sources/sourcetest": {"sources", "trade"},
	// The company is somebody else's system: it knows GS1 numbers and nothing of ours.
	"sandbox": {"trade"},
	// Another company's system, filled with the sandbox's.
	"tryton": {"sandbox", "sources", "sources/sandbox", "sources/tryton/rpc", "trade"},

	// process: what must happen
	"audit":   {"store"},
	"process": {"durable", "signatures", "sources", "store", "telemetry", "trade"},
	// What a third party can verify.
	"evidence": {"audit", "signatures", "store", "trade"},
	"durable":  {"sources", "store", "telemetry", "trade"},

	// experience: how portals reach us
	"execution":      {}, // knows GraphQL, nothing of the trade
	"graph":          {"execution", "trade"},
	"graph/generate": {},
	// The executor is tried against gqlgen's own, on a schema with every kind of type.
	"execution/difftest":           {"execution", "execution/difftest/graph", "execution/difftest/resolvers"},
	"execution/difftest/graph":     {"execution", "execution/difftest/model"},
	"execution/difftest/model":     {},
	"execution/difftest/resolvers": {"execution/difftest/graph", "execution/difftest/model"},
	"auth":                         {"trade"},
	"documents":                    {"sources", "trade"},
	"loaders":                      {"execution", "sources", "store", "telemetry", "trade"},
	"events":                       {"trade"},
	// Changes to other processes, for all of them.
	"bus":        {"events", "trade"},
	"budget":     {},
	"governance": {}, // knows GraphQL, nothing of the trade
	"guard":      {}, // knows GraphQL, nothing of the trade
	"resolvers":  {"auth", "documents", "events", "execution", "graph", "loaders", "process", "signatures", "store", "telemetry", "trade"},
	// How partners are told who keep no connection.
	"outgoing": {"telemetry", "trade"},
	"edge":     {"auth", "budget", "execution", "governance", "guard", "signatures", "loaders", "telemetry", "trade"},
	"web":      {},

	// around the code
	// The bench holds Portico against handlers of the same pages.
	"bench":      {"auth", "documents", "edge", "execution", "graph", "loaders", "resolvers", "signatures", "sources", "sources/sandbox", "store", "trade"},
	"e2e":        {"e2e/ports"},
	"e2e/ports":  {},
	"cluster":    {"e2e/ports", "postgres"},               // as is this
	"faults":     {"e2e/ports", "postgres", "signatures"}, // it sees the server from outside alone
	"e2e/extras": {},
	"release":    {},
	// What suppliers copy: the standard library alone.
	"examples/supplier-client": {},
	"examples/tracking":        {},    // its build
	"":                         {"*"}, // main puts it all together
}

// outside names what a room must not import from elsewhere.
var outside = map[string][]string{
	"trade":     {"database/sql", "net/http", "github.com/99designs", "github.com/jmoiron", "github.com/lib"},
	"resolvers": {"database/sql", "github.com/jmoiron", "github.com/lib", "net/http"},
	"loaders":   {"database/sql", "github.com/jmoiron", "github.com/lib", "net/http"},
	"process":   {"net/http", "github.com/99designs", "github.com/lib"},
	"store":     {"net/http", "github.com/99designs"},
	"sources":   {"database/sql", "github.com/99designs", "github.com/jmoiron", "github.com/lib"},
}

func TestRoomsImportOnlyWhatTheirLayerAllows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
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
		allowed, known := rooms[room]
		seen[room] = true
		if !known {
			t.Errorf("%s states no place in the layers: add it to rooms", pkg.ImportPath)
		}
		for _, imported := range pkg.Imports {
			if other, ours := strings.CutPrefix(imported, "portico/"); ours {
				if !slices.Contains(allowed, other) && !slices.Contains(allowed, "*") {
					t.Errorf("%s imports %s, which its layer may not", room, other)
				}
				continue
			}
			for _, no := range outside[room] {
				if imported == no || strings.HasPrefix(imported, no+"/") {
					t.Errorf("%s imports %s, which is not its business", room, imported)
				}
			}
		}
	}
	for room := range rooms {
		if !seen[room] {
			t.Errorf("rooms names %s, which is not there", room)
		}
	}
}

// deciding are the places that ask whose a scope is or what its role is, and
// why that is no decision on what a caller may do or see: that is
// trade.Scope.Decide alone, and the visibility that asks the same in SQL.
var deciding = map[string]string{
	"trade":                       "the decision itself",
	"store/reading.go":            "the decision in SQL, held to the other by TestThePredicatesSeeWhatTheDecisionAllows",
	"store/partners.go":           "the caller's own partner, as any partner",
	"store/audit.go":              "for operators alone",
	"process/messages.go":         "whether a supplier sent it, whose signatures count",
	"process/partners.go":         "what is the distributor's own to do",
	"store/items.go":              "an operator has no part numbers of its own",
	"loaders/loaders.go":          "reads the caller's own accounts, as any accounts",
	"loaders/live.go":             "the account whose share decides which source's count is shown",
	"process/desk.go":             "keeps whom somebody acts for that writes",
	"process/spending.go":         "the limits of an account's table are for its buyers",
	"process/alerting.go":         "which side an exception is reported to",
	"store/alerts.go":             "an operator sees what is meant for either side",
	"store/purchase_orders.go":    "whose work list it is: to answer, or to decide",
	"store/users.go":              "people act for several accounts, of which one is enough",
	"store/webhooks.go":           "a company's endpoints are those that were saved for its own accounts alone",
	"process/webhooks.go":         "for which company an endpoint is saved",
	"auth/auth.go":                "who acts for nobody any more is not let in",
	"resolvers/queries.go":        "viewer: which of its types, and what stands in it",
	"resolvers/items.go":          "the account a price is for, where none is named",
	"edge/known.go":               "who may send documents of its own, before anything is decided on",
	"edge/budget.go":              "whose budget is charged",
	"bench/reference.go":          "a rival of ours",
	"bench/reference_supplies.go": "the same",
}

// TestDecisionsAreMadeInOnePlace finds code that looks into a scope to decide by
// itself.
func TestDecisionsAreMadeInOnePlace(t *testing.T) {
	looks := regexp.MustCompile(`\b(?:[sS]cope|s|Scope\(\))\.(?:Role|Accounts|Supplier|Everything|Rights|Buyer)\(\)`)
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for n, line := range strings.Split(string(text), "\n") {
			if !looks.MatchString(line) {
				continue
			}
			place := path
			if deciding[place] == "" {
				place = filepath.Dir(path)
			}
			if used[place] = true; deciding[place] == "" {
				t.Errorf("%s:%d looks into a scope: ask trade.Scope.Decide, or say in deciding why it decides nothing", path, n+1)
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
