package operating_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

// TestAFormerSecretSignsForItsDayAlone rotates a secret, and lets its time pass.
func TestAFormerSecretSignsForItsDayAlone(t *testing.T) {
	st, db := storetest.Pair(t)
	first, second := trade.Restricted("whsec_b25l"), trade.Restricted("whsec_dHdv")
	e := &operating.WebhookEndpoint{
		ID:       "whe_1",
		URL:      "https://example.com/",
		Topics:   []trade.WebhookTopic{"ORDER_UPDATED"},
		Status:   operating.WebhookActive,
		Accounts: []string{"acc_1"},
	}
	secrets := func(rotate bool) []string {
		t.Helper()
		err := st.InTx(t.Context(), func(tx *store.Tx) error {
			if rotate {
				if err := operatingstore.RotateWebhookSecret(t.Context(), tx, e.ID, second, time.Hour); err != nil {
					return err
				}
			}
			return operatingstore.Greet(t.Context(), tx, e)
		})
		if err != nil {
			t.Fatal(err)
		}
		due, err := operatingstore.TakeDeliveries(t.Context(), st, 1, time.Minute)
		if err != nil || len(due) != 1 {
			t.Fatalf("%v, %v", due, err)
		}
		return due[0].Secrets
	}
	if err := st.InTx(t.Context(), func(tx *store.Tx) error {
		return operatingstore.KeepWebhookEndpoint(t.Context(), tx, e, json.RawMessage(`{}`), &first)
	}); err != nil {
		t.Fatal(err)
	}
	if got := secrets(false); !slices.Equal(got, []string{"whsec_b25l"}) {
		t.Errorf("before it is rotated: %v", got)
	}
	if got := secrets(true); !slices.Equal(got, []string{"whsec_dHdv", "whsec_b25l"}) {
		t.Errorf("while both hold: %v", got)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE webhook_endpoints SET former_until = clock_timestamp() - interval '1 `+
		`second'`); err != nil {
		t.Fatal(err)
	}
	if got := secrets(false); !slices.Equal(got, []string{"whsec_dHdv"}) {
		t.Errorf("after its time: %v", got)
	}
}
