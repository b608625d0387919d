package tracking

import (
	"cmp"
	"slices"
	"time"

	"portico/trade"
)

// Units are the handling units of a shipment, by which events name what they are about.
type Units struct {
	TrackingNumber string             `json:"TrackingNumber"` // the shipment's own
	Document       *trade.DocumentRef `json:"Document"`       // of the proof of delivery that is held
	Packages       []Package          `json:"Packages"`
	Pallets        []Pallet           `json:"Pallets"`
}

// Package is a package of a shipment, with the document that proves its delivery.
type Package struct {
	Number         int                `json:"Number"`
	TrackingNumber string             `json:"TrackingNumber"`
	SSCC           string             `json:"SSCC"`
	Document       *trade.DocumentRef `json:"Document"`
	Delivered      bool               `json:"Delivered"` // by what was derived last
}

// Pallet is a handling unit of the despatch advice that announced a shipment, and the unit that it stands on or in.
type Pallet struct {
	SSCC   string `json:"SSCC"`
	Parent string `json:"Parent"`
}

// NamesPackages tells whether identifiers of a scheme name packages, where a shipment has several.
func NamesPackages(scheme trade.IdScheme) bool {
	return scheme == trade.SchemeTracking || scheme == trade.SchemeSSCC
}

// Moved are the packages that an event moves which names units: those units, and all that stand on them or in them. It is nil
// where the event is about the whole shipment, and empty where it names packages that the shipment does not have.
func (u *Units) Moved(named []trade.Identifier) []int {
	if len(named) == 0 {
		return nil
	}
	moved, foreign := map[int]bool{}, false
	for _, id := range named {
		if id.Scheme == trade.SchemeTracking && id.Value == u.TrackingNumber && !u.ofPackage(id.Value) {
			return nil // a number that stands for all of them
		}
		found, known := false, false
		for _, p := range u.Packages {
			known = known || valueOf(&p, id.Scheme) != ""
			if u.within(&p, id) {
				moved[p.Number], found = true, true
			}
		}
		if !found && !known {
			return nil // packages are not known by identifiers of this scheme
		}
		foreign = foreign || !found
	}
	if len(moved) == 0 && !foreign {
		return nil
	}
	numbers := make([]int, 0, len(moved))
	for n := range moved {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

// ofPackage tells whether the shipment's own tracking number stands for a package alone: one has it, and every other has its own.
// Where none has it, it is a number of the whole, as an air waybill is.
func (u *Units) ofPackage(number string) bool {
	has := func(number string) bool {
		return slices.ContainsFunc(u.Packages, func(p Package) bool { return p.TrackingNumber == number })
	}
	return has(number) && !has("")
}

func valueOf(p *Package, scheme trade.IdScheme) string {
	if scheme == trade.SchemeSSCC {
		return p.SSCC
	}
	return p.TrackingNumber
}

// within tells whether a package is what an identifier names, or stands on it.
func (u *Units) within(p *Package, id trade.Identifier) bool {
	if id.Scheme != trade.SchemeSSCC {
		return p.TrackingNumber == id.Value
	}
	sscc := p.SSCC
	for range len(u.Pallets) + 1 { // a unit stands on less than all of them
		if sscc == "" || sscc == id.Value {
			return sscc != ""
		}
		above := ""
		for _, x := range u.Pallets {
			if x.SSCC == sscc {
				above = x.Parent
			}
		}
		sscc = above
	}
	return false
}

// State is what follows from the events of a shipment or package.
type State struct {
	Status    trade.ShipmentStatus     `json:"Status"`
	Eta       *trade.Eta               `json:"Eta"`
	Exception *trade.ShipmentException `json:"Exception"`
	Proof     *trade.Proof             `json:"Proof"`
	since     time.Time                // when the event happened that decided the status
}

// PackageState is the state of a package.
type PackageState struct {
	State
	Number int `json:"Number"`
}

// Derive derives from all events of a shipment, in any order, where it and its packages stand. Each package follows the events
// that name it or the whole shipment; the shipment follows its packages.
func Derive(events []trade.ShipmentEvent, u *Units) (State, []PackageState) {
	if len(u.Packages) == 0 {
		return stateOf(events, u.Document), nil
	}
	packages := make([]PackageState, len(u.Packages))
	for i, p := range u.Packages {
		packages[i] = PackageState{stateOf(eventsOf(events, p.Number), p.Document), p.Number}
	}
	whole := combine(packages)
	if whole.Proof != nil && whole.Proof.Document == nil {
		proof := *whole.Proof
		proof.Document, whole.Proof = u.Document, &proof
	}
	return whole, packages
}

func stateOf(events []trade.ShipmentEvent, document *trade.DocumentRef) State {
	s := State{Status: trade.ShipmentUnknown, Eta: EtaOf(events), Exception: ExceptionOf(events), Proof: ProofOf(events, document)}
	if e := decisive(events); e != nil {
		s.Status, s.since = e.Status, e.OccurredAt
	}
	return s
}

// eventsOf are the events that move a package: those that name it, or the whole shipment.
func eventsOf(events []trade.ShipmentEvent, number int) (of []trade.ShipmentEvent) {
	for _, e := range events {
		if e.Packages == nil || slices.Contains(e.Packages, number) {
			of = append(of, e)
		}
	}
	return of
}

// combine is the state of a shipment with these packages: it arrives with the last of them, has the problem that came last,
// and is proven to be delivered when all are.
func combine(packages []PackageState) State {
	whole := State{Status: combineStatus(packages)}
	for i := range packages {
		p := &packages[i]
		if p.Eta != nil && (p.Status != trade.Delivered || whole.Status == trade.Delivered) &&
			(whole.Eta == nil || p.Eta.At.After(whole.Eta.At)) {
			whole.Eta = p.Eta
		}
		if p.Exception != nil && (whole.Exception == nil || p.Exception.Since.After(whole.Exception.Since)) {
			whole.Exception = p.Exception
		}
		if whole.Status == trade.Delivered && p.Proof != nil &&
			(whole.Proof == nil || p.Proof.DeliveredAt.After(whole.Proof.DeliveredAt)) {
			whole.Proof = p.Proof
		}
	}
	return whole
}

// StatusOfPackages is the status of a shipment of whose packages these are the events, by package.
func StatusOfPackages(events [][]trade.ShipmentEvent) trade.ShipmentStatus {
	packages := make([]PackageState, len(events))
	for i, of := range events {
		packages[i].State = stateOf(of, nil)
	}
	return combineStatus(packages)
}

// combineStatus is the status of a shipment with these packages. Where some are delivered, it is delivered in part. Otherwise
// the latest event of those that are still on their way decides.
func combineStatus(packages []PackageState) trade.ShipmentStatus {
	delivered, last := 0, State{Status: trade.ShipmentUnknown}
	for i := range packages {
		p := &packages[i].State
		if p.Status == trade.Delivered {
			delivered++
		}
		if p.decides(&last) {
			last = *p
		}
	}
	switch delivered {
	case 0:
		return last.Status
	case len(packages):
		return trade.Delivered
	default:
		return trade.PartiallyDelivered
	}
}

// decides tells whether the state of a package says more of where its shipment stands than that of another one.
func (s *State) decides(other *State) bool {
	rank := func(s *State) int {
		switch {
		case s.Status == trade.ShipmentUnknown:
			return 0
		case s.Status.Final():
			return 1
		default:
			return 2
		}
	}
	return cmp.Or(cmp.Compare(rank(s), rank(other)), s.since.Compare(other.since),
		cmp.Compare(slices.Index(trade.ShipmentStatuses, s.Status), slices.Index(trade.ShipmentStatuses, other.Status))) > 0
}
