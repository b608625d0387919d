package carriers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portico/sources"
	"portico/trade"
)

func translated(t *testing.T, format, body string) sources.Translation {
	t.Helper()
	news, err := Mappings[format].Translate([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return news
}

// gate is an event of DCSA 2.2 about a container, with more of it.
func gate(code, at, more string) string {
	return fmt.Sprintf(`{"eventType": "EQUIPMENT", "equipmentEventTypeCode": %q, "equipmentReference": "APZU4812090", "eventClassifierCode": "ACT",
		"eventDateTime": %q%s}`, code, at, more)
}

// Cases: D1
func TestEventsWithoutAnIdentityAreNotOne(t *testing.T) {
	news := translated(t, "dcsa", "["+gate("GTOT", "2026-03-01T02:22:00Z", "")+","+
		gate("STUF", "2026-03-01T02:28:00Z", `, "eventID": " "`)+","+
		gate("GTIN", "2026-03-01T02:34:00Z", `, "eventID": "e3"`)+"]")
	if len(news.Tracking) != 1 || len(news.Rejected) != 2 ||
		!strings.Contains(news.Rejected[0].Reason, "shipment 1: event 1: eventID is missing") {
		t.Errorf("%+v", news)
	}
	const scans = `{"parcel": "P", "scans": [{"code": "PUP", "at": "2026-03-01T08:00:00Z"}, {"at": "2026-03-01T08:00:00Z", "code": "PUP"},
		{"code": "HUB", "at": "2026-03-01T09:00:00Z"}, {"code": "POD", "at": "2026-03-01T10:00:00Z", "no": null}]}`
	var keys []string
	for _, e := range translated(t, "example", scans).Tracking[0].Events {
		keys = append(keys, e.Key)
	}
	if keys[0] != keys[1] || slices.Contains(keys, "") || len(slices.Compact(slices.Clone(keys))) != 3 {
		t.Errorf("keys are %q: want one for each content", keys)
	}
}

// Cases: D7
func TestADocumentIsWhatItsTypeSays(t *testing.T) {
	document := func(kind string) string {
		return fmt.Sprintf(`{"eventID": "1", "eventType": "SHIPMENT", "shipmentEventTypeCode": "ISSU", "documentID": "X1", "documentTypeCode": %q,
			"eventClassifierCode": "ACT", "eventDateTime": "2026-03-01T02:22:00Z"}`, kind)
	}
	for kind, want := range map[string]string{
		"TRD": "[{MBL X1}]", "BKG": "[{BOOKING X1} {MBL X1}]", "INV": "", "CUS": "", "SHI": "", "VGM": "", "": "",
	} {
		news := translated(t, "dcsa", document(kind))
		got := ""
		if len(news.Tracking) > 0 {
			got = fmt.Sprint(news.Tracking[0].About)
		}
		if got != want || len(news.Rejected) != 0 || (want == "") != (news.Ignored != "") {
			t.Errorf("%q is about %s, want %s: %+v", kind, got, want, news)
		}
	}
	if news := translated(t, "dcsa", strings.Replace(document("INV"), "{", `{"equipmentReference": "APZU4812090", `, 1)); len(news.Tracking) != 1 {
		t.Errorf("the container of an invoice: %+v", news)
	}
	const newer = `{"events": [{"eventID": "1", "eventDateTime": "2026-01-15T09:00:00Z", "eventClassification": {"eventTypeCode": "SHIPMENT",
		"eventClassifierCode": "ACT", "shipmentEventTypeCode": "CONF"}, "shipmentDetails":
			{"documentReference": {"typeCode": %q, "reference": "B1"}}}]}`
	if about := translated(t, "dcsa", fmt.Sprintf(newer, "BKG")).Tracking[0].About; about[0].Scheme != trade.SchemeBooking {
		t.Errorf("a booking of 3.0 is %v", about)
	}
	if news := translated(t, "dcsa", fmt.Sprintf(newer, "CUS")); len(news.Tracking) != 0 || news.Ignored == "" {
		t.Errorf("a customs declaration of 3.0: %+v", news)
	}
}

// Cases: G4
func TestAnEmptyContainerMovesNoGoods(t *testing.T) {
	for more, want := range map[string]trade.ShipmentStatus{
		`, "emptyIndicatorCode": "EMPTY"`: trade.ShipmentUnknown, `, "emptyIndicatorCode": "LADEN"`: trade.InTransit, "": trade.InTransit,
	} {
		e := translated(t, "dcsa", gate("GTOT", "2026-03-01T02:22:00Z", `, "eventID": "1"`+more)).Tracking[0].Events[0]
		if e.Status != want || e.Milestone != "GATE_OUT" {
			t.Errorf("%s: %s, %s", more, e.Status, e.Milestone)
		}
	}
}

// Cases: G5 G6
func TestPlacesAreReadWhole(t *testing.T) {
	place := func(more string) *trade.Location {
		return translated(t, "dcsa",
			gate("LOAD", "2026-03-01T02:22:00+08:30", `, "eventID": "1", "eventLocation": `+more)).Tracking[0].Events[0].Location
	}
	const tower = `{"locationName": "Eiffel Tower", "latitude": "48.85", "longitude": "0", "address": {"street": "Kade", "streetNumber": "54",
		"postCode": "1306", "city": "Paris", "stateRegion": "Ile", "country": "France"}}`
	first := place(tower)
	if *first.Name != "Eiffel Tower, France" || *first.Street != "Kade 54" || *first.PostalCode != "1306" || *first.City != "Paris" ||
		*first.Region != "Ile" || first.Country != nil || *first.Latitude != 48.85 || first.Longitude == nil || *first.Longitude != 0 {
		t.Errorf("%+v", first)
	}
	for range 20 {
		if again := place(tower); *again.Name != *first.Name {
			t.Fatalf("the same place is %s and %s", *first.Name, *again.Name)
		}
	}
	if l := place(`{"geoCoordinate": {"latitude": "51.5", "longitude": "-0.1"}}`); l == nil || *l.Latitude != 51.5 || *l.Longitude != -0.1 {
		t.Errorf("%+v", l)
	}
	if l := place(`{"latitude": "91", "longitude": "east"}`); l != nil && (l.Latitude != nil || l.Longitude != nil) {
		t.Errorf("%+v", l)
	}
}

// Cases: G6
func TestWhatIsReadAndNotUsedIsListed(t *testing.T) {
	news := translated(t, "easypost", `{"object": "Event", "id": "evt_1", "result": {"tracking_code": "EZ1", "signed_by": "J. Smith", "weight": 17.6,
		"carrier_detail": {"service": "Ground", "x": null}, "tracking_details": [
		{"status": "delivered", "datetime": "2026-03-02T08:00:00+02:00", "message": "m", "source": "UPS"},
		{"status": "in_transit", "datetime": "2026-03-01T08:00:00Z", "message": "m", "source": "UPS"}]}}`)
	events := news.Tracking[0].Events
	if events[0].SignedBy == nil || *events[0].SignedBy != "J. Smith" || events[1].SignedBy != nil {
		t.Errorf("who signed: %+v", events)
	}
	if events[0].UTCOffset == nil || *events[0].UTCOffset != "+02:00" || events[1].UTCOffset != nil {
		t.Errorf("offsets: %v, %v", events[0].UTCOffset, events[1].UTCOffset)
	}
	want := []string{"result.carrier_detail.service", "result.tracking_details.#.source", "result.weight"}
	if !slices.Equal(news.Unused, want) {
		t.Errorf("not used are %v, want %v", news.Unused, want)
	}
	dcsa := translated(t, "dcsa", "["+gate("LOAD", "2026-03-01T02:22:00Z", `, "eventID": "1", "ISOEquipmentCode": "22GP",
		"references": [{"referenceType": "EQ", "referenceValue": "APZU4812090"}], "documentID": "T1", "documentTypeCode": "TRD"`)+"]")
	if !slices.Equal(dcsa.Unused, []string{"#.ISOEquipmentCode"}) {
		t.Errorf("not used of DCSA are %v", dcsa.Unused)
	}
}
