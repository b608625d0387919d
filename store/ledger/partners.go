package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/procurement"
)

type partnerRow struct {
	procurement.TradingPartner
	ChannelsJSON store.JSON[[]procurement.PartnerChannel]
	ScopeList    pq.StringArray
}

func (r *partnerRow) trade() *procurement.TradingPartner {
	p := &r.TradingPartner
	p.Channels, p.Scopes = r.ChannelsJSON.Value, r.ScopeList
	return p
}

const partnerProfile = `coalesce(f.stage, 'ACTIVE') AS stage, f.activated_at, coalesce(f.requires_signature, false) AS requires_signature,
	f.channels AS channels_json,
	coalesce(f.scopes, '{}') AS scope_list, f.cost_per_minute, coalesce(p.tolerance_profile_id, '') AS tolerance_id,
	coalesce(f.version, 0)::text AS version`

var partners = store.Read(store.Relation[procurement.TradingPartner]{
	Kind: "TradingPartner", From: "trading_partners p LEFT JOIN partner_profiles f ON f.partner_id = p.id", Visible: store.OwnSupplier("p.id"),
	Columns: []store.Columns{
		store.Always(`p.id, p.code, p.name, p.gln, ` + store.ProvenanceColumns("p")),
		store.When("onboarding requiresSignature channels keys tolerance scopes quota version", partnerProfile),
	},
}, (*partnerRow).trade)

// Partners reads trading partners by id.
func Partners(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*procurement.TradingPartner, error) {
	return partners.By(ctx, s, scope, "p.id", "", ids)
}

// PartnersByCode reads trading partners by code.
func PartnersByCode(ctx context.Context, s *store.Store, scope trade.Scope, codes []string) (map[string]*procurement.TradingPartner,
	error,
) {
	return partners.By(ctx, s, scope, "p.code", "", codes)
}

// PartnerFilter narrows the list of partners.
type PartnerFilter struct {
	Search string
	Stage  []procurement.OnboardingStage
}

// PartnerList are trading partners, by name.
func PartnerList(scope trade.Scope, f PartnerFilter) *store.List[procurement.TradingPartner] {
	l := &store.List[procurement.TradingPartner]{
		Relation: partners, Name: "partners", Scope: scope,
		Order: []store.SortKey{store.Ascending("p.name", "text"), store.Ascending("p.id", "text")},
	}
	for word := range strings.FieldsSeq(f.Search) {
		l.And("strpos(lower(p.name || ' ' || p.code), lower(" + l.Args.Add(word) + ")) > 0")
	}
	if f.Stage != nil {
		stages := make([]string, len(f.Stage))
		for i, stage := range f.Stage {
			stages[i] = string(stage)
		}
		l.And("coalesce(f.stage, 'ACTIVE') = ANY(" + l.Args.AddTexts(stages) + ")")
	}
	return l
}

// PartnerGrant finds what tokens of the trading partner with this code are worth; its id is
// empty where there is none. It is how scopes are made, so it takes none.
func PartnerGrant(ctx context.Context, s *store.Store, code string) (procurement.PartnerGrant, error) {
	var rows []struct {
		procurement.PartnerGrant
		ScopeList pq.StringArray
	}
	const query = `SELECT p.id, coalesce(f.stage, 'ACTIVE') AS stage, coalesce(f.scopes, '{}') AS scope_list,
		coalesce(f.cost_per_minute, 0) AS cost_per_minute
		FROM trading_partners p LEFT JOIN partner_profiles f ON f.partner_id = p.id WHERE p.code = $1`
	if err := s.Select(ctx, &rows, query, code); err != nil {
		return procurement.PartnerGrant{}, fmt.Errorf("trading partner: %w", err)
	}
	if len(rows) == 0 {
		return procurement.PartnerGrant{}, nil
	}
	rows[0].Scopes = rows[0].ScopeList
	return rows[0].PartnerGrant, nil
}

