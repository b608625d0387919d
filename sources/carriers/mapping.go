package carriers

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"gopkg.in/yaml.v3"

	"portico/sources"
	"portico/sources/pushed"
	"portico/trade"
	"portico/trade/operating"
)

// Mapping says how a carrier's JSON is read: where its parts are, as paths of GJSON, and
// what its codes mean. It is data, so that a carrier can be read that nobody has written
// code for.
type Mapping struct {
	// Version tells one mapping from the next.
	Version int `yaml:"version"`
	// Standard and List are whose codes they are.
	Standard trade.CodeStandard `yaml:"standard"`
	List     string             `yaml:"list"`
	// Delivery is where a delivery has its id, where the scheme of signing has none. Without
	// one it is known again by its bytes.
	Delivery string `yaml:"delivery"`
	// Only are deliveries that say something: those that have one of the values at a path.
	// Others are as they should be, and are ignored.
	Only map[string][]string `yaml:"only"`
	// Each is where the shipments of a delivery are, where it may have several; one is the delivery
	// itself where it is empty. All paths below are within it.
	Each []string `yaml:"each"`
	// Tracking is where the tracking number is; About are other identifiers of the shipment, most
	// precise first.
	Tracking string `yaml:"tracking"`
	About    []struct {
		Scheme trade.IdScheme `yaml:"scheme"`
		Path   string         `yaml:"path"`
	} `yaml:"about"`
	// Other are where identifiers are of what is no shipment, such as an invoice: of an event that has only those nothing is made.
	Other []string `yaml:"other"`
	// SignedBy is where it stands who signed, where that belongs to no event: it was for the last delivery.
	SignedBy string `yaml:"signed_by"`
	// Estimate is where an estimate of arrival is that belongs to no event, and EstimatedAt when
	// it was made.
	Estimate    string `yaml:"estimate"`
	EstimatedAt string `yaml:"estimated_at"`
	// Events is where the events are; one is the shipment itself where it is empty.
	Events string `yaml:"events"`
	Event  struct {
		// Key is what tells one event from another, as paths; the last ones may be missing. Where the first one is missing, the
		// event is known again by all that it says, or refused where Identified says that its standard requires it.
		Key        []string `yaml:"key"`
		Identified bool     `yaml:"identified"`
		// Still are values at paths by which an event moves no goods, such as that the container is empty.
		Still map[string][]string `yaml:"still"`
		// Code are the paths whose values, joined by slashes, are the code; the longest beginning
		// that has a meaning counts.
		Code       []string `yaml:"code"`
		Text       string   `yaml:"text"`
		Reason     string   `yaml:"reason"`
		OccurredAt string   `yaml:"occurred_at"`
		RecordedAt string   `yaml:"recorded_at"`
		Estimate   string   `yaml:"estimate"`
		SignedBy   string   `yaml:"signed_by"`
		// Classifier is where it stands whether it was planned, is estimated or happened, and
		// Classifiers what its values mean. Without one it happened.
		Classifier  string                           `yaml:"classifier"`
		Classifiers map[string]trade.EventClassifier `yaml:"classifiers"`
		Location    map[string]string                `yaml:"location"`
	} `yaml:"event"`
	Codes map[string]operating.CodeMeaning `yaml:"codes"`
	// Signs are paths of which a delivery of this version of the format has one; Newer are
	// mappings of others, which are asked first.
	Signs []string   `yaml:"signs"`
	Newer []*Mapping `yaml:"-"`
	// Zone is where times without an offset are meant; UTC where nothing is said.
	Zone *time.Location `yaml:"-"`

	table *sources.Codes  // what is in force of Codes
	reads map[string]bool // the paths of all values that it reads
}

