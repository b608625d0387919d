package sources

import (
	"fmt"
	"slices"

	"portico/trade/operating"
)

// Govern sets what the configuration says about subjects. It fails for a subject
// that is not there, and for a rule that nothing carries out.
func (s *Set) Govern(policies map[Subject]operating.Stewardship) error {
	for subject, p := range policies {
		if !slices.Contains(Subjects(), subject) {
			return fmt.Errorf("policies: %q is not one of %v", subject, Subjects())
		}
		if p.Conflict != "" && p.Conflict != operating.OwnerWins && p.Conflict != operating.StewardDecides {
			return fmt.Errorf("policies: %s: conflict is %q: it must be %s or %s", subject, p.Conflict, operating.OwnerWins,
				operating.StewardDecides)
		}
	}
	s.policies = policies
	return nil
}

// Stewardship is what holds for a subject.
func (s *Set) Stewardship(subject Subject) operating.Stewardship {
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
func (s *Set) Policies() (all []operating.DataPolicy) {
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

func (s *Set) policy(subject Subject) operating.DataPolicy {
	port, g, set := portOf(subject), s.route(subject).primary, s.Stewardship(subject)
	p := operating.DataPolicy{Capability: port.Capability, Owner: g.adapter.Kind(), Steward: set.Steward, ConflictRule: set.Conflict}
	if port.field != "" {
		p.Field = &port.field
	}
	_, serves := g.adapter.(Changes)
	switch {
	case subject == OfPrices:
		p.Sync = operating.SyncLive
	case serves:
		p.Sync, p.Every = operating.SyncPolled, &g.limits.Poll
	default:
		p.Sync, p.Every = operating.SyncScheduled, &g.limits.Reconcile
	}
	return p
}
