package epcis

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/sources"
	"portico/sources/sourcetest"
	"portico/trade"
	"portico/trade/tracking"
)

const whole = `{"@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"], "type": "EPCISDocument", "schemaVersion": "2.0", "epcisBody": {"eventList": [%s]}}`

func object(more string) string {
	return `{"type": "ObjectEvent", "eventID": "urn:uuid:1", "action": "OBSERVE", "eventTime": "2026-03-01T08:00:00Z", "eventTimeZoneOffset": "+01:00", "epcList": ["urn:epc:id:sscc:0614141.1234567890"], ` + more + `}`
}

func TestItKeepsTheContract(t *testing.T) {
	s, err := Open(Config{}, sources.Credentials{Scheme: "bearer", Secrets: func() []string { return []string{"secret"} }})
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.Receive(t, s, http.Header{"Authorization": {"Bearer secret"}}, fmt.Appendf(nil, whole, object(`"bizStep": "shipping"`)),
		time.Now())
	if _, err := Open(Config{}, sources.Credentials{Scheme: "md5"}); err == nil {
		t.Error("a scheme that there is not")
	}
}

func TestEventsBecomeMilestones(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		want  trade.ShipmentStatus
		about string
	}{
		// as the Tag Data Standard has it
		"a URN of an SSCC": {object(`"bizStep": "shipping"`), trade.InTransit, "SSCC 106141412345678908"},
		"a digital link": {strings.Replace(object(`"bizStep": "cbv:BizStep-arriving"`), "urn:epc:id:sscc:0614141.1234567890",
			"https://id.example.com/00/106141412345678908", 1), trade.AtFacility, "SSCC 106141412345678908"},
		"a URN of CBV 1": {object(`"bizStep": "urn:epcglobal:cbv:bizstep:accepting"`), trade.Delivered, "SSCC 106141412345678908"},
		"a disposition": {
			object(`"bizStep": "receiving", "disposition": "damaged"`), trade.ShipmentInException,
			"SSCC 106141412345678908",
		},
		"one that says no state": {object(`"bizStep": "departing", "disposition": "in_transit"`), trade.InTransit, "SSCC 106141412345678908"},
		"a step of another's": {
			object(`"bizStep": "https://acme.example.com/steps/juggling"`), trade.ShipmentUnknown,
			"SSCC 106141412345678908",
		},
		"a ship notice": {strings.Replace(object(`"bizStep": "shipping", "bizTransactionList": [{"type": "po", "bizTransaction": "http://a.example.com/po/77"}, {"type": "desadv", "bizTransaction": "urn:epcglobal:cbv:bt:0614141073467:1152"}]`), "urn:epc:id:sscc:0614141.1234567890", "urn:epc:id:sgtin:0614141.107346.2017", 1), trade.InTransit, "DESPATCH_ADVICE 1152"},
	} {
		news, err := Translate(fmt.Appendf(nil, whole, c.event))
		if err != nil || len(news.Tracking) != 1 {
			t.Errorf("%s: %+v, %v", name, news, err)
			continue
		}
		n := news.Tracking[0]
		if got := string(n.About[0].Scheme) + " " + n.About[0].Value; tracking.StatusOf(n.Events) != c.want || got != c.about {
			t.Errorf("%s: %s of %s, want %s of %s", name, tracking.StatusOf(n.Events), got, c.want, c.about)
		}
	}
	alone, err := Translate([]byte(strings.Replace(object(`"bizStep": "shipping"`), "{", `{"@context": "x", `, 1)))
	if err != nil || len(alone.Tracking) != 1 {
		t.Errorf("an event alone: %+v, %v", alone, err)
	}
}

func TestAnEventWithoutAnIDIsKnownByWhatItSays(t *testing.T) {
	without := strings.Replace(object(`"bizStep": "shipping"`), `"eventID": "urn:uuid:1", `, "", 1)
	otherwise := strings.Replace(without, `"action": "OBSERVE", `, "", 1)
	otherwise = strings.Replace(otherwise, `}`, `, "action":"OBSERVE"}`, 1)
	wrong := strings.Replace(without, `}`, `, "errorDeclaration": {"declarationTime": "2026-03-02T08:00:00Z", "reason": "incorrect_data"}}`, 1)
	news, err := Translate(fmt.Appendf(nil, whole, without+","+otherwise+","+wrong))
	if err != nil || len(news.Tracking) != 3 {
		t.Fatalf("%+v, %v", news, err)
	}
	first, second, declared := news.Tracking[0].Events[0], news.Tracking[1].Events[0], news.Tracking[2].Events[0]
	if first.Key != second.Key || declared.Corrects != first.Key || declared.Key == first.Key {
		t.Errorf("keys %s, %s; declared wrong: %s", first.Key, second.Key, declared.Corrects)
	}
}

