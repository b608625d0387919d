package sources

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"portico/trade"
	"portico/trade/operating"
)

// Receiving is a system that pushes news to us.
type Receiving interface {
	Adapter
	// Delivery tells the id of a delivery, by which the same one is known again. It fails
	// with [Denied] where the delivery is not the system's, is stale or is not signed: what
	// the error says may be told to the sender.
	Delivery(h http.Header, body []byte, now time.Time) (id string, err error)
	// Translate reads what a delivery says. What of it cannot be read is among the rejected; it
	// fails where nothing of it can. The same bytes always say the same.
	Translate(body []byte) (Translation, error)
}

// Recovering is a system that can be asked for what it may not have pushed.
type Recovering interface {
	Receiving
	// Recover lists news after a place, as deliveries: with the ids that pushed ones have,
	// where the system says them. An empty place is the beginning; an empty next place says
	// that it is to begin anew the next time.
	Recover(ctx context.Context, after string) (Recovered, error)
	// Pushes tells whether it pushes too, so that it need not be asked often.
	Pushes() bool
}

// Recovered is a piece of what a system told when asked.
type Recovered struct {
	Deliveries []Delivery
	Next       string
	More       bool // further ones can be asked for at once
}

// Delivery is news as it came.
type Delivery struct {
	ID   string
	Body []byte
}

// Translation is what a delivery says.
type Translation struct {
	Tracking []trade.Tracking
	Rejected []operating.RejectedRecord
	// Ignored says why nothing is to be made of it, where that is as it should be.
	Ignored string
	// Unused are the paths of values that were read and not used.
	Unused []string
}

// Receiver is the named source, where it pushes news.
func (s *Set) Receiver(name string) (Receiving, bool) {
	g := s.byName[name]
	if g == nil {
		return nil, false
	}
	r, ok := g.adapter.(Receiving)
	return r, ok
}

// Translate reads what a delivery of the named source says, and says whence it came.
func (s *Set) Translate(name string, body []byte) (translation Translation, err error) {
	r, ok := s.Receiver(name)
	if !ok {
		return Translation{}, Fail(Rejected, "there is no source %q that pushes events", name)
	}
	if translation, err = r.Translate(body); err != nil {
		return Translation{}, fmt.Errorf("events of %s: %w", name, err)
	}
	if len(translation.Unused) > 0 {
		unusedTotal.WithLabelValues(name, "deliveries").Add(float64(len(translation.Unused)))
	}
	for i := range translation.Tracking {
		p := &translation.Tracking[i].Provenance
		p.Instance, p.System = name, r.Kind()
	}
	for i := range translation.Rejected {
		translation.Rejected[i].Instance = name
	}
	return translation, nil
}

// Recover asks the named source for news after a place. ok is false where it cannot be
// asked.
func (s *Set) Recover(ctx context.Context, name, after string) (found Recovered, ok bool, err error) {
	g := s.byName[name]
	r, ok := g.adapter.(Recovering)
	if !ok {
		return Recovered{}, false, nil
	}
	if found, err = read(ctx, g, "recover", func(ctx context.Context) (Recovered, error) { return r.Recover(ctx, after) }); err != nil {
		return found, true, fmt.Errorf("recovering from %s: %w", name, err)
	}
	return found, true, nil
}

// Recovers is the pause between two times that the named source is asked for what it may
// not have pushed.
func (s *Set) Recovers(name string) time.Duration {
	g := s.byName[name]
	if r, ok := g.adapter.(Recovering); ok && !r.Pushes() {
		return g.limits.Poll
	}
	return g.limits.Reconcile
}
