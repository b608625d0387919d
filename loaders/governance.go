package loaders

import (
	"slices"

	"portico/sources"
	"portico/trade"
)

// StewardshipOf is who answers for a kind of record that is compared.
func (l *Loaders) StewardshipOf(kind string) trade.Stewardship {
	return l.Sources.Stewardship(sources.Subject(kind))
}

// Conflicting are the kinds of record whose conflicts are wanted: of these
// capabilities, of this steward, and open ones or not, which those are that the
// steward decides; nil wants all.
func (l *Loaders) Conflicting(capabilities []trade.Capability, steward *string, open *bool) []string {
	wanted := []string{}
	for _, s := range sources.Subjects() {
		p := l.Sources.Stewardship(s)
		switch {
		case capabilities != nil && !slices.Contains(capabilities, sources.CapabilityOf(s)):
		case steward != nil && *steward != p.Steward:
		case open != nil && *open != (p.Conflict == trade.StewardDecides):
		default:
			wanted = append(wanted, string(s))
		}
	}
	return wanted
}