func TestBadDocumentsAreRefusedAtTheirPlaces(t *testing.T) {
	for name, body := range map[string]string{
		"@context":      strings.Replace(fmt.Sprintf(whole, object(`"bizStep": "shipping"`)), "@context", "context", 1),
		"schemaVersion": strings.Replace(fmt.Sprintf(whole, ""), "2.0", "1.2", 1),
		"type":          `{"@context": "x", "type": "EPCISMasterDataDocument"}`,
		"JSON":          "<epcis:EPCISDocument/>",
		"UTF-8":         "{\"a\": \"\xff\"}",
		"epcisBody":     `{"@context": "x", "type": "EPCISDocument", "schemaVersion": "2.0", "epcisBody": {"eventList": {}}}`,
	} {
		if _, err := Translate([]byte(body)); sources.KindOf(err) != sources.Rejected || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := object(`"bizStep": "shipping"`)
	bad := map[string]string{
		"action": strings.Replace(good, "OBSERVE", "LOOK", 1), "eventTime is": strings.Replace(good, "2026-03-01T08:00:00Z", "soon", 1),
		"eventTimeZoneOffset": strings.Replace(good, "+01:00", "CET", 1),
		"names no shipment":   strings.Replace(good, "sscc:0614141.1234567890", "sscc:0614141.12345", 1),
		"type is":             strings.Replace(good, "ObjectEvent", "PartyEvent", 1), "wrong type": strings.Replace(good, `"OBSERVE"`, "7", 1),
	}
	events, names := []string{good}, []string{}
	for name, e := range bad {
		events, names = append(events, e), append(names, name)
	}
	news, err := Translate(fmt.Appendf(nil, whole, strings.Join(events, ",")))
	if err != nil || len(news.Tracking) != 1 || len(news.Rejected) != len(bad) {
		t.Fatalf("%+v, %v", news, err)
	}
	for i, r := range news.Rejected {
		if !strings.HasPrefix(r.Reason, fmt.Sprintf("event %d: ", i+2)) || !strings.Contains(r.Reason, names[i]) {
			t.Errorf("%s: %s", names[i], r.Reason)
		}
	}
}

// Cases: G7
func TestEventsAboutItemsAloneAreTaken(t *testing.T) {
	items := strings.Replace(object(`"bizStep": "urn:epcglobal:cbv:bizstep:commissioning", "disposition": "example:odd",
		"quantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.012345.998877", "quantity": 200.5, "uom": "KGM"}]`),
		"urn:epc:id:sscc:0614141.1234567890", "urn:epc:id:sgtin:0614141.107346.2017", 1)
	news, err := Translate(fmt.Appendf(nil, whole, items))
	if err != nil || len(news.Rejected) != 0 || len(news.Tracking) != 0 || !strings.Contains(news.Ignored, "items") {
		t.Errorf("%+v, %v", news, err)
	}
	news, err = Translate(fmt.Appendf(nil, whole, items+","+object(`"bizStep": "shipping", "ilmd": {"example:lot": "7"}`)))
	if err != nil || len(news.Tracking) != 1 || news.Ignored != "" || !slices.Equal(news.Unused, []string{"eventList.#.ilmd.example:lot"}) {
		t.Errorf("beside one about a shipment: %+v, %v", news, err)
	}
	if offset := news.Tracking[0].Events[0].UTCOffset; offset == nil || *offset != "+01:00" {
		t.Errorf("the offset is %v", offset)
	}
	for place, e := range map[string]string{
		"bizStep":               object(`"bizStep": "shipingg"`),
		"bizStep is \"urn":      object(`"bizStep": "urn:epcglobal:cbv:bizstep:shipingg"`),
		"disposition":           object(`"disposition": "https://ref.gs1.org/cbv/Disp-lost"`),
		"quantityList.quantity": object(`"quantityList": [{"epcClass": "c", "quantity": "200"}]`),
		"epcClass":              object(`"quantityList": [{"quantity": 200}]`),
		"it has no identifiers": strings.Replace(object(`"bizStep": "shipping"`), `"urn:epc:id:sscc:0614141.1234567890"`, "", 1),
	} {
		news, err := Translate(fmt.Appendf(nil, whole, e))
		if err != nil || len(news.Rejected) != 1 || !strings.HasPrefix(news.Rejected[0].Reason, "event 1: ") ||
			!strings.Contains(news.Rejected[0].Reason, place) {
			t.Errorf("%s: %+v, %v", place, news, err)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add(fmt.Appendf(nil, whole, object(`"bizStep": "shipping"`)))
	f.Add([]byte(`{"@context":1,"type":"ObjectEvent","epcList":["urn:epc:id:sscc:."],"action":"ADD","eventTime":"2026-01-01T00:00:00Z","eventTimeZoneOffset":"+00:00"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		news, _ := Translate(body)
		for _, n := range news.Tracking {
			if len(n.About) == 0 || len(n.Events) != 1 || n.Events[0].Key == "" {
				t.Fatalf("%+v", n)
			}
		}
	})
}
