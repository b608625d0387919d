package command

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strings"

	"portico/app"
	"portico/process/replica"
	"portico/trade/operating"
)

type routeCmd struct {
	Capability string `arg:"" help:"ACCOUNTS, ITEMS, PRICING, INVENTORY, ORDERS, PURCHASE_ORDERS, TRACKING, INVOICES or RETURNS."`
	Primary    string `help:"Source that it moves to or rests with." required:""`
	Shadow     string `help:"Source that is asked beside it, and serves the accounts that the primary does not."`
	Percent    int    `help:"Accounts that the primary serves, percent; always the same ones." default:"100"`
	By         string `help:"Who changes it, for the record; the user of this shell when left out."`
}

// Run changes where a capability is served, on all running servers within a
// second. What it was is the way back.
func (c routeCmd) Run(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	r, err := app.Route(operating.Capability(strings.ToUpper(c.Capability)), c.Primary, c.Shadow, &c.Percent)
	if err != nil {
		return err
	}
	r.ChangedBy = c.by()
	set, err := app.OpenSources(cfg.File, log)
	if err != nil {
		return err
	}
	database, err := app.OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer database.Close()
	before, err := replica.SetRoute(ctx, database.Store, set, r)
	if err != nil {
		return err
	}
	back := fmt.Sprintf("portico route %s --primary %s --percent %d", before.Capability, before.Primary, before.PercentToPrimary)
	if before.Shadow != nil {
		back += " --shadow " + *before.Shadow
	}
	fmt.Println("In force within a second. The way back:", back)
	return nil
}

// by is who changes a route.
func (c routeCmd) by() string {
	if c.By != "" {
		return c.By
	}
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
