package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
)

// correction is a field of a master record that somebody sets.
type correction struct {
	ExtRef string `json:"extRef"`
	Field  string `json:"field"`
	Was    string `json:"was"`
	Value  string `json:"value"`
	Obj    string `json:"obj"` // set by us
}

func (c *Company) takeCorrection(w http.ResponseWriter, r *http.Request, obj string) {
	s, _, ok := written[correction](w, r, "a correction")
	if !ok {
		return
	}
	s.Obj = obj
	no := r.PathValue("no")
	body, err := json.Marshal(s)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "", err.Error())
		return
	}
	c.take(w, "correct", s.ExtRef, no, body, func() (field, text string) {
		fields, _ := c.correctable(obj, no)
		now := fields[s.Field]
		switch {
		case fields == nil:
			return "no", "record unknown"
		case now == nil:
			return "field", "field cannot be set"
		case *now != s.Was && *now != s.Value:
			return "was", "record says something else now"
		case strings.TrimSpace(s.Value) == "" || len(s.Value) > 500:
			return "value", "value missing or longer than 500"
		}
		return "", ""
	})
}

// correctable are the fields of a master record that can be set, and its revision; nil
// where there is no such record.
func (c *Company) correctable(obj, no string) (fields map[string]*string, rev *int) {
	switch obj {
	case "materials":
		if m := c.materials.get(no); m != nil {
			return map[string]*string{
				"descr": &m.Descr, "longText": &m.LongText, "brandName": &m.BrandName, "ean": &m.EAN, "orig": &m.Orig,
				"hsCode": &m.HSCode,
			}, &m.Rev
		}
	case "customers":
		if u := c.customers.get(no); u != nil {
			return map[string]*string{"custName": &u.CustName}, &u.Rev
		}
	case "vendors":
		if v := c.vendors.get(no); v != nil {
			return map[string]*string{"venName": &v.VenName, "iln": &v.ILN}, &v.Rev
		}
	case "groups":
		if g := c.groups.get(no); g != nil {
			return map[string]*string{"title": &g.Title}, &g.Rev
		}
	}
	return nil, nil
}

func (c *Company) applyCorrection(e effect) {
	var s correction
	if json.Unmarshal(e.Body, &s) != nil {
		return
	}
	fields, rev := c.correctable(s.Obj, e.Doc)
	if fields[s.Field] == nil {
		return
	}
	*fields[s.Field] = s.Value
	*rev++
	c.submitted[s.ExtRef] = e.Doc
	c.touch(e, "erp", s.Obj, e.Doc)
}
