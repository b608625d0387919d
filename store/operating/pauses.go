package operating

import (
	"context"
	"fmt"

	"portico/store"
)

// PauseSource holds a source on all processes; an empty reason resumes it. changed is
// false where it was so before.
func PauseSource(ctx context.Context, tx *store.Tx, instance, reason, actor string) (changed bool, err error) {
	query, args := `DELETE FROM paused_sources WHERE instance = $1`, []any{instance}
	if reason != "" {
		query = `INSERT INTO paused_sources (instance, reason, actor) VALUES ($1, $2, $3) ON CONFLICT (instance) DO NOTHING`
		args = append(args, store.Storable(reason), actor)
	}
	result, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("pause: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// PausedSources are the sources that are paused, with the reason of each.
func PausedSources(ctx context.Context, s *store.Store) (map[string]string, error) {
	var rows []struct{ Instance, Reason string }
	if err := s.Select(ctx, &rows, `SELECT instance, reason FROM paused_sources`); err != nil {
		return nil, fmt.Errorf("paused sources: %w", err)
	}
	all := map[string]string{}
	for _, r := range rows {
		all[r.Instance] = r.Reason
	}
	return all, nil
}
