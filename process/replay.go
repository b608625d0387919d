package process

import (
	"context"
	"time"

	"portico/trade"
)

// Replay is past news to be applied again. Stream is a source instance and a subject,
// such as erp/orders.
type Replay struct {
	Stream  string     `json:"Stream"`
	From    *time.Time `json:"From"`
	To      *time.Time `json:"To"`
	Subject string     `json:"Subject"` // id of a record; empty for all
	DryRun  bool       `json:"DryRun"`
	Reason  string     `json:"Reason"`
}

// Replayer reads again what streams of a kind have reported, a page at a time.
type Replayer interface {
	// HasStream tells whether there is a stream of that name, such as erp/orders.
	HasStream(stream string) bool
	// ReplayPage reads the page after a place among what the stream reported, as the mappings of today read it, and applies it unless it is
	// to be tried only. It returns what it found and the place of the page's end; an empty one after the last page. Applied twice it is as
	// once: an older version never replaces a newer one.
	ReplayPage(ctx context.Context, q Replay, after string) (found trade.OperationProgress, next string, err error)
}
