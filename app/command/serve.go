package command

import (
	"context"
	"log/slog"

	"portico/app"
)

type serveCmd struct{}

// Run serves portals until it is interrupted.
func (serveCmd) Run(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	return app.Serve(ctx, cfg, log)
}
