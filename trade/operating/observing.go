package operating

import (
	"fmt"
	"time"
)

// SourceReason is why a source that answers is not simply up.
type SourceReason string

// Reasons, the worst first.
const (
	ReasonStale    SourceReason = "STALE"    // its changes have not been replicated for [StaleAfter]
	ReasonFlapping SourceReason = "FLAPPING" // it answers and fails in turns
	ReasonSlow     SourceReason = "SLOW"
)

// SourceReasons are all reasons.
var SourceReasons = []SourceReason{ReasonStale, ReasonFlapping, ReasonSlow}

// StaleAfter is how long the changes of a source that answers may not arrive.
const StaleAfter = 45 * time.Second

// Observed is what all processes have seen of a source lately.
type Observed struct {
	Instance    string
	Position    string     // up to which its changes have been replicated
	ConfirmedAt *time.Time // when that was last known to be the end; nil of a source whose changes are not followed
	Outages     *float64   // how often it began to fail within a minute, of one that does so often
	Seconds     *float64   // that a call takes, of one that is slow
}

// Since is what counts for a process that began then: while none ran, none was there to take a source's changes.
func (o Observed) Since(began time.Time) Observed {
	if o.ConfirmedAt != nil && o.ConfirmedAt.Before(began) {
		o.ConfirmedAt = &began
	}
	return o
}

// Judge adds to what this process knows of a source what all have seen of it. One that does not answer flaps, where it has done so
// before, and has no other reasons beside that; one that is not to be asked has none.
func (h *SourceHealth) Judge(seen Observed, now time.Time) {
	h.Reasons = nil
	if h.State == SourceIsDown && seen.Outages != nil {
		h.Reasons = []SourceReason{ReasonFlapping}
	}
	if h.State != SourceUp && h.State != SourceDegraded {
		return
	}
	if seen.ConfirmedAt != nil && now.Sub(*seen.ConfirmedAt) >= StaleAfter {
		h.Reasons = append(h.Reasons, ReasonStale)
	}
	if seen.Outages != nil {
		h.Reasons = append(h.Reasons, ReasonFlapping)
	}
	if seen.Seconds != nil {
		h.Reasons = append(h.Reasons, ReasonSlow)
	}
	if h.Reasons == nil {
		return
	}
	if h.State = SourceDegraded; h.Reasons[0] == ReasonStale {
		h.State = SourceIsStale
	}
	message, action := seen.Explain(h.Reasons[0])
	text := message + " " + action
	h.Message = &text
}

// Explain says what a reason means for the source, and what to do.
func (o *Observed) Explain(why SourceReason) (message, action string) {
	switch why {
	case ReasonStale:
		return fmt.Sprintf("%s answers, and its changes have not been replicated since %s: they stand at %s.", o.Instance,
				o.ConfirmedAt.UTC().Format(time.TimeOnly+" UTC"), o.Position),
			"Prices and stock are older than they look elsewhere. Look in the log for \"replication of a source\" and at its rejected records."
	case ReasonFlapping:
		return fmt.Sprintf("%s stopped answering %.0f times within a minute.", o.Instance, *o.Outages),
			"It answers and fails in turns. Look at its load, at what restarts it, and at the network to it."
	default:
		return fmt.Sprintf("%s takes %.1f s to answer.", o.Instance, *o.Seconds), "What needs it waits that long, or shows what was known. " +
			"Look at its load and at the network to it; lower its concurrency where it is asked too much."
	}
}
