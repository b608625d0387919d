package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/test/e2e/api"
)

const pushSecret = "whsec_c2VjcmV0IG9mIHRoZXNlIHRlc3RzIGFsb25l"

// pushing is a server to which carriers push.
type pushing struct {
	*server
	data string
	n    int
	mu   sync.Mutex
}

func pushingAt(t *testing.T) *pushing {
	t.Helper()
	data, company := loaded(t), freeAddr(t)
	mapping, err := os.ReadFile("../../sources/carriers/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	secret := file(t, data, "secrets", pushSecret+"\n")
	config := sandboxConfig(t, data, company,
		fmt.Sprintf(`  acme: { adapter: webhook, mapping: %s, zone: Europe/Amsterdam, webhook: { secret_file: %s } }
  easypost: { adapter: easypost, webhook: { secret_file: %[2]s } }
  dcsa: { adapter: dcsa, webhook: { secret_file: %[2]s } }
  epcis: { adapter: epcis, webhook: { secret_file: %[2]s, scheme: bearer } }
`, file(t, data, "acme.yaml", string(mapping)), secret))
	p := &pushing{data: data}
	env := []string{"PORTICO_CONFIG=" + file(t, data, "portico.yml", config), "PORTICO_SANDBOX_ADDR=" + company, "PORTICO_SANDBOX_SPEED=0"}
	p.server = start(t, data, env...)
	p.company = "http://" + company
	t.Cleanup(func() { _ = p.stop() })
	return p
}

// again starts the server anew.
func (p *pushing) again(t *testing.T) {
	t.Helper()
	company := p.company
	p.server = start(t, p.data, p.env...)
	p.company = company
}

// parcels are tracking numbers of parcels that are on no way yet, with their shipments. They were made in February: what is
// pushed of them happens in March, and what had happened before a shipment was made would be of another one.
func (p *pushing) parcels(t *testing.T, n int) (numbers, shipments []string) {
	t.Helper()
	var rows []struct {
		ID     string
		Number string `db:"tracking_number"`
	}
	if err := p.database(t).SelectContext(t.Context(), &rows,
		`DELETE FROM shipment_events WHERE shipment_id IN (SELECT id FROM shipments WHERE direction = 'OUTBOUND' AND tracking_number <> ''
			ORDER BY number LIMIT $1) RETURNING shipment_id AS id, '' AS tracking_number`, n); err != nil {
		t.Fatal(err)
	}
	rows = nil
	if err := p.database(t).SelectContext(t.Context(), &rows,
		`UPDATE shipments SET status = 'UNKNOWN', eta = NULL, exception = NULL, proof = NULL, created_at = '2026-02-20'
			WHERE id IN (SELECT id FROM shipments WHERE direction = 'OUTBOUND' AND tracking_number <> '' ORDER BY number LIMIT $1)
			RETURNING id, tracking_number`, n); err != nil || len(rows) != n {
		t.Fatalf("%d parcels, %v", len(rows), err)
	}
	for _, r := range rows {
		numbers, shipments = append(numbers, r.Number), append(shipments, r.ID)
	}
	return numbers, shipments
}

func (p *pushing) post(source string, h map[string]string, body []byte) (int, string) {
	req, _ := http.NewRequest(http.MethodPost, p.url+"/webhooks/"+source, bytes.NewReader(body))
	for k, v := range h {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func mac(key, text []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(text)
	return m.Sum(nil)
}

// signed are the headers of Standard Webhooks.
func signed(id string, at time.Time, body []byte) map[string]string {
	return signedWith(pushSecret, id, at, body)
}

func signedWith(secret, id string, at time.Time, body []byte) map[string]string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	stamp := fmt.Sprint(at.Unix())
	return map[string]string{
		"webhook-id": id, "webhook-timestamp": stamp,
		"webhook-signature": "v1,bm90aGluZw== v1," + base64.StdEncoding.EncodeToString(mac(key, []byte(id+"."+stamp+"."+string(body)))),
	}
}

// push sends what acme says, as a delivery of its own.
func (p *pushing) push(id string, said any) (int, string) {
	body, _ := json.Marshal(said)
	if id == "" {
		p.mu.Lock()
		p.n++
		id = fmt.Sprintf("msg_%d", p.n)
		p.mu.Unlock()
	}
	return p.post("acme", signed(id, time.Now(), body), body)
}

func scan(no int, code, at string) map[string]any {
	return map[string]any{"no": no, "code": code, "at": at}
}

// tracked is a shipment as operators see it.
func (p *pushing) tracked(t *testing.T, id string) api.ShipmentDetails {
	t.Helper()
	return must(api.Shipment(p.as(t, "operator"), id)).Shipment
}

func (p *pushing) becomes(t *testing.T, id string, status api.ShipmentStatus) api.ShipmentDetails {
	t.Helper()
	var now api.ShipmentDetails
	defer func() {
		if t.Failed() {
			t.Logf("it stands as %s\nand what came is %s", asJSON(now), asJSON(p.deliveries(t, api.InboundDeliveryFilter{})))
		}
	}()
	p.until(t, 10*time.Second, id+" is "+string(status), func() bool { now = p.tracked(t, id); return now.Status == status })
	return now
}

// deliveries are those of a source as operators see them.
func (p *pushing) deliveries(t *testing.T, filter api.InboundDeliveryFilter) []api.InboundDeliveryDetails {
	t.Helper()
	return must(api.InboundDeliveries(p.as(t, "operator"), &filter)).InboundDeliveries.Nodes
}

// delivered selects deliveries by their states.
func delivered(states ...api.InboundState) api.InboundDeliveryFilter {
	return api.InboundDeliveryFilter{State: states}
}

// deliveredBy selects deliveries of an instance by their states.
func deliveredBy(instance string, states ...api.InboundState) api.InboundDeliveryFilter {
	return api.InboundDeliveryFilter{Instance: &instance, State: states}
}
