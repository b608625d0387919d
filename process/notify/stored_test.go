package notify

import (
	"testing"

	"portico/process"
	"portico/test/stored"
)

func TestNoFlowKeepsAStateHere(t *testing.T) { stored.Flows(t, nil) }

func TestAKeyStandsForTheSameInputAsBefore(t *testing.T) {
	stored.Inputs(t, process.Fingerprint, map[string]any{
		"saveWebhookEndpoint":   stored.Of[NewEndpoint](),
		"deleteWebhookEndpoint": "whe_1",
		"rotateWebhookSecret":   "whe_1",
		"redeliverWebhook":      "whd_1",
	})
}
