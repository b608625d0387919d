package sources

import (
	"fmt"
	"slices"

	"portico/trade"
)

// defaultPolicies hold where the configuration says nothing: what describes things
// and parties is for people to agree on, what counts and states is the system's
// that owns it.
var defaultPolicies = map[Subject]trade.Stewardship{
	OfWarehouses: decides("logistics"), OfStock: owned("logistics"), OfShipments: owned("logistics"), OfTracking: owned("logistics"),
	OfCategories: decides("product data"), OfItems: decides("product data"),
	OfSuppliers: decides("purchasing"), OfPurchaseOrders: owned("purchasing"),
	OfAccounts: decides("customer data"), OfCalendars: owned("customer data"),
	OfContracts: owned("pricing"), OfPrices: owned("pricing"),
	OfOrders: owned("customer service"), OfReturns: owned("customer service"),
	OfCredit: owned("finance"), OfInvoices: owned("finance"),
}

func decides(steward string) trade.Stewardship {
	return trade.Stewardship{Steward: steward, Conflict: trade.StewardDecides}
}

func owned(steward string) trade.Stewardship {
	return trade.Stewardship{Steward: steward, Conflict: trade.OwnerWins}
}

// fieldOf is the part of its capability's records that a subject is; none where it
// is the records themselves.
var fieldOf = map[Subject]string{
	OfWarehouses: "warehouse", OfCategories: "category", OfSuppliers: "supplier", OfCalendars: "locations.deliveryDays", OfCredit: "credit", OfContracts: "contract", OfTracking: "events",
}

// Govern sets what the configuration says about subjects. It fails for a subject
// that is not there, and for a rule that nothing carries out.
func (s *Set) Govern(policies map[Subject]trade.Stewardship) error {
	for subject, p := range policies {
		if !slices.Contains(Subjects(), subject) {
			return fmt.Errorf("policies: %q is not one of %v", subject, Subjects())
		}
		if p.Conflict != "" && p.Conflict != trade.OwnerWins && p.Conflict != trade.StewardDecides {
			return fmt.Errorf("policies: %s: conflict is %q: it must be %s or %s", subject, p.Conflict, trade.OwnerWins, trade.StewardDecides)
		}
	}
	s.policies = policies
	return nil
}

// Stewardship is what holds for a subject.
func (s *Set) Stewardship(subject Subject) trade.Stewardship {
	p := defaultPolicies[subject]
	if own := s.policies[subject]; own.Steward != "" {
		p.Steward = own.Steward
	}
	if own := s.policies[subject]; own.Conflict != "" {
		p.Conflict = own.Conflict
	}
	return p
}

// Policies are the policies of every subject, by capability, the whole record first.
func (s *Set) Policies() (all []trade.DataPolicy) {
	for _, main := range mains {
		capability := portOf(main).capability
		all = append(all, s.policy(main))
		for _, p := range ports {
			if p.capability == capability && p.subject != main {
				all = append(all, s.policy(p.subject))
			}
		}
	}
	return all
}

func (s *Set) policy(subject Subject) trade.DataPolicy {
	g, set := s.route(subject).primary, s.Stewardship(subject)
	p := trade.DataPolicy{Capability: portOf(subject).capability, Owner: g.adapter.Kind(), Steward: set.Steward, ConflictRule: set.Conflict}
	if field := fieldOf[subject]; field != "" {
		p.Field = &field
	}
	_, tells := g.adapter.(Changes)
	switch {
	case subject == OfPrices:
		p.Sync = trade.SyncLive
	case tells:
		p.Sync, p.Every = trade.SyncPolled, &g.limits.Poll
	default:
		p.Sync, p.Every = trade.SyncScheduled, &g.limits.Reconcile
	}
	return p
}
