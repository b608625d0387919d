package app

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"

	company "portico/sandbox"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/trade/operating"
)

// leastSecret is how long a secret must be that somebody signs with, so that it cannot be
// guessed.
const leastSecret = 20

// OpenSources opens the configured sources and routes the subjects to them.
func OpenSources(f File, log *slog.Logger) (*sources.Set, error) {
	var list []sources.Source
	for _, name := range slices.Sorted(maps.Keys(f.Sources)) {
		c := f.Sources[name]
		if err := checkSettings(name, c); err != nil {
			return nil, err
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
		a, err := Adapters[c.Adapter].open(c.Own, sources.Credentials{Key: key, Secrets: secrets, Scheme: c.Webhook.Scheme})
		if err != nil {
			return nil, fmt.Errorf("sources.%s: %w", name, err)
		}
		list = append(list, sources.Source{Name: name, Adapter: a, Limits: c.Limits})
	}
	set, err := sources.NewSet(list, f.Routes)
	if err != nil {
		return nil, err
	}
	var begin []operating.CapabilityRoute
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
func Route(capability operating.Capability, primary, shadow string, percent *int) (operating.CapabilityRoute, error) {
	r := operating.CapabilityRoute{Capability: capability, Primary: primary, PercentToPrimary: 100}
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
const acmeSecret = "whsec_YWNtZSBpbiBkZXZlbG9wbWVudCBhbG9uZQ==" //nolint:gosec // of the sandbox, in development alone

// settings are settings of an adapter, each a name and a value, as they would stand in the file.
func settings(pairs ...string) map[string]yaml.Node {
	own := map[string]yaml.Node{}
	for pair := range slices.Chunk(pairs, 2) {
		own[pair[0]] = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: pair[1]}
	}
	return own
}

// SandboxFile is the configuration for the sandbox company at addr.
func SandboxFile(addr string) File {
	at := func(adapter, path string) SourceConfig {
		return SourceConfig{Adapter: adapter, Own: settings("url", "http://"+addr+path), Key: company.Key, Limits: sources.DefaultLimits}
	}
	carrier := at("sandbox-carrier", "/carrier")
	carrier.Webhook.Secret = company.PushSecret
	return File{
		Sources: map[string]SourceConfig{
			"erp": at("sandbox-erp", "/erp"), "finance": at("sandbox-ledger", "/erp"), "wms": at("sandbox-wms", "/wms"),
			"carrier": carrier, "crm": at("sandbox-crm", "/crm"),
			// A carrier that pushes: whoever tries it out.
			"acme": {
				Adapter: "webhook", Own: settings("mapping", "example"), Webhook: WebhookConfig{Secret: acmeSecret}, Limits: sources.DefaultLimits,
			},
		},
		Routes: sandbox.Routes,
	}
}