// ReadMapping reads a mapping, and checks that it can be followed.
func ReadMapping(text []byte) (*Mapping, error) {
	m := &Mapping{Zone: time.UTC}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(m); err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	switch {
	case m.Version < 1:
		return nil, errors.New("mapping: version must be 1 or more")
	case m.Tracking == "" && len(m.About) == 0:
		return nil, errors.New("mapping: tracking or about must say where the shipment's identifiers are")
	case m.Event.OccurredAt == "" || len(m.Event.Code) == 0:
		return nil, errors.New("mapping: event.occurred_at and event.code must say where they are")
	}
	for code, meaning := range m.Codes {
		if !slices.Contains(trade.Milestones, meaning.Milestone) {
			return nil, fmt.Errorf("mapping: codes.%s.milestone is %q: it must be one of %v", code, meaning.Milestone, trade.Milestones)
		}
		if meaning.Status == "" {
			meaning.Status = trade.ShipmentUnknown
			m.Codes[code] = meaning
		}
		if !slices.Contains(trade.ShipmentStatuses, meaning.Status) {
			return nil, fmt.Errorf("mapping: codes.%s.status is %q: it must be one of %v", code, meaning.Status, trade.ShipmentStatuses)
		}
	}
	for value, c := range m.Event.Classifiers {
		if c != trade.Planned && c != trade.Estimated && c != trade.Actual {
			return nil, fmt.Errorf("mapping: event.classifiers.%s is %q: it must be PLANNED, ESTIMATED or ACTUAL", value, c)
		}
	}
	for place := range m.Event.Location {
		if !slices.Contains(places, place) {
			return nil, fmt.Errorf("mapping: event.location.%s: it must be one of %v", place, places)
		}
	}
	m.table = &sources.Codes{Standard: m.Standard, List: m.List, Version: m.Version, Written: m.Codes}
	m.reads = m.paths()
	return m, nil
}

// own is the mapping with a table of its own, which its newer ones share.
func (m *Mapping) own(zone *time.Location) *Mapping {
	own := *m
	own.table = m.table.Reset()
	if zone != nil {
		own.Zone = zone
	}
	own.Newer = slices.Clone(m.Newer)
	for i, newer := range own.Newer {
		newer = newer.own(zone)
		newer.table = own.table
		own.Newer[i] = newer
	}
	return &own
}

const (
	mostShipments = 1000
	mostEvents    = 1000 // of one shipment
	mostRejected  = 20
	longestValue  = 400
)

// ID is the id of a delivery whose sender's scheme has none.
func (m *Mapping) ID(body []byte) string {
	if m.Delivery != "" && pushed.Read(body) == nil {
		if id := gjson.GetBytes(body, m.Delivery); id.Type == gjson.String && id.Str != "" && len(id.Str) <= longestValue {
			return id.Str
		}
	}
	return pushed.Digest(body)
}

// Translate reads a delivery. What of it is wrong is rejected by its place, and the rest
// counts.
func (m *Mapping) Translate(body []byte) (out sources.Translation, err error) {
	if err := pushed.Read(body); err != nil {
		return out, err
	}
	whole := gjson.ParseBytes(body)
	for _, n := range m.Newer {
		if slices.ContainsFunc(n.Signs, func(path string) bool { return whole.Get(path).Exists() }) {
			return n.Translate(body)
		}
	}
	for path, values := range m.Only {
		if v := whole.Get(path); !slices.Contains(values, v.String()) {
			out.Ignored = fmt.Sprintf("%s is %q, which says nothing about a shipment", path, shorten(v.String()))
			return out, nil
		}
	}
	parts, each := []gjson.Result{whole}, ""
	for _, path := range m.Each {
		if found := whole.Get(path); found.IsArray() || found.IsObject() {
			if parts = found.Array(); !found.IsArray() {
				parts = []gjson.Result{found}
			}
			each = path
			break
		}
	}
	if len(parts) > mostShipments {
		return out, sources.Fail(sources.Rejected, "it has more than %d shipments: send them in several deliveries", mostShipments)
	}
	for i, part := range parts {
		m.shipment(part, i, &out)
	}
	out.Unused = m.unused(whole, each)
	return out, nil
}

