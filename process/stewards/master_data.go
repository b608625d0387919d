// Package stewards are the flows of those who look after master data: conflicts between systems,
// and what the codes of sources mean.
package stewards

import (
	"context"
	"errors"
	"strings"
	"time"

	"portico/process"
	"portico/process/durable"
	"portico/sources"
	"portico/store"
	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/store/records/replication"
	"portico/trade"
	"portico/trade/operating"
)

// Flows are what stewards do: they decide what holds where systems contradict each other.
type Flows struct{ desk *process.Desk }

// New makes what stewards do, and registers its flow with the engine that plays it.
func New(d *process.Desk) *Flows {
	s := &Flows{d}
	if d.Engine != nil {
		durable.Register(d.Engine, s.correct())
	}
	return s
}

// Tables are the flows for people.
func (s *Flows) Tables() []durable.Table { return []durable.Table{s.correct().Table()} }

// Verdict is what a steward decides about a conflict, and why.
type Verdict struct {
	Conflict string `json:"Conflict"`
	Value    string `json:"Value"`
	Reason   string `json:"Reason"`
}

// correctWork is what the steps of a decision work on. Its fields are stored: they are added
// to, and never renamed. Other is the system that says something else than the record's
// owner, and Left tells that it keeps saying so.
type correctWork struct {
	Kind  string `json:"Kind"`
	Key   string `json:"Key"`
	Field string `json:"Field"`
	Value string `json:"Value"`
	Held  string `json:"Held"`
	Other string `json:"Other"`
	Says  string `json:"Says"`
	Ref   string `json:"Ref"`
	Left  bool   `json:"Left"`
}

// change is what a system that says something is told to say.
func (w *correctWork) change(says, value string) operating.MasterDataChange {
	return operating.MasterDataChange{Kind: w.Kind, Key: w.Key, Field: w.Field, Was: says, Value: value}
}

// Resolve decides a conflict that is for its steward to decide. An operation writes the
// value to the system that owns the record, and to the other one.
func (s *Flows) Resolve(ctx context.Context, scope trade.Scope, by process.Submitter, key string, v Verdict,
	wait time.Duration,
) (*process.Acted, error) {
	if errs := append(process.RequireText(v.Reason, process.SayWhy, "reason"),
		process.RequireText(v.Value, "Say what holds from now on.", "value")...); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	v.Value = strings.TrimSpace(v.Value)
	owner := ""
	done, err := process.Once(ctx, s.desk.Store, by, "resolveMasterDataConflict", key, v,
		func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			c, err := operatingstore.LockConflict(ctx, tx, scope, v.Conflict)
			if err != nil {
				return spent, nil, err
			}
			if c == nil {
				return spent, []trade.UserError{process.Invalid(trade.CodeNotFound,
					"There is no such conflict, or no more: the systems agree by now.", "conflict")}, nil
			}
			if errs := s.against(c, v.Value); errs != nil {
				return spent, errs, nil
			}
			owner = c.HeldFrom
			n := ledger.NewOperation{
				Lane: c.ID, Fingerprint: print,
				After: map[string]any{
					"conflict": c.ID, "record": c.Kind + " " + c.Key, "field": c.Field, "value": v.Value,
					"was": map[string]any{c.HeldFrom: c.HeldValue, c.Instance: c.SourceValue}, "reason": v.Reason,
				},
				Operation: trade.Operation{
					ID: durable.NewID("opr_"), CorrelationID: by.CorrelationID, Key: key, Principal: by.Principal,
					Subject: c.Subject, Source: owner,
				},
			}
			if err := operatingstore.DecideConflict(ctx, tx, c.ID, v.Value, by.Principal, n.ID); err != nil {
				return spent, nil, err
			}
			work := correctWork{
				Kind: c.Kind, Key: c.Key, Field: c.Field, Value: v.Value, Held: saidBy(c.HeldValue), Other: c.Instance,
				Says: saidBy(c.SourceValue), Ref: "PORTICO-" + n.ID[len("opr_"):],
			}
			return ledger.SpentKey{OperationID: n.ID, Subject: c.ID}, nil, process.Begin(ctx, s.desk, tx, s.correct(), n, work, work.Ref)
		})
	return process.Await(ctx, s.desk, owner, done, err, wait)
}

func saidBy(v *trade.Confidential) string {
	if v == nil {
		return ""
	}
	return string(*v)
}

