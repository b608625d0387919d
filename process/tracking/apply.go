package tracking

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"portico/store"
	"portico/store/records/replication"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/tracking"
)

// Applied is what became of records of tracking.
type Applied struct {
	Shipments [][]string // by record, the shipments that it is about; none where none is known
	Ignored   []string   // by record, what of it does not count, and why; nothing where all does
	Ambiguous []bool     // by record, whether something of it does not count because shipments of several parties have its number
	Changed   []string   // the shipments of which a record said something new
}

// Apply files the events of records, each once, and derives from all events of each shipment where it and its packages stand.
//
// Shipments are matched before anything is filed: to one that is saved in between, a record that found none is applied
// when it is read again. Matched after, it would count as filed, and be lost.
func Apply(ctx context.Context, tx *store.Tx, records []trade.Tracking) (applied Applied, err error) {
	matched, err := match(ctx, tx, records)
	if err != nil {
		return applied, err
	}
	about := make([]reports, len(records))
	applied.Shipments, applied.Ignored = make([][]string, len(records)), make([]string, len(records))
	applied.Ambiguous = make([]bool, len(records))
	for i := range records {
		about[i], applied.Ignored[i] = reach(&records[i], matched[i])
		applied.Ambiguous[i] = about[i].ambiguous
		for _, s := range about[i].subjects {
			applied.Shipments[i] = append(applied.Shipments[i], s.shipment)
		}
	}
	shipments := slices.Compact(slices.Sorted(slices.Values(slices.Concat(applied.Shipments...))))
	if len(shipments) == 0 {
		return applied, nil
	}
	if err := replication.HoldShipments(ctx, tx, shipments); err != nil {
		return applied, err
	}
	if applied.Changed, err = replication.SaveShipmentEvents(ctx, tx, eventsIn(records, about)); err != nil {
		return applied, err
	}
	delivered, err := derive(ctx, tx, shipments, proofsIn(records, about), applied.Changed)
	if err != nil {
		return applied, err
	}
	if err := replication.DeriveDeliveredIn(ctx, tx, delivered); err != nil {
		return applied, err
	}
	return applied, traceChanges(ctx, tx, applied.Changed)
}

// Save applies what a source says of tracking when it is read, and reports the records that are about no shipment that
// is known. The moment is the caller's to set.
func Save(ctx context.Context, tx *store.Tx, records []trade.Tracking) (rejected []operating.RejectedRecord, err error) {
	applied, err := Apply(ctx, tx, records)
	if err != nil {
		return nil, err
	}
	for i, r := range records {
		if len(applied.Shipments[i]) == 0 {
			reason := cmp.Or(applied.Ignored[i], "no shipment has this tracking number")
			rejected = append(rejected, operating.RejectedRecord{
				Instance: r.Provenance.Instance, Kind: "tracking", SourceRef: r.Provenance.SourceRef,
				Reason: reason, Kept: true,
			})
		}
	}
	return rejected, nil
}

// identifiersOf are the identifiers by which a record names shipments, the most exact one first.
func identifiersOf(r *trade.Tracking) []trade.Identifier {
	if r.TrackingNumber == "" {
		return r.About
	}
	return append([]trade.Identifier{{Scheme: trade.SchemeTracking, Value: r.TrackingNumber}}, r.About...)
}

// subject is a shipment that a record is about, and the packages of it that the record names; none for all of it.
type subject struct {
	shipment  string
	units     []trade.Identifier
	created   time.Time
	direction trade.Direction
	owner     string // the account, or the supplier of one that comes in
	numbered  bool   // it is named by a tracking number
	// since is the earliest moment of which an event can be the shipment's: numbers are used again.
	since time.Time
}

// What happened before a shipment existed can be its own for so long: what is packed is told of soon, and what suppliers send
// is often announced when it is at sea.
const (
	graceOutbound = 14 * 24 * time.Hour
	graceInbound  = 120 * 24 * time.Hour
)

func newSubject(m replication.ShipmentMatch) subject {
	grace := graceOutbound
	if m.Direction == trade.InboundWay {
		grace = graceInbound
	}
	return subject{shipment: m.Shipment, created: m.CreatedAt, direction: m.Direction, owner: m.Owner, since: m.CreatedAt.Add(-grace)}
}

