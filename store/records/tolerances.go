package records

import (
	"context"
	"slices"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/trade"
)

type toleranceRow struct {
	ToleranceID, ToleranceName, ToleranceVersion string
	Over, Under, Price                           store.NullDecimal
	Early, Late                                  *int
	AllowSubstitution                            bool
	OutOfTolerance                               trade.OutOfTolerancePolicy
}

const toleranceColumns = `t.id AS tolerance_id, t.name AS tolerance_name, t.version::text AS tolerance_version,
	t.over_quantity_percent AS over, t.under_quantity_percent AS under,
	t.price_percent AS price, t.early_days AS early, t.late_days AS late, t.allow_substitution, t.out_of_tolerance`

func (r *toleranceRow) trade() *trade.ToleranceProfile {
	decimal := func(d store.NullDecimal) *udecimal.Decimal {
		if !d.Valid {
			return nil
		}
		return &d.Decimal
	}
	return &trade.ToleranceProfile{
		ID: r.ToleranceID, Name: r.ToleranceName, Version: r.ToleranceVersion, OverQuantityPercent: decimal(r.Over),
		UnderQuantityPercent: decimal(r.Under), PricePercent: decimal(r.Price),
		EarlyDays: r.Early, LateDays: r.Late, AllowSubstitution: r.AllowSubstitution, OutOfTolerance: r.OutOfTolerance,
	}
}

var tolerances = store.Read(store.Relation[trade.ToleranceProfile]{
	Kind: "ToleranceProfile", From: "tolerance_profiles t", Visible: store.OperatorOnly,
	Columns: []store.Columns{store.Always(toleranceColumns)},
}, (*toleranceRow).trade)

// Tolerances reads tolerance profiles by id.
func Tolerances(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.ToleranceProfile, error) {
	return tolerances.By(ctx, s, scope, "t.id", "", ids)
}

// TolerancesOf reads the tolerance profiles in force for suppliers.
func TolerancesOf(ctx context.Context, s *store.Store, scope trade.Scope, suppliers []string) (map[string]*trade.ToleranceProfile, error) {
	r := tolerances
	r.From = "tolerance_profiles t JOIN trading_partners p ON coalesce(p.tolerance_profile_id, 'tol_standard') = t.id"
	return r.By(ctx, s, scope, "p.id", "", suppliers)
}

// ToleranceList are all tolerance profiles, by name.
func ToleranceList(scope trade.Scope) *store.List[trade.ToleranceProfile] {
	return &store.List[trade.ToleranceProfile]{
		Relation: tolerances, Name: "tolerance profiles", Scope: scope,
		Order: []store.SortKey{store.Ascending("t.name", "text"), store.Ascending("t.id", "text")},
	}
}

// SaveTolerance makes a tolerance profile, or changes one whose version was seen. It tells
// the version there is where that is another, and "" where there is no such profile or
// another has its name.
func SaveTolerance(ctx context.Context, tx *store.Tx, t *trade.ToleranceProfile) (saved bool, current string, err error) {
	var versions []string
	if t.Version == "" {
		const query = `
			INSERT INTO tolerance_profiles (id, name, over_quantity_percent, under_quantity_percent, price_percent, early_days, late_days,
			allow_substitution, out_of_tolerance)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO NOTHING RETURNING version::text`
		err = tx.Select(ctx, &versions, query, t.ID, store.Storable(t.Name), t.OverQuantityPercent, t.UnderQuantityPercent, t.PricePercent,
			t.EarlyDays, t.LateDays, t.AllowSubstitution, t.OutOfTolerance)
		return len(versions) == 1, "", err
	}
	if err := tx.Select(ctx, &versions, `SELECT version::text FROM tolerance_profiles WHERE id = $1 FOR UPDATE`, t.ID); err != nil ||
		len(versions) == 0 || versions[0] != t.Version {
		return false, slices.Concat(versions, []string{""})[0], err
	}
	const query = `
		UPDATE tolerance_profiles t SET name = $2, over_quantity_percent = $3, under_quantity_percent = $4, price_percent = $5, early_days = $6,
		late_days = $7, allow_substitution = $8,
			out_of_tolerance = $9, version = version + 1
		WHERE id = $1 AND NOT EXISTS (SELECT FROM tolerance_profiles x WHERE x.name = $2 AND x.id <> $1) RETURNING version::text`
	versions = nil
	err = tx.Select(ctx, &versions, query, t.ID, store.Storable(t.Name), t.OverQuantityPercent, t.UnderQuantityPercent, t.PricePercent,
		t.EarlyDays, t.LateDays, t.AllowSubstitution, t.OutOfTolerance)
	return len(versions) == 1, "", err
}
