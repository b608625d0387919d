// Package tracking takes in what carriers and other systems push: it keeps each delivery, reads it,
// and applies it to the shipments that it speaks of.
package tracking

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"portico/process"
	"portico/sources"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/records/replication"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/clock"
	"portico/trade/operating"
)

// Intake takes in what other systems push, or tell when asked: it keeps each delivery with
// its bytes, and applies it then. Deliveries may come in any order and any number of times;
// one that cannot be read is parked and holds up no other.
type Intake struct {
	store   *store.Store
	sources *sources.Set
	now     func() time.Time
	log     *slog.Logger
	keep    process.Gather[operatingstore.KeptDelivery, bool]
	wake    chan struct{} // has room for one: there are deliveries to apply

	mu      sync.Mutex
	refused map[[2]string]int // by source and reason, what is not noted yet
}

// NewIntake makes an intake; Run sets it to work.
func NewIntake(st *store.Store, set *sources.Set, now func() time.Time, log *slog.Logger) *Intake {
	i := &Intake{store: st, sources: set, now: now, log: log, wake: make(chan struct{}, 1), refused: map[[2]string]int{}}
	i.keep.Serve = func(ctx context.Context, all []operatingstore.KeptDelivery) ([]bool, error) {
		return operatingstore.KeepDeliveries(ctx, st, all)
	}
	return i
}

// ErrNoReceiver says that a source does not push, or is none.
var ErrNoReceiver = errors.New("there is no such source that pushes")

// Receive verifies a delivery and keeps it: when it returns without an error the delivery is
// durable. known tells that it had come before. It fails with [sources.Denied] where the
// delivery is not the source's own, which is noted, and with [ErrNoReceiver].
func (i *Intake) Receive(ctx context.Context, source string, h map[string][]string, body []byte) (id string, known bool, err error) {
	r, ok := i.sources.Receiver(source)
	if !ok {
		return "", false, ErrNoReceiver
	}
	if id, err = r.Delivery(h, body, i.now()); err != nil {
		i.Refuse(source, reasonOf(err))
		return "", false, err
	}
	known, err = i.keep.Do(ctx, "", operatingstore.KeptDelivery{Instance: source, DeliveryID: shortenID(id), Body: body})
	if err == nil && !known {
		i.Wake()
	}
	return id, known, err
}

// Receives tells whether a source pushes.
func (i *Intake) Receives(source string) bool {
	_, ok := i.sources.Receiver(source)
	return ok
}

// Refuse notes that a delivery was refused: soon, and together with others, for anybody can
// have some refused, and the database is not to work for that.
func (i *Intake) Refuse(source, reason string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refused[[2]string{source, reason}]++
}

// noteRefused notes the deliveries that were refused since it was done last. What cannot be
// noted is noted with the next.
func (i *Intake) noteRefused(ctx context.Context) error {
	i.mu.Lock()
	refused := i.refused
	i.refused = map[[2]string]int{}
	i.mu.Unlock()
	for of, many := range refused {
		if err := operatingstore.RefuseDeliveries(ctx, i.store, of[0], of[1], many, i.now()); err != nil {
			i.mu.Lock()
			defer i.mu.Unlock()
			for of, many := range refused {
				i.refused[of] += many
			}
			return err
		}
		delete(refused, of)
	}
	return nil
}

const longestID = 400

// shortenID is an id as it can be kept.
func shortenID(id string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(id[:min(len(id), longestID)], ""), "\x00", "")
}

// Wake tells that there may be deliveries to apply.
func (i *Intake) Wake() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

const (
	applyAtOnce  = 100
	applyAlways  = time.Second // whatever nobody has told
	noteEvery    = time.Second
	mostAttempts = 8
)

// Run applies what comes, and asks sources for what they have not pushed, until ctx ends.
func (i *Intake) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, name := range i.sources.Names() {
		all.Go(func() { i.catchUp(ctx, name) })
	}
	all.Go(func() {
		loop := clock.Loop{Task: "deliveries that were received", Every: applyAlways, Wake: i.wake, Log: i.log}
		loop.Run(ctx, func(ctx context.Context) (more bool, err error) {
			n, err := i.applySome(ctx)
			return n == applyAtOnce, err
		})
	})
	all.Go(func() {
		loop := clock.Loop{Task: "note of refused deliveries", Every: noteEvery, Late: true, Log: i.log}
		loop.Run(ctx, clock.Pass(i.noteRefused))
	})
	all.Wait()
}

