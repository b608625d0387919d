package command

import (
	"context"
	"log/slog"

	"portico/app"
)

type migrateCmd struct{}

// Run brings the tables up to date.
func (migrateCmd) Run(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	database, err := app.OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	database.Close()
	return nil
}
