package loaders

import (
	"slices"

	"portico/sources"
	operatingstore "portico/store/operating"
	"portico/trade/operating"
)

// StewardshipOf is who answers for a kind of record that is compared.
func (l *Loaders) StewardshipOf(kind string) operating.Stewardship {
	return l.Sources.Stewardship(sources.Subject(kind))
}

// Conflicting are the conflicts that are wanted: of these capabilities, of this steward,
// and open ones or not; nil wants all.
func (l *Loaders) Conflicting(capabilities []operating.Capability, steward *string, open *bool) operatingstore.ConflictFilter {
	f := operatingstore.ConflictFilter{Kinds: []string{}, Open: open, Decided: []string{}}
	for _, s := range sources.Subjects() {
		p := l.Sources.Stewardship(s)
		if p.Conflict != operating.StewardDecides {
			f.Decided = append(f.Decided, string(s))
		}
		if (capabilities == nil || slices.Contains(capabilities, sources.CapabilityOf(s))) && (steward == nil || *steward == p.Steward) {
			f.Kinds = append(f.Kinds, string(s))
		}
	}
	return f
}