// ErrTaken tells that something that counts once is there already.
var ErrTaken = errors.New("it is there already")

// RegisterPartner keeps a partner that no source has told, or the profile of one that a
// source told and nobody registered: it sets its id, and the stage of one that trades already,
// which goes on as it is. It fails with [ErrTaken] where one is registered.
func RegisterPartner(ctx context.Context, tx *store.Tx, p *procurement.TradingPartner) error {
	const made = `
		INSERT INTO trading_partners AS t (id, code, name, gln, tolerance_profile_id, system, instance, source_ref, source_version, sequence,
		as_of) VALUES ($1, $2, $3, $4, nullif($5, ''), 'PORTICO', 'portico', $2, '', 0, now())
		ON CONFLICT (code) DO UPDATE SET tolerance_profile_id = coalesce(excluded.tolerance_profile_id, t.tolerance_profile_id)
		RETURNING id`
	if err := tx.Get(ctx, &p.ID, made, p.ID, store.Storable(p.Code), store.Storable(p.Name), p.GLN, p.ToleranceID); err != nil {
		return fmt.Errorf("partner: %w", err)
	}
	channels, err := json.Marshal(p.Channels)
	if err != nil {
		return fmt.Errorf("partner: %w", err)
	}
	const kept = `
		INSERT INTO partner_profiles (partner_id, stage, requires_signature, channels, scopes, cost_per_minute)
		SELECT $1, CASE WHEN EXISTS (SELECT FROM purchase_orders o WHERE o.supplier_id = $1) THEN 'ACTIVE' ELSE $2 END, $3::boolean,
			coalesce(nullif($4::jsonb, 'null'), '[]'), $5::text[], $6::integer
		ON CONFLICT (partner_id) DO NOTHING RETURNING stage`
	var stages []procurement.OnboardingStage
	if err := tx.Select(ctx, &stages, kept, p.ID, p.Stage, p.RequiresSignature, string(channels), store.TextArray(p.Scopes),
		p.CostPerMinute); err != nil {
		return fmt.Errorf("partner: %w", err)
	}
	if len(stages) == 0 {
		return ErrTaken
	}
	p.Stage = stages[0]
	return nil
}

// LockPartner reads a partner as it is now, within a scope, and holds it until the
// transaction ends; nil where there is none.
func LockPartner(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (*procurement.TradingPartner, error) {
	var a store.Args
	query := `SELECT p.id, p.code, p.name, p.gln, ` + partnerProfile +
		` FROM trading_partners p LEFT JOIN partner_profiles f ON f.partner_id = p.id
		WHERE p.id = ` + a.Add(id) + ` AND ` + store.OwnSupplier("p.id")(scope, &a) + ` FOR UPDATE OF p`
	var rows []partnerRow
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].trade(), nil
}

// SavePartner saves what is ours of a partner that is locked, and counts its version up.
// Name and location number stay those that a source tells, where one does.
func SavePartner(ctx context.Context, tx *store.Tx, p *procurement.TradingPartner, reason *string) error {
	channels, err := json.Marshal(p.Channels)
	if err != nil {
		return fmt.Errorf("partner: %w", err)
	}
	const query = `
		WITH named AS (UPDATE trading_partners SET tolerance_profile_id = nullif($7, ''), name = CASE instance WHEN 'portico' THEN $8
		ELSE name END,
			gln = CASE instance WHEN 'portico' THEN $9 ELSE gln END WHERE id = $1)
		INSERT INTO partner_profiles AS f (partner_id, stage, requires_signature, channels, scopes, cost_per_minute, reason, activated_at)
		VALUES ($1, $2, $3, coalesce(nullif($4::jsonb, 'null'), '[]'), $5, $6, $10, $11)
		ON CONFLICT (partner_id) DO UPDATE SET stage = excluded.stage, requires_signature = excluded.requires_signature,
		channels = excluded.channels, scopes = excluded.scopes,
			cost_per_minute = excluded.cost_per_minute, reason = coalesce(excluded.reason, f.reason), activated_at = excluded.activated_at,
			version = f.version + 1`
	if _, err := tx.Exec(ctx, query, p.ID, p.Stage, p.RequiresSignature, string(channels), store.TextArray(p.Scopes), p.CostPerMinute,
		p.ToleranceID, store.Storable(p.Name), p.GLN, reason, p.ActivatedAt); err != nil {
		return fmt.Errorf("partner: %w", err)
	}
	return nil
}

