package command

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"portico/app"
	"portico/sources"
)

type policiesCmd struct{}

// Run prints who owns what, as the table of docs/data-governance.md.
func (policiesCmd) Run(cfg app.Config, log *slog.Logger) error {
	set, err := app.OpenSources(cfg.File, log)
	if err != nil {
		return err
	}
	fmt.Print(policyTable(set))
	return nil
}

// policyTable is who owns what, in Markdown.
func policyTable(set *sources.Set) string {
	var b strings.Builder
	b.WriteString("| capability | part | owner | steward | reaches Portico | every | a conflict is decided by " +
		"|\n|---|---|---|---|---|---|---|\n")
	for _, p := range set.Policies() {
		part, every := "", time.Duration(0)
		if p.Field != nil {
			part = "`" + *p.Field + "`"
		}
		if p.Every != nil {
			every = *p.Every
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", p.Capability, part, p.Owner, p.Steward, p.Sync,
			cmp.Or(strings.TrimPrefix(every.String(), "0s"), ""), p.ConflictRule)
	}
	return b.String()
}
