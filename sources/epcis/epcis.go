// Package epcis reads what happened to shipments from GS1 EPCIS 2.0 documents in JSON-LD,
// as a capture interface is sent them.
package epcis

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"gopkg.in/yaml.v3"

	"portico/sources"
	"portico/sources/pushed"
	"portico/trade"
	"portico/trade/operating"
)

// Source is a system that captures events.
type Source struct {
	secrets pushed.Secrets
	verify  pushed.Verify
	codes   *sources.Codes
}

// Config are the settings of a source: it has none of its own.
type Config struct{}

// Open makes a source whose deliveries are signed, as Standard Webhooks has it where no other
// scheme is named.
func Open(_ Config, k sources.Credentials) (*Source, error) {
	scheme := cmp.Or(k.Scheme, "standard-webhooks")
	verify := pushed.Schemes[scheme]
	if verify == nil {
		return nil, pushed.NoScheme(scheme)
	}
	return &Source{k.Secrets, verify, written.Reset()}, nil
}

// Kind is a logistics system.
func (*Source) Kind() trade.SourceKind { return trade.Logistics }

// Ping has nothing to ask: the system calls us.
func (*Source) Ping(context.Context) error { return nil }

// Delivery verifies a delivery. A document has no id of its own: it is known again by its
// bytes.
func (s *Source) Delivery(h http.Header, body []byte, now time.Time) (string, error) {
	id, err := s.verify(h, body, s.secrets(), now)
	if id == "" {
		id = pushed.Digest(body)
	}
	return id, err
}

// Translate reads the events of a document; see [Translate].
func (s *Source) Translate(body []byte) (sources.Translation, error) { return translate(body, s.codes) }

// Codes is the table of what business steps and dispositions mean: a step by its name, a
// disposition by its name after a slash, and both together as step/disposition.
func (s *Source) Codes() *sources.Codes { return s.codes }

type document struct {
	Context json.RawMessage `json:"@context"`
	Type    string          `json:"type"`
	Version string          `json:"schemaVersion"`
	Body    struct {
		Events []json.RawMessage `json:"eventList"`
		Event  json.RawMessage   `json:"event"`
		Query  struct {
			Results struct {
				Events []json.RawMessage `json:"eventList"`
			} `json:"resultsBody"`
		} `json:"queryResults"`
	} `json:"epcisBody"`
}

type event struct {
	Type         string    `json:"type"`
	ID           string    `json:"eventID"`
	Time         string    `json:"eventTime"`
	Offset       string    `json:"eventTimeZoneOffset"`
	RecordTime   string    `json:"recordTime"`
	Action       string    `json:"action"`
	BizStep      string    `json:"bizStep"`
	Disposition  string    `json:"disposition"`
	ParentID     string    `json:"parentID"`
	EPCs         []string  `json:"epcList"`
	Children     []string  `json:"childEPCs"`
	Inputs       []string  `json:"inputEPCList"`
	Outputs      []string  `json:"outputEPCList"`
	Quantities   []class   `json:"quantityList"`
	ChildClasses []class   `json:"childQuantityList"`
	InputClasses []class   `json:"inputQuantityList"`
	OutClasses   []class   `json:"outputQuantityList"`
	Sensors      []any     `json:"sensorElementList"`
	ReadPoint    reference `json:"readPoint"`
	Location     reference `json:"bizLocation"`
	Transactions []struct {
		Type        string `json:"type"`
		Transaction string `json:"bizTransaction"`
	} `json:"bizTransactionList"`
	Error *struct {
		Declared   string   `json:"declarationTime"`
		Reason     string   `json:"reason"`
		Corrective []string `json:"correctiveEventIDs"`
	} `json:"errorDeclaration"`
}

type reference struct {
	ID string `json:"id"`
}

// class is so much of a class of items.
type class struct {
	Class    string   `json:"epcClass"`
	Quantity *float64 `json:"quantity"`
}

// used are the paths of an event that are read.
var used = map[string]bool{
	"@context": true, "@context.#": true, "type": true, "eventID": true, "eventTime": true, "eventTimeZoneOffset": true, "recordTime": true,
	"action": true, "bizStep": true, "disposition": true, "parentID": true, "epcList.#": true, "childEPCs.#": true, "readPoint.id": true,
	"bizLocation.id": true, "bizTransactionList.#.type": true, "bizTransactionList.#.bizTransaction": true,
	"errorDeclaration.declarationTime": true, "errorDeclaration.reason": true, "errorDeclaration.correctiveEventIDs.#": true,
	"schemaVersion": true,
}

//go:embed codes.yaml
var codesText []byte

// written is what business steps and dispositions of the Core Business Vocabulary mean.
var written = func() *sources.Codes {
	var c struct {
		Version             int
		Steps, Dispositions map[string]operating.CodeMeaning
	}
	if err := yaml.Unmarshal(codesText, &c); err != nil {
		panic(err)
	}
	for name, meaning := range c.Dispositions {
		c.Steps["/"+name] = meaning
	}
	return &sources.Codes{Standard: "EPCIS", List: list, Version: c.Version, Written: c.Steps}
}()