// reports are what a record reports: its subjects and, of each of its events, those that it is about.
type reports struct {
	subjects  []subject
	events    [][]subject
	ambiguous bool
}

// ofSeveral tells whether subjects that one tracking number names belong to several parties: whose it is would be a guess, and
// the goods of one are no business of the other. What a container or a pallet holds may well be of several.
func ofSeveral(all []subject) bool {
	owners := map[trade.Direction]string{}
	return slices.ContainsFunc(all, func(s subject) bool {
		if !s.numbered {
			return false
		}
		if _, there := owners[s.direction]; !there {
			owners[s.direction] = s.owner
		}
		return owners[s.direction] != s.owner
	})
}

// ahead is how far a clock or a zone may be off until what is reported as having happened is in the future.
const ahead = 24 * time.Hour

// reach says which shipments the events of a record are about. A number is used again: of several shipments that existed, an
// event is about those that were made last, and it is about none that was made long after it. Where those belong to several parties,
// it is about none of them. What is in the future has not happened.
func reach(r *trade.Tracking, matched []subject) (about reports, ignored string) {
	switch {
	case len(matched) == 0: // what is wrong with it is said once its shipment is known
		return reports{events: make([][]subject, len(r.Events))}, ""
	case len(r.Events) == 0 && ofSeveral(matched):
		return reports{ambiguous: true}, notApplied
	case len(r.Events) == 0:
		return reports{subjects: matched}, ""
	}
	var early, future []trade.ShipmentEvent
	about.events = make([][]subject, len(r.Events))
	for i, e := range r.Events {
		if asOf := r.Provenance.AsOf; asOf != nil && e.Classifier == trade.Actual && e.OccurredAt.After(asOf.Add(ahead)) {
			future = append(future, e)
			continue
		}
		possible := possibleFor(e, matched)
		switch {
		case len(possible) == 0:
			early = append(early, e)
			continue
		case ofSeveral(possible):
			about.ambiguous = true
			continue
		}
		about.events[i] = possible
		for _, s := range possible {
			if !slices.ContainsFunc(about.subjects, func(x subject) bool { return x.shipment == s.shipment }) {
				about.subjects = append(about.subjects, s)
			}
		}
	}
	var all []string
	if about.ambiguous {
		all = append(all, notApplied)
	}
	if len(early) > 0 {
		all = append(all, "Ignored, because the shipment did not exist yet and the number was used before: "+list(early))
	}
	if len(future) > 0 {
		all = append(all, "Ignored, because it is reported as having happened and is in the future: "+list(future))
	}
	return about, strings.Join(all, "\n")
}

// notApplied is what is said of what would be a guess.
const notApplied = "Not applied, because shipments of several parties have this number: correct it where the shipments are from, and " +
	"replay it."

// possibleFor are the subjects that an event can be about: of those that existed, the ones that were made last.
func possibleFor(e trade.ShipmentEvent, matched []subject) (possible []subject) {
	var newest time.Time
	for _, s := range matched {
		if !e.OccurredAt.Before(s.since) && s.created.After(newest) {
			newest = s.created
		}
	}
	for _, s := range matched {
		if !e.OccurredAt.Before(s.since) && !s.created.Before(newest.Add(-graceOutbound)) {
			possible = append(possible, s)
		}
	}
	return possible
}

// list is the first few events in words.
func list(events []trade.ShipmentEvent) string {
	var all []string
	for _, e := range events[:min(len(events), 5)] {
		all = append(all, e.OccurredAt.UTC().Format("2006-01-02 15:04Z")+" "+string(e.Milestone))
	}
	text := strings.Join(all, ", ")
	if n := len(events) - len(all); n > 0 {
		return fmt.Sprintf("%s, and %d more.", text, n)
	}
	return text + "."
}