func (m *Mapping) shipment(part gjson.Result, place int, out *sources.Translation) {
	where := fmt.Sprintf("shipment %d", place+1)
	reject := func(format string, args ...any) {
		if len(out.Rejected) < mostRejected {
			out.Rejected = append(out.Rejected,
				operating.RejectedRecord{Kind: "tracking", SourceRef: &where, Reason: where + ": " + fmt.Sprintf(format, args...), At: time.Now()})
		}
	}
	var t trade.Tracking
	if m.Tracking != "" {
		t.TrackingNumber = shorten(part.Get(m.Tracking).String())
	}
	for _, about := range m.About {
		for _, v := range part.Get(about.Path).Array() {
			if text := shorten(v.String()); text != "" && !v.IsObject() {
				t.About = append(t.About, trade.Identifier{Scheme: about.Scheme, Value: text})
			}
		}
	}
	if t.TrackingNumber == "" && len(t.About) == 0 {
		for _, path := range m.Other {
			if some(part, path) != nil {
				out.Ignored = path + " names no shipment"
				return
			}
		}
		reject("it has nothing by which a shipment is known: %s is missing", strings.Join(m.identifiers(), " or "))
		return
	}
	parts := []gjson.Result{part}
	if m.Events != "" {
		found := part.Get(m.Events)
		if found.Exists() && found.Type != gjson.Null && !found.IsArray() {
			reject("%s must be a list", m.Events)
			return
		}
		parts = found.Array()
	}
	if len(parts) > mostEvents {
		reject("it has more than %d events", mostEvents)
		return
	}
	for i, e := range parts {
		event, err := m.event(e)
		if err != nil {
			reject("event %d: %v", i+1, err)
			continue
		}
		t.Events = append(t.Events, event)
	}
	if by := some(part, m.SignedBy); by != nil {
		sign(t.Events, trade.Restricted(*by))
	}
	if m.Estimate != "" {
		if e, err := m.estimate(part); err != nil {
			reject("%v", err)
		} else if e != nil {
			t.Events = append(t.Events, *e)
		}
	}
	if len(t.Events) > 0 || len(parts) == 0 {
		out.Tracking = append(out.Tracking, t)
	}
}

// sign notes who signed for the last delivery among events, where that is not said of it.
func sign(events []trade.ShipmentEvent, by trade.Restricted) {
	var last *trade.ShipmentEvent
	for i := range events {
		if e := &events[i]; e.Status == trade.Delivered && (last == nil || e.OccurredAt.After(last.OccurredAt)) {
			last = e
		}
	}
	if last != nil && last.SignedBy == nil {
		last.SignedBy = &by
	}
}

// identifiers are the paths at which shipments are identified.
func (m *Mapping) identifiers() (paths []string) {
	if m.Tracking != "" {
		paths = append(paths, m.Tracking)
	}
	for _, about := range m.About {
		paths = append(paths, about.Path)
	}
	return paths
}

func (m *Mapping) event(e gjson.Result) (trade.ShipmentEvent, error) {
	if !e.IsObject() {
		return trade.ShipmentEvent{}, errors.New("it must be an object")
	}
	v := trade.ShipmentEvent{Classifier: trade.Actual, Milestone: trade.MilestoneOther, Status: trade.ShipmentUnknown}
	var err error
	if v.OccurredAt, v.OffsetKnown, err = m.moment(e, m.Event.OccurredAt); err != nil {
		return v, err
	}
	v.UTCOffset = pushed.Offset(e.Get(m.Event.OccurredAt).String())
	if recorded, _, err := m.moment(e, m.Event.RecordedAt); err == nil {
		v.RecordedAt = &recorded
	}
	if estimate, _, err := m.moment(e, m.Event.Estimate); err == nil {
		v.Estimate = &estimate
	}
	var code []string
	for _, path := range m.Event.Code {
		if text := shorten(e.Get(path).String()); text != "" {
			code = append(code, text)
		}
	}
	if len(code) == 0 {
		return v, fmt.Errorf("%s is missing", strings.Join(m.Event.Code, " or "))
	}
	v.Raw = trade.RawCode{Standard: m.Standard, List: m.List, Code: strings.Join(code, "/"), Text: some(e, m.Event.Text)}
	for n := len(code); n > 0; n-- {
		if meaning, ok := m.table.Of(strings.Join(code[:n], "/")); ok {
			v.Milestone, v.Status = meaning.Milestone, meaning.Status
			break
		}
	}
	if m.Event.Classifier != "" {
		said := e.Get(m.Event.Classifier).String()
		c, ok := m.Event.Classifiers[said]
		if !ok {
			return v, fmt.Errorf("%s is %q, which has no meaning here", m.Event.Classifier, shorten(said))
		}
		v.Classifier = c
	}
	if v.Classifier == trade.Estimated && v.Estimate == nil && v.Status == trade.Delivered {
		v.Estimate = &v.OccurredAt
	}
	if reason := some(e, m.Event.Reason); reason != nil {
		v.Reason = &trade.RawCode{Standard: m.Standard, List: m.Event.Reason, Code: *reason}
	}
	if by := some(e, m.Event.SignedBy); by != nil {
		r := trade.Restricted(*by)
		v.SignedBy = &r
	}
	v.Location = m.location(e)
	for path, values := range m.Event.Still {
		if slices.Contains(values, e.Get(path).String()) {
			v.Status = trade.ShipmentUnknown
		}
	}
	v.Key, err = m.key(e, &v)
	return v, err
}

