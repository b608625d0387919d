package main

import (
	"log/slog"
	"os"
	"strings"
	"testing"
)

// Covers: M02
func TestTheTableOfPoliciesIsTheCodes(t *testing.T) {
	set, err := openSources(sandboxFile("localhost:1"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("docs/data-governance.md")
	if err != nil {
		t.Fatal(err)
	}
	if table := policyTable(set); !strings.Contains(string(text), table) {
		t.Errorf("docs/data-governance.md has another table than `go run . policies`:\n%s", table)
	}
}

func TestTheTableOfAdaptersIsTheCodes(t *testing.T) {
	table, err := adapterTable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("docs/adapters.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), table) {
		t.Errorf("docs/adapters.md has another table than `go run . adapters`:\n%s", table)
	}
}

func TestASourceThatPushesIsRefusedWhereItCannotBeVerifiedOrRead(t *testing.T) {
	for name, c := range map[string]struct {
		source SourceConfig
		want   string
	}{
		"a short secret":             {SourceConfig{Adapter: "webhook", Mapping: "example", Webhook: WebhookConfig{Secret: "whsec_c2hvcnQ="}}, "sources.new.webhook"},
		"one of two":                 {SourceConfig{Adapter: "epcis", Webhook: WebhookConfig{Secret: acmeSecret + "\nshort"}}, "sources.new.webhook"},
		"a scheme that there is not": {SourceConfig{Adapter: "dcsa", Webhook: WebhookConfig{Secret: acmeSecret, Scheme: "md5"}}, "webhook.scheme"},
		"no mapping":                 {SourceConfig{Adapter: "webhook", Webhook: WebhookConfig{Secret: acmeSecret}}, "mapping must"},
		"a zone that there is not":   {SourceConfig{Adapter: "webhook", Mapping: "example", Zone: "Mars/Base", Webhook: WebhookConfig{Secret: acmeSecret}}, "zone"},
		"a URL that is none":         {SourceConfig{Adapter: "easypost", URL: "api"}, "url"},
	} {
		f := sandboxFile("localhost:1")
		f.Sources["new"] = c.source
		if _, err := openSources(f, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