// applySome applies some deliveries together. Where that fails for one of them, each is
// applied alone.
func (i *Intake) applySome(ctx context.Context) (n int, err error) {
	var due []operatingstore.KeptDelivery
	err = i.store.InTx(ctx, func(tx *store.Tx) (err error) {
		if due, err = operatingstore.DueDeliveries(ctx, tx, applyAtOnce); err != nil || len(due) == 0 {
			return err
		}
		of := make([]string, len(due))
		for n, d := range due {
			of[n] = d.ID
		}
		ctx, span := telemetry.Span(ctx, "apply deliveries", trace.SpanKindConsumer, attribute.StringSlice("delivery_ids", of))
		_, err = i.apply(ctx, tx, due)
		telemetry.End(span, err, "not applied")
		return err
	})
	if err == nil || len(due) == 0 || ctx.Err() != nil {
		return len(due), err
	}
	for _, d := range due {
		failure := i.store.InTx(ctx, func(tx *store.Tx) error {
			_, err := i.apply(ctx, tx, []operatingstore.KeptDelivery{d})
			return err
		})
		if failure == nil {
			continue
		}
		settled := operatingstore.SettledDelivery{
			ID: d.ID, State: operating.InboundReceived,
			Error: "It could not be applied; it will be retried.", RetryAfter: time.Second << min(d.Attempts, 9),
		}
		if reason, refused := store.Refused(failure); refused {
			settled.State, settled.Error = operating.InboundParked, reason
		} else if d.Attempts+1 >= mostAttempts {
			settled.State, settled.Error = operating.InboundParked, "It could not be applied, after all retries."
		}
		if err := i.store.InTx(ctx, func(tx *store.Tx) error {
			return operatingstore.SettleDeliveries(ctx, tx, []operatingstore.SettledDelivery{settled})
		}); err != nil {
			return 0, err
		}
		i.log.WarnContext(ctx, "a delivery could not be applied", "source", d.Instance, "delivery", d.ID, "state", string(settled.State))
	}
	return len(due), nil
}

// apply reads deliveries and files what they say, in a transaction. It tells how many
// shipments have something new.
func (i *Intake) apply(ctx context.Context, tx *store.Tx, due []operatingstore.KeptDelivery) (changed int, err error) {
	settled := make([]operatingstore.SettledDelivery, len(due))
	var records []trade.Tracking
	var of []int // by record, the delivery that it is in
	now := i.now()
	for n, d := range due {
		settled[n] = operatingstore.SettledDelivery{ID: d.ID, State: operating.InboundApplied}
		translated, err := i.translate(d)
		if err != nil {
			settled[n].State, settled[n].Error = operating.InboundParked, reasonOf(err)
			continue
		}
		settled[n].Unused = translated.Unused
		var wrong []string
		for _, r := range translated.Rejected {
			wrong = append(wrong, r.Reason)
		}
		if settled[n].Error = strings.Join(wrong, "\n"); len(wrong) > 0 && len(translated.Tracking) == 0 {
			settled[n].State = operating.InboundParked
		} else if len(wrong) > 0 {
			settled[n].State = operating.InboundInPart
		} else if translated.Ignored != "" {
			settled[n].Error = "Nothing is made of it: " + translated.Ignored + "."
		}
		for _, t := range translated.Tracking {
			t.Provenance.AsOf = &now
			records, of = append(records, t), append(of, n)
		}
	}
	applied, err := Apply(ctx, tx, records)
	if err != nil {
		return 0, err
	}
	fresh := map[string]bool{}
	for _, shipment := range applied.Changed {
		fresh[shipment] = true
	}
	withEvents := map[int]bool{} // deliveries with something new
	ambiguous := map[int]bool{}
	for r, shipments := range applied.Shipments {
		s := &settled[of[r]]
		if ignored := applied.Ignored[r]; ignored != "" {
			s.Error = strings.TrimSpace(s.Error + "\n" + ignored)
		}
		ambiguous[of[r]] = ambiguous[of[r]] || applied.Ambiguous[r]
		if len(shipments) == 0 && applied.Ignored[r] == "" {
			s.WaitsFor = append(s.WaitsFor, identifiersOf(&records[r])...)
		}
		for _, shipment := range shipments {
			if withEvents[of[r]] = withEvents[of[r]] || fresh[shipment]; !slices.Contains(s.Subjects, shipment) {
				s.Subjects = append(s.Subjects, shipment)
			}
		}
	}
	for n := range settled {
		s := &settled[n]
		switch {
		case s.State == operating.InboundParked:
		case ambiguous[n] && len(s.Subjects) == 0:
			s.State = operating.InboundParked
		case ambiguous[n]:
			s.State = operating.InboundInPart
		case len(s.WaitsFor) > 0: // what is about others is applied; all of it is again when they come
			s.State, s.RetryAfter = operating.InboundWaiting, retryPause(due[n].Attempts) //nolint:gosec // it is as long as that
			s.Error = strings.TrimSpace(s.Error + "\nIt waits for a shipment with " + listIdentifiers(s.WaitsFor) + ".")
		case s.State == operating.InboundApplied && len(s.Subjects) > 0 && !withEvents[n]:
			s.State = operating.InboundDuplicate
		}
	}
	return len(fresh), operatingstore.SettleDeliveries(ctx, tx, settled)
}