// against is what stands against deciding a conflict so.
func (s *Flows) against(c *operating.MasterDataConflict, value string) []trade.UserError {
	not := func(state, message string) []trade.UserError {
		return []trade.UserError{&trade.StateNotAllowed{Refusal: trade.Refusal{
			Code: trade.CodeState, Message: message,
			Path: []string{"input", "conflict"},
		}, State: state, Allowed: []string{}}}
	}
	switch policy := s.desk.Sources.Stewardship(sources.Subject(c.Kind)); {
	case policy.Conflict != operating.StewardDecides:
		return not("DECIDED", "A policy decides this: what "+c.HeldFrom+" says holds. To have it otherwise, change it there, or let the "+
			"steward decide under policies in the configuration.")
	case c.DecidedAt != nil:
		return not("DECIDED", "Somebody has decided this already; what it waits for is in the operation.")
	case strings.HasSuffix(c.Field, "]") || c.Field == "record":
		return not("OPEN", "Something is missing in one of the systems: it is made or closed there, by hand.")
	case c.Field == "gtin" && !trade.ValidGTIN(value):
		return []trade.UserError{process.Invalid(trade.CodeInvalidInput, "It is no GTIN: its last digit does not check.", "value")}
	case c.Field == "gln" && !trade.ValidGLN(value):
		return []trade.UserError{process.Invalid(trade.CodeInvalidInput, "It is no GLN: 13 digits, of which the last checks the others.",
			"value")}
	}
	return nil
}

// correct is the flow of a decision to the systems.
func (s *Flows) correct() durable.Flow[correctWork] {
	report := func(ctx context.Context, r *durable.Run[correctWork], source, ref string, c operating.MasterDataChange) error {
		if c.Was == c.Value {
			return nil
		}
		_, err := s.desk.HandOver(ctx, source, ref, r.Attempted,
			func() (sources.Receipt, error) { return s.desk.Sources.Correct(ctx, source, ref, c) })
		return err
	}
	byHand := func(err error) bool { _, is := errors.AsType[*durable.Chore](err); return is }
	untell := func(ctx context.Context, r *durable.Run[correctWork], source, ref string, c operating.MasterDataChange) error {
		if err := report(ctx, r, source, ref, c); !byHand(err) {
			return err
		}
		return nil // no program wrote it either
	}
	return durable.Flow[correctWork]{
		Kind: trade.Correct, Action: "master-data.resolve",
		Steps: []durable.Step[correctWork]{
			{
				Name: "correct", System: &process.ERP, What: "Writes the decision to the system that owns the record, if that has another value.",
				Do: func(ctx context.Context, r *durable.Run[correctWork]) error {
					return report(ctx, r, r.Source, r.Work.Ref, r.Work.change(r.Work.Held, r.Work.Value))
				},
				Undo: func(ctx context.Context, r *durable.Run[correctWork]) error {
					return untell(ctx, r, r.Source, r.Work.Ref+"-UNDO", r.Work.change(r.Work.Value, r.Work.Held))
				},
				Undoes: "Writes back what it said before.",
				Settle: func(*correctWork, string) {},
			},
			{
				Name: "align", System: &process.ERP,
				What: "Writes it to the other system too. Where that takes it from no program, the conflict stays on the list as decided.",
				Do: func(ctx context.Context, r *durable.Run[correctWork]) error {
					err := report(ctx, r, r.Work.Other, r.Work.Ref+"-OTHER", r.Work.change(r.Work.Says, r.Work.Value))
					_, refused := errors.AsType[*durable.Refusal](err)
					if r.Work.Left = refused || byHand(err); r.Work.Left {
						return nil // the owner has it, and that is what counts
					}
					return err
				},
				Undo: func(ctx context.Context, r *durable.Run[correctWork]) error {
					if r.Work.Left {
						return nil
					}
					return untell(ctx, r, r.Work.Other, r.Work.Ref+"-OTHER-UNDO", r.Work.change(r.Work.Value, r.Work.Says))
				},
				Undoes: "Writes back what it said before.",
			},
			{
				Name: "record", System: &process.ERP, What: "Reads the record as its owner has it.",
				Do: func(ctx context.Context, r *durable.Run[correctWork]) error {
					if err := s.reread(ctx, r); err != nil {
						return err
					}
					r.Save(func(tx *store.Tx) error { return operatingstore.EndConflict(ctx, tx, r.ID, !r.Work.Left) })
					return nil
				},
			},
		},
		Refused: func(ctx context.Context, tx *store.Tx, r *durable.Run[correctWork], _ trade.OperationFailure) error {
			return operatingstore.ReopenConflict(ctx, tx, r.ID)
		},
	}
}

// reread reads a corrected record again. Of other kinds the source's feed tells.
func (s *Flows) reread(ctx context.Context, r *durable.Run[correctWork]) error {
	switch key := r.Work.Key; sources.Subject(r.Work.Kind) {
	case sources.OfItems:
		return process.Reread(ctx, s.desk, r, sources.ItemRecords, replication.SaveItems, key)
	case sources.OfAccounts:
		return process.Reread(ctx, s.desk, r, sources.AccountRecords, replication.SaveAccounts, key)
	case sources.OfSuppliers:
		return process.Reread(ctx, s.desk, r, sources.SupplierRecords, replication.SaveSuppliers, key)
	case sources.OfCategories:
		return process.Reread(ctx, s.desk, r, sources.CategoryRecords, replication.SaveCategories, key)
	}
	return nil
}
