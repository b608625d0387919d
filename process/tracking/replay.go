package tracking

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"portico/process"
	"portico/store"
	"portico/store/ledger"
	"portico/store/operating"
	"portico/trade"
)

// Deliveries is the subject of a stream of deliveries, such as easypost/deliveries, to be
// replayed.
const Deliveries = "deliveries"

// Replay applies deliveries again as the mappings of today read them, or only tells what
// would come of it.
func (i *Intake) Replay(ctx context.Context, by process.Submitter, key string, q process.Replay) (*process.Acted,
	*process.Replayed, error,
) {
	if errs := process.RequireText(q.Reason, process.SayWhy, "reason"); errs != nil {
		return &process.Acted{Errors: errs}, nil, nil
	}
	found := &process.Replayed{}
	done, err := process.Once(ctx, i.store, by, "replay", key, q,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			name, _, _ := strings.Cut(q.Stream, "/")
			if _, ok := i.sources.Receiver(name); !ok {
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound, "There is no such stream: no source of that name pushes.",
					"stream")}, nil
			}
			for after := ""; ; {
				some, err := operating.DeliveriesBetween(ctx, i.store, name, q.From, q.To, q.Subject, after, applyAtOnce)
				if err != nil || len(some) == 0 {
					if err != nil {
						return spent, nil, err
					}
					break
				}
				if found.Found += len(some); found.Found > process.MostReplayed {
					return spent, []trade.UserError{process.Invalid(trade.CodeMaximum,
						fmt.Sprintf("There is more than %d of it: name a shorter time.", process.MostReplayed), "from")}, nil
				}
				after = some[len(some)-1].ID
				n, err := i.replay(ctx, some, q.DryRun)
				if err != nil {
					return spent, nil, err
				}
				found.Changes += n
			}
			spent, err = q.Spend(ctx, tx, by, found)
			return spent, nil, err
		})
	if err == nil && len(done.Errors) == 0 {
		err = json.Unmarshal(done.Answer, found)
	}
	return done, found, err
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
