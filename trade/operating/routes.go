package operating

import (
	"time"

	"portico/trade"
)

// CapabilityRoute is where a capability is served, while it moves from one source to the
// next.
type CapabilityRoute struct {
	Capability Capability
	Primary    string // source it moves to or rests with
	Shadow     *string
	// PercentToPrimary of the accounts are served by the primary, always the same
	// ones, and the rest by the shadow.
	PercentToPrimary int
	Since            time.Time
	ChangedBy        string
}

// Difference is what a source says of a field otherwise than the copy that Portico
// holds. Key is the record's natural key; Field is empty where the whole record is
// missing on one side.
type Difference struct {
	Key         string  `json:"Key"`
	Field       string  `json:"Field"`
	Value       *string `json:"Value"` // held
	SourceValue *string `json:"SourceValue"`
}

// RouteMismatch is a difference between what a primary and its shadow say of a
// field of a record.
type RouteMismatch struct {
	Key     string
	Field   string
	Primary *trade.Confidential
	Shadow  *trade.Confidential
	At      time.Time
}

// RecordDifference is a difference between Portico and a source. Field is nil
// where the whole record is missing on one side.
type RecordDifference struct {
	Key         string
	Field       *string
	Value       *trade.Confidential
	SourceValue *trade.Confidential
}

// Reconciliation is the latest comparison of a kind of record between Portico and
// a source. At is nil before the first one is through.
type Reconciliation struct {
	ID               string
	Capability       Capability
	Subject          string
	HeldFrom         string // source of Portico's copy
	Instance         string
	At               *time.Time
	Count            int
	SourceCount      int
	Totals           []trade.Money    // per currency
	SourceTotals     []trade.Money    // per currency
	Quantities       []trade.Quantity // per unit
	SourceQuantities []trade.Quantity // per unit
}

// NodeID is the reconciliation's global id.
func (r *Reconciliation) NodeID() string { return r.ID }

// MasterDataConflict is a field on which two systems contradict each other: the one
// that Portico's copy came from, and another.
type MasterDataConflict struct {
	ID          string
	Capability  Capability
	Kind        string // of record: the subject that is compared
	Key         string
	Subject     *string // id of the record, where it is one of the graph
	Field       string
	HeldFrom    string
	HeldValue   *trade.Confidential
	Instance    string
	SourceValue *trade.Confidential
	Since       time.Time
	At          time.Time // when it was last found
	// DecidedValue is what a person decided to hold, DeciderID whose decision it was and
	// DecidedAt when; nil and empty where nobody has.
	DecidedValue *trade.Confidential
	DeciderID    string
	DecidedAt    *time.Time
}

// NodeID is the conflict's global id.
func (c *MasterDataConflict) NodeID() string { return c.ID }

// MasterDataChange is a field of a record of master data that a system is told to say otherwise.
type MasterDataChange struct {
	Kind, Key string // of the record
	Field     string
	Was       string // what the system says until then
	Value     string
}

// SourcedValue is what one system says.
type SourcedValue struct {
	Value      *trade.Confidential
	Provenance trade.Provenance
}

// From is where the value came from.
func (v *SourcedValue) From() *trade.Provenance { return &v.Provenance }

// Stewardship is who answers for a kind of record, and what decides where systems
// contradict each other.
type Stewardship struct {
	Steward  string       `yaml:"steward"`
	Conflict ConflictRule `yaml:"conflict"`
}

// DataPolicy is who owns a kind of record, or a field of it, and how it is kept
// the same everywhere.
type DataPolicy struct {
	Capability   Capability
	Field        *string // nil for the whole record
	Owner        trade.SourceKind
	Steward      string
	Sync         SyncMode
	Every        *time.Duration
	ConflictRule ConflictRule
}

// SyncMode is how news reaches Portico.
type SyncMode string

// How news reaches Portico.
const (
	SyncPushed    SyncMode = "PUSHED"
	SyncPolled    SyncMode = "POLLED"
	SyncScheduled SyncMode = "SCHEDULED"
	SyncLive      SyncMode = "LIVE"
)

// ConflictRule is what decides a conflict.
type ConflictRule string

// What decides a conflict.
const (
	OwnerWins      ConflictRule = "OWNER_WINS"
	NewestWins     ConflictRule = "NEWEST_WINS"
	StewardDecides ConflictRule = "STEWARD_DECIDES"
)