var partnerKeys = store.Read(store.Relation[procurement.PartnerKey]{
	Kind: "PartnerKey", From: "partner_keys k", Visible: store.OwnSupplier("k.partner_id"),
	Columns: []store.Columns{store.Always(`k.id, k.partner_id, k.public_key AS public, k.fingerprint, k.challenge AS proof, k.verified_at,
		k.valid_from, k.revoked_at`)},
}, store.Identity[procurement.PartnerKey])

// PartnerKeys reads keys of partners by id.
func PartnerKeys(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*procurement.PartnerKey, error) {
	return partnerKeys.By(ctx, s, scope, "k.id", "", ids)
}

// MostKeys is how many keys a partner has at most.
const MostKeys = 20

// KeysOfPartners reads the keys of partners, newest first.
func KeysOfPartners(ctx context.Context, s *store.Store, scope trade.Scope, partners []string) (map[string][]*procurement.PartnerKey,
	error,
) {
	return partnerKeys.Under(ctx, s, scope, "", "k.partner_id", "k.created_at DESC, k.id", partners)
}

// KeepPartnerKey keeps a key of a partner; it fails with [ErrTaken] where somebody has it.
func KeepPartnerKey(ctx context.Context, tx *store.Tx, k *procurement.PartnerKey) error {
	const query = `INSERT INTO partner_keys (id, partner_id, public_key, fingerprint, challenge, valid_from) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (fingerprint) DO NOTHING`
	result, err := tx.Exec(ctx, query, k.ID, k.PartnerID, k.Public, k.Fingerprint, k.Proof, k.ValidFrom)
	if err != nil {
		return fmt.Errorf("key of a partner: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrTaken, err)
	}
	return nil
}

// MarkPartnerKeyProved says that a key was proved.
func MarkPartnerKeyProved(ctx context.Context, tx *store.Tx, id string) error {
	if _, err := tx.Exec(ctx, `UPDATE partner_keys SET verified_at = clock_timestamp() WHERE id = $1 AND verified_at IS NULL`,
		id); err != nil {
		return fmt.Errorf("key of a partner: %w", err)
	}
	return nil
}

// RevokePartnerKey revokes a key, unless it is.
func RevokePartnerKey(ctx context.Context, tx *store.Tx, id, reason string) error {
	if _, err := tx.Exec(ctx, `UPDATE partner_keys SET revoked_at = clock_timestamp(), reason = $2 WHERE id = $1 AND revoked_at IS NULL`, id,
		store.Storable(reason)); err != nil {
		return fmt.Errorf("key of a partner: %w", err)
	}
	return nil
}

// KeepTest keeps how a partner's test document went; once one of a kind has passed, a later
// one that does not changes nothing.
func KeepTest(ctx context.Context, tx *store.Tx, partner string, t procurement.PartnerTest) error {
	const query = `
		INSERT INTO partner_tests AS t (partner_id, document, passed, detail) VALUES ($1, $2, $3, $4)
		ON CONFLICT (partner_id, document) DO UPDATE SET passed = excluded.passed, detail = excluded.detail, at = clock_timestamp()
		WHERE NOT t.passed`
	if _, err := tx.Exec(ctx, query, partner, t.Document, t.Passed, t.Detail); err != nil {
		return fmt.Errorf("test of a partner: %w", err)
	}
	return nil
}

// PartnerFacts reads what the checks of onboarding look at, for partners that were read
// within a scope, in their order.
func PartnerFacts(ctx context.Context, from store.Reader, scope trade.Scope,
	of []*procurement.TradingPartner,
) ([]*procurement.PartnerFacts, error) {
	ids := make([]string, len(of))
	for i, p := range of {
		ids[i] = p.ID
	}
	var a store.Args
	query := `
		SELECT p.id, p.instance <> 'portico' AS known,
			(SELECT jsonb_agg(jsonb_build_object('ID', k.id, 'VerifiedAt', k.verified_at, 'ValidFrom', k.valid_from, 'RevokedAt', k.revoked_at)
			ORDER BY k.created_at DESC) FROM partner_keys k WHERE k.partner_id = p.id) AS keys,
			(SELECT jsonb_agg(jsonb_build_object('Document', t.document, 'Passed', t.passed, 'Detail', t.detail, 'At', t.at)) FROM partner_tests t
			WHERE t.partner_id = p.id) AS tests
		FROM trading_partners p WHERE p.id = ANY(` + a.AddTexts(ids) + `) AND ` + store.OwnSupplier("p.id")(scope, &a)
	var rows []factsRow
	if err := from.Select(ctx, &rows, query, a.List...); err != nil {
		return nil, fmt.Errorf("partners: %w", err)
	}
	all := make([]*procurement.PartnerFacts, len(of))
	for i, p := range of {
		all[i] = &procurement.PartnerFacts{Partner: p}
		if at := slices.IndexFunc(rows, func(r factsRow) bool { return r.ID == p.ID }); at >= 0 {
			r := &rows[at]
			all[i].KnownToERP, all[i].Keys, all[i].Tests = r.Known, r.Keys.Value, r.Tests.Value
		}
	}
	return all, nil
}

type factsRow struct {
	ID    string
	Known bool
	Keys  store.JSON[[]*procurement.PartnerKey]
	Tests store.JSON[[]procurement.PartnerTest]
}

// Sender is a partner as a document of its meets it, with the key that its message names;
// Key is nil where it names none of the partner's.
type Sender struct {
	ID, Code          string
	Stage             procurement.OnboardingStage
	Reason            *string
	RequiresSignature bool
	Key               *procurement.PartnerKey
}

// FindSender reads the caller's partner and a key of its; nil where the caller is none.
func FindSender(ctx context.Context, s *store.Store, scope trade.Scope, key string) (*Sender, error) {
	var a store.Args
	query := `
		SELECT p.id, p.code, coalesce(f.stage, 'ACTIVE') AS stage, f.reason, coalesce(f.requires_signature, false) AS requires_signature,
			coalesce(k.id, '') AS key_id, k.public_key, coalesce(k.fingerprint, '') AS fingerprint, k.verified_at, k.valid_from, k.revoked_at
		FROM trading_partners p LEFT JOIN partner_profiles f ON f.partner_id = p.id LEFT JOIN partner_keys k ON k.partner_id = p.id AND k.id = ` +
		a.Add(key) + `
		WHERE p.id = ` + a.Add(scope.Supplier()) + ` AND ` + store.OwnSupplier("p.id")(scope, &a)
	var rows []struct {
		Sender
		KeyID, Fingerprint               string
		PublicKey                        []byte
		VerifiedAt, ValidFrom, RevokedAt *time.Time
	}
	if err := s.Select(ctx, &rows, query, a.List...); err != nil || len(rows) == 0 {
		return nil, err
	}
	r := rows[0]
	if r.KeyID != "" {
		r.Key = &procurement.PartnerKey{
			ID: r.KeyID, PartnerID: r.ID, Public: r.PublicKey, Fingerprint: r.Fingerprint, VerifiedAt: r.VerifiedAt,
			ValidFrom: *r.ValidFrom, RevokedAt: r.RevokedAt,
		}
	}
	return &r.Sender, nil
}
