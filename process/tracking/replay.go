package tracking

import (
	"context"
	"errors"
	"strings"

	"portico/process"
	"portico/store"
	"portico/store/operating"
	"portico/trade"
)

// Deliveries is the subject of a stream of deliveries, such as easypost/deliveries, to be
// replayed.
const Deliveries = "deliveries"

// HasStream tells whether it is the stream of deliveries of a source that pushes.
func (i *Intake) HasStream(stream string) bool {
	name, subject, _ := strings.Cut(stream, "/")
	_, pushes := i.sources.Receiver(name)
	return pushes && subject == Deliveries
}

// ReplayPage applies deliveries again, in the order in which they arrived.
func (i *Intake) ReplayPage(ctx context.Context, q process.Replay, after string) (found trade.OperationProgress, next string, err error) {
	name, _, _ := strings.Cut(q.Stream, "/")
	some, err := operating.DeliveriesBetween(ctx, i.store, name, q.From, q.To, q.Subject, after, applyAtOnce)
	if err != nil || len(some) == 0 {
		return found, "", err
	}
	found.Found = len(some)
	if found.Changes, err = i.replay(ctx, some, q.DryRun); err != nil || len(some) < applyAtOnce {
		return found, "", err
	}
	return found, some[len(some)-1].ID, nil
}

var errOnlyTried = errors.New("it was to be tried only")

// replay applies deliveries once more, or tries to and takes it back.
func (i *Intake) replay(ctx context.Context, some []operating.KeptDelivery, dry bool) (changed int, err error) {
	err = i.store.InTx(ctx, func(tx *store.Tx) error {
		if changed, err = i.apply(ctx, tx, some); err == nil && dry {
			return errOnlyTried
		}
		return err
	})
	if errors.Is(err, errOnlyTried) {
		err = nil
	}
	return changed, err
}