// retryPause is when a delivery is looked at again that waits. The shipment that it waits
// for wakes it as it is saved; but one that was being saved while it was looked for knew of
// nobody who waits.
func retryPause(attempts int) time.Duration {
	looks := [...]time.Duration{2 * time.Second, 30 * time.Second, 10 * time.Minute, time.Hour}
	return looks[min(attempts, len(looks)-1)]
}

// listIdentifiers are identifiers in words, the first few of them.
func listIdentifiers(ids []trade.Identifier) string {
	var all []string
	for _, id := range ids[:min(len(ids), 5)] {
		all = append(all, strings.ToLower(strings.ReplaceAll(string(id.Scheme), "_", " "))+" "+id.Value)
	}
	return strings.Join(all, " or ")
}

// translate reads a delivery; a defect is an error of it, and not the end of the process.
func (i *Intake) translate(d operatingstore.KeptDelivery) (translated sources.Translation, err error) {
	defer func() {
		if r := recover(); r != nil {
			i.log.Error("a delivery cannot be read for a defect of ours", "source", d.Instance, "delivery", d.ID, "stack", string(debug.Stack()))
			err = sources.Fail(sources.Garbled, "it cannot be read, for a defect of ours")
		}
	}()
	return i.sources.Translate(d.Instance, d.Body)
}

// reasonOf is why a delivery was refused or parked, in words for who sent it.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*sources.Error](err); ok {
		return e.Err.Error()
	}
	return "it could not be read"
}

// catchUp asks a source for what it may not have pushed, and keeps it as if it had.
func (i *Intake) catchUp(ctx context.Context, name string) {
	if r, ok := i.sources.Receiver(name); !ok {
		return
	} else if _, ok := r.(sources.Recovering); !ok {
		return
	}
	loop := clock.Loop{Task: "what a source did not push", Every: i.sources.Recovers(name), Log: i.log.With("source", name)}
	loop.Run(ctx, clock.Pass(func(ctx context.Context) error { return i.catchUpSome(ctx, name) }))
}

func (i *Intake) catchUpSome(ctx context.Context, name string) error {
	place := name + "/recovered"
	_, at, err := replication.Position(ctx, i.store, place)
	if err != nil {
		return err
	}
	for {
		found, _, err := i.sources.Recover(ctx, name, at)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(found.Deliveries, process.MostGathered) {
			kept := make([]operatingstore.KeptDelivery, len(some))
			for n, d := range some {
				kept[n] = operatingstore.KeptDelivery{Instance: name, DeliveryID: shortenID(d.ID), Body: d.Body}
			}
			if _, err := operatingstore.KeepDeliveries(ctx, i.store, kept); err != nil {
				return err
			}
		}
		i.Wake()
		at = found.Next
		if err := i.store.Confirm(ctx, place, "", at, i.now()); err != nil {
			return err
		}
		if !found.More {
			return nil
		}
	}
}
