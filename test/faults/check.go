package main

import (
	"encoding/json"
	"fmt"
)

// ack is what a client was told of a write: that it was accepted, and as what.
type ack struct {
	Key, Operation, PoNumber string
	SKU                      string
	Quantity                 int
	Day                      string // that a supplier promised
	Receipt                  string // of what was signed
}

// message is one that a supplier signed, as it is kept.
type message struct {
	Operation, Arrival, Outcome string // Arrival is its receipt's signature
}

// operation is one as the database has it.
type operation struct {
	ID, Key, Kind, State string
	Code                 string // of its failure
	Ended                bool
}

// effect is one that the ERP's journal has.
type effect struct {
	Do   string          `json:"do"`
	Key  string          `json:"key"`
	Body json.RawMessage `json:"body"`
}

// effects are what each kind of operation does in the ERP.
var effects = map[string]string{
	"SUBMIT_ORDER": "submit", "CANCEL_ORDER": "cancel", "AMEND_ORDER": "change", "REQUEST_RETURN": "return",
	"RESPOND_TO_PURCHASE_ORDER": "confirm", "SUBMIT_DESPATCH_ADVICE": "announce",
}

// check holds what clients were told against the database and the ERP: nothing that was
// acknowledged is missing, each has exactly one effect or a recorded refusal, nothing has
// two, nothing is altered, and nothing is stuck; and what was signed is kept with both its
// receipts.
func check(acks []ack, operations []operation, journal []effect, messages []message) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	byID := map[string]operation{}
	for _, o := range operations {
		byID[o.ID] = o
	}
	of := map[string][]effect{}
	byNumber := map[string]int{}
	for _, e := range journal {
		of[e.Key] = append(of[e.Key], e)
		if e.Do == "submit" {
			var s submission
			_ = json.Unmarshal(e.Body, &s)
			if byNumber[s.PoRef]++; byNumber[s.PoRef] == 2 {
				say("duplicate effect: the ERP has two orders with the number %s", s.PoRef)
			}
		}
	}
	known, acked := map[string]bool{}, map[string]string{}
	for _, o := range operations {
		ref := "PORTICO-" + o.ID[len("opr_"):]
		known[ref], known[ref+"-UNDO"] = true, true
		n := len(of[ref])
		switch {
		case n > 1:
			say("duplicate effect: %s has %d", o.ID, n)
		case o.State == "AWAITING_DECISION" && n > 0:
			say("early effect: %s waits for a decision and the ERP has it", o.ID)
		case o.State == "AWAITING_DECISION":
		case !o.Ended:
			say("stuck operation: %s is %s", o.ID, o.State)
		case o.State == "COMMITTED" && n == 0:
			say("lost effect: %s is committed and the ERP has nothing of it", o.ID)
		case o.State == "COMMITTED" && of[ref][0].Do != effects[o.Kind]:
			say("altered effect: %s is a %s and the ERP has a %s", o.ID, o.Kind, of[ref][0].Do)
		case o.State == "FAILED" && n > 0 && len(of[ref+"-UNDO"]) == 0:
			say("half an effect: %s failed and the ERP has it", o.ID)
		case o.State == "FAILED" && o.Code == "":
			say("lost refusal: %s failed and does not say why", o.ID)
		}
	}
	for _, e := range journal {
		if effects[map[string]string{
			"submit": "SUBMIT_ORDER", "cancel": "CANCEL_ORDER", "change": "AMEND_ORDER", "return": "REQUEST_RETURN",
			"confirm": "RESPOND_TO_PURCHASE_ORDER", "announce": "SUBMIT_DESPATCH_ADVICE",
		}[e.Do]] != "" && !known[e.Key] {
			say("effect of nobody: %s %s", e.Do, e.Key)
		}
	}
	arrived := map[string]bool{}
	for _, m := range messages {
		arrived[m.Arrival] = true
		if o := byID[m.Operation]; m.Outcome == "" && (m.Operation == "" || o.Ended) {
			say("lost receipt: what became of a message of %s is not told", m.Operation)
		} else if o.State == "COMMITTED" && m.Outcome != "ACCEPTED" {
			say("wrong receipt: %s is committed and told as %s", o.ID, m.Outcome)
		}
	}
	for _, a := range acks {
		if a.Receipt != "" && !arrived[a.Receipt] {
			say("lost evidence: %s has a receipt and is not kept", a.Key)
		}
		o, there := byID[a.Operation]
		if !there {
			say("lost key: %s was acknowledged as %s, which is not there", a.Key, a.Operation)
			continue
		}
		if before, twice := acked[a.Key]; twice && before != a.Operation {
			say("lost key: %s was acknowledged as %s and as %s", a.Key, before, a.Operation)
		}
		acked[a.Key] = a.Operation
		if o.State != "COMMITTED" {
			continue
		}
		if o.Kind == "RESPOND_TO_PURCHASE_ORDER" {
			for _, e := range of["PORTICO-"+o.ID[len("opr_"):]] {
				var c confirmation
				if json.Unmarshal(e.Body, &c) != nil || len(c.Items) != 1 || len(c.Items[0].Sched) != 1 || c.Items[0].Sched[0].ConfDlv != a.Day {
					say("altered payload: %s is %s in the ERP", a.Key, e.Body)
				}
			}
		}
		if o.Kind != "SUBMIT_ORDER" {
			continue
		}
		for _, e := range of["PORTICO-"+o.ID[len("opr_"):]] {
			var s submission
			if json.Unmarshal(e.Body, &s) != nil || s.PoRef != a.PoNumber || len(s.Items) != 1 || s.Items[0].MatNo != a.SKU ||
				s.Items[0].Qty != a.Quantity {
				say("altered payload: %s is %s in the ERP", a.Key, e.Body)
			}
		}
	}
	return wrong
}

// confirmation is what a supplier confirmed as the ERP was handed it.
type confirmation struct {
	Items []struct{ Sched []struct{ ConfDlv string } }
}

// submission is an order as the ERP was handed it.
type submission struct {
	PoRef string
	Items []struct {
		MatNo string
		Qty   int
	}
}
