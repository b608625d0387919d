package purchasing

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/evidence/signatures"
	"portico/process"
	"portico/process/durable"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// Partners are the writes by which trading partners are let in, changed and stopped.
type Partners struct{ desk *process.Desk }

// NewPartners makes them.
func NewPartners(d *process.Desk) *Partners { return &Partners{d} }

func oneError(e trade.UserError) []trade.UserError { return []trade.UserError{e} }

var noPartner = oneError(process.Invalid(trade.CodeNotFound, "There is no such partner.", "partner"))

// ours refuses callers that are not the distributor's own.
func ours(scope trade.Scope) []trade.UserError {
	if scope.Everything() {
		return nil
	}
	return oneError(&trade.Forbidden{Refusal: trade.Refusal{
		Code: trade.CodeForbidden, Message: "The distributor does this: ask them.",
		Path: []string{},
	}})
}

// merged is the answer to a registration: whether the partner traded already.
type merged struct {
	Existing bool `json:"Existing"`
}

// TradedBefore tells whether a registration found a partner that trades already, and merged what it says into that one.
func TradedBefore(registered *process.Acted) bool {
	var m merged
	return len(registered.Answer) > 0 && json.Unmarshal(registered.Answer, &m) == nil && m.Existing
}

// Register registers a partner, which begins as invited. One that the ERP tells already
// keeps its id, its name and what belongs to it; one that has purchase orders trades already, and
// stays active: see [TradedBefore].
func (p *Partners) Register(ctx context.Context, scope trade.Scope, by process.Submitter, key string,
	t procurement.TradingPartner,
) (*process.Acted, error) {
	t.Stage = procurement.Invited
	if errs := slices.Concat(ours(scope), procurement.CheckPartner(&t)); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	return process.Once(ctx, p.desk.Store, by, "registerPartner", key, t,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			if errs, err := p.unknownProfile(ctx, scope, t.ToleranceID); err != nil || errs != nil {
				return spent, errs, err
			}
			t.ID = durable.NewID("ptn_")
			if err := ledger.RegisterPartner(ctx, tx, &t); errors.Is(err, ledger.ErrTaken) {
				return spent, oneError(process.Invalid(trade.CodeInvalidInput,
					"A partner with this code is registered, as "+t.ID+": change it with updatePartner.", "code")), nil
			} else if err != nil {
				return spent, nil, err
			}
			answer, err := json.Marshal(merged{t.Stage == procurement.Active})
			if err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: t.ID, Answer: answer}, nil, p.audit(ctx, tx, by, "partner.register", t.ID, nil, profileOf(&t))
		})
}

// profileOf is what of a partner the audit log keeps.
func profileOf(t *procurement.TradingPartner) map[string]any {
	return map[string]any{
		"stage": t.Stage, "requiresSignature": t.RequiresSignature, "channels": t.Channels, "scopes": t.Scopes,
		"costPerMinute": t.CostPerMinute, "tolerance": t.ToleranceID,
	}
}

func (p *Partners) audit(ctx context.Context, tx *store.Tx, by process.Submitter, action, subject string, before,
	after map[string]any,
) error {
	return ledger.Audit(ctx, tx,
		operating.AuditRecord{
			Actor: by.Principal, Action: action, Subject: subject, CorrelationID: by.CorrelationID, Before: before,
			After: after,
		})
}

func (p *Partners) unknownProfile(ctx context.Context, scope trade.Scope, id string) ([]trade.UserError, error) {
	if id == "" {
		return nil, nil
	}
	found, err := records.Tolerances(ctx, p.desk.Store, scope, []string{id})
	if err != nil || found[id] != nil {
		return nil, err
	}
	return oneError(process.Invalid(trade.CodeNotFound, "There is no such tolerance profile.", "toleranceProfile")), nil
}

// PartnerChange changes a partner whose version was seen; what is nil stays.
type PartnerChange struct {
	PartnerID         string                       `json:"PartnerID"`
	Version           string                       `json:"Version"`
	Name              *string                      `json:"Name"`
	GLN               *string                      `json:"GLN"`
	RequiresSignature *bool                        `json:"RequiresSignature"`
	Channels          []procurement.PartnerChannel `json:"Channels"`
	Scopes            []string                     `json:"Scopes"`
	CostPerMinute     *int                         `json:"CostPerMinute"`
	ToleranceID       *string                      `json:"ToleranceID"`
}

