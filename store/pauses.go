package store

import (
	"context"
	"fmt"
)

// PauseSource holds a source on all processes; an empty reason resumes it. changed is
// false where it was so before.
func (s *Store) PauseSource(ctx context.Context, tx *Tx, instance, reason, actor string) (changed bool, err error) {
	query, args := `DELETE FROM paused_sources WHERE instance = $1`, []any{instance}
	if reason != "" {
		query = `INSERT INTO paused_sources (instance, reason, actor) VALUES ($1, $2, $3) ON CONFLICT (instance) DO NOTHING`
		args = append(args, storable(reason), actor)
	}
	result, err := s.Exec(ctx, tx, query, args...)
	if err != nil {
		return false, fmt.Errorf("pause: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// Paused are the sources that are paused, with the reason of each.
func (s *Store) Paused(ctx context.Context) (map[string]string, error) {
	var rows []struct{ Instance, Reason string }
	if err := s.sel(ctx, nil, &rows, `SELECT instance, reason FROM paused_sources`); err != nil {
		return nil, fmt.Errorf("paused sources: %w", err)
	}
	all := map[string]string{}
	for _, r := range rows {
		all[r.Instance] = r.Reason
	}
	return all, nil
}
