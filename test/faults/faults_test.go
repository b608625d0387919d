package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func good() ([]ack, []operation, []effect) {
	body := []byte(`{"poRef":"PO 1","items":[{"matNo":"A","qty":5}]}`)
	acks := []ack{
		{Key: "key 1", Operation: "opr_1", PoNumber: "PO 1", SKU: "A", Quantity: 5},
		{Key: "key 4", Operation: "opr_4", Day: "20300101", Receipt: "r4"},
	}
	operations := []operation{
		{ID: "opr_1", Key: "key 1", Kind: "SUBMIT_ORDER", State: "COMMITTED", Ended: true},
		{ID: "opr_2", Key: "key 2", Kind: "SUBMIT_ORDER", State: "FAILED", Code: "REFUSED_BY_ERP", Ended: true},
		{ID: "opr_4", Key: "key 4", Kind: "RESPOND_TO_PURCHASE_ORDER", State: "COMMITTED", Ended: true},
		{ID: "opr_5", Key: "key 5", Kind: "RESPOND_TO_PURCHASE_ORDER", State: "AWAITING_DECISION"},
	}
	return acks, operations, []effect{
		{"submit", "PORTICO-1", body}, {"confirm", "PORTICO-4", []byte(`{"items":[{"sched":[{"confDlv":"20300101"}]}]}`)},
	}
}

// goodMessages are what was signed: an answer that was applied, the same again, and one that
// waits for a decision.
func goodMessages() []message {
	return []message{{"opr_4", "r4", "ACCEPTED"}, {"", "r4 again", "DUPLICATE"}, {"opr_5", "r5", ""}}
}

// TestTheCheckerFindsWhatIsPlanted plants every fault that the checker is for: a checker
// that finds nothing must have had nothing to find.
func TestTheCheckerFindsWhatIsPlanted(t *testing.T) {
	acks, operations, journal := good()
	if wrong := check(acks, operations, journal, goodMessages()); wrong != nil {
		t.Fatalf("where all is well: %v", wrong)
	}
	for want, plant := range map[string]func(m []message){
		"lost evidence: key 4":         func(m []message) { m[0].Arrival = "" },
		"lost receipt":                 func(m []message) { m[0].Outcome = "" },
		"lost receipt: what became of": func(m []message) { m[1].Outcome = "" },
		"wrong receipt: opr_4":         func(m []message) { m[0].Outcome = "REJECTED" },
	} {
		messages := goodMessages()
		plant(messages)
		if wrong := fmt.Sprint(check(acks, operations, journal, messages)); !strings.Contains(wrong, want) {
			t.Errorf("planted %s, found %s", want, wrong)
		}
	}
	for want, plant := range map[string]func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect){
		"duplicate effect: opr_1": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) { return a, o, append(e, e[0]) },
		"duplicate effect: the ERP": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			twin := e[0]
			twin.Key = "PORTICO-3"
			return a, append(o, operation{ID: "opr_3", Kind: "SUBMIT_ORDER", State: "COMMITTED", Ended: true}), append(e, twin)
		},
		"lost key: key 1 was acknowledged as opr_9, which": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			a[0].Operation = "opr_9"
			return a, o, e
		},
		"lost key: key 1 was acknowledged as opr_1 and as opr_2": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			return append(a, ack{Key: "key 1", Operation: "opr_2", PoNumber: "PO 1", SKU: "A", Quantity: 5}), o, e
		},
		"altered payload": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			e[0].Body = []byte(strings.Replace(string(e[0].Body), "5", "6", 1))
			return a, o, e
		},
		"stuck operation": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			o[1].Ended, o[1].State = false, "QUEUED"
			return a, o, e
		},
		"lost effect": func(a []ack, o []operation, _ []effect) ([]ack, []operation, []effect) { return a, o, nil },
		"half an effect": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			o[0].State, o[0].Code = "FAILED", "NO"
			return a, o, e
		},
		"lost refusal": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			o[1].Code = ""
			return a, o, e
		},
		"early effect: opr_5": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			return a, o, append(e, effect{Do: "confirm", Key: "PORTICO-5"})
		},
		"altered payload: key 4": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			e[1].Body = []byte(strings.Replace(string(e[1].Body), "0101", "0102", 1))
			return a, o, e
		},
		"effect of nobody": func(a []ack, o []operation, e []effect) ([]ack, []operation, []effect) {
			return a, o, append(e, effect{Do: "cancel", Key: "PORTICO-9"})
		},
	} {
		a, o, e := plant(good())
		if wrong := fmt.Sprint(check(a, o, e, goodMessages())); !strings.Contains(wrong, want) {
			t.Errorf("planted %s, found %s", want, wrong)
		}
	}
}

// TestAFewSeededRuns is the share of `make faults` that runs with all tests.
func TestAFewSeededRuns(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "portico")
	if out, err := exec.Command("go", "build", "-o", binary, "portico").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	folder, err := os.MkdirTemp("", "portico-faults-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	report, err := run(t.Context(), settings{binary: binary, folder: folder, runs: len(kinds), seed: 7, log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range report.wrong {
		t.Error(w)
	}
	if report.acks < len(kinds) || report.hit == 0 {
		t.Errorf("%d acknowledged, %d faults met", report.acks, report.hit)
	}
}
