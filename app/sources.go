package app

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	company "portico/sandbox"
	"portico/sources"
	"portico/sources/carriers"
	"portico/sources/epcis"
	"portico/sources/sandbox"
	"portico/sources/tryton"
	"portico/trade"
)

// Credentials are what a source is asked with, and what it signs with.
type Credentials struct {
	Key     func() string
	Secrets func() []string
}

// Adapters is the one table from an adapter's name to its constructor.
var Adapters = map[string]func(c SourceConfig, k Credentials) (sources.Adapter, error){
	"sandbox-erp":     adapter(sandbox.OpenERP),
	"sandbox-ledger":  adapter(sandbox.OpenLedger),
	"sandbox-wms":     adapter(sandbox.OpenWMS),
	"sandbox-carrier": adapter(sandbox.OpenCarrier),
	"sandbox-crm":     adapter(sandbox.OpenCRM),
	"tryton": func(c SourceConfig, k Credentials) (sources.Adapter, error) {
		return tryton.Open(tryton.Config{URL: c.URL, User: c.User, Password: k.Key, Zone: c.Zone, BranchOf: c.BranchOf, Warehouse: c.Warehouse})
	},
	"easypost": func(c SourceConfig, k Credentials) (sources.Adapter, error) {
		return carrier(c, k, "easypost", carriers.OpenEasyPost)
	},
	"dcsa": func(c SourceConfig, k Credentials) (sources.Adapter, error) {
		return carrier(c, k, "dcsa", carriers.OpenDCSA)
	},
	"webhook": func(c SourceConfig, k Credentials) (sources.Adapter, error) {
		return carrier(c, k, "standard-webhooks", func(of carriers.Config) (*carriers.Source, error) {
			if m := carriers.Mappings[c.Mapping]; m != nil {
				return carriers.Open(of, m)
			}
			text, err := os.ReadFile(c.Mapping)
			if err != nil {
				return nil, fmt.Errorf("mapping must be %s, or name a file that says how the carrier's JSON is read: %w", strings.Join(slices.Sorted(maps.Keys(carriers.Mappings)), ", "), err)
			}
			m, err := carriers.ReadMapping(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Mapping, err)
			}
			return carriers.Open(of, m)
		})
	},
	"epcis": func(c SourceConfig, k Credentials) (sources.Adapter, error) {
		return epcis.Open(cmp.Or(c.Webhook.Scheme, "standard-webhooks"), k.Secrets)
	},
}

func adapter[A sources.Adapter](open func(sandbox.Config) (A, error)) func(SourceConfig, Credentials) (sources.Adapter, error) {
	return func(c SourceConfig, k Credentials) (sources.Adapter, error) {
		return open(sandbox.Config{URL: c.URL, Key: k.Key, Zone: c.Zone, Secrets: k.Secrets})
	}
}

// carrier opens a carrier, which pushes where it is known what it signs with.
func carrier[A sources.Adapter](c SourceConfig, k Credentials, scheme string, open func(carriers.Config) (A, error)) (sources.Adapter, error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, fmt.Errorf("zone is %q: it must be the name of a time zone, such as Europe/Amsterdam", c.Zone)
	}
	of := carriers.Config{URL: c.URL, Key: k.Key, Secrets: k.Secrets, Zone: zone}
	if len(k.Secrets()) > 0 {
		of.Scheme = cmp.Or(c.Webhook.Scheme, scheme)
	}
	return open(of)
}

// leastSecret is how long a secret must be that somebody signs with, so that it cannot be
// guessed.
const leastSecret = 20

// OpenSources opens the configured sources and routes the subjects to them.
func OpenSources(f File, log *slog.Logger) (*sources.Set, error) {
	var list []sources.Source
	for _, name := range slices.Sorted(maps.Keys(f.Sources)) {
		c := f.Sources[name]
		open := Adapters[c.Adapter]
		if open == nil {
			return nil, fmt.Errorf("sources.%s.adapter is %q: it must be one of %s", name, c.Adapter, strings.Join(slices.Sorted(maps.Keys(Adapters)), ", "))
		}
		key, err := sourceKey(name, c, log)
		if err != nil {
			return nil, err
		}
		secrets, err := pushSecrets(name, c, log)
		if err != nil {
			return nil, err
		}
		for _, s := range secrets() {
			if len(s) < leastSecret {
				return nil, fmt.Errorf("sources.%s.webhook: a secret must have at least %d characters", name, leastSecret)
			}
		}
		a, err := open(c, Credentials{key, secrets})
		if err != nil {
			return nil, fmt.Errorf("sources.%s: %w", name, err)
		}
		list = append(list, sources.Source{Name: name, Adapter: a, Limits: c.Limits})
	}
	set, err := sources.NewSet(list, f.Routes)
	if err != nil {
		return nil, err
	}
	var begin []trade.CapabilityRoute
	for _, capability := range slices.Sorted(maps.Keys(f.Capabilities)) {
		c := f.Capabilities[capability]
		r, err := Route(capability, c.Primary, c.Shadow, c.Percent)
		if err != nil {
			return nil, fmt.Errorf("capabilities.%s: %w", capability, err)
		}
		begin = append(begin, r)
	}
	if err := set.Begin(begin); err != nil {
		return nil, fmt.Errorf("capabilities: %w", err)
	}
	return set, set.Govern(f.Policies)
}

// Route is a route as it is configured or ordered; a percentage left out is 100.
func Route(capability trade.Capability, primary, shadow string, percent *int) (trade.CapabilityRoute, error) {
	r := trade.CapabilityRoute{Capability: capability, Primary: primary, PercentToPrimary: 100}
	if percent != nil {
		r.PercentToPrimary = *percent
	}
	if shadow != "" {
		r.Shadow = &shadow
	}
	switch {
	case r.PercentToPrimary < 0 || r.PercentToPrimary > 100:
		return r, Wrong("percent", fmt.Sprint(r.PercentToPrimary), "0 to 100")
	case r.PercentToPrimary < 100 && shadow == "":
		return r, Wrong("shadow", "", "the source that serves the other accounts, when percent is less than 100")
	case shadow == primary:
		return r, Wrong("shadow", shadow, "another source than primary")
	}
	return r, nil
}

// acmeSecret is what is pushed to the sandbox's acme signed with, in development alone.
const acmeSecret = "whsec_YWNtZSBpbiBkZXZlbG9wbWVudCBhbG9uZQ=="

// SandboxFile is the configuration for the sandbox company at addr.
func SandboxFile(addr string) File {
	at := func(adapter, path string) SourceConfig {
		return SourceConfig{Adapter: adapter, URL: "http://" + addr + path, Key: company.Key, Limits: sources.DefaultLimits}
	}
	carrier := at("sandbox-carrier", "/carrier")
	carrier.Webhook.Secret = company.PushSecret
	return File{
		Sources: map[string]SourceConfig{
			"erp": at("sandbox-erp", "/erp"), "finance": at("sandbox-ledger", "/erp"), "wms": at("sandbox-wms", "/wms"),
			"carrier": carrier, "crm": at("sandbox-crm", "/crm"),
			// A carrier that pushes: whoever tries it out.
			"acme": {Adapter: "webhook", Mapping: "example", Webhook: WebhookConfig{Secret: acmeSecret}, Limits: sources.DefaultLimits},
		},
		Routes: sandbox.Routes,
	}
}
