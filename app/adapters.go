package app

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"portico/sources"
	"portico/sources/carriers"
	"portico/sources/epcis"
	"portico/sources/sandbox"
	"portico/sources/tryton"
)

// Adapters is the one table of adapters, by the name that the configuration file gives them.
var Adapters = map[string]Adapter{
	"sandbox-erp":     adapter(sandbox.OpenERP),
	"sandbox-ledger":  adapter(sandbox.OpenLedger),
	"sandbox-wms":     adapter(sandbox.OpenWMS),
	"sandbox-carrier": adapter(sandbox.OpenCarrier),
	"sandbox-crm":     adapter(sandbox.OpenCRM),
	"tryton":          adapter(tryton.Open),
	"easypost":        adapter(carriers.OpenEasyPost),
	"dcsa":            adapter(carriers.OpenDCSA),
	"webhook":         adapter(carriers.OpenMapped),
	"epcis":           adapter(epcis.Open),
}

// Adapter is a kind of source: the settings that it has besides those of every source, and
// how it is opened with them.
type Adapter struct {
	Settings []Setting
	// Claims is a nil of its type: what it implements can be read from it, and nothing asked of it.
	Claims sources.Adapter

	open func(own map[string]yaml.Node, k sources.Credentials) (sources.Adapter, error)
}

// Setting is a setting of an adapter: its name in the configuration file, and what it says.
type Setting struct{ Name, Help string }

// adapter makes an entry of the table: the settings are the fields of C, named by their yaml
// tags and explained by their help tags.
func adapter[C any, A sources.Adapter](open func(C, sources.Credentials) (A, error)) Adapter {
	var claims A
	var settings []Setting
	for f := range reflect.TypeFor[C]().Fields() {
		name, help := f.Tag.Get("yaml"), f.Tag.Get("help")
		if name == "" || help == "" || f.Type.Kind() == reflect.Struct {
			// What is nested is decoded without an eye on names that are not there.
			panic(fmt.Sprintf("%s.%s: a setting needs a name, a help text and a plain type", reflect.TypeFor[C](), f.Name))
		}
		settings = append(settings, Setting{name, help})
	}
	return Adapter{Settings: settings, Claims: claims, open: func(own map[string]yaml.Node, k sources.Credentials) (sources.Adapter, error) {
		var c C
		fields := reflect.ValueOf(&c).Elem()
		for i, s := range settings {
			if node, is := own[s.Name]; is {
				if err := node.Decode(fields.Field(i).Addr().Interface()); err != nil {
					return nil, fmt.Errorf("%s: %w", s.Name, err)
				}
			}
		}
		return open(c, k)
	}}
}

// has tells whether an adapter has a setting of its own, or by what it does.
func (a Adapter) has(setting string) bool {
	if setting == "webhook" {
		_, pushes := a.Claims.(sources.Receiving)
		return pushes
	}
	return slices.ContainsFunc(a.Settings, func(s Setting) bool { return s.Name == setting })
}

// checkSettings fails where a source has a setting that does not apply to its adapter, and
// says which adapters it does apply to.
func checkSettings(name string, c SourceConfig) error {
	a, is := Adapters[c.Adapter]
	if !is {
		known := strings.Join(slices.Sorted(maps.Keys(Adapters)), ", ")
		return fmt.Errorf("sources.%s.adapter is %q: it must be one of %s", name, c.Adapter, known)
	}
	given := slices.Sorted(maps.Keys(c.Own))
	if c.Webhook != (WebhookConfig{}) {
		given = append(given, "webhook")
	}
	for _, setting := range given {
		if a.has(setting) {
			continue
		}
		others := adaptersWith(setting)
		switch len(others) {
		case 0:
			return fmt.Errorf("sources.%s.%s: no adapter has such a setting", name, setting)
		case 1:
			return fmt.Errorf("sources.%s.%s: the adapter %s has no such setting; %s has", name, setting, c.Adapter, others[0])
		}
		return fmt.Errorf("sources.%s.%s: the adapter %s has no such setting; %s have", name, setting, c.Adapter, strings.Join(others, ", "))
	}
	return nil
}

// adaptersWith are the adapters that a setting applies to, by name.
func adaptersWith(setting string) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(Adapters)) {
		if Adapters[name].has(setting) {
			all = append(all, name)
		}
	}
	return all
}
