package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"portico/test/e2e/api"
)

// Covers: T01 T03 L08 G06
func TestCarriersPush(t *testing.T) {
	t.Parallel()
	p := pushingAt(t)
	numbers, ids := p.parcels(t, 8)
	t.Run("a carrier that nobody has written code for", func(t *testing.T) {
		updates := p.follow(t, p.token(t, "operator"), api.ShipmentUpdates_Operation, map[string]any{"shipments": ids[:1]})
		p.until(t, 5*time.Second, "caught up", func() bool { return updates.received() > 0 })
		said := map[string]any{"parcel": numbers[0], "scans": []any{
			map[string]any{
				"no": 3, "code": "POD", "at": "2026-03-02T15:00:00+01:00", "signature": "J. Smith",
				"place": map[string]any{"town": "Utrecht", "land": "NL", "lat": 52.1, "lon": 5.1},
			},
			map[string]any{"no": 1, "code": "PUP", "at": "2026-03-01T08:00:00", "expected": "2026-03-02T12:00:00Z"},
			map[string]any{"no": 2, "code": "HUB", "detail": "OUT", "at": "2026-03-01T20:00:00+01:00"},
			scan(4, "QQQ", "2026-03-02T16:00:00Z"), scan(5, "VAN", "2026-03-02T17:00:00Z"),
		}}
		if status, text := p.push("m1", said); status != http.StatusAccepted || !strings.Contains(text, "RECEIVED") {
			t.Fatalf("%d %s", status, text)
		}
		now := p.becomes(t, ids[0], api.ShipmentStatusDelivered)
		var why []api.IgnoredReason
		for _, f := range now.StatusExplanation.Facts {
			why = append(why, val(f.IgnoredBecause))
		}
		if want := []api.IgnoredReason{"", "", "", api.IgnoredReasonUnmapped, api.IgnoredReasonLate}; !slices.Equal(why, want) ||
			now.StatusExplanation.Status != "DELIVERED" {
			t.Errorf("why: %s", asJSON(now.StatusExplanation))
		}
		events := now.Events.Nodes
		if len(events) < 4 || events[0].OffsetKnown || events[0].OccurredAt != "2026-03-01T07:00:00Z" ||
			val(events[2].Location.City) != "Utrecht" || events[3].Raw.Code != "QQQ" || now.Eta.At != "2026-03-02T12:00:00Z" {
			t.Errorf("events: %s", asJSON(now))
		}
		p.until(t, 5*time.Second, "told", func() bool { return slices.Contains(shipmentsOf(t, updates), ids[0]) })
		for range 2 {
			if status, text := p.push("m1", said); status != http.StatusOK || !strings.Contains(text, "DUPLICATE") {
				t.Errorf("again: %d %s", status, text)
			}
		}
		if status, _ := p.push("m1 under another id", said); status != http.StatusAccepted {
			t.Errorf("under another id: %d", status)
		}
		p.until(t, 5*time.Second, "applied", func() bool { return len(p.deliveries(t, deliveredBy("acme", api.InboundStateDuplicate))) == 1 })
		applied := deliveredBy("acme", api.InboundStateApplied)
		applied.Subject = &ids[0]
		if all := p.deliveries(t, applied); len(all) != 1 || all[0].Repeats != 2 || at(all[0].Subjects, 0) != ids[0] || all[0].Attempts != 1 {
			t.Errorf("as operators see it: %s", asJSON(all))
		}
	})
	t.Run("EasyPost", func(t *testing.T) {
		tracker := func(details ...any) map[string]any {
			return map[string]any{
				"object": "Event", "id": fmt.Sprintf("evt_%d", len(details)), "description": "tracker.updated",
				"result": map[string]any{
					"object": "Tracker", "id": "trk_1", "tracking_code": numbers[1], "est_delivery_date": "2026-03-04T20:00:00Z",
					"updated_at": "2026-03-02T09:00:00Z", "tracking_details": details,
				},
			}
		}
		detail := func(status, more, at string) any {
			return map[string]any{
				"object": "TrackingDetail", "status": status, "status_detail": more, "datetime": at, "message": status,
				"tracking_location": map[string]any{"city": "Houston", "country": "US"},
			}
		}
		body, _ := json.Marshal(tracker(detail("pre_transit", "label_created", "2026-03-01T08:00:00Z"),
			detail("in_transit", "arrived_at_facility", "2026-03-02T08:00:00Z")))
		h := map[string]string{"X-Hmac-Signature": "hmac-sha256-hex=" + hex.EncodeToString(mac([]byte(pushSecret), body))}
		if status, text := p.post("easypost", h, body); status != http.StatusAccepted || !strings.Contains(text, "evt_2") {
			t.Fatalf("%d %s", status, text)
		}
		if now := p.becomes(t, ids[1], api.ShipmentStatusAtFacility); now.Eta.At != "2026-03-04T20:00:00Z" {
			t.Errorf("arrival: %s", asJSON(now.Eta))
		}
		other, _ := json.Marshal(map[string]any{"object": "Batch", "id": "batch_1"})
		if status, _ := p.post("easypost",
			map[string]string{"X-Hmac-Signature": "hmac-sha256-hex=" + hex.EncodeToString(mac([]byte(pushSecret), other))},
			other); status != http.StatusAccepted {
			t.Errorf("of something else: %d", status)
		}
		p.until(t, 5*time.Second, "ignored", func() bool {
			all := p.deliveries(t, deliveredBy("easypost", api.InboundStateApplied))
			return slices.ContainsFunc(all, func(d api.InboundDeliveryDetails) bool {
				return strings.HasPrefix(val(d.Error), "Nothing is made of it")
			})
		})
	})
	t.Run("EPCIS declares an event wrong", func(t *testing.T) {
		var number string
		if err := p.database(t).GetContext(t.Context(), &number, `SELECT number FROM shipments WHERE id = $1`, ids[2]); err != nil {
			t.Fatal(err)
		}
		event := func(id, step, at string, more map[string]any) map[string]any {
			e := map[string]any{
				"type": "ObjectEvent", "eventID": id, "action": "OBSERVE", "bizStep": step, "eventTime": at, "eventTimeZoneOffset": "+01:00",
				"epcList":            []any{},
				"bizTransactionList": []any{map[string]any{"type": "desadv", "bizTransaction": "urn:epcglobal:cbv:bt:0614141073467:" + number}},
			}
			for k, v := range more {
				e[k] = v
			}
			return e
		}
		capture := func(events ...any) (int, string) {
			body, _ := json.Marshal(map[string]any{
				"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld", "type": "EPCISDocument",
				"schemaVersion": "2.0", "epcisBody": map[string]any{"eventList": events},
			})
			return p.post("epcis", map[string]string{"Authorization": "Bearer " + pushSecret}, body)
		}
		accepted := event("urn:uuid:2", "accepting", "2026-03-02T10:00:00+01:00", nil)
		bad := event("urn:uuid:9", "shipping", "2026-03-02T09:00:00+01:00", map[string]any{"action": "LOOK"})
		if status, text := capture(event("urn:uuid:1", "shipping", "2026-03-01T09:00:00+01:00", nil), bad,
			accepted); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, text)
		}
		p.becomes(t, ids[2], api.ShipmentStatusDelivered)
		if all := p.deliveries(t, deliveredBy("epcis", api.InboundStateAppliedInPart)); len(all) != 1 ||
			!strings.Contains(val(all[0].Error), `event 2: action is "LOOK"`) {
			t.Errorf("in part: %s", asJSON(all))
		}
		accepted["errorDeclaration"] = map[string]any{
			"declarationTime": "2026-03-02T12:00:00Z", "reason": "incorrect_data",
			"correctiveEventIDs": []any{"urn:uuid:3"},
		}
		if status, text := capture(accepted, event("urn:uuid:3", "arriving", "2026-03-02T10:05:00+01:00", nil)); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, text)
		}
		now := p.becomes(t, ids[2], api.ShipmentStatusAtFacility)
		events := now.Events.Nodes
		if len(events) != 4 || events[1].CorrectedBy.Id != events[2].Id || events[2].Corrects.Id != events[1].Id ||
			events[3].Corrects.Id != events[1].Id || !null(events[0].CorrectedBy) {
			t.Errorf("corrections: %s", asJSON(events))
		}
		if val(at(now.StatusExplanation.Facts, 1).IgnoredBecause) != api.IgnoredReasonCorrected {
			t.Errorf("why: %s", asJSON(now.StatusExplanation))
		}
	})
	t.Run("DCSA", func(t *testing.T) {
		if _, err := p.database(t).ExecContext(t.Context(),
			`UPDATE shipments SET refs = '[{"scheme": "CONTAINER", "value": "APZU4812090"}]' WHERE id = $1`, ids[3]); err != nil {
			t.Fatal(err)
		}
		for i, e := range []map[string]any{
			{
				"eventType": "EQUIPMENT", "equipmentEventTypeCode": "LOAD", "equipmentReference": "APZU4812090", "eventClassifierCode": "ACT",
				"eventDateTime": "2026-03-01T07:41:00+08:30",
			},
			{
				"eventType": "TRANSPORT", "transportEventTypeCode": "ARRI",
				"references": []any{map[string]any{"referenceType": "EQ", "referenceValue": "APZU4812090"}}, "eventClassifierCode": "EST",
				"eventDateTime": "2026-03-20T07:00:00+01:00", "transportCall": map[string]any{"UNLocationCode": "NLRTM"},
			},
		} {
			e["eventID"], e["eventCreatedDateTime"] = fmt.Sprint("e", i), "2026-03-01T12:00:00Z"
			body, _ := json.Marshal(e)
			if status, text := p.post("dcsa",
				map[string]string{"Notification-Signature": "sha256=" + hex.EncodeToString(mac([]byte(pushSecret), body))},
				body); status != http.StatusAccepted {
				t.Fatalf("%d %s", status, text)
			}
		}
		p.becomes(t, ids[3], api.ShipmentStatusInTransit)
		p.until(t, 5*time.Second, "both", func() bool { return len(p.tracked(t, ids[3]).Events.Nodes) == 2 })
	})
	t.Run("a shipment that is not known yet", func(t *testing.T) {
		if status, _ := p.push("early",
			map[string]any{"parcel": "EARLY-1", "scans": []any{scan(1, "POD", "2026-03-01T08:00:00Z")}}); status != http.StatusAccepted {
			t.Fatal(status)
		}
		p.until(t, 5*time.Second, "waits", func() bool { return len(p.deliveries(t, delivered(api.InboundStateWaitingForSubject))) == 1 })
		var number string
		if err := p.database(t).GetContext(t.Context(), &number, `SELECT number FROM shipments WHERE id = $1`, ids[4]); err != nil {
			t.Fatal(err)
		}
		p.control(t, http.MethodPost, "/control/records",
			map[string]any{"service": "wms", "object": "dispatches", "key": number, "set": map[string]any{
				"track": "EARLY-1", "crtAt": "2026-02-20 09:00:00", "rev": 900,
			}})
		p.becomes(t, ids[4], api.ShipmentStatusDelivered) // the sandbox's carrier follows it too by then
		if all := p.deliveries(t, delivered(api.InboundStateWaitingForSubject)); len(all) != 0 {
			t.Errorf("still waits: %s", asJSON(all))
		}
	})
	t.Run("what is refused, and what is parked", func(t *testing.T) {
		body, _ := json.Marshal(map[string]any{"parcel": numbers[5], "scans": []any{scan(1, "POD", "2026-03-01T08:00:00Z")}})
		now := time.Now()
		edited := signed("x", now, body)
		edited["webhook-id"] = "y"
		missing := signed("x", now, body)
		delete(missing, "webhook-timestamp")
		for name, c := range map[string]struct {
			source string
			h      map[string]string
			body   []byte
			want   int
		}{
			"no signature":             {"acme", nil, body, 401},
			"another body":             {"acme", signed("x", now, body), append([]byte(" "), body...), 401},
			"another id":               {"acme", edited, body, 401},
			"no timestamp":             {"acme", missing, body, 401},
			"old":                      {"acme", signed("x", now.Add(-6*time.Minute), body), body, 401},
			"from the future":          {"acme", signed("x", now.Add(6*time.Minute), body), body, 401},
			"a scheme of another":      {"easypost", signed("x", now, body), body, 401},
			"hexadecimal that is none": {"easypost", map[string]string{"X-Hmac-Signature": "hmac-sha256-hex=zz"}, body, 401},
			"an empty token":           {"epcis", map[string]string{"Authorization": "Bearer "}, body, 401},
			"no such source":           {"nobody", signed("x", now, body), body, 404},
			"a source that does not":   {"erp", signed("x", now, body), body, 404},
			"10 MB":                    {"acme", signed("x", now, body), bytes.Repeat([]byte("a"), 10<<20), 413},
		} {
			if status, text := p.post(c.source, c.h, c.body); status != c.want || !strings.Contains(text, `"detail"`) {
				t.Errorf("%s: %d %s", name, status, text)
			}
		}
		for name, text := range map[string]string{
			"not JSON": "hello", "deep": strings.Repeat("[", 200_000), "invalid UTF-8": "{\"parcel\": \"\xff\xfe\"}", "a number": "7",
			"null": "null", "empty": "",
			"wrong types": `{"parcel": {"a": 1}, "scans": "none"}`, "no number": `{"scans": []}`,
			"an event that is none": `{"parcel": "P", "scans": [7]}`,
			"no time":               `{"parcel": "P", "scans": [{"no": 1, "code": "PUP"}]}`,
			"a time that is none":   `{"parcel": "P", "scans": [{"no": 1, "code": "PUP", "at": "yesterday"}]}`,
			"the year 1":            `{"parcel": "P", "scans": [{"no": 1, "code": "PUP", "at": "0001-01-01T00:00:00Z"}]}`,
			"no code":               `{"parcel": "P", "scans": [{"no": 1, "at": "2026-03-01T08:00:00Z"}]}`,
		} {
			if status, answer := p.post("acme", signed("poison "+name, now, []byte(text)), []byte(text)); status != http.StatusAccepted {
				t.Errorf("%s: %d %s", name, status, answer)
			}
		}
		nul := map[string]any{
			"parcel": numbers[5],
			"scans":  []any{map[string]any{"no": 1, "code": "PUP", "at": "2026-03-01T08:00:00Z", "note": "a\x00b"}},
		}
		if status, _ := p.push("nul", nul); status != http.StatusAccepted {
			t.Errorf("a byte that PostgreSQL does not take: %d", status)
		}
		p.becomes(t, ids[5], api.ShipmentStatusPickedUp) // poison holds up nobody
		p.until(t, 10*time.Second, "settled", func() bool { return len(p.deliveries(t, delivered(api.InboundStateReceived))) == 0 })
		parked := map[string]bool{}
		for _, d := range p.deliveries(t,
			deliveredBy("acme", api.InboundStateParked, api.InboundStateAppliedInPart, api.InboundStateWaitingForSubject)) {
			if parked[d.DeliveryId] = true; d.Error == nil {
				t.Errorf("no reason: %s", asJSON(d))
			}
		}
		if len(parked) != 13 {
			t.Errorf("%d of 13 are parked: %v", len(parked), parked)
		}
		var refused int
		p.until(t, 5*time.Second, "10 that were refused are noted", func() bool {
			err := p.database(t).GetContext(t.Context(), &refused,
				`SELECT coalesce(sum(repeats + 1), 0) FROM inbound_deliveries WHERE state = 'REFUSED' AND body IS NULL`)
			return err == nil && refused == 10
		})
		if a, err := api.InboundDeliveries(p.try(t, "buyer"), nil); len(errorsOf(t, err)) == 0 {
			t.Errorf("a buyer sees deliveries: %s", asJSON(a))
		}
	})
	t.Run("a mapping is mended and history read anew", func(t *testing.T) {
		if status, _ := p.push("odd",
			map[string]any{
				"parcel": numbers[6],
				"scans":  []any{scan(1, "PUP", "2026-03-01T08:00:00Z"), scan(2, "LKR", "2026-03-02T08:00:00Z")},
			}); status != http.StatusAccepted {
			t.Fatal(status)
		}
		p.becomes(t, ids[6], api.ShipmentStatusPickedUp)
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(p.data + "/acme.yaml")
		if err != nil {
			t.Fatal(err)
		}
		file(t, p.data, "acme.yaml", string(text)+"  LKR: {milestone: AVAILABLE_FOR_PICKUP, status: AVAILABLE_FOR_PICKUP}\n")
		p.again(t)
		replay := func(key string, dry bool) api.ReplayedStream {
			return p.replayed(t, key, api.ReplayInput{Stream: "acme/deliveries", DryRun: &dry, Reason: "lockers have a meaning now"})
		}
		if a := replay("replay of acme, dry run", true); a.Changes != 1 || a.Found < 5 {
			t.Errorf("dry run: %s", asJSON(a))
		}
		if now := p.tracked(t, ids[6]); now.Status != api.ShipmentStatusPickedUp {
			t.Errorf("a dry run changed it: %v", now.Status)
		}
		if a := replay("replay of acme, for good", false); a.Changes != 1 {
			t.Errorf("replay: %s", asJSON(a))
		}
		p.becomes(t, ids[6], api.ShipmentStatusAvailableForPickup)
		if a := replay("replay of acme, once more", false); a.Changes != 0 {
			t.Errorf("replayed twice: %s", asJSON(a))
		}
	})
}

