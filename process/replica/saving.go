package replica

import (
	"context"
	"fmt"
	"time"

	"portico/sources"
	"portico/store"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/operating"
)

// batch is a source's answer, ready to be saved or compared.
type batch struct {
	rows  int
	next  string
	total int
	// save saves the batch in transactions of its own, the last of which also
	// runs with; it returns the references that name something unknown.
	save func(ctx context.Context, st *store.Store, with func(*store.Tx) error) (unknown []operating.RejectedRecord, err error)
	// reported are the records as documents, and unread the references of those that
	// could not be read.
	reported func() ([]reportedRecord, error)
	unread   []string
	// names are the versions of all that the source returned, by reference, and its keys.
	names func() (versions map[string]int64, keys []string)
}

// saveAll saves records together. A record that has one of its parts twice is rejected before the database is asked.
// When the database refuses what they contain, the batch is halved until each culprit stands alone; that one is
// rejected and the rest is kept, after at most two batches for each halving. When something else stops the database,
// nothing is rejected: err says so, and the page is to be saved again.
func saveAll[P sources.Adapter, T any](ctx context.Context, st *store.Store, of sources.Records[P, T], at time.Time, records []T,
	rejected []operating.RejectedRecord, save saver[T], with func(*store.Tx) error,
) (unknown []operating.RejectedRecord, err error) {
	p := page[T]{store: st, subject: string(of.Subject), at: at, save: save, from: of.From, bad: map[string]bool{}}
	for _, r := range rejected {
		p.file(r)
	}
	sound := make([]T, 0, len(records))
	for _, r := range newest(of, records) {
		if reason := replication.CheckParts(r); reason != "" {
			p.reject(r, reason)
			continue
		}
		sound = append(sound, *r)
	}
	return p.saveSome(ctx, sound, with)
}

// newest are records in their order, without those of which a newer version is among them. What holds no rows of its own,
// such as tracking, adds to what was reported before, and stays.
func newest[P sources.Adapter, T any](of sources.Records[P, T], records []T) []*T {
	last := make(map[string]int, len(records))
	key := func(i int) string { return fmt.Sprint(i) }
	if replication.Holds(string(of.Subject)) {
		key = func(i int) string { return of.Key(&records[i]) }
	}
	for i := range records {
		k := key(i)
		if before, there := last[k]; !there || of.From(&records[before]).Sequence <= of.From(&records[i]).Sequence {
			last[k] = i
		}
	}
	kept := make([]*T, 0, len(last))
	for i := range records {
		if last[key(i)] == i {
			kept = append(kept, &records[i])
		}
	}
	return kept
}

// page is what a source has reported at once, while it is saved.
type page[T any] struct {
	store   *store.Store
	subject string
	at      time.Time
	save    saver[T]
	from    func(*T) *trade.Provenance
	pending []operating.RejectedRecord // to be filed by the next transaction that commits
	bad     map[string]bool            // references of all that were rejected
}

func (p *page[T]) reject(r *T, reason string) {
	from := p.from(r)
	p.file(operating.RejectedRecord{Instance: from.Instance, Kind: p.subject, SourceRef: from.SourceRef, Reason: reason, At: p.at})
}

// file has a rejection filed by the next transaction that commits.
func (p *page[T]) file(r operating.RejectedRecord) {
	r.Subject = p.subject
	p.pending = append(p.pending, r)
	if r.SourceRef != nil {
		p.bad[*r.SourceRef] = true
	}
}

// mostSaved is how many records are saved together: a source may answer with more than it was asked for.
const mostSaved = 1000

func (p *page[T]) saveSome(ctx context.Context, records []T, with func(*store.Tx) error) (unknown []operating.RejectedRecord, err error) {
	if len(records) > mostSaved {
		return p.saveHalves(ctx, records, with)
	}
	err = p.inTx(ctx, with, func(tx *store.Tx) error {
		unknown, err = p.save(ctx, tx, records)
		if err != nil {
			return err
		}
		for i := range unknown {
			unknown[i].At, unknown[i].Subject = p.at, p.subject
		}
		if err := p.accept(ctx, tx, records); err != nil {
			return err
		}
		return replication.MarkUnread(ctx, tx, unknown)
	})
	reason, refused := store.Refused(err)
	switch {
	case !refused || len(records) == 0:
		return unknown, err
	case len(records) == 1:
		p.reject(&records[0], reason)
		return nil, p.inTx(ctx, with, nothing)
	}
	return p.saveHalves(ctx, records, with)
}

func (p *page[T]) saveHalves(ctx context.Context, records []T, with func(*store.Tx) error) (unknown []operating.RejectedRecord, err error) {
	half := len(records) / 2
	first, err := p.saveSome(ctx, records[:half], nothing)
	if err != nil {
		return nil, err
	}
	second, err := p.saveSome(ctx, records[half:], with)
	return append(first, second...), err
}

// accept takes records that were saved off the list of those that were rejected.
func (p *page[T]) accept(ctx context.Context, tx *store.Tx, records []T) error {
	refs := make([]string, 0, len(records))
	instance := ""
	for i := range records {
		if from := p.from(&records[i]); from.SourceRef != nil && !p.bad[*from.SourceRef] {
			refs, instance = append(refs, *from.SourceRef), from.Instance
		}
	}
	return replication.AcceptRecords(ctx, tx, p.subject, instance, refs)
}

// inTx runs fn in a transaction that files what was rejected until then, and then runs with.
func (p *page[T]) inTx(ctx context.Context, with, fn func(*store.Tx) error) error {
	err := p.store.InTx(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if err := replication.RejectRecords(ctx, tx, p.pending); err != nil {
			return err
		}
		return with(tx)
	})
	if err == nil {
		p.pending = nil
	}
	return err
}

func nothing(*store.Tx) error { return nil }
