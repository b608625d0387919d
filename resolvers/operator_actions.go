package resolvers

import (
	"context"

	"portico/edge/auth"
	"portico/graph"
	"portico/process"
	"portico/process/watch"
	"portico/resolvers/inputs"
	"portico/resolvers/loaders"
	"portico/store"
	"portico/store/ledger"
	"portico/telemetry"
	"portico/trade"
	"portico/trade/operating"
)

// WorkInProgress is what has not ended, for operators.
func (r query) WorkInProgress(ctx context.Context) ([]*trade.WorkInState, error) {
	return everyOne(ctx, ledger.WorkList)
}

// Trace is every hop of a correlation id.
func (r query) Trace(ctx context.Context, correlationID string, first *int, after *string, last *int,
	before *string,
) (*operating.TimelineConnection, error) {
	return page(ctx, func(s trade.Scope) *store.List[operating.TimelineEntry] { return ledger.TraceList(s, correlationID) }, first, after,
		last, before)
}

// AuditLog is what was done, by whom.
func (r query) AuditLog(ctx context.Context, first *int, after *string, last *int, before *string,
	filter *graph.AuditFilter,
) (*operating.AuditEntryConnection, error) {
	f := ledger.AuditFilter{}
	if filter != nil {
		f = ledger.AuditFilter{
			Subject: inputs.Text(filter.Subject), Actor: inputs.Text(filter.Actor), Action: inputs.Text(filter.Action),
			CorrelationID: inputs.Text(filter.CorrelationID), At: inputs.Span(filter.At),
		}
	}
	return page(ctx, func(s trade.Scope) *store.List[operating.AuditEntry] { return ledger.AuditList(s, f) }, first, after, last, before)
}

// DeadLetters are what is parked.
func (r query) DeadLetters(ctx context.Context, first *int, after *string, last *int, before,
	stream *string,
) (*operating.DeadLetterConnection, error) {
	return page(ctx, func(s trade.Scope) *store.List[operating.DeadLetter] {
		return ledger.DeadLetterList(s, inputs.Text(stream))
	}, first, after,
		last, before)
}

// RetryDeadLetter tries a dead letter again.
func (r mutation) RetryDeadLetter(ctx context.Context, idempotencyKey string, input graph.DeadLetterInput) (*graph.DeadLetterPayload,
	error,
) {
	return r.deadLetter(ctx, idempotencyKey, input, r.Operating.Retry)
}

// DiscardDeadLetter gives a dead letter up.
func (r mutation) DiscardDeadLetter(ctx context.Context, idempotencyKey string, input graph.DeadLetterInput) (*graph.DeadLetterPayload,
	error,
) {
	return r.deadLetter(ctx, idempotencyKey, input, r.Operating.Discard)
}

func (r mutation) deadLetter(ctx context.Context, key string, input graph.DeadLetterInput,
	do func(context.Context, process.Submitter, string, watch.DeadLetter) (*process.Acted, error),
) (*graph.DeadLetterPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := do(ctx, by, key, watch.DeadLetter{ID: input.DeadLetter, Reason: input.Reason})
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.DeadLetterPayload{Errors: refusals, Replayed: a.Replayed}
	if len(a.Errors) == 0 {
		p.Operation, p.DeadLetter, err = about(ctx, r.Resolver, l, a.OperationID, loaders.DeadLetters, input.DeadLetter)
	}
	return p, err
}

// Replay applies past news again, or counts what would change.
func (r mutation) Replay(ctx context.Context, idempotencyKey string, input graph.ReplayInput) (*graph.ReplayPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := r.Operating.Replay(ctx, by, idempotencyKey, process.Replay{
		Stream: input.Stream, From: input.From, To: input.To, Subject: inputs.Text(input.Subject), DryRun: input.DryRun, Reason: input.Reason,
	}, telemetry.Wait(ctx, mostWait))
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.ReplayPayload{Errors: refusals, Replayed: a.Replayed}
	if p.Operation, _, err = about(ctx, r.Resolver, l, a.OperationID, loaders.Operations, ""); err != nil {
		return nil, err
	}
	found, err := watch.ReplayedBefore(a)
	if p.Operation != nil && p.Operation.Progress != nil {
		found = *p.Operation.Progress
	}
	p.Found, p.Changes = found.Found, found.Changes
	return p, err
}

