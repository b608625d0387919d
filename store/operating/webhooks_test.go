package operating_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"portico/store"
	operatingstore "portico/store/operating"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
)

// TestAWebhookIsTriedForThreeDays plays all attempts of deliveries that nobody takes, without
// waiting for them: the last one disables the endpoint, unless it took something meanwhile.
func TestAWebhookIsTriedForThreeDays(t *testing.T) {
	st, db := storetest.Pair(t)
	scope := trade.CustomerScope([]trade.Ref{{ID: "acc_1", Key: "1"}}, nil)
	secret := trade.Restricted("whsec_c2VjcmV0")
	e := &operating.WebhookEndpoint{
		ID: "whe_1", URL: "https://example.com/", Topics: []trade.WebhookTopic{"ORDER_UPDATED"},
		Status: operating.WebhookActive, Accounts: []string{"acc_1"},
	}
	in := func(f func(tx *store.Tx) error) {
		t.Helper()
		if err := st.InTx(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	in(func(tx *store.Tx) error {
		return operatingstore.KeepWebhookEndpoint(t.Context(), tx, e, json.RawMessage(`{}`), &secret)
	})
	status := func() *operating.WebhookEndpoint {
		t.Helper()
		found, err := operatingstore.WebhookEndpoints(t.Context(), st, scope, []string{"whe_1"})
		if err != nil || found["whe_1"] == nil {
			t.Fatal(found, err)
		}
		return found["whe_1"]
	}
	play := func(takes bool) (attempts int, took time.Duration) {
		t.Helper()
		in(func(tx *store.Tx) error { return operatingstore.Greet(t.Context(), tx, e) })
		for {
			if _, err := db.ExecContext(t.Context(),
				`UPDATE webhook_deliveries SET next_attempt_at = '-infinity' WHERE state = 'PENDING'`); err != nil {
				t.Fatal(err)
			}
			due, err := operatingstore.TakeDeliveries(t.Context(), st, 10, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if len(due) == 0 {
				return attempts, took
			}
			if len(due) != 1 || due[0].Secrets[0] != "whsec_c2VjcmV0" || due[0].URL != e.URL || due[0].Topic != "ORDER_UPDATED" {
				t.Fatalf("due: %+v", due)
			}
			if again, err := operatingstore.TakeDeliveries(t.Context(), st, 10, time.Minute); err != nil || len(again) > 0 {
				t.Fatalf("taken twice: %v, %v", again, err)
			}
			why, status := "It answered 503.", 503
			attempts++
			if attempts == 3 && takes { // something else is taken
				if _, err := db.ExecContext(t.Context(),
					`UPDATE webhook_endpoints SET succeeded_at = clock_timestamp() + interval '1 hour'`); err != nil {
					t.Fatal(err)
				}
			}
			err = operatingstore.RecordAttempt(t.Context(), st, &due[0],
				operating.DeliveryAttempt{At: time.Now(), HTTPStatus: &status, Took: time.Second, Error: &why}, false,
				func(n int) (time.Duration, bool) {
					after, ok := operating.WebhookRetry(n)
					took += after
					return after, ok
				})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, took := play(true); n != 11 || took < 72*time.Hour || took > 80*time.Hour {
		t.Errorf("%d attempts over %s", n, took)
	}
	if is := status(); is.Status != operating.WebhookActive {
		t.Errorf("one that takes other things is %+v", is)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE webhook_endpoints SET succeeded_at = NULL`); err != nil {
		t.Fatal(err)
	}
	play(false)
	if is := status(); is.Status != operating.WebhookDisabled || is.DisabledReason == nil {
		t.Errorf("one that takes nothing is %+v", is)
	} else if reason := *is.DisabledReason; !strings.HasPrefix(reason, "Nothing was taken since 20") || !strings.HasSuffix(reason,
		" UTC. The last answer: It answered 503. Mend it, and save the endpoint again.") {
		t.Errorf("the reason: %s", reason)
	}
	in(func(tx *store.Tx) error {
		return operatingstore.KeepWebhookEndpoint(t.Context(), tx, e, json.RawMessage(`{}`), nil)
	})
	shift := -90 * time.Minute
	change := trade.Change{
		Place: trade.Place{Transaction: 1 << 40, Seq: 7}, Topic: trade.OfShipments, SubjectID: "shp_1",
		Party: trade.Party{AccountID: "acc_1"}, Related: []string{"ord_1"}, EtaShift: &shift, At: time.Now().UTC(),
	}
	for range 2 { // which is planned once
		in(func(tx *store.Tx) error {
			return operatingstore.PlanDeliveries(t.Context(), tx, []operatingstore.PlannedDelivery{{EndpointID: "whe_1", Change: change}})
		})
	}
	if due, err := operatingstore.TakeDeliveries(t.Context(), st, 10, time.Minute); err != nil || len(due) != 1 ||
		!reflect.DeepEqual(due[0].Change, &change) {
		t.Errorf("due: %+v, %v", due, err)
	}
	page, err := operatingstore.DeliveriesTo(scope, nil).Page(t.Context(), st, []string{"whe_1"}, store.PageArgs{First: 10})
	if err != nil || len(page["whe_1"].Nodes) != 3 || len(page["whe_1"].Nodes[1].Attempts) != 11 ||
		*page["whe_1"].Nodes[1].Attempts[10].HTTPStatus != 503 || page["whe_1"].Nodes[1].State != operating.DeliveryFailed {
		t.Errorf("deliveries: %v", err)
	}
	if n, err := operatingstore.RemoveWebhookDeliveries(t.Context(), st, time.Now().Add(time.Hour), 10); n != 3 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
}
