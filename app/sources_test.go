package app

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/sources"
)

func TestASourceThatPushesIsRefusedWhereItCannotBeVerifiedOrRead(t *testing.T) {
	example, signed := settings("mapping", "example"), WebhookConfig{Secret: acmeSecret}
	for name, c := range map[string]struct {
		source SourceConfig
		want   string
	}{
		"a short secret": {
			SourceConfig{Adapter: "webhook", Own: example, Webhook: WebhookConfig{Secret: "whsec_c2hvcnQ="}}, "sources.new.webhook",
		},
		"one of two": {
			SourceConfig{Adapter: "epcis", Webhook: WebhookConfig{Secret: acmeSecret + "\nshort"}}, "sources.new.webhook",
		},
		"a scheme that there is not": {
			SourceConfig{Adapter: "dcsa", Webhook: WebhookConfig{Secret: acmeSecret, Scheme: "md5"}}, "webhook.scheme",
		},
		"no mapping": {SourceConfig{Adapter: "webhook", Webhook: WebhookConfig{Secret: acmeSecret}}, "mapping must"},
		"a zone that there is not": {
			SourceConfig{Adapter: "webhook", Own: settings("mapping", "example", "zone", "Mars/Base"), Webhook: signed}, "zone",
		},
		"a URL that is none": {SourceConfig{Adapter: "easypost", Own: settings("url", "api")}, "url"},
	} {
		f := SandboxFile("localhost:1")
		f.Sources["new"] = c.source
		if _, err := OpenSources(f, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// read is what becomes of a configuration file.
func read(t *testing.T, text string) (Config, error) {
	t.Helper()
	c := Config{ConfigFile: filepath.Join(t.TempDir(), "portico.yml")}
	if err := os.WriteFile(c.ConfigFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return c, c.load()
}

func TestASettingThatDoesNotApplyIsRefusedWithTheAdaptersThatItBelongsTo(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"of another adapter": {
			"{ adapter: sandbox-erp, url: http://erp, warehouse: W1 }",
			"sources.erp.warehouse: the adapter sandbox-erp has no such setting; tryton has",
		},
		"of several others": {
			"{ adapter: epcis, url: http://erp }",
			"sources.erp.url: the adapter epcis has no such setting; " +
				"dcsa, easypost, sandbox-carrier, sandbox-crm, sandbox-erp, sandbox-ledger, sandbox-wms, tryton have",
		},
		"of none": {"{ adapter: tryton, url: http://erp, colour: red }", "sources.erp.colour: no adapter has such a setting"},
		"of what pushes": {
			"{ adapter: tryton, webhook: { secret_file: /s } }",
			"sources.erp.webhook: the adapter tryton has no such setting; dcsa, easypost, epcis, sandbox-carrier, webhook have",
		},
		"of nothing in the limits": {"{ adapter: tryton, limits: { colour: red } }", "field colour not found"},
		"an adapter of none":       {"{ adapter: sap }", `sources.erp.adapter is "sap": it must be one of dcsa`},
	} {
		if _, err := read(t, "sources:\n  erp: "+c.source+"\n"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestTheSettingsOfAdaptersReachThem opens one of each with all the settings it has, as a file that is right says them.
func TestTheSettingsOfAdaptersReachThem(t *testing.T) {
	c, err := read(t, `
sources:
  erp: { adapter: tryton, url: "http://erp/db", user: u, zone: Europe/Paris, branch_of: Branch of, warehouse: W1, limits: { timeout: 7s } }
  acme: { adapter: webhook, mapping: example, zone: Europe/Amsterdam, webhook: { scheme: bearer } }
  wms: &wms { adapter: sandbox-wms, url: "http://wms", zone: UTC }
  wms2: { <<: *wms, adapter: sandbox-erp }
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.File.Sources["erp"].Limits.Timeout; got != 7*time.Second {
		t.Errorf("timeout is %v, want 7s: what every source has is read beside what the adapter has", got)
	}
	k := sources.Credentials{Key: func() string { return "k" }, Secrets: func() []string { return nil }}
	for name, s := range c.File.Sources {
		if _, err := Adapters[s.Adapter].open(s.Own, k); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for setting, wrong := range map[string]string{"url": "nowhere", "zone": "Mars/Base"} {
		own := maps.Clone(c.File.Sources["erp"].Own)
		own[setting] = settings(setting, wrong)[setting]
		if _, err := Adapters["tryton"].open(own, k); err == nil {
			t.Errorf("%s: %s did not reach the adapter, which would have refused it", setting, wrong)
		}
	}
}
