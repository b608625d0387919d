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
}

// At sets Age and Stale as they are at now, for values of a kind that is stale
// past limit; a limit of 0 means never.
func (p *Provenance) At(now time.Time, limit time.Duration) {
	since := p.ReceivedAt
	if p.AsOf != nil {
		since = *p.AsOf
	}
	p.Age = max(now.Sub(since), 0).Truncate(time.Millisecond)
	p.Stale = limit > 0 && p.Age > limit
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
