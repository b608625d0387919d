package carriers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/sources"
	"portico/sources/sourcetest"
	"portico/trade"
	"portico/trade/tracking"
)

func TestWhatCarriersSayIsRead(t *testing.T) {
	const easyPost = `{"object": "Event", "result": {"object": "Tracker", "tracking_code": "EZ1", "updated_at": "2026-03-02T09:00:00Z", "est_delivery_date": "2026-03-04T20:00:00Z", "tracking_details": [%s]}}`
	detail := func(status, more string) string {
		return fmt.Sprintf(`{"status": %q, "status_detail": %q, "datetime": "2026-03-02T08:00:00Z", "message": "m"}`, status, more)
	}
	for name, c := range map[string]struct {
		format, body string
		want         trade.ShipmentStatus
		milestones   []trade.Milestone
	}{
		"a detail decides": {
			"easypost", fmt.Sprintf(easyPost, detail("in_transit", "arrived_at_facility")), trade.AtFacility,
			[]trade.Milestone{"ARRIVED", "ETA_CHANGED"},
		},
		"a detail that is not known": {
			"easypost", fmt.Sprintf(easyPost, detail("in_transit", "what")), trade.InTransit,
			[]trade.Milestone{"EN_ROUTE", "ETA_CHANGED"},
		},
		"a code that is not known": {
			"easypost", fmt.Sprintf(easyPost, detail("what", "what")), trade.ShipmentUnknown,
			[]trade.Milestone{"OTHER", "ETA_CHANGED"},
		},
		"returned": {
			"easypost", fmt.Sprintf(easyPost, detail("return_to_sender", "delivered")), trade.Returned,
			[]trade.Milestone{"RETURNED", "ETA_CHANGED"},
		},
		"nothing has happened": {"easypost", fmt.Sprintf(easyPost, ""), trade.ShipmentUnknown, []trade.Milestone{"ETA_CHANGED"}},
		"planned": {
			"dcsa",
			`{"eventID": "1", "eventType": "EQUIPMENT", "equipmentEventTypeCode": "LOAD", "equipmentReference": "APZU4812090", "eventClassifierCode": "PLN", "eventDateTime": "2026-03-01T07:41:00+0830"}`, trade.ShipmentUnknown,
			[]trade.Milestone{"LOADED"},
		},
		"a release that is newer": {
			"dcsa",
			`{"events": [{"eventID": "1", "eventClassification": {"eventTypeCode": "TRANSPORT", "transportEventTypeCode": "DEPA", "eventClassifierCode": "ACT"}, "shipmentDetails": {"documentReference": {"typeCode": "BKG", "reference": "B1"}}, "eventDateTime": "2026-03-01T07:41:00Z"}]}`, trade.InTransit,
			[]trade.Milestone{"DEPARTED"},
		},
		"without an offset, in the zone": {
			"dcsa",
			`{"eventID": "1", "eventType": "TRANSPORT", "transportEventTypeCode": "ARRI", "equipmentReference": "C", "eventClassifierCode": "ACT", "eventDateTime": "2026-03-01 07:41:00"}`, trade.InTransit,
			[]trade.Milestone{"ARRIVED"},
		},
	} {
		news, err := Mappings[c.format].Translate([]byte(c.body))
		if err != nil || len(news.Rejected) != 0 || len(news.Tracking) != 1 {
			t.Errorf("%s: %+v, %v", name, news, err)
			continue
		}
		var milestones []trade.Milestone
		for _, e := range news.Tracking[0].Events {
			milestones = append(milestones, e.Milestone)
		}
		if got := tracking.StatusOf(news.Tracking[0].Events); got != c.want || !slices.Equal(milestones, c.milestones) {
			t.Errorf("%s: %s by %v, want %s by %v", name, got, milestones, c.want, c.milestones)
		}
		if again, _ := Mappings[c.format].Translate([]byte(c.body)); again.Tracking[0].Events[0].Key != news.Tracking[0].Events[0].Key {
			t.Errorf("%s: read twice it is another event", name)
		}
	}
}

