package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"portico/app"
	"portico/process/audit"
)

type auditCmd struct {
	Verify verifyCmd `cmd:"" help:"Compare the audit log with every head that was signed into the audit folder."`
}

type verifyCmd struct{}

// Run says whether the log is as it was signed, and fails where it is not.
func (verifyCmd) Run(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	database, err := app.OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer database.Close()
	r, err := audit.Verify(ctx, database.Store, cfg.AuditFolder)
	if err != nil {
		return err
	}
	for _, w := range r.Wrong {
		fmt.Println(w)
	}
	if len(r.Wrong) > 0 {
		return errors.New("the audit log is not as it was signed")
	}
	fmt.Printf("%d entries are as they were signed, in %d heads.\n", r.Entries, r.Heads)
	return nil
}
