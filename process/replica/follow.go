package replica

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"portico/sources"
	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/trade/clock"
	"portico/trade/operating"
)

const (
	feedPage = 1000
	// patience is how long a record may name something that another source has
	// yet to tell, before it is set aside.
	patience = 10 * time.Minute
)

// replicating is the state of one followed feed.
type replicating struct {
	name    string
	epoch   string
	next    string // where to read on
	safe    string // the place up to which nothing is outstanding
	waiting map[sources.Change]waiting
	failed  bool // when it was read last
}

// waiting is a record that named something unknown when it was last fetched.
type waiting struct {
	since time.Time
	why   operating.RejectedRecord
}

// replicate reads a source's change feed until ctx ends, fetches what changed and
// saves it.
func (r *Copy) replicate(ctx context.Context, name string) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f, checked := &replicating{name: name, waiting: map[sources.Change]waiting{}}, r.now()
	loop := clock.Loop{Task: "replication of a source", Every: r.sources.Poll(name), Log: r.log.With("source", name)}
	loop.Run(ctx, func(ctx context.Context) (more bool, err error) {
		if f.next == "" {
			epoch, position, err := replication.Position(ctx, r.store, name)
			if err != nil {
				return false, err
			}
			if position == "" {
				stop() // it tells no changes
				return false, nil
			}
			f.epoch, f.next, f.safe = epoch, position, position
		}
		recovering := f.failed
		more, err = r.step(ctx, f)
		f.failed = err != nil
		if f.failed || recovering || r.unfit(name) && r.now().Sub(checked) > clock.Paced(comparePause) {
			r.check(ctx, name)
			checked = r.now()
		}
		return more, err
	})
}

// step reads one piece of the feed.
func (r *Copy) step(ctx context.Context, f *replicating) (more bool, err error) {
	at := r.now()
	feed, _, err := r.sources.Changes(ctx, f.name, f.next, feedPage)
	if sources.KindOf(err) == sources.Rejected { // it may not have the place any more
		now, _, other := r.sources.Changes(ctx, f.name, "", 1)
		if other != nil || now.Epoch == f.epoch {
			return false, err
		}
		feed, err = now, nil
	}
	if err != nil {
		return false, err
	}
	if feed.Epoch != f.epoch {
		f.next = ""
		r.progress.begin()
		if err := r.load(ctx); err != nil {
			return false, err
		}
		return false, r.findForgotten(ctx, f.name)
	}
	todo := map[sources.Subject][]string{}
	seen := map[sources.Change]bool{}
	for _, ch := range feed.Changes {
		if !seen[ch] {
			seen[ch] = true
			todo[ch.Subject] = append(todo[ch.Subject], ch.Ref)
		}
	}
	for ch := range f.waiting {
		if !seen[ch] {
			todo[ch.Subject] = append(todo[ch.Subject], ch.Ref)
		}
	}
	for _, k := range kinds {
		s := k.Subject
		// A subject that is routed elsewhere is told there.
		save := r.foreign
		if slices.Contains(r.sources.Copies(s), f.name) {
			save = r.fetch
		}
		if refs := todo[s]; len(refs) > 0 {
			if err := save(ctx, f, s, refs); err != nil {
				return false, err
			}
		}
	}
	f.next = feed.Next
	if len(f.waiting) == 0 {
		f.safe = f.next
	}
	if feed.More {
		return true, nil
	}
	return false, r.store.Confirm(ctx, f.name, f.epoch, f.safe, at)
}

// fetch reads records again and saves them, some at a time: of a change of many
// thousand, what is saved stays saved.
func (r *Copy) fetch(ctx context.Context, f *replicating, s sources.Subject, refs []string) error {
	for some := range slices.Chunk(refs, loadPage) {
		if err := r.fetchSome(ctx, f, s, some); err != nil {
			return err
		}
	}
	return nil
}