// Compensate undoes an operation.
func (r mutation) Compensate(ctx context.Context, idempotencyKey string, input graph.CompensateInput) (*graph.OperationPayload, error) {
	return r.operated(ctx, func(by process.Submitter) (*process.Acted, error) {
		return r.Operating.Compensate(ctx, by, idempotencyKey, input.Operation, input.Reason)
	})
}

// SettleOperation settles an operation of unknown outcome.
func (r mutation) SettleOperation(ctx context.Context, idempotencyKey string, input graph.SettleOperationInput) (*graph.OperationPayload,
	error,
) {
	return r.operated(ctx, func(by process.Submitter) (*process.Acted, error) {
		return r.Operating.Settle(ctx, by, idempotencyKey,
			watch.Settlement{
				Operation: input.Operation, Happened: input.Happened, ExternalRef: inputs.Text(input.ExternalRef),
				Reason: input.Reason,
			})
	})
}

func (r mutation) operated(ctx context.Context,
	do func(process.Submitter) (*process.Acted, error),
) (*graph.OperationPayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := do(by)
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.OperationPayload{Errors: refusals, Replayed: a.Replayed}
	p.Operation, _, err = about(ctx, r.Resolver, l, a.OperationID, loaders.Operations, "")
	return p, err
}

// PauseSource holds a source.
func (r mutation) PauseSource(ctx context.Context, idempotencyKey string, input graph.SourceControlInput) (*graph.SourcePayload, error) {
	return r.controlled(ctx, idempotencyKey, input, r.Operating.Pause)
}

// ResumeSource lets a source run again.
func (r mutation) ResumeSource(ctx context.Context, idempotencyKey string, input graph.SourceControlInput) (*graph.SourcePayload, error) {
	return r.controlled(ctx, idempotencyKey, input, r.Operating.Resume)
}

func (r mutation) controlled(ctx context.Context, key string, input graph.SourceControlInput,
	do func(ctx context.Context, by process.Submitter, key, instance, reason string) (*process.Acted, error),
) (*graph.SourcePayload, error) {
	l, by, err := writer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := do(ctx, by, key, input.Instance, input.Reason)
	if err != nil {
		return nil, err
	}
	refusals, err := union[trade.CommonError](a.Errors)
	if err != nil {
		return nil, err
	}
	p := &graph.SourcePayload{Errors: refusals, Replayed: a.Replayed}
	if len(a.Errors) == 0 {
		if err := r.Desk.Know(ctx, userOf(auth.CallerOf(ctx)), l.Scope()); err != nil {
			return nil, err
		}
	}
	health, err := l.SourceHealth(ctx)
	for _, h := range health {
		if h.Instance == a.SubjectID {
			p.Source = h
		}
	}
	return p, err
}

// AuditEntry are the resolvers of AuditEntry.
func (r *Resolver) AuditEntry() graph.AuditEntryResolver { return auditEntry{r} }

type auditEntry struct{ *Resolver }

func (r auditEntry) Actor(ctx context.Context, objs []*operating.AuditEntry) ([]*trade.User, error) {
	return related(ctx, objs, func(o *operating.AuditEntry) string { return o.ActorID }, loaders.Users)
}

// TimelineEntry are the resolvers of TimelineEntry.
func (r *Resolver) TimelineEntry() graph.TimelineEntryResolver { return timelineEntry{r} }

type timelineEntry struct{ *Resolver }

func (r timelineEntry) Actor(ctx context.Context, objs []*operating.TimelineEntry) ([]*trade.User, error) {
	return related(ctx, objs, func(o *operating.TimelineEntry) string { return o.ActorID }, loaders.Users)
}
