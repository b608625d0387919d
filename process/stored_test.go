package process

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portico/sources"
	"portico/test/stored"
	"portico/trade"
)

// keptRefusals are all that are kept with an operation.
var keptRefusals = []any{
	&trade.Forbidden{}, &trade.IdempotencyConflict{}, &trade.InvalidInput{}, &trade.PriceChanged{}, &trade.InsufficientAvailability{}, &trade.CreditBlocked{}, &trade.SourceUnavailable{},
}

// states hold what each flow keeps between its steps to its golden file, by the name of the type.
var states = map[string]func(t *testing.T){
	"submitWork":   func(t *testing.T) { stored.Golden(t, "submitWork", stored.Of[submitWork]()) },
	"amendWork":    func(t *testing.T) { stored.Golden(t, "amendWork", stored.Of[amendWork]()) },
	"cancelWork":   func(t *testing.T) { stored.Golden(t, "cancelWork", stored.Of[cancelWork]()) },
	"returnWork":   func(t *testing.T) { stored.Golden(t, "returnWork", stored.Of[returnWork]()) },
	"respondWork":  func(t *testing.T) { stored.Golden(t, "respondWork", stored.Of[respondWork]()) },
	"announceWork": func(t *testing.T) { stored.Golden(t, "announceWork", stored.Of[announceWork]()) },
	"leadTimeWork": func(t *testing.T) { stored.Golden(t, "leadTimeWork", stored.Of[leadTimeWork]()) },
	"correctWork":  func(t *testing.T) { stored.Golden(t, "correctWork", stored.Of[correctWork]()) },
}

func TestFlowStatesAreKeptAsTheReleaseBeforeKeepsThem(t *testing.T) {
	flows := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if x, ok := lit.Type.(*ast.IndexExpr); ok {
				if of, ok := x.X.(*ast.SelectorExpr); ok && of.Sel.Name == "Flow" {
					flows[fmt.Sprint(x.Index)] = true
				}
			}
			return true
		})
	}
	if got, want := slices.Sorted(maps.Keys(flows)), slices.Sorted(maps.Keys(states)); !slices.Equal(got, want) {
		t.Errorf("the flows keep %v, golden files are of %v", got, want)
	}
	for name, golden := range states {
		t.Run(name, golden)
	}
}

func TestAnswersAreKeptAsTheReleaseBeforeKeepsThem(t *testing.T) {
	stored.Golden(t, "batch", stored.Of[[]keptResult](keptRefusals...))
	stored.Golden(t, "replayed", stored.Of[Replayed]())
	stored.Golden(t, "comparison", stored.Of[run]())
}

// inputs are what a key of each mutation stands for.
var inputs = map[string]any{
	"submitOrder":               stored.Of[*trade.OrderRequest](),
	"submitOrders":              stored.Of[batchInput](),
	"amendOrder":                stored.Of[*Amendment](),
	"cancelOrder":               stored.Of[Cancellation](),
	"approveOrder":              stored.Of[Decision](),
	"rejectOrder":               stored.Of[Decision](),
	"acceptOrderChanges":        stored.Of[Decision](),
	"requestReturn":             stored.Of[*ReturnRequest](),
	"respondToPurchaseOrder":    stored.Of[*trade.ResponseRequest](),
	"submitDespatchAdvice":      stored.Of[*trade.DespatchRequest](),
	"cancelDespatchAdvice":      stored.Of[Withdrawal](),
	"changeLeadTime":            stored.Of[*trade.LeadTimeRequest](),
	"decideDeviation":           stored.Of[DeviationDecision](),
	"saveToleranceProfile":      stored.Of[trade.ToleranceProfile](),
	"registerPartner":           stored.Of[trade.TradingPartner](),
	"updatePartner":             stored.Of[PartnerChange](),
	"advanceOnboarding":         []any{"par_1", stored.Of[trade.OnboardingStage](), stored.Of[*string]()},
	"rotatePartnerKey":          stored.Of[NewKey](),
	"provePartnerKey":           []string{"key_1", "signature"},
	"revokePartnerKey":          []string{"key_1", "reason"},
	"publishCodeMapping":        stored.Of[Publication](),
	"saveWebhookEndpoint":       stored.Of[NewEndpoint](),
	"deleteWebhookEndpoint":     "whe_1",
	"rotateWebhookSecret":       "whe_1",
	"redeliverWebhook":          "whd_1",
	"reportException":           stored.Of[Report](),
	"acknowledgeAlert":          []any{"alt_1", (*string)(nil)},
	"resolveAlert":              []any{"alt_1", stored.Of[*string]()},
	"retryDeadLetter":           stored.Of[DeadLetter](),
	"discardDeadLetter":         stored.Of[DeadLetter](),
	"replay":                    stored.Of[Replay](),
	"compensate":                []string{"opr_1", "reason"},
	"settleOperation":           stored.Of[Settlement](),
	"pauseSource":               []string{"erp", "reason"},
	"resumeSource":              []string{"erp", "reason"},
	"resolveMasterDataConflict": stored.Of[Verdict](),
	"saveObjective":             stored.Of[trade.Objective](),
	"recordSupportTickets":      stored.Of[TicketCount](),
}

// TestAKeyStandsForTheSameInputAsBefore holds the fingerprint of every mutation's input to the one that the
// release before makes of it: otherwise a repeated mutation is a conflict after an upgrade.
func TestAKeyStandsForTheSameInputAsBefore(t *testing.T) {
	schema, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	_, mutations, _ := strings.Cut(string(schema), "\ntype Mutation {\n")
	mutations, _, _ = strings.Cut(mutations, "\n}\n")
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-zA-Z]+)\(`).FindAllStringSubmatch(mutations, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	if of := slices.Sorted(maps.Keys(inputs)); !slices.Equal(names, of) {
		t.Errorf("the schema has the mutations %v, and inputs are of %v", names, of)
	}
	var prints strings.Builder
	for _, name := range names {
		print, err := fingerprint(inputs[name])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&prints, "%s %s\n", name, print)
	}
	stored.Text(t, "testdata/stored/fingerprints.txt", []byte(prints.String()))
	for name, input := range inputs { // so that it can be seen what has changed
		stored.Same(t, "input-"+name, input)
	}
}

// TestWhatIsAddedUpIsCalledAsItIsTold holds the names by which a comparison finds amounts and quantities in
// documents to those that the documents have: otherwise nothing is added up, on either side.
func TestWhatIsAddedUpIsCalledAsItIsTold(t *testing.T) {
	told := map[sources.Subject]any{
		sources.OfCredit: stored.Of[trade.CreditPosition](), sources.OfOrders: stored.Of[trade.Order](), sources.OfPurchaseOrders: stored.Of[trade.PurchaseOrder](),
		sources.OfInvoices: stored.Of[trade.Invoice](), sources.OfReturns: stored.Of[trade.Return](), sources.OfStock: stored.Of[trade.Stock](),
	}
	for subject, record := range told {
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		document, err := says(text)
		if err != nil {
			t.Fatal(err)
		}
		var sum tally
		sum.add(subject, document)
		at := summed[subject]
		if at.amount != "" && len(sum.Money) != 1 || (at.quantity != "" || subject == sources.OfStock) && len(sum.Quantity) != 1 {
			t.Errorf("%s: of a record with an amount and a quantity only %v is added up", subject, sum)
		}
	}
}
