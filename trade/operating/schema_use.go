package operating

import (
	"time"

	"portico/trade"
)

// SchemaUse is that a client asks for an element of the schema, by its coordinate.
type SchemaUse struct {
	Coordinate, Client string
	Calls              int64
	LastUsedAt         time.Time
}

// Deprecation is an element of the schema that goes away.
type Deprecation struct {
	Coordinate, Reason string
	Since, SunsetOn    trade.Date
	Replacement        *string
}

// DeprecatedUse is that a client still asks for such an element.
type DeprecatedUse struct {
	Client     string
	Calls      int // in the last 30 days
	LastUsedAt time.Time
}
