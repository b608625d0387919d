package sources

import (
	"fmt"
	"slices"

	"portico/trade"
)

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
	p := portOf(subject).policy
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
		capability := portOf(main).Capability
		all = append(all, s.policy(main))
		for _, p := range ports {
			if p.Capability == capability && p.Subject != main {
				all = append(all, s.policy(p.Subject))
			}
		}
	}
	return all
}

func (s *Set) policy(subject Subject) trade.DataPolicy {
	port, g, set := portOf(subject), s.route(subject).primary, s.Stewardship(subject)
	p := trade.DataPolicy{Capability: port.Capability, Owner: g.adapter.Kind(), Steward: set.Steward, ConflictRule: set.Conflict}
	if port.field != "" {
		p.Field = &port.field
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