// TestWebhooksInAnyOrderEndInOneState has many journeys pushed, each event in a delivery of
// its own, in any order, several times, by many at once, while the server is killed: what was
// answered with 2xx is there, and every shipment stands where its sorted journey ends.
//
// Covers: T01 R01 F10
func TestWebhooksInAnyOrderEndInOneState(t *testing.T) {
	t.Parallel()
	const seed, journeys = 11, 20
	random := rand.New(rand.NewPCG(seed, seed))
	p := pushingAt(t)
	numbers, ids := p.parcels(t, journeys)
	steps := []struct {
		code   string
		status api.ShipmentStatus
	}{{"PUP", "PICKED_UP"}, {"HUB", "AT_FACILITY"}, {"VAN", "OUT_FOR_DELIVERY"}, {"POD", "DELIVERED"}}
	type sent struct {
		id   string
		said map[string]any
	}
	var all []sent
	want := map[string]api.ShipmentStatus{}
	for j, number := range numbers {
		last := 1 + random.IntN(len(steps))
		want[ids[j]] = steps[last-1].status
		for n := range last {
			one := sent{
				fmt.Sprintf("j%d.%d", j, n),
				map[string]any{"parcel": number, "scans": []any{scan(n, steps[n].code, fmt.Sprintf("2026-03-%02dT08:00:00Z", n+1))}},
			}
			for range 1 + random.IntN(3) {
				all = append(all, one)
			}
		}
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	next, acked := make(chan sent), sync.Map{}
	var pushers sync.WaitGroup
	for range 8 {
		pushers.Go(func() {
			again := time.NewTicker(20 * time.Millisecond)
			defer again.Stop()
			for one := range next {
				for {
					if status, _ := p.push(one.id, one.said); status/100 == 2 {
						acked.Store(one.id, true)
						break
					}
					<-again.C // it is away
				}
			}
		})
	}
	for n, one := range all {
		if n == len(all)/2 {
			if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			<-p.exited
			p.revive(t) // while the others push on
		}
		next <- one
	}
	close(next)
	pushers.Wait()
	var kept []string
	if err := p.database(t).SelectContext(t.Context(), &kept,
		`SELECT delivery_id FROM inbound_deliveries WHERE instance = 'acme'`); err != nil {
		t.Fatal(err)
	}
	acked.Range(func(id, _ any) bool {
		if !slices.Contains(kept, id.(string)) {
			t.Errorf("%s was answered, and is lost (seed %d)", id, seed)
		}
		return true
	})
	p.until(t, 20*time.Second, "applied", func() bool { return len(p.deliveries(t, delivered(api.InboundStateReceived))) == 0 })
	for id, status := range want {
		if now := p.tracked(t, id); now.Status != status {
			t.Errorf("%s is %v, and its sorted journey ends %s (seed %d)", id, now.Status, status, seed)
		}
	}
}