// match finds, for each record, what it is about.
func match(ctx context.Context, tx *store.Tx, records []trade.Tracking) ([][]subject, error) {
	var all []trade.Identifier
	for i := range records {
		all = append(all, identifiersOf(&records[i])...)
	}
	if len(all) == 0 {
		return make([][]subject, len(records)), nil
	}
	found, err := replication.MatchShipments(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	named, of := shipmentsNamed(len(all), found), make([][]subject, len(records))
	for i := range records {
		identifiers := identifiersOf(&records[i])
		of[i] = subjectsOf(identifiers, named[:len(identifiers)])
		named = named[len(identifiers):]
	}
	return of, nil
}

// subjectsOf are the subjects of a record with these identifiers, each of which names some shipments. The first that names any
// decides; where it is the number of a package, all that the record names of the kind are meant. A shipment that only a less
// precise identifier names keeps those of packages: they may be others than its own.
func subjectsOf(identifiers []trade.Identifier, named [][]replication.ShipmentMatch) (of []subject) {
	first := slices.IndexFunc(named, func(found []replication.ShipmentMatch) bool { return len(found) > 0 })
	if first < 0 {
		return nil
	}
	decisive := identifiers[first].Scheme
	var unknown []trade.Identifier
	for i, id := range identifiers {
		switch {
		case i < first && tracking.NamesPackages(id.Scheme):
			unknown = append(unknown, id)
		case i == first || id.Scheme == decisive && tracking.NamesPackages(decisive):
			for _, m := range named[i] {
				at := slices.IndexFunc(of, func(s subject) bool { return s.shipment == m.Shipment })
				if at < 0 {
					at, of = len(of), append(of, newSubject(m))
				}
				of[at].numbered = of[at].numbered || id.Scheme == trade.SchemeTracking
				if tracking.NamesPackages(id.Scheme) {
					of[at].units = append(of[at].units, id)
				}
			}
		}
	}
	if !tracking.NamesPackages(decisive) {
		for i := range of {
			of[i].units = unknown
		}
	}
	return of
}

// shipmentsNamed are the shipments that each of some identifiers names. Several may go under one tracking number. What is not a
// shipment's own names it where there is one: which of several would be a guess.
func shipmentsNamed(identifiers int, found []replication.ShipmentMatch) [][]replication.ShipmentMatch {
	named, indirect := make([][]replication.ShipmentMatch, identifiers), make([][]replication.ShipmentMatch, identifiers)
	for _, m := range found {
		if m.Indirect {
			indirect[m.Identifier] = append(indirect[m.Identifier], m)
		} else {
			named[m.Identifier] = append(named[m.Identifier], m)
		}
	}
	for i, others := range indirect {
		if len(others) == 1 && !slices.ContainsFunc(named[i], func(m replication.ShipmentMatch) bool {
			return m.Shipment == others[0].Shipment
		}) {
			named[i] = append(named[i], others[0])
		}
	}
	return named
}

// eventsIn are the events in records, for each shipment that a record is about. Of an event that is told several times
// the last one counts.
func eventsIn(records []trade.Tracking, about []reports) (all []replication.ReportedEvent) {
	place := map[[2]string]int{}
	for i, r := range records {
		for n, e := range r.Events {
			for _, s := range about[i].events[n] {
				e.Units = s.units
				reported := replication.ReportedEvent{Shipment: s.shipment, Instance: r.Provenance.Instance, Event: e}
				id := [2]string{s.shipment, e.Key}
				if at, twice := place[id]; twice {
					all[at] = reported
					continue
				}
				place[id] = len(all)
				all = append(all, reported)
			}
		}
	}
	return all
}

// proofsIn are the documents in records that prove a delivery.
func proofsIn(records []trade.Tracking, about []reports) (proofs []proof) {
	for i, r := range records {
		if r.Proof == nil {
			continue
		}
		document := *r.Proof
		document.Instance = r.Provenance.Instance
		for _, s := range about[i].subjects {
			proofs = append(proofs, proof{s.shipment, s.units, document})
		}
	}
	return proofs
}

// traceChanges notes that shipments changed in the traces of the requests that ordered what is in them.
func traceChanges(ctx context.Context, tx *store.Tx, shipments []string) error {
	if len(shipments) == 0 || store.IsQuiet(ctx) || !telemetry.Traces() {
		return nil
	}
	requests, err := replication.RequestsOfShipments(ctx, tx, shipments)
	if err != nil {
		return err
	}
	for _, r := range requests {
		telemetry.Happened(ctx, r.Correlation, "shipment event", attribute.String("shipment", r.Shipment))
	}
	return nil
}
