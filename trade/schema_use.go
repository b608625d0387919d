package trade

import "time"

// SchemaUse is that a client asks for an element of the schema, by its coordinate.
type SchemaUse struct {
	Coordinate, Client string
	Calls              int64
	LastUsedAt         time.Time
}