const list = "bizStep/disposition"

const mostEvents = 1000

var types = []string{"ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent"}

// Translate reads a document, or one event. Each event that is wrong is rejected by its
// place, and the others count.
func Translate(body []byte) (sources.Translation, error) { return translate(body, written) }

func translate(body []byte, codes *sources.Codes) (sources.Translation, error) {
	var out sources.Translation
	if err := pushed.Read(body); err != nil {
		return out, err
	}
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return out, sources.Fail(sources.Rejected, "it is no EPCIS document: %v", wrong(err))
	}
	events := slices.Concat(d.Body.Events, d.Body.Query.Results.Events)
	switch {
	case slices.Contains(types, d.Type):
		events = []json.RawMessage{body}
	case d.Type != "EPCISDocument" && d.Type != "EPCISQueryDocument":
		return out, sources.Fail(sources.Rejected, "type is %q: it must be EPCISDocument, EPCISQueryDocument or an event", d.Type)
	case d.Body.Event != nil:
		events = append(events, d.Body.Event)
	}
	if len(d.Context) == 0 {
		return out, sources.Fail(sources.Rejected, "@context is missing: EPCIS 2.0 in JSON-LD must name its context")
	}
	if !slices.Contains(types, d.Type) && !strings.HasPrefix(d.Version, "2.") {
		return out, sources.Fail(sources.Rejected, "schemaVersion is %q: it must be 2.0", d.Version)
	}
	if len(events) > mostEvents {
		return out, sources.Fail(sources.Rejected, "it has more than %d events: send them in several documents", mostEvents)
	}
	if len(events) == 0 {
		out.Ignored = "it has no events"
	}
	var unused pushed.Unused
	items := 0
	for i, text := range events {
		t, err := read(text, codes)
		if errors.Is(err, errItems) {
			items++
			continue
		}
		if err != nil {
			where := fmt.Sprintf("event %d", i+1)
			out.Rejected = append(out.Rejected,
				operating.RejectedRecord{Kind: "tracking", SourceRef: &where, Reason: where + ": " + err.Error(), At: time.Now()})
			continue
		}
		out.Tracking = append(out.Tracking, t)
		pushed.Leaves(gjson.ParseBytes(text), func(path string) {
			if !used[path] && !strings.HasPrefix(path, "@context") {
				unused.Add("eventList.#." + path)
			}
		})
	}
	if items > 0 && len(out.Tracking) == 0 {
		out.Ignored = fmt.Sprintf("%d of its events are about items, and name no shipment", items)
	}
	out.Unused = unused.Paths()
	return out, nil
}

// errItems says that an event is right and names no shipment.
var errItems = errors.New("it names no shipment")

// wrong is what is wrong with JSON, without the values in it.
func wrong(err error) string {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return t.Field + " has a wrong type"
	}
	return "it cannot be read"
}

func read(text json.RawMessage, codes *sources.Codes) (t trade.Tracking, err error) {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return t, errors.New(wrong(err))
	}
	switch {
	case !slices.Contains(types, e.Type):
		return t, fmt.Errorf("type is %q: it must be one of %v", e.Type, types)
	case e.Type != "TransformationEvent" && e.Action != "ADD" && e.Action != "OBSERVE" && e.Action != "DELETE":
		return t, fmt.Errorf("action is %q: it must be ADD, OBSERVE or DELETE", e.Action)
	}
	at, known, err := pushed.Moment(e.Time, time.UTC)
	if err != nil {
		return t, fmt.Errorf("eventTime is %q: %w", e.Time, err)
	}
	if _, err := time.Parse("-07:00", e.Offset); err != nil {
		return t, fmt.Errorf("eventTimeZoneOffset is %q: it must be such as +02:00", e.Offset)
	}
	if err := e.check(codes); err != nil {
		return t, err
	}
	if t.About = e.about(); len(t.About) == 0 {
		for _, epc := range slices.Concat([]string{e.ParentID}, e.EPCs, e.Children) {
			if strings.HasPrefix(epc, "urn:epc:id:sscc:") {
				return t, fmt.Errorf("%q is no SSCC, and it names no shipment otherwise", epc)
			}
		}
		return t, errItems
	}
	if e.ID == "" {
		// The declaration that an event is wrong has the id of the event that it is about.
		if e.ID, err = pushed.ContentDigest(text, "errorDeclaration"); err != nil {
			return t, err
		}
	}
	v := trade.ShipmentEvent{
		Key: e.ID, OccurredAt: at, OffsetKnown: known, Classifier: trade.Actual, Milestone: trade.MilestoneOther,
		Status: trade.ShipmentUnknown, Location: e.place(),
		UTCOffset: &e.Offset,
	}
	if recorded, _, err := pushed.Moment(e.RecordTime, time.UTC); err == nil {
		v.RecordedAt = &recorded
	}
	step, disposition := term(e.BizStep), term(e.Disposition)
	v.Raw = trade.RawCode{Standard: "EPCIS", List: list, Code: strings.Trim(step+"/"+disposition, "/")}
	if v.Raw.Code == "" {
		v.Raw.Code = e.Type
	}
	if m, ok := codes.Of(step); ok {
		v.Milestone, v.Status = m.Milestone, m.Status
	}
	// What became of the goods says more than what was being done.
	if m, ok := codes.Of("/" + disposition); ok && (m.Status != "" || v.Milestone == trade.MilestoneOther) {
		v.Milestone, v.Status = m.Milestone, m.Status
	}
	if m, ok := codes.Of(step + "/" + disposition); ok && step != "" && disposition != "" {
		v.Milestone, v.Status = m.Milestone, m.Status
	}
	if v.Status == "" {
		v.Status = trade.ShipmentUnknown
	}
	if x := e.Error; x != nil {
		// The event is told once more, as it was, with the declaration that it is wrong.
		declared, known, err := pushed.Moment(x.Declared, time.UTC)
		if err != nil {
			return t, fmt.Errorf("errorDeclaration.declarationTime is %q: %w", x.Declared, err)
		}
		v = trade.ShipmentEvent{
			Key: e.ID + "#error", Corrects: e.ID, Instead: x.Corrective, OccurredAt: declared, OffsetKnown: known, Classifier: trade.Actual,
			Milestone: trade.MilestoneOther, Status: trade.ShipmentUnknown,
			Raw: trade.RawCode{Standard: "EPCIS", List: "errorDeclaration.reason", Code: term(x.Reason)},
		}
	}
	t.Events = []trade.ShipmentEvent{v}
	return t, nil
}

