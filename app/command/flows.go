package command

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"portico/app"
	"portico/process"
	"portico/process/orders"
	"portico/process/purchasing"
	"portico/process/stewards"
	"portico/process/watch"
	"portico/trade"
)

type flowsCmd struct{}

// Run prints the tables of docs/flows.md.
func (flowsCmd) Run() error {
	tables, err := flowTables()
	for _, t := range tables {
		fmt.Println(t)
	}
	return err
}

// flowTables are the flows with their steps, who may change what of an order, and how
// and from whom each workflow is answered, as the code has them.
func flowTables() ([]string, error) {
	set, err := app.OpenSources(app.SandboxFile("localhost:1"), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	var tables []string
	desk := process.NewDesk(nil, set, nil, time.Now)
	for _, f := range slices.Concat(orders.New(desk, nil).Tables(), purchasing.New(desk, purchasing.Signing{}).Tables(),
		stewards.New(desk).Tables(), watch.NewOperators(desk).Tables()) {
		var b strings.Builder
		fmt.Fprintf(&b, "### %s (%s)\n\n| step | what it does | how it is undone |\n|---|---|---|\n", f.Kind, f.Action)
		for _, s := range f.Steps {
			undo := s.Undoes
			if undo == "" {
				undo = "it has no effect, or none that is taken back"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, s.What, undo)
		}
		tables = append(tables, b.String())
	}
	var b strings.Builder
	b.WriteString("| action | roles | right | further | states of the order |\n|---|---|---|---|---|\n")
	for _, r := range trade.OrderRules {
		var further []string
		if r.Other {
			further = append(further, "not who placed it")
		}
		if r.Asked {
			further = append(further, "while its operation waits for the buyer")
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s |\n", r.Action, joined(r.Roles), r.Right, strings.Join(further, ", "), joined(r.States))
	}
	tables = append(tables, b.String())
	b.Reset()
	b.WriteString("| action | roles | right | states of the purchase order |\n|---|---|---|---|\n")
	for _, r := range trade.PurchaseOrderRules {
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", r.Action, joined(r.Roles), r.Right, joined(r.States))
	}
	tables = append(tables, b.String())
	b.Reset()
	b.WriteString("| workflow | field | mode | owner of what it writes |\n|---|---|---|---|\n")
	for _, w := range workflows {
		owner := ""
		if w.Writes != "" {
			owner = "the system that serves " + string(w.Writes) + ": " + set.Serving(w.Writes, "")
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", w.Name, w.Field, w.Mode, owner)
	}
	return append(tables, b.String()), nil
}

func joined[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = string(v)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}
