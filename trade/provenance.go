package trade

import "time"

// SourceKind is a kind of system that holds facts.
type SourceKind string

// Kinds of systems.
const (
	ERP       SourceKind = "ERP"
	WMS       SourceKind = "WMS"
	TMS       SourceKind = "TMS"
	Logistics SourceKind = "LOGISTICS"
	CRM       SourceKind = "CRM"
	Finance   SourceKind = "FINANCE"
	MDM       SourceKind = "MDM"
	Partner   SourceKind = "PARTNER"
	Portico   SourceKind = "PORTICO"
)

// ReadMode tells how a value was read.
type ReadMode string

// Ways a value can have been read.
const (
	Live     ReadMode = "LIVE"
	ODS      ReadMode = "ODS"
	Cache    ReadMode = "CACHE"
	Fallback ReadMode = "FALLBACK"
)

// Provenance tells where a value came from and how old it is.
//
// AsOf is the last moment at which the source is known to have said so. For a
// record in the store that is the moment its source's change feed was last
// followed to its end, for until then every later version would have been
// seen.
type Provenance struct {
	System        SourceKind    `json:"System"`
	Instance      string        `json:"Instance"`
	Mode          ReadMode      `json:"Mode"`
	AsOf          *time.Time    `json:"AsOf"`
	ReceivedAt    time.Time     `json:"ReceivedAt"`
	Age           time.Duration `json:"Age"`
	Stale         bool          `json:"Stale"`
	SourceRef     *string       `json:"SourceRef"`
	SourceVersion *string       `json:"SourceVersion"`
	// Sequence orders the versions of one record: an older one never replaces
	// a newer one.
	Sequence int64 `json:"Sequence"`
	// UnreadSince is since when a newer version of the record is known that could
	// not be read or saved, and UnreadReason says why, where the reader may know;
	// both are nil where there is none.
	UnreadSince  *time.Time `json:"-"`
	UnreadReason *string    `json:"-"`
	// MaxAge is the age past which it is stale; 0 means never.
	MaxAge time.Duration `json:"-"`
}

// At sets Age and Stale as they are at now, for values of a kind that is stale
// past limit; a limit of 0 means never. A record of which a newer version is
// unread is stale at any age.
func (p *Provenance) At(now time.Time, limit time.Duration) {
	p.Age = max(now.Sub(p.validAt()), 0).Truncate(time.Millisecond)
	p.MaxAge = limit
	p.Stale = p.UnreadSince != nil || limit > 0 && p.Age > limit
}

func (p *Provenance) validAt() time.Time {
	if p.AsOf != nil {
		return *p.AsOf
	}
	return p.ReceivedAt
}

// StaleReason says why it is stale; nil where it is not.
func (p *Provenance) StaleReason() *string {
	var reason string
	switch {
	case !p.Stale:
		return nil
	case p.UnreadSince == nil:
		reason = "It is older than " + p.MaxAge.String() + "."
	case p.UnreadReason == nil:
		reason = "The source has a newer version that could not be read or saved."
	default:
		reason = "The source has a newer version that could not be read or saved: " + *p.UnreadReason
	}
	return &reason
}

// StaleSince is since when it is stale; nil where it is not.
func (p *Provenance) StaleSince() *time.Time {
	if !p.Stale || p.UnreadSince != nil {
		return p.UnreadSince
	}
	since := p.validAt().Add(p.MaxAge)
	return &since
}

// ExternalId is a record's id in a source system.
type ExternalId struct {
	System   SourceKind
	Instance string
	Kind     string
	Value    string
}

func (p *Provenance) external(kind string) []ExternalId {
	if p.SourceRef == nil {
		return nil
	}
	return []ExternalId{{System: p.System, Instance: p.Instance, Kind: kind, Value: *p.SourceRef}}
}
