package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portico/app"
	"portico/sources"
)

type adaptersCmd struct{}

// Run prints what every adapter serves, as the table of docs/adapters.md.
func (adaptersCmd) Run() error {
	table, err := adapterTable()
	fmt.Print(table)
	return err
}

// adapterTable is what every adapter serves, in Markdown.
func adapterTable() (string, error) {
	var b strings.Builder
	names := slices.Sorted(maps.Keys(app.Adapters))
	fmt.Fprintf(&b, "| | %s |\n|---|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	has := map[string]map[string]bool{}
	for _, name := range names {
		a, err := app.Adapters[name](app.SourceConfig{URL: "http://localhost/x", User: "x", Mapping: "easypost"}, app.Credentials{Key: func() string { return "" }, Secrets: func() []string { return nil }})
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		has[name] = map[string]bool{}
		for _, s := range sources.Serves(a) {
			has[name][string(s)] = true
		}
		_, has[name]["reports changes"] = a.(sources.Changes)
		_, has[name]["pushes"] = a.(sources.Receiving)
		_, has[name]["polled for missed pushes"] = a.(sources.Recovering)
		_, has[name]["serves documents"] = a.(sources.Documents)
		_, has[name]["registers parcels"] = a.(sources.Registering)
		_, has[name]["takes orders"] = a.(sources.OrderTaking)
		_, has[name]["takes order responses"] = a.(sources.PurchaseConfirming)
		_, has[name]["takes despatch advices"] = a.(sources.AnnouncementTaking)
		_, has[name]["takes lead times"] = a.(sources.LeadTimeTaking)
	}
	rows := []string{}
	for _, s := range sources.Subjects() {
		rows = append(rows, string(s))
	}
	for _, row := range append(rows, "reports changes", "pushes", "polled for missed pushes", "serves documents", "registers parcels", "takes orders", "takes order responses", "takes despatch advices", "takes lead times") {
		b.WriteString("| " + row)
		for _, name := range names {
			b.WriteString(map[bool]string{true: " | yes", false: " |"}[has[name][row]])
		}
		b.WriteString(" |\n")
	}
	return b.String(), nil
}
