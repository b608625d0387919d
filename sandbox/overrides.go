package sandbox

import (
	"encoding/json"
)

// registration is a parcel that its shipper hands to the carrier.
type registration struct {
	Code string `json:"tracking_code"`
	From town   `json:"from"`
	To   town   `json:"to"`
}

func (c *Company) applyRegister(e effect) {
	var all []registration
	if json.Unmarshal(e.Body, &all) != nil {
		return
	}
	for _, r := range all {
		if c.trackers.get(r.Code) != nil {
			continue
		}
		t := &tracker{Code: r.Code, Rev: 1, from: r.From, to: r.To}
		c.trackers.put(r.Code, t)
		c.registered = append(c.registered, r.Code)
		c.advance(t, e.At)
		c.touch(e, "carrier", "trackers", r.Code)
	}
}

// override makes a record be told with other values, as a tool for tests: what
// a source tells wrongly.
type override struct {
	Svc string         `json:"service"`
	Obj string         `json:"object"`
	Key string         `json:"key"`
	Set map[string]any `json:"set"`
}

func (c *Company) applyOverride(e effect) {
	var o override
	if json.Unmarshal(e.Body, &o) != nil {
		return
	}
	c.overrides[o.Obj+"/"+o.Key] = o.Set
	c.touch(e, o.Svc, o.Obj, o.Key)
}