// Update changes a partner.
func (p *Partners) Update(ctx context.Context, scope trade.Scope, by process.Submitter, key string,
	c PartnerChange,
) (*process.Acted, error) {
	if errs := ours(scope); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	return process.Once(ctx, p.desk.Store, by, "updatePartner", key, c,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			t, err := ledger.LockPartner(ctx, tx, scope, c.PartnerID)
			if err != nil || t == nil {
				return spent, noPartner, err
			}
			if t.Version != c.Version {
				return spent, oneError(&trade.VersionConflict{
					Refusal: trade.Refusal{
						Code: trade.CodeVersionConflict, Message: "The partner has changed since it was read: look at it again.",
						Path: []string{"input", "expectedVersion"},
					}, CurrentVersion: t.Version, ChangedFields: []string{},
				}), nil
			}
			before := profileOf(t)
			changed(&t.Name, c.Name)
			if c.GLN != nil {
				t.GLN = c.GLN
			}
			changed(&t.RequiresSignature, c.RequiresSignature)
			changed(&t.ToleranceID, c.ToleranceID)
			if c.Channels != nil {
				t.Channels = c.Channels
			}
			if c.Scopes != nil {
				t.Scopes = c.Scopes
			}
			if c.CostPerMinute != nil {
				t.CostPerMinute = c.CostPerMinute
			}
			unknown, err := p.unknownProfile(ctx, scope, t.ToleranceID)
			if errs := slices.Concat(procurement.CheckPartner(t), unknown); err != nil || errs != nil {
				return spent, errs, err
			}
			if err := ledger.SavePartner(ctx, tx, t, nil); err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: t.ID}, nil, p.audit(ctx, tx, by, "partner.update", t.ID, before, profileOf(t))
		})
}

func changed[T any](v, to *T) {
	if to != nil {
		*v = *to
	}
}

// Move moves a partner to another stage: to the next one once its checks have passed, or
// stops it, for a reason.
func (p *Partners) Move(ctx context.Context, scope trade.Scope, by process.Submitter, key, partner string, to procurement.OnboardingStage,
	reason *string,
) (*process.Acted, error) {
	errs := slices.Concat(ours(scope), process.CheckText(reason, "reason"))
	if (to == procurement.Suspended || to == procurement.Offboarded) && (reason == nil || strings.TrimSpace(*reason) == "") {
		errs = append(errs, process.Invalid(trade.CodeInvalidInput, process.SayWhy, "reason"))
	}
	if errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	return process.Once(ctx, p.desk.Store, by, "advanceOnboarding", key, []any{partner, to, reason},
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			t, err := ledger.LockPartner(ctx, tx, scope, partner)
			if err != nil || t == nil {
				return spent, noPartner, err
			}
			next := t.Stage.NextStages()
			no := &trade.StateNotAllowed{
				Refusal: trade.Refusal{Code: trade.CodeState, Path: []string{"input", "to"}}, State: string(t.Stage),
				Allowed: []string{},
			}
			for _, s := range next {
				no.Allowed = append(no.Allowed, string(s))
			}
			if !slices.Contains(next, to) {
				no.Message = fmt.Sprintf("From %s a partner cannot be moved to %s.", t.Stage, to)
				return spent, oneError(no), nil
			}
			if to != procurement.Suspended && to != procurement.Offboarded && t.Stage != procurement.Suspended {
				facts, err := ledger.PartnerFacts(ctx, tx, scope, []*procurement.TradingPartner{t})
				if err != nil {
					return spent, nil, err
				}
				if missing := facts[0].Missing(to, p.desk.Now()); missing != nil {
					no.Message = strings.Join(missing, " ")
					return spent, oneError(no), nil
				}
			}
			before := map[string]any{"stage": t.Stage}
			t.Stage = to
			if now := p.desk.Now().UTC(); to == procurement.Active && t.ActivatedAt == nil {
				t.ActivatedAt = &now
			}
			if err := ledger.SavePartner(ctx, tx, t, reason); err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: t.ID}, nil,
				p.audit(ctx, tx, by, "partner.stage", t.ID, before, map[string]any{"stage": to, "reason": reason})
		})
}

// late is how long before now a key may be valid from, for clocks differ.
const late = 5 * time.Minute

// NewKey is a key to add to a partner: PEM SubjectPublicKeyInfo, Ed25519.
type NewKey struct {
	PartnerID string    `json:"PartnerID"`
	PEM       string    `json:"PEM"`
	ValidFrom time.Time `json:"ValidFrom"`
}

