package process

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/sources"
	"portico/store"
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

// Replayed is what a replay found: news, and records that are otherwise.
type Replayed struct {
	Found   int `json:"Found"`
	Changes int `json:"Changes"`
}

// spend audits a replay, and keeps what it found as its answer.
func (q Replay) spend(ctx context.Context, st *store.Store, tx *store.Tx, by Submitter, found *Replayed) (spent store.SpentKey, err error) {
	err = st.Audit(ctx, tx, trade.AuditRecord{
		Actor: by.Principal, Action: "replay", Subject: q.Stream, CorrelationID: by.CorrelationID, After: map[string]any{"reason": q.Reason, "dryRun": q.DryRun, "found": found.Found, "changes": found.Changes},
	})
	if err != nil {
		return spent, err
	}
	spent.Subject = q.Stream
	spent.Answer, err = json.Marshal(found)
	return spent, err
}

// mostReplayed is how many records one replay reads again.
const mostReplayed = 10_000

// Replay reads records again that a source told in a span of time, or that were set aside
// in it, as the mappings of today read them, and applies them, unless it is to count
// only. Applied twice they are as once: an older version never replaces a newer one.
func (r *Replica) Replay(ctx context.Context, by Submitter, key string, q Replay) (*Acted[trade.CommonError], *Replayed, error) {
	if errs := said[trade.CommonError](q.Reason, sayWhy, "reason"); errs != nil {
		return &Acted[trade.CommonError]{Errors: errs}, nil, nil
	}
	found := &Replayed{}
	done, err := once(ctx, r.store, by, "replay", key, q, func(tx *store.Tx, _ string) (spent store.SpentKey, errs []trade.CommonError, err error) {
		instance, name, _ := strings.Cut(q.Stream, "/")
		s := sources.Subject(name)
		if r.subjects[s].fetch == nil || !store.Holds(name) || !slices.Contains(r.sources.Copies(s), instance) {
			return spent, []trade.CommonError{invalid(trade.CodeNotFound, "There is no such stream: it is a source instance and a subject, such as "+r.sources.Serving(sources.OfOrders, "")+"/orders.", "stream")}, nil
		}
		refs, err := r.store.ToldBetween(ctx, name, instance, q.From, q.To, q.Subject, mostReplayed+1)
		if err != nil {
			return spent, nil, err
		}
		if len(refs) > mostReplayed {
			return spent, []trade.CommonError{invalid(trade.CodeMaximum, fmt.Sprintf("There is more than %d of it: name a shorter time.", mostReplayed), "from")}, nil
		}
		for some := range slices.Chunk(refs, loadPage) {
			if err := r.replaySome(ctx, s, instance, some, q.DryRun, found); err != nil {
				return spent, nil, err
			}
		}
		spent, err = q.spend(ctx, r.store, tx, by, found)
		return spent, nil, err
	})
	if sources.KindOf(err) == sources.Unavailable || sources.KindOf(err) == sources.Throttled {
		after := max(sources.RetryAfter(err), time.Second)
		return &Acted[trade.CommonError]{Errors: []trade.CommonError{&trade.SourceUnavailable{
			Refusal: trade.Refusal{Code: trade.CodeUnavailable, Message: "The source does not answer: what it told cannot be read again now.", Path: []string{"input", "stream"}}, System: trade.ERP, RetryAfter: &after,
		}}}, nil, nil
	}
	if err == nil && len(done.Errors) == 0 {
		err = json.Unmarshal(done.Answer, found)
	}
	return done, found, err
}

// replaySome reads some records again, counts those that are otherwise than held, and
// saves them, unless it is to count only.
func (r *Replica) replaySome(ctx context.Context, s sources.Subject, instance string, refs []string, dry bool, found *Replayed) error {
	b, err := r.subjects[s].fetch(ctx, instance, sources.Query{Refs: refs})
	if err != nil {
		return err
	}
	told, err := keyed(b)
	if err != nil {
		return err
	}
	held, err := r.store.HeldOf(ctx, string(s), instance, refs)
	if err != nil {
		return err
	}
	found.Found += b.rows
	for _, h := range held {
		ours, err := says(h.Says)
		if err != nil {
			return fmt.Errorf("%s %s: %w", s, h.Key, err)
		}
		t, there := told[h.Key]
		if delete(told, h.Key); there && t.sequence >= h.Sequence && len(differences(h.Key, flat(ours), flat(t.says), true)) > 0 {
			found.Changes++
		}
	}
	found.Changes += len(told) // which are not held at all
	if dry {
		return nil
	}
	return r.readAgain(ctx, s, instance, refs)
}
