package sourcetest

import (
	"net/http"
	"reflect"
	"strings"
	"time"

	"portico/sources"
)

// Receive plays the contract of what pushes: signed are headers and body that are its own at
// a moment, and that say something of a shipment.
func Receive(t T, r sources.Receiving, h http.Header, body []byte, at time.Time) {
	t.Helper()
	id, err := r.Delivery(h, body, at)
	if err != nil || id == "" {
		t.Errorf("its own delivery: %q, %v", id, err)
	}
	if second, err := r.Delivery(h, body, at); err != nil || second != id {
		t.Errorf("the same delivery has the ids %q and %q, %v", id, second, err)
	}
	refused := map[string]error{}
	_, refused["without headers"] = r.Delivery(http.Header{}, body, at)
	for name, values := range h {
		edited := h.Clone()
		edited.Set(name, values[0]+"x")
		_, refused["with another "+name] = r.Delivery(edited, body, at)
	}
	for name, err := range refused {
		if sources.KindOf(err) != sources.Denied {
			t.Errorf("%s it is %v, not denied", name, err)
		}
	}
	said, err := r.Translate(body)
	if err != nil || len(said.Tracking) == 0 {
		t.Errorf("what it says: %+v, %v", said, err)
	}
	for _, n := range said.Tracking {
		if n.TrackingNumber == "" && len(n.About) == 0 {
			t.Errorf("nothing says which shipment %+v is", n)
		}
		checkTracking(t, &n)
	}
	if second, err := r.Translate(body); err != nil || !reflect.DeepEqual(keys(second), keys(said)) {
		t.Errorf("read twice it says something else: %v, %v, %v", keys(said), keys(second), err)
	}
	for _, bad := range []string{"", "{", "7", "null", "[]", "{}", "\xff\xfe", strings.Repeat("[", 100_000), `{"rows": {}}`, "<xml/>"} {
		translated, err := r.Translate([]byte(bad))
		if k := sources.KindOf(err); err != nil && k != sources.Rejected && k != sources.Garbled {
			t.Errorf("%.20q is %v: it must be rejected", bad, err)
		}
		for _, n := range translated.Tracking {
			if len(n.Events) > 0 {
				t.Errorf("%.20q says %+v", bad, n)
			}
		}
	}
}

func keys(translated sources.Translation) (all []string) {
	for _, n := range translated.Tracking {
		for _, e := range n.Events {
			all = append(all, n.TrackingNumber+" "+e.Key+" "+string(e.Status))
		}
	}
	return all
}
