package app

import (
	"log/slog"
	"strings"
	"testing"
)

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
		f := SandboxFile("localhost:1")
		f.Sources["new"] = c.source
		if _, err := OpenSources(f, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
