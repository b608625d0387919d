package tracking

import (
	"cmp"
	"fmt"
	"slices"

	"portico/trade"
)

// IgnoredReason is why a fact did not count.
type IgnoredReason string

// Why facts do not count.
const (
	IgnoredLate      IgnoredReason = "LATE"
	IgnoredDuplicate IgnoredReason = "DUPLICATE"
	IgnoredCorrected IgnoredReason = "CORRECTED"
	IgnoredNotActual IgnoredReason = "NOT_ACTUAL"
	IgnoredUnmapped  IgnoredReason = "UNMAPPED"
	IgnoredForeign   IgnoredReason = "OTHER_PACKAGE"
)

// Verdict is an event, and why it does not count for where its shipment stands; nothing
// where it does.
type Verdict struct {
	Event   *trade.ShipmentEvent
	Ignored IgnoredReason
}

// Judge puts events, told in any order, in the order in which they happened, and says of
// each whether it counts: what was declared wrong, was told before, is an estimate or plan,
// or has a code without a meaning does not, nor does what follows a final status.
func Judge(events []trade.ShipmentEvent) []Verdict {
	all := make([]Verdict, len(events))
	wrong := map[string]bool{}
	for i := range events {
		all[i].Event = &events[i]
		if c := events[i].Corrects; c != "" {
			wrong[c] = true
		}
	}
	slices.SortFunc(all, func(a, b Verdict) int {
		return cmp.Or(a.Event.OccurredAt.Compare(b.Event.OccurredAt),
			cmp.Compare(slices.Index(trade.ShipmentStatuses, a.Event.Status), slices.Index(trade.ShipmentStatuses, b.Event.Status)),
			cmp.Compare(a.Event.Key, b.Event.Key))
	})
	type fact struct {
		milestone  trade.Milestone
		classifier trade.EventClassifier
		status     trade.ShipmentStatus
		code       string
		at         int64
		units      string
	}
	seen := map[fact]bool{}
	final := false
	for i := range all {
		e := all[i].Event
		f := fact{e.Milestone, e.Classifier, e.Status, e.Raw.Code, e.OccurredAt.UnixNano(), fmt.Sprint(e.Packages)}
		switch {
		case wrong[e.Key]:
			all[i].Ignored = IgnoredCorrected
		case e.Packages != nil && len(e.Packages) == 0:
			all[i].Ignored = IgnoredForeign
		case e.Corrects != "":
		case e.Classifier != trade.Actual:
			all[i].Ignored = IgnoredNotActual
		case seen[f]:
			all[i].Ignored = IgnoredDuplicate
		case e.Milestone == trade.MilestoneOther && e.Status == trade.ShipmentUnknown:
			all[i].Ignored = IgnoredUnmapped
		case final:
			all[i].Ignored = IgnoredLate
		default:
			seen[f], final = true, e.Status.Final()
		}
	}
	return all
}

// StatusOf derives a shipment's status from all its events, in any order: the latest
// actual event decides, but a final status does not go back, and estimates and plans move
// no status.
func StatusOf(events []trade.ShipmentEvent) trade.ShipmentStatus {
	if e := decisive(events); e != nil {
		return e.Status
	}
	return trade.ShipmentUnknown
}

// decisive is the event that decides a status, or nil where none does.
func decisive(events []trade.ShipmentEvent) (e *trade.ShipmentEvent) {
	for _, v := range Judge(events) {
		if v.Ignored == "" && v.Event.Status != trade.ShipmentUnknown {
			e = v.Event
		}
	}
	return e
}

// Correction is which event an event corrects, and which one corrects it.
type Correction struct{ Corrects, By *trade.ShipmentEvent }

// Corrections are the corrections among a shipment's events, by their keys. An event that
// was declared wrong is corrected by what is right instead of it, or by the declaration
// where there is nothing.
func Corrections(events []trade.ShipmentEvent) map[string]Correction {
	byKey := map[string]*trade.ShipmentEvent{}
	for i := range events {
		byKey[events[i].Key] = &events[i]
	}
	all := map[string]Correction{}
	for i := range events {
		d := &events[i]
		wrong := byKey[d.Corrects]
		if d.Corrects == "" || wrong == nil {
			continue
		}
		set := func(e *trade.ShipmentEvent, c Correction) {
			before := all[e.Key]
			all[e.Key] = Correction{cmp.Or(before.Corrects, c.Corrects), cmp.Or(before.By, c.By)}
		}
		set(d, Correction{Corrects: wrong})
		by := d
		for _, key := range d.Instead {
			if right := byKey[key]; right != nil && right != wrong {
				set(right, Correction{Corrects: wrong})
				by = right
			}
		}
		set(wrong, Correction{By: by})
	}
	return all
}

// EtaOf is the latest estimate of arrival among events, by when it was given.
func EtaOf(events []trade.ShipmentEvent) *trade.Eta {
	var eta *trade.Eta
	for _, v := range Judge(events) {
		e := v.Event
		if e.Estimate == nil || v.Ignored == IgnoredCorrected {
			continue
		}
		issued := e.ReceivedAt
		if e.RecordedAt != nil {
			issued = *e.RecordedAt
		}
		if eta == nil || !issued.Before(eta.IssuedAt) {
			eta = &trade.Eta{At: *e.Estimate, Basis: trade.CarrierEta, IssuedAt: issued}
		}
	}
	return eta
}

// remedies are what receivers and senders can do about what went wrong.
var remedies = map[trade.Milestone]string{
	trade.MilestoneDeliveryAttempted: "Arrange another delivery, or a place to collect it from, with the carrier.",
	trade.MilestoneDamaged:           "Look at the goods as they come, and ask for a return of what is damaged.",
	"REFUSED":                        "Ask the receiver why it was refused, and whether it is to be brought again.",
	"LOST":                           "Order again what is needed, and claim the loss from the carrier.",
	"CUSTOMS_HOLD":                   "Give customs the documents that they request from the carrier.",
}

// ExceptionOf is the problem that events report last, or nil when a later
// actual event shows that it was solved.
func ExceptionOf(events []trade.ShipmentEvent) *trade.ShipmentException {
	var problem *trade.ShipmentException
	for _, v := range Judge(events) {
		e := v.Event
		switch {
		case v.Ignored != "" && v.Ignored != IgnoredLate:
		case e.Status == trade.ShipmentInException || e.Status == trade.DeliveryAttempted || e.Status == trade.ShipmentDelayed:
			message := string(e.Status)
			if e.Raw.Text != nil {
				message = *e.Raw.Text
			}
			problem = &trade.ShipmentException{Reason: e.Reason, Message: message, Since: e.OccurredAt}
			if action, ok := remedies[e.Milestone]; ok {
				problem.SuggestedAction = &action
			}
		case e.Status != trade.ShipmentUnknown:
			problem = nil
		}
	}
	return problem
}

// ProofOf is the proof of delivery among events, or nil before delivery.
func ProofOf(events []trade.ShipmentEvent, document *trade.DocumentRef) *trade.Proof {
	for _, v := range Judge(events) {
		if e := v.Event; v.Ignored == "" && e.Status == trade.Delivered {
			return &trade.Proof{SignedBy: e.SignedBy, DeliveredAt: e.OccurredAt, Document: document}
		}
	}
	return nil
}