func (r *Copy) fetchSome(ctx context.Context, f *replicating, s sources.Subject, refs []string) error {
	b, err := r.read(ctx, s, f.name, sources.Query{Refs: refs})
	if err != nil {
		return err
	}
	unknown, err := b.save(ctx, r.store, func(tx *store.Tx) error {
		versions, keys := b.unnamed(s, refs)
		return replication.MarkUnnamed(ctx, tx, string(s), f.name, versions, keys, r.now())
	})
	if err != nil {
		return err
	}
	still := map[string]bool{}
	var givenUp []operating.RejectedRecord
	for _, u := range unknown {
		if u.SourceRef == nil {
			continue
		}
		ch := sources.Change{Subject: s, Ref: *u.SourceRef}
		w, before := f.waiting[ch]
		if !before {
			w = waiting{r.now(), u}
		}
		if r.now().Sub(w.since) > patience {
			givenUp = append(givenUp, u)
			continue
		}
		f.waiting[ch] = w
		still[*u.SourceRef] = true
	}
	for _, ref := range refs {
		if !still[ref] {
			delete(f.waiting, sources.Change{Subject: s, Ref: ref})
		}
	}
	if len(givenUp) == 0 {
		return nil
	}
	return r.store.InTx(ctx, func(tx *store.Tx) error { return replication.RejectRecords(ctx, tx, givenUp) })
}

// unnamed are the references of which rows may be held that the source no longer names, with the versions that do not, and the keys
// that it does name: those of records of which several rows are held, and those that the source returned nothing for.
func (b *batch) unnamed(s sources.Subject, refs []string) (versions map[string]int64, keys []string) {
	returned, keys := b.names()
	versions = map[string]int64{}
	for _, ref := range refs {
		version, there := returned[ref]
		switch {
		case there && s == sources.OfStock:
			versions[ref] = version
		case !there && !slices.Contains(b.unread, ref):
			versions[ref] = math.MaxInt64
		}
	}
	return versions, keys
}

// movedLately is for how long after a capability has moved its old home may still tell what
// was written there before.
const movedLately = 10 * time.Second

// foreign lists, for an operator, what is written in a system that owned it until it moved
// elsewhere: nobody is shown that. What a shadow says is compared anyway.
func (r *Copy) foreign(ctx context.Context, f *replicating, s sources.Subject, refs []string) error {
	if !sources.IsMain(s) || r.sources.Shadow(s) == f.name {
		return nil
	}
	left, err := operatingstore.CapabilityMovedAway(ctx, r.store, sources.CapabilityOf(s), f.name, movedLately)
	if err != nil || !left {
		return err
	}
	now := r.now()
	all := make([]operating.RejectedRecord, len(refs))
	for i := range refs {
		all[i] = operating.RejectedRecord{
			Instance: f.name, Kind: operatingstore.Foreign, SourceRef: &refs[i], At: now,
			Reason: fmt.Sprintf("It is one of the %s, which %s owns since they moved: what was written here is shown to nobody. Enter it there.", s,
				r.sources.Serving(s, "")),
		}
	}
	r.log.WarnContext(ctx, "records were written in a system that does not own them any more, listed among its rejected records", "source",
		f.name,
		"subject", s, "records", len(refs))
	return r.store.InTx(ctx, func(tx *store.Tx) error { return replication.RejectRecords(ctx, tx, all) })
}

// findForgotten lists, for an operator, orders of ours that a source does not have any
// more since it has opened a new epoch, as after it was restored from a copy. None is sent
// again by itself: whoever restored it knows what is to be done.
func (r *Copy) findForgotten(ctx context.Context, name string) error {
	ours, err := records.OursAt(ctx, r.store, name)
	if err != nil || len(ours) == 0 {
		return err
	}
	numbers := slices.Sorted(maps.Keys(ours))
	for some := range slices.Chunk(numbers, loadPage) {
		b, err := r.read(ctx, sources.OfOrders, name, sources.Query{Refs: some})
		if err != nil {
			return err
		}
		reported, err := keyed(b)
		if err != nil {
			return err
		}
		var forgotten []operating.RejectedRecord
		for _, n := range some {
			// Another order may have its number by now.
			if t, there := reported[n]; !there || t.says["ExternalRef"] != "PORTICO-"+strings.TrimPrefix(ours[n], "opr_") {
				forgotten = append(forgotten, operating.RejectedRecord{
					Instance: name, Kind: operatingstore.Forgotten, SourceRef: &n, At: r.now(),
					Reason: "The source does not have this order of ours any more (operation " + ours[n] +
						"). It is not resent automatically: check whether it is still wanted, and order it again.",
				})
			}
		}
		if len(forgotten) == 0 {
			continue
		}
		r.log.WarnContext(ctx, "orders of ours that a source has forgotten, listed among its rejected records", "source", name, "orders",
			len(forgotten))
		if err := r.store.InTx(ctx, func(tx *store.Tx) error { return replication.RejectRecords(ctx, tx, forgotten) }); err != nil {
			return err
		}
	}
	return nil
}