// term is the last part of a term, as a CURIE, a URN of CBV 1 or a web URI has it.
func term(s string) string {
	s = s[strings.LastIndexAny(s, ":/")+1:]
	for _, prefix := range []string{"BizStep-", "Disp-", "ER-", "BTT-"} {
		s = strings.TrimPrefix(s, prefix)
	}
	return s
}

// about are the shipments that an event is about, most precise first.
func (e *event) about() (ids []trade.Identifier) {
	for _, epc := range slices.Concat([]string{e.ParentID}, e.EPCs, e.Children) {
		if sscc := sscc(epc); sscc != "" {
			ids = append(ids, trade.Identifier{Scheme: trade.SchemeSSCC, Value: sscc})
		}
	}
	for kind, scheme := range transactions {
		for _, t := range e.Transactions {
			if term(t.Type) == kind {
				if n := t.Transaction[strings.LastIndexAny(t.Transaction, ":/")+1:]; n != "" {
					ids = append(ids, trade.Identifier{Scheme: scheme, Value: n})
				}
			}
		}
	}
	slices.SortStableFunc(ids, func(a, b trade.Identifier) int { return rank(a.Scheme) - rank(b.Scheme) })
	return ids
}

var transactions = map[string]trade.IdScheme{"desadv": trade.SchemeDespatch, "bol": trade.SchemeBOL, "po": trade.SchemePurchaseOrder}

func rank(s trade.IdScheme) int {
	return slices.Index([]trade.IdScheme{trade.SchemeSSCC, trade.SchemeDespatch, trade.SchemeBOL, trade.SchemePurchaseOrder}, s)
}

// sscc is the SSCC of an EPC: of a URN, which leaves the check digit out, or of a GS1 Digital
// Link; nothing where it is none.
func sscc(epc string) string {
	if text, is := strings.CutPrefix(epc, "urn:epc:id:sscc:"); is {
		prefix, serial, _ := strings.Cut(text, ".")
		if len(prefix)+len(serial) != 17 || serial == "" || !digits(prefix+serial) {
			return ""
		}
		text = serial[:1] + prefix + serial[1:]
		return text + string(trade.CheckDigit(text))
	}
	if u, err := url.Parse(epc); err == nil && u.Host != "" {
		if _, text, is := strings.Cut(u.Path, "/00/"); is && trade.ValidSSCC(text) {
			return text
		}
	}
	return ""
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// place is where it happened: a GLN, or coordinates as RFC 5870 writes them.
func (e *event) place() *trade.Location {
	for _, id := range []string{e.ReadPoint.ID, e.Location.ID} {
		if text, is := strings.CutPrefix(id, "urn:epc:id:sgln:"); is {
			parts := strings.Split(text, ".")
			if len(parts) >= 2 && len(parts[0])+len(parts[1]) == 12 && digits(parts[0]+parts[1]) {
				gln := parts[0] + parts[1]
				gln += string(trade.CheckDigit(gln))
				return &trade.Location{GLN: &gln}
			}
		}
		if _, text, is := strings.Cut(id, "/414/"); is {
			if gln, _, _ := strings.Cut(text, "/"); trade.ValidGLN(gln) {
				return &trade.Location{GLN: &gln}
			}
		}
		if text, is := strings.CutPrefix(id, "geo:"); is {
			lat, lon, _ := strings.Cut(text, ",")
			latitude, err := strconv.ParseFloat(lat, 64)
			longitude, other := strconv.ParseFloat(lon, 64)
			if err == nil && other == nil {
				return &trade.Location{Latitude: &latitude, Longitude: &longitude}
			}
		}
	}
	return nil
}
