package app

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"portico/edge"
	"portico/edge/auth"
	"portico/process/notify"
	"portico/sources"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/ordering"
)

// File is the configuration file.
type File struct {
	Sources map[string]SourceConfig    `yaml:"sources"`
	Routes  map[sources.Subject]string `yaml:"routes"`
	// Capabilities are where whole capabilities begin to be served, over Routes, until
	// `portico route` says otherwise.
	Capabilities map[operating.Capability]RouteConfig `yaml:"capabilities"`
	// Match are the keys, beside the natural ones, by which records are known again
	// when they move: items by gtin, suppliers by gln.
	Match map[string]string `yaml:"match"`
	// Notify is which moves of a promise customers are told of; all where nothing is said.
	Notify map[ordering.CommitmentCause]ordering.Notice `yaml:"tell"`
	// Policies are who answers for kinds of record, and what decides conflicts.
	Policies map[sources.Subject]operating.Stewardship `yaml:"policies"`
	Issuers  []auth.IssuerConfig                       `yaml:"issuers"`
	// Alerting is where alerts are told besides the graph and webhooks.
	Alerting struct {
		Alertmanager string              `yaml:"alertmanager"` // URL of a Prometheus Alertmanager
		Quiet        []notify.QuietHours `yaml:"quiet"`        // in which only what is critical is told there
	} `yaml:"alerting"`
	// BrownOuts are times in which what goes away of the schema is refused already.
	BrownOuts []edge.BrownOut `yaml:"brown_outs"`
	// Sandbox starts the sandbox company too, whose systems can be among the
	// sources. In development alone.
	Sandbox bool `yaml:"sandbox"`
	// Documents are operations known in advance: a manifest for each client, by
	// its name in tokens, and the roles that may send no others.
	Documents struct {
		Manifests map[string]string `yaml:"manifests"`
		Required  []trade.Role      `yaml:"required"`
	} `yaml:"documents"`
}

// RouteConfig is where a capability is served, as [trade.CapabilityRoute].
type RouteConfig struct {
	Primary string `yaml:"primary"`
	Shadow  string `yaml:"shadow"`
	Percent *int   `yaml:"percent"` // 100 when left out
}

// SourceConfig is one source system: what every source has, and what its adapter has besides.
type SourceConfig struct {
	Adapter string         `yaml:"adapter"`
	Key     string         `yaml:"-"`
	KeyEnv  string         `yaml:"key_env"`  // environment variable that holds the key
	KeyFile string         `yaml:"key_file"` // or file that does, reloaded when it changes
	Limits  sources.Limits `yaml:"limits"`
	// Webhook is how a system that pushes signs what it sends to /webhooks/ and its name.
	Webhook WebhookConfig `yaml:"webhook"`
	// Own are the settings of the adapter, which decodes them itself; see [Adapters].
	Own map[string]yaml.Node `yaml:",inline"`
}

// WebhookConfig is how a system signs what it pushes.
type WebhookConfig struct {
	Scheme     string `yaml:"scheme"`      // the adapter's own when left out
	Secret     string `yaml:"-"`           // secrets, one a line
	SecretEnv  string `yaml:"secret_env"`  // environment variable that holds them
	SecretFile string `yaml:"secret_file"` // or file that does, reloaded when it changes
}

// load reads the configuration file, or takes the sandbox's.
func (c *Config) load() error {
	if c.ConfigFile == "" {
		c.File = SandboxFile(c.SandboxAddr)
		c.File.Sandbox = true
		return nil
	}
	text, err := os.Open(c.ConfigFile)
	if err != nil {
		return fmt.Errorf("PORTICO_CONFIG: %w", err)
	}
	defer text.Close()
	decoder := yaml.NewDecoder(text)
	decoder.KnownFields(true)
	if err := decoder.Decode(&c.File); err != nil {
		return fmt.Errorf("PORTICO_CONFIG %s: %w", c.ConfigFile, err)
	}
	for _, q := range c.File.Alerting.Quiet {
		if err := q.Check(); err != nil {
			return fmt.Errorf("PORTICO_CONFIG: alerting.%w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.File.Sources)) {
		s := c.File.Sources[name]
		if err := checkSettings(name, s); err != nil {
			return fmt.Errorf("PORTICO_CONFIG: %w", err)
		}
		if s.KeyEnv != "" {
			if s.Key = os.Getenv(s.KeyEnv); s.Key == "" {
				return fmt.Errorf("PORTICO_CONFIG: sources.%s.key_env names %s, which is not set", name, s.KeyEnv)
			}
		}
		if s.KeyEnv != "" && s.KeyFile != "" {
			return fmt.Errorf("PORTICO_CONFIG: sources.%s has key_env and key_file: name one of them", name)
		}
		if s.Webhook.SecretEnv != "" {
			if s.Webhook.Secret = os.Getenv(s.Webhook.SecretEnv); s.Webhook.Secret == "" {
				return fmt.Errorf("PORTICO_CONFIG: sources.%s.webhook.secret_env names %s, which is not set", name, s.Webhook.SecretEnv)
			}
		}
		s.Limits = withDefaults(s.Limits)
		for i, w := range s.Limits.Maintenance {
			if !w.From.Before(w.To) || i > 0 && w.From.Before(s.Limits.Maintenance[i-1].To) {
				return fmt.Errorf("PORTICO_CONFIG: sources.%s.limits.maintenance[%d]: it must end after it begins, and begin after the one before "+
					"has ended", name, i)
			}
		}
		c.File.Sources[name] = s
	}
	return nil
}

func withDefaults(l sources.Limits) sources.Limits {
	d := sources.DefaultLimits
	set := func(v *int, fallback int) {
		if *v == 0 {
			*v = fallback
		}
	}
	wait := func(v *time.Duration, fallback time.Duration) {
		if *v == 0 {
			*v = fallback
		}
	}
	set(&l.Concurrency, d.Concurrency)
	set(&l.Retries, d.Retries)
	set(&l.Batch, d.Batch)
	set(&l.BreakAfter, d.BreakAfter)
	wait(&l.Timeout, d.Timeout)
	wait(&l.BreakFor, d.BreakFor)
	wait(&l.Poll, d.Poll)
	wait(&l.Reconcile, d.Reconcile)
	set(&l.Remove, d.Remove)
	return l
}
