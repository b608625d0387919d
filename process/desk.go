// Package process is what all flows share: the desk where writes are kept and begun, keys that
// make a write happen once, calls that are served together, and refusals. What must happen
// between the systems and the store stands in the rooms below, one for each kind of flow.
package process

import (
	"context"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"portico/evidence/signatures"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/ordering"
)

// ERP is the system that most steps are about.
var ERP = trade.ERP

// Desk is what all writes have in common: where they are kept, where they go, and what
// plays them.
type Desk struct {
	Store   *store.Store
	Sources *sources.Set
	Engine  *durable.Engine
	Now     func() time.Time           // the clock that rules of days and months go by
	known   *lru.Cache[string, string] // who was kept, by id
}

// NewDesk makes a desk, whose flows take the time from now. Without an engine nothing can be
// begun at it.
func NewDesk(st *store.Store, set *sources.Set, engine *durable.Engine, now func() time.Time) *Desk {
	known, err := lru.New[string, string](10_000)
	if err != nil {
		panic(err) // the size is positive
	}
	return &Desk{st, set, engine, now, known}
}

// Submitter is who writes: by whom keys are told apart, under which correlation id, and
// what they may order without approval as their token says it. UnreadableLimits tells
// that it says something else. Envelope is the request as it arrived, where something of
// it was signed.
type Submitter struct {
	Principal, CorrelationID string
	Limits                   []ordering.SpendingLimit
	UnreadableLimits         bool
	Envelope                 *signatures.Envelope
}

// Know keeps who somebody is that writes, to be named beside what they wrote.
func (d *Desk) Know(ctx context.Context, u *trade.User, scope trade.Scope) error {
	accounts := scope.Accounts()
	as := fmt.Sprintf("%q %q", u.DisplayName, accounts)
	if kept, ok := d.known.Get(u.ID); ok && kept == as {
		return nil
	}
	if err := records.SaveUser(ctx, d.Store, u, accounts); err != nil {
		return err
	}
	d.known.Add(u.ID, as)
	return nil
}

// Begin keeps one operation of a flow, and tells a key that is spent as an error.
func Begin[W any](ctx context.Context, d *Desk, tx *store.Tx, f durable.Flow[W], n ledger.NewOperation, work W, ref string) error {
	begun, err := durable.Begin(ctx, d.Engine, tx, f, durable.Beginning[W]{Operation: n, Work: work, Ref: ref})
	if err == nil && len(begun) == 0 {
		return ledger.ErrSpent
	}
	return err
}

// Await waits for the end of an operation that was begun, at most so long, where its
// source takes writes now.
func Await(ctx context.Context, d *Desk, source string, done *Acted, err error, wait time.Duration) (*Acted, error) {
	if err != nil || done.OperationID == "" || done.Replayed {
		return done, err
	}
	d.Engine.Wake(source)
	if _, held := d.Sources.Paused(source); held > 0 || wait <= 0 {
		return done, nil
	}
	return done, d.Engine.Wait(ctx, done.OperationID, wait)
}

// HandOver lets a source do a write exactly once, or never twice: an earlier attempt
// may have arrived although its answer did not, so that its reference is looked up
// before it is sent again; where it cannot be looked up, nobody can know. An attempt that
// nobody waits for any more may be under way for a while after that: it is looked up until
// it would have come to its end, unless the source does under one key what it does once.
func (d *Desk) HandOver(ctx context.Context, source, ref string, before durable.Attempted,
	write func() (sources.Receipt, error),
) (sources.Receipt, error) {
	guarantee := d.Sources.Guarantee(source)
	blind := guarantee == operating.AtMostOnce
	const doubt = "Whether the system has it cannot be known: somebody is looking it up."
	if before.Attempt > 1 {
		if blind && before.Crashed {
			return sources.Receipt{}, &durable.Doubt{Message: doubt}
		}
		if !blind {
			receipt, err := d.Sources.ReceiptByKey(ctx, source, ref)
			if err == nil || sources.KindOf(err) != sources.NotFound {
				return receipt, err
			}
		}
		if since := before.UnderWaySince; since != nil && guarantee == operating.ReferenceSearchable {
			quiet, now := 2*d.Sources.Timeout(source), d.Now()
			if left := min(since.Add(quiet).Sub(now), quiet); left > 0 { // the clock of the process that began it may be ahead
				return sources.Receipt{}, &durable.Quiet{Until: now.Add(left)}
			}
		}
	}
	receipt, err := write()
	switch kind := sources.KindOf(err); {
	case kind == sources.Rejected:
		return receipt, durable.Refuse(trade.ERPAtFault, "REFUSED_BY_ERP", sources.Reason(err))
	case kind == sources.ByHand:
		return receipt, &durable.Chore{Message: sources.Reason(err)}
	case blind && (kind == sources.Uncertain || kind == sources.Garbled):
		return receipt, &durable.Doubt{Message: doubt}
	}
	return receipt, err
}

// OperationOf is the id of the operation that a principal's key started, or empty.
func (d *Desk) OperationOf(ctx context.Context, principal, key string) (string, error) {
	return ledger.OperationByAnyKey(ctx, d.Store, principal, key)
}

// Reread reads records as their source has them now, to be saved with the step.
func Reread[W any, P sources.Adapter, T any](ctx context.Context, d *Desk, r *durable.Run[W], of sources.Records[P, T],
	save func(context.Context, *store.Tx, []T) ([]operating.RejectedRecord, error), numbers ...string,
) error {
	page, err := of.Fetch(ctx, d.Sources.At(r.Source), sources.Query{Refs: numbers})
	if err != nil {
		return err
	}
	if len(page.Records) != len(numbers) {
		return sources.Fail(sources.Garbled, "a record that was written is not to be read")
	}
	r.Save(func(tx *store.Tx) error {
		unknown, err := save(ctx, tx, page.Records)
		if err != nil || len(unknown) == 0 {
			return err
		}
		for i := range unknown {
			unknown[i].Subject = string(of.Subject)
		}
		return replication.RejectRecords(ctx, tx, unknown)
	})
	return nil
}

// Distinct are keys without those that are empty or were before.
func Distinct(keys []string) []string {
	var all []string
	seen := map[string]bool{"": true}
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			all = append(all, k)
		}
	}
	return all
}