func TestWhatPushesKeepsTheContract(t *testing.T) {
	secrets := func() []string { return []string{"whsec_b2xk", "whsec_c2VjcmV0"} }
	k := sources.Credentials{Key: func() string { return "" }, Secrets: secrets}
	body := map[string]string{
		"easypost": `{"object": "Event", "id": "evt_1", "result": {"tracking_code": "1", "tracking_details": [{"status": "delivered", "datetime": "2026-03-01T08:00:00Z"}]}}`,
		"dcsa":     `{"eventID": "1", "eventType": "TRANSPORT", "transportEventTypeCode": "ARRI", "equipmentReference": "C", "eventClassifierCode": "ACT", "eventDateTime": "2026-03-01T07:41:00Z"}`,
		"webhook":  `{"parcel": "1", "scans": [{"no": 1, "code": "POD", "at": "2026-03-01T08:00:00Z"}]}`,
	}
	at := time.Unix(1_700_000_000, 0)
	mac := func(text string) []byte {
		m := hmac.New(sha256.New, []byte("secret"))
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	plain := func(text string) []byte {
		m := hmac.New(sha256.New, []byte(secrets()[1]))
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	for name, open := range map[string]func() (sources.Receiving, http.Header, error){
		"easypost": func() (sources.Receiving, http.Header, error) {
			s, err := OpenEasyPost(Config{}, k)
			return s, http.Header{"X-Hmac-Signature": {"hmac-sha256-hex=" + hex.EncodeToString(plain(body["easypost"]))}}, err
		},
		"dcsa": func() (sources.Receiving, http.Header, error) {
			s, err := OpenDCSA(Config{}, k)
			return s, http.Header{"Notification-Signature": {"sha256=" + hex.EncodeToString(plain(body["dcsa"]))}}, err
		},
		"webhook": func() (sources.Receiving, http.Header, error) {
			s, err := OpenMapped(MappingConfig{Mapping: "example"}, k)
			return s, http.Header{
				"Webhook-Id": {"m"}, "Webhook-Timestamp": {"1700000000"},
				"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac("m.1700000000."+body["webhook"]))},
			}, err
		},
	} {
		s, h, err := open()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sourcetest.Receive(t, s, h, []byte(body[name]), at)
	}
	k.Scheme = "md5"
	if _, err := OpenMapped(MappingConfig{Mapping: "example"}, k); err == nil {
		t.Error("a scheme that there is not")
	}
}

func TestAMappingThatCannotBeFollowedIsRefused(t *testing.T) {
	const good = "version: 1\nstandard: CARRIER\ntracking: n\nevent: {code: [c], occurred_at: t}\ncodes: {A: {milestone: DELIVERED, " +
		"status: DELIVERED}}\n"
	if _, err := ReadMapping([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"version": strings.Replace(good, "version: 1", "version: 0", 1), "tracking": strings.Replace(good, "tracking: n", "", 1),
		"event.occurred_at":   strings.Replace(good, ", occurred_at: t", "", 1),
		"codes.A.milestone":   strings.Replace(good, "milestone: DELIVERED", "milestone: ARRIVAL", 1),
		"codes.A.status":      strings.Replace(good, "status: DELIVERED", "status: DONE", 1),
		"evnt":                good + "evnt: 1\n",
		"event.location.town": strings.Replace(good, "occurred_at: t", "occurred_at: t, location: {town: x}", 1),
		"event.classifiers.X": strings.Replace(good, "occurred_at: t", "occurred_at: t, classifiers: {X: MAYBE}", 1),
	} {
		if _, err := ReadMapping([]byte(text)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhatWasNotPushedIsAskedFor plays services that list trackers and events, page by page.
func TestWhatWasNotPushedIsAskedFor(t *testing.T) {
	var asked []string
	page := func(w http.ResponseWriter, body any) { _ = json.NewEncoder(w).Encode(body) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/trackers", func(w http.ResponseWriter, r *http.Request) {
		if user, _, _ := r.BasicAuth(); user != "key" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		asked = append(asked, r.URL.Query().Get("before_id"))
		if r.URL.Query().Get("before_id") == "" {
			page(w, map[string]any{"has_more": true, "trackers": []any{map[string]any{"id": "trk_2", "updated_at": "u2"}}})
			return
		}
		page(w, map[string]any{"has_more": false, "trackers": []any{map[string]any{"id": "trk_1", "updated_at": "u1"}}})
	})
	mux.HandleFunc("GET /dcsa/events", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, q.Get("eventCreatedDateTime:gte")+" "+q.Get("cursor"))
		if q.Get("cursor") == "" {
			w.Header().Set("Next-Page", "https://elsewhere.example.com/dcsa/events?cursor=c2")
		}
		page(w, []any{map[string]any{"eventID": "e" + q.Get("cursor"), "eventCreatedDateTime": "2026-03-01T00:00:00Z"}})
	})
	mux.HandleFunc("GET /three/events", func(w http.ResponseWriter, _ *http.Request) {
		page(w, map[string]any{"events": []any{
			map[string]any{"eventID": "e1", "eventUpdatedDateTime": "2026-03-01T00:00:00Z"},
			map[string]any{"eventID": "e2", "eventUpdatedDateTime": "2026-03-02T00:00:00Z"},
		}})
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	c := Config{URL: server.URL + "/v2"}
	k := sources.Credentials{Key: func() string { return "key" }, Secrets: func() []string { return nil }}
	e, err := OpenEasyPost(c, k)
	if err != nil {
		t.Fatal(err)
	}
	first, err := e.Recover(t.Context(), "")
	if err != nil || !first.More || first.Next != "trk_2" || first.Deliveries[0].ID != "trk_2@u2" {
		t.Errorf("first: %+v, %v", first, err)
	}
	if last, err := e.Recover(t.Context(), first.Next); err != nil || last.More || last.Next != "" || last.Deliveries[0].ID != "trk_1@u1" {
		t.Errorf("last: %+v, %v", last, err)
	}
	k.Key = func() string { return "another" }
	if e, _ = OpenEasyPost(c, k); e.Pushes() {
		t.Error("it pushes without a secret")
	}
	if _, err := e.Recover(t.Context(), ""); sources.KindOf(err) != sources.Denied {
		t.Errorf("another key: %v", err)
	}
	c.URL = server.URL + "/dcsa"
	d, err := OpenDCSA(c, k)
	if err != nil {
		t.Fatal(err)
	}
	asked = nil
	at := ""
	var ids []string
	for range 2 {
		found, err := d.Recover(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		at, ids = found.Next, append(ids, found.Deliveries[0].ID)
	}
	if !slices.Equal(ids, []string{"e", "ec2"}) || !slices.Equal(asked, []string{" ", " c2"}) || at != "2026-03-01T00:00:00Z" {
		t.Errorf("events %v of %q, on from %q", ids, asked, at)
	}
	c.URL = server.URL + "/three"
	if d, err = OpenDCSA(c, k); err != nil {
		t.Fatal(err)
	}
	if found, err := d.Recover(t.Context(), ""); err != nil || len(found.Deliveries) != 2 || found.Deliveries[1].ID != "e2" ||
		found.Next != "2026-03-02T00:00:00Z" {
		t.Errorf("as 3.0 lists them: %+v, %v", found, err)
	}
	c.URL = "nowhere"
	if _, err := OpenDCSA(c, k); err == nil {
		t.Error("a URL that is none")
	}
}

// FuzzTranslate holds that no bytes end a process, and that the same bytes always say the
// same.
func FuzzTranslate(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `[[]]`, `null`,
		`{"object":"Event","result":{"tracking_code":"1","tracking_details":[{"status":"delivered","datetime":"2026-01-01T00:00:00Z"}]}}`,
		`{"events":[{"eventClassification":{}}]}`, "\xff", `{"result":[7,{"tracking_code":{}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, m := range Mappings {
			first, err := m.Translate(body)
			again, other := m.Translate(body)
			if (err == nil) != (other == nil) || len(first.Tracking) != len(again.Tracking) || len(first.Rejected) != len(again.Rejected) {
				t.Fatalf("%s: read twice it says something else", name)
			}
			for _, n := range first.Tracking {
				for _, e := range n.Events {
					if e.Key == "" || e.OccurredAt.IsZero() || !slices.Contains(trade.Milestones, e.Milestone) ||
						!slices.Contains(trade.ShipmentStatuses, e.Status) {
						t.Fatalf("%s: %+v", name, e)
					}
				}
			}
		}
	})
}
