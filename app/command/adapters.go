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

// Run prints what every adapter serves and is set with, as the tables of docs/adapters.md.
func (adaptersCmd) Run() error {
	fmt.Print(adapterTable(), "\n", settingTable())
	return nil
}

// abilities are what an adapter can do besides serving records, as its type says.
var abilities = []struct {
	name string
	has  func(sources.Adapter) bool
}{
	{"reports changes", claims[sources.Changes]},
	{"pushes", claims[sources.Receiving]},
	{"polled for missed pushes", claims[sources.Recovering]},
	{"serves documents", claims[sources.Documents]},
	{"registers parcels", claims[sources.Registering]},
	{"takes orders", claims[sources.OrderTaking]},
	{"takes order responses", claims[sources.PurchaseConfirming]},
	{"takes despatch advices", claims[sources.DespatchTaking]},
	{"takes lead times", claims[sources.LeadTimeTaking]},
}

func claims[P sources.Adapter](a sources.Adapter) bool { _, is := a.(P); return is }

// adapterTable is what every adapter serves, in Markdown.
func adapterTable() string {
	var b strings.Builder
	names := slices.Sorted(maps.Keys(app.Adapters))
	fmt.Fprintf(&b, "| | %s |\n|---|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	row := func(name string, has func(sources.Adapter) bool) {
		b.WriteString("| " + name)
		for _, adapter := range names {
			b.WriteString(map[bool]string{true: " | yes", false: " |"}[has(app.Adapters[adapter].Claims)])
		}
		b.WriteString(" |\n")
	}
	for _, s := range sources.Subjects() {
		row(string(s), func(a sources.Adapter) bool { return slices.Contains(sources.Serves(a), s) })
	}
	for _, a := range abilities {
		row(a.name, a.has)
	}
	return b.String()
}

// settingTable is what adapters are set with besides the settings of every source, in Markdown.
func settingTable() string {
	of := map[app.Setting][]string{}
	for _, name := range slices.Sorted(maps.Keys(app.Adapters)) {
		for _, s := range app.Adapters[name].Settings {
			of[s] = append(of[s], name)
		}
	}
	settings := slices.SortedFunc(maps.Keys(of), func(a, b app.Setting) int {
		return strings.Compare(a.Name+" "+of[a][0], b.Name+" "+of[b][0])
	})
	var b strings.Builder
	b.WriteString("| setting | of | what it says |\n|---|---|---|\n")
	for _, s := range settings {
		names := of[s]
		for i, n := range names {
			names[i] = "`" + n + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, strings.Join(names, ", "), s.Help)
	}
	return b.String()
}