// key is what tells an event from others.
func (m *Mapping) key(e gjson.Result, v *trade.ShipmentEvent) (string, error) {
	if len(m.Event.Key) == 0 {
		return keyOf([]string{v.OccurredAt.UTC().Format(time.RFC3339Nano), v.Raw.Code}), nil
	}
	key := make([]string, 0, len(m.Event.Key))
	for _, path := range m.Event.Key {
		key = append(key, e.Get(path).String())
	}
	switch {
	case strings.TrimSpace(key[0]) != "":
		return keyOf(key), nil
	case m.Event.Identified:
		return "", fmt.Errorf("%s is missing: each event must have its own", m.Event.Key[0])
	}
	return pushed.ContentDigest([]byte(e.Raw))
}

// keyOf is what tells one event from others: its parts, shortened where they are long.
func keyOf(parts []string) string {
	key := strings.Join(parts, "|")
	if len(key) > 120 {
		key = pushed.Digest([]byte(key))
	}
	return key
}

// estimate is an estimate of arrival that belongs to no event, as an event.
func (m *Mapping) estimate(part gjson.Result) (*trade.ShipmentEvent, error) {
	if v := part.Get(m.Estimate); v.Type == gjson.Null || v.String() == "" {
		return nil, nil
	}
	at, known, err := m.moment(part, m.Estimate)
	if err != nil {
		return nil, err
	}
	e := trade.ShipmentEvent{
		Milestone: trade.MilestoneEtaChanged, Classifier: trade.Estimated, Status: trade.ShipmentUnknown, OccurredAt: at, OffsetKnown: known,
		Estimate: &at,
		Raw:      trade.RawCode{Standard: m.Standard, List: m.Estimate, Code: part.Get(m.Estimate).String()},
	}
	made := ""
	if recorded, _, err := m.moment(part, m.EstimatedAt); err == nil {
		e.RecordedAt, made = &recorded, recorded.UTC().Format(time.RFC3339Nano)
	}
	e.Key = keyOf([]string{"estimate", at.UTC().Format(time.RFC3339Nano), made})
	return &e, nil
}

func some(e gjson.Result, path string) *string {
	if path == "" {
		return nil
	}
	v := e.Get(path)
	if v.IsArray() { // of several places the first one where there is something
		for _, one := range v.Array() {
			if v = one; one.String() != "" {
				break
			}
		}
	}
	if v.Type != gjson.String && v.Type != gjson.Number || v.String() == "" {
		return nil
	}
	text := shorten(v.String())
	return &text
}

// shorten is text that is no longer than anybody needs.
func shorten(text string) string {
	text = strings.ReplaceAll(text, "\x00", "\uFFFD") // not taken out: it would make another identifier of it
	if len(text) > longestValue {
		text = strings.ToValidUTF8(text[:longestValue], "")
	}
	return strings.TrimSpace(text)
}

// moment reads a moment. Where it has no offset it is in the mapping's zone, and that is
// told.
func (m *Mapping) moment(e gjson.Result, path string) (at time.Time, offsetKnown bool, err error) {
	if path == "" {
		return at, false, errors.New("there is none")
	}
	text := e.Get(path).String()
	if at, offsetKnown, err = pushed.Moment(text, m.Zone); err != nil {
		return at, false, fmt.Errorf("%s is %q: %w", path, shorten(text), err)
	}
	return at, offsetKnown, nil
}
