package process

import (
	"context"
	"encoding/json"
	"time"

	"portico/store"
	"portico/store/ledger"
	"portico/trade/operating"
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

// Spend audits a replay, and keeps what it found as its answer.
func (q Replay) Spend(ctx context.Context, tx *store.Tx, by Submitter, found *Replayed) (spent ledger.SpentKey,
	err error,
) {
	err = ledger.Audit(ctx, tx, operating.AuditRecord{
		Actor: by.Principal, Action: "replay", Subject: q.Stream, CorrelationID: by.CorrelationID,
		After: map[string]any{"reason": q.Reason, "dryRun": q.DryRun, "found": found.Found, "changes": found.Changes},
	})
	if err != nil {
		return spent, err
	}
	spent.Subject = q.Stream
	spent.Answer, err = json.Marshal(found)
	return spent, err
}

// MostReplayed is how many records one replay reads again.
const MostReplayed = 10_000
