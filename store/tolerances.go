package store

import (
	"context"
	"slices"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

type toleranceRow struct {
	ToleranceID, ToleranceName, ToleranceVersion string
	Over, Under, Price                           nullDecimal
	Early, Late                                  *int
	AllowSubstitution                            bool
	OutOfTolerance                               trade.OutOfTolerancePolicy
}

const toleranceColumns = `t.id AS tolerance_id, t.name AS tolerance_name, t.version::text AS tolerance_version, t.over_quantity_percent AS over, t.under_quantity_percent AS under,
	t.price_percent AS price, t.early_days AS early, t.late_days AS late, t.allow_substitution, t.out_of_tolerance`

func (r *toleranceRow) trade() *trade.ToleranceProfile {
	decimal := func(d nullDecimal) *udecimal.Decimal {
		if !d.Valid {
			return nil
		}
		return &d.Decimal
	}
	return &trade.ToleranceProfile{
		ID: r.ToleranceID, Name: r.ToleranceName, Version: r.ToleranceVersion, OverQuantityPercent: decimal(r.Over), UnderQuantityPercent: decimal(r.Under), PricePercent: decimal(r.Price),
		EarlyDays: r.Early, LateDays: r.Late, AllowSubstitution: r.AllowSubstitution, OutOfTolerance: r.OutOfTolerance,
	}
}

var tolerances = read(relation[trade.ToleranceProfile]{
	kind: "ToleranceProfile", from: "tolerance_profiles t", visible: operatorOnly, columns: []columns{always(toleranceColumns)},
}, (*toleranceRow).trade)

// Tolerances reads tolerance profiles by id.
func (s *Store) Tolerances(ctx context.Context, scope trade.Scope, ids []string) (map[string]*trade.ToleranceProfile, error) {
	return tolerances.by(ctx, s, scope, "t.id", "", ids)
}

// TolerancesOf reads the tolerance profiles in force for suppliers.
func (s *Store) TolerancesOf(ctx context.Context, scope trade.Scope, suppliers []string) (map[string]*trade.ToleranceProfile, error) {
	r := tolerances
	r.from = "tolerance_profiles t JOIN trading_partners p ON coalesce(p.tolerance_profile_id, 'tol_standard') = t.id"
	return r.by(ctx, s, scope, "p.id", "", suppliers)
}

// ToleranceList are all tolerance profiles, by name.
func ToleranceList(scope trade.Scope) *List[trade.ToleranceProfile] {
	return &List[trade.ToleranceProfile]{relation: tolerances, name: "tolerance profiles", scope: scope, order: []sortKey{ascending("t.name", "text"), ascending("t.id", "text")}}
}

// SaveTolerance makes a tolerance profile, or changes one whose version was seen. It tells
// the version there is where that is another, and "" where there is no such profile or
// another has its name.
func (s *Store) SaveTolerance(ctx context.Context, tx *Tx, t *trade.ToleranceProfile) (saved bool, current string, err error) {
	var versions []string
	if t.Version == "" {
		const query = `
			INSERT INTO tolerance_profiles (id, name, over_quantity_percent, under_quantity_percent, price_percent, early_days, late_days, allow_substitution, out_of_tolerance)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO NOTHING RETURNING version::text`
		err = s.sel(ctx, tx, &versions, query, t.ID, storable(t.Name), t.OverQuantityPercent, t.UnderQuantityPercent, t.PricePercent, t.EarlyDays, t.LateDays, t.AllowSubstitution, t.OutOfTolerance)
		return len(versions) == 1, "", err
	}
	if err := s.sel(ctx, tx, &versions, `SELECT version::text FROM tolerance_profiles WHERE id = $1 FOR UPDATE`, t.ID); err != nil || len(versions) == 0 || versions[0] != t.Version {
		return false, slices.Concat(versions, []string{""})[0], err
	}
	const query = `
		UPDATE tolerance_profiles t SET name = $2, over_quantity_percent = $3, under_quantity_percent = $4, price_percent = $5, early_days = $6, late_days = $7, allow_substitution = $8,
			out_of_tolerance = $9, version = version + 1
		WHERE id = $1 AND NOT EXISTS (SELECT FROM tolerance_profiles x WHERE x.name = $2 AND x.id <> $1) RETURNING version::text`
	versions = nil
	err = s.sel(ctx, tx, &versions, query, t.ID, storable(t.Name), t.OverQuantityPercent, t.UnderQuantityPercent, t.PricePercent, t.EarlyDays, t.LateDays, t.AllowSubstitution, t.OutOfTolerance)
	return len(versions) == 1, "", err
}
