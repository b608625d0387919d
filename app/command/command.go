// Package command is Portico's command line: one file for each command.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"portico/app"
	"portico/telemetry"
)

// cli are the commands; the settings stand beside them.
type cli struct {
	app.Config

	Serve   serveCmd      `cmd:"" default:"1" help:"Serve portals. In development this starts the sandbox company too."`
	Migrate migrateCmd    `cmd:"" help:"Bring the database's tables up to date."`
	Sandbox sandboxCmd    `cmd:"" help:"Run the sandbox company alone."`
	Token   tokenCmd      `cmd:"" help:"Print a bearer token of the development issuer."`
	Revoke  revokeCmd     `cmd:"" help:"End sign-ins before their time, on all processes and within a second."`
	Audit   auditCmd      `cmd:"" help:"Look after the audit log."`
	Proof   evidenceCmd   `cmd:"" name:"evidence" help:"Export and verify what proves what suppliers said."`
	Limit   limitCmd      `cmd:"" help:"Set what each buyer of an account may order without approval."`
	Route   routeCmd      `cmd:"" help:"Change where a capability is served, on all processes and within a second."`
	Reset   resetCmd      `cmd:"" help:"Remove the embedded database, the sandbox company and the keys, to start from scratch."`
	Show    configCmd     `cmd:"" name:"config" help:"Print the settings in force, without secrets."`
	Govern  policiesCmd   `cmd:"" name:"policies" help:"Print who owns what, and how it is kept the same."`
	Schema  governanceCmd `cmd:"" name:"governance" help:"Print how the schema stands to what was published, to its rules and to its clients."`
	Flows   flowsCmd      `cmd:"" help:"Print the steps of every operation, who may do what, and how each workflow answers."`
	List    adaptersCmd   `cmd:"" name:"adapters" help:"Print what every adapter serves."`
	Map     mapCmd        `cmd:"" help:"Map documents of carriers, and print what each becomes or what of it is refused and where."`
	Version versionCmd    `cmd:"" help:"Print the version."`
}

// Main runs the command that the arguments name until it ends, or until somebody interrupts
// it, and returns the exit code.
func Main() int {
	var c cli
	k := kong.Parse(&c, kong.Name("portico"), kong.Description("One graph over ERP and logistics systems."),
		kong.Vars{"data": app.DefaultData()}, kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(c.Config, telemetry.NewLog(os.Stderr)); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "portico:", err)
		return 1
	}
	return 0
}