// AddKey adds a signing key. It counts once it is proved.
func (p *Partners) AddKey(ctx context.Context, scope trade.Scope, by process.Submitter, key string,
	n NewKey,
) (*process.Acted, error) {
	return process.Once(ctx, p.desk.Store, by, "rotatePartnerKey", key, n,
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			t, err := ledger.LockPartner(ctx, tx, scope, n.PartnerID)
			if err != nil || t == nil {
				return spent, noPartner, err
			}
			public, wrong := publicKey(n.PEM)
			if wrong != nil {
				return spent, wrong, nil
			}
			if n.ValidFrom.Before(p.desk.Now().Add(-late)) {
				return spent, oneError(process.Invalid(trade.CodeDate, "A key is valid from now on or later.", "validFrom")), nil
			}
			known, err := ledger.KeysOfPartners(ctx, p.desk.Store, scope, []string{t.ID})
			if err != nil {
				return spent, nil, err
			}
			if len(known[t.ID]) >= ledger.MostKeys {
				return spent, oneError(process.Invalid(trade.CodeInvalidInput, fmt.Sprintf("A partner has at most %d keys.", ledger.MostKeys),
					"partner")), nil
			}
			k := &procurement.PartnerKey{
				ID: durable.NewID("key_"), PartnerID: t.ID, Public: public, Fingerprint: signatures.Fingerprint(public),
				Proof: "portico key challenge " + rand.Text(), ValidFrom: n.ValidFrom.UTC().Truncate(time.Millisecond),
			}
			if err := ledger.KeepPartnerKey(ctx, tx, k); errors.Is(err, ledger.ErrTaken) {
				return spent, oneError(process.Invalid(trade.CodeInvalidInput, "This key is known already: make a new one.", "publicKeyPem")), nil
			} else if err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: t.ID}, nil,
				p.audit(ctx, tx, by, "partner.key.add", t.ID, nil, map[string]any{"key": k.ID, "fingerprint": k.Fingerprint, "validFrom": k.ValidFrom})
		})
}

// about finds the key that a write is about, with its partner locked; nil where there is none.
func (p *Partners) about(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (*procurement.PartnerKey, error) {
	read := func() (*procurement.PartnerKey, error) {
		found, err := ledger.PartnerKeys(ctx, p.desk.Store, scope, []string{id})
		return found[id], err
	}
	k, err := read()
	if err != nil || k == nil {
		return nil, err
	}
	if t, err := ledger.LockPartner(ctx, tx, scope, k.PartnerID); err != nil || t == nil {
		return nil, err
	}
	return read() // as it is under the lock
}

var noKey = oneError(process.Invalid(trade.CodeNotFound, "There is no such key.", "key"))

func publicKey(pem string) (ed25519.PublicKey, []trade.UserError) {
	public, err := signatures.PublicKey(pem)
	if err != nil {
		return nil, oneError(process.Invalid(trade.CodeInvalidInput, "The public key cannot be used: "+err.Error()+".", "publicKeyPem"))
	}
	return public, nil
}

// proves tells whether a text is a key's signature over its challenge, in base64.
func proves(k *procurement.PartnerKey, signature string) bool {
	signed, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && ed25519.Verify(k.Public, []byte(k.Proof), signed)
}

// ProveKey takes a signature over a key's challenge, base64: from then on it counts.
func (p *Partners) ProveKey(ctx context.Context, scope trade.Scope, by process.Submitter, key, id,
	signature string,
) (*process.Acted, error) {
	return process.Once(ctx, p.desk.Store, by, "provePartnerKey", key, []string{id, signature},
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			k, err := p.about(ctx, tx, scope, id)
			if err != nil || k == nil {
				return spent, noKey, err
			}
			if !proves(k, signature) {
				return spent, oneError(process.Invalid(trade.CodeSignature, "The signature is not that of this key over its challenge, in base64.",
					"signature")), nil
			}
			if k.RevokedAt != nil {
				return spent, oneError(&trade.StateNotAllowed{Refusal: trade.Refusal{
					Code: trade.CodeState, Message: "The key was revoked.",
					Path: []string{"input", "key"},
				}, State: "REVOKED", Allowed: []string{}}), nil
			}
			if err := ledger.MarkPartnerKeyProved(ctx, tx, k.ID); err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: k.PartnerID}, nil,
				p.audit(ctx, tx, by, "partner.key.prove", k.PartnerID, nil, map[string]any{"key": k.ID, "fingerprint": k.Fingerprint})
		})
}

// RevokeKey revokes a key: what is signed with it and comes later does not count.
func (p *Partners) RevokeKey(ctx context.Context, scope trade.Scope, by process.Submitter, key, id,
	reason string,
) (*process.Acted, error) {
	if errs := process.RequireText(reason, process.SayWhy, "reason"); errs != nil {
		return &process.Acted{Errors: errs}, nil
	}
	return process.Once(ctx, p.desk.Store, by, "revokePartnerKey", key, []string{id, reason},
		func(tx *store.Tx, _ string) (spent ledger.SpentKey, errs []trade.UserError, err error) {
			k, err := p.about(ctx, tx, scope, id)
			if err != nil || k == nil {
				return spent, noKey, err
			}
			if err := ledger.RevokePartnerKey(ctx, tx, k.ID, reason); err != nil {
				return spent, nil, err
			}
			return ledger.SpentKey{Subject: k.PartnerID}, nil,
				p.audit(ctx, tx, by, "partner.key.revoke", k.PartnerID, nil,
					map[string]any{"key": k.ID, "fingerprint": k.Fingerprint, "reason": reason})
		})
}
