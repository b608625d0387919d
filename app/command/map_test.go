package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portico/sources/carriers"
)

func TestEveryDocumentOfAFolderIsMappedOrRefusedByName(t *testing.T) {
	own := carriers.Mappings["example"]
	for name, c := range map[string]struct {
		text string
		own  *carriers.Mapping
		all  bool
		want string
	}{
		"EasyPost":      {`{"object": "Tracker", "tracking_code": "1", "tracking_details": [{"status": "delivered", "datetime": "2026-03-01T08:00:00Z"}]}`, nil, true, "TRACKING_NUMBER 1: DELIVERED"},
		"DCSA":          {`[{"eventID": "1", "eventType": "TRANSPORT", "transportEventTypeCode": "ARRI", "equipmentReference": "C", "eventClassifierCode": "ACT", "eventDateTime": "2026-03-01T07:41:00Z"}]`, nil, true, "CONTAINER C: IN_TRANSIT"},
		"EPCIS in part": {`{"@context": "x", "type": "EPCISDocument", "schemaVersion": "2.0", "epcisBody": {"eventList": [{"type": "ObjectEvent", "action": "ADD", "bizStep": "shipping", "eventTime": "2026-03-01T08:00:00Z", "eventTimeZoneOffset": "+01:00", "epcList": ["urn:epc:id:sscc:0614141.1234567890"]}, {"type": "x"}]}}`, nil, false, `refused: event 2: type is "x"`},
		"of its own": {
			`{"parcel": "P", "scans": [{"no": 1, "code": "VAN", "at": "2026-03-01T08:00:00Z"}]}`, own, true,
			"TRACKING_NUMBER P: OUT_FOR_DELIVERY",
		},
		"of nobody":      {`{"parcel": "P"}`, nil, false, "JSON of no known format"},
		"something else": {`{"object": "Batch"}`, own, false, "parcel is missing"},
		"X12": {"ISA*00*          *00*          *02*SCAC           *ZZ*X              " +
			"*160726*1303*U*00403*000082265*0*T*>~\nGS*QM*SCAC~\nST*214*822650001~\n", nil, false, "X12 is not served yet: 214"},
		"EDIFACT": {"UNA:+.? 'UNB+UNOA:1+A+B+070101:1000+1'UNH+1+ORDRSP:D:96A:UN'", nil, false, "EDIFACT is not served yet: ORDRSP"},
		"UBL": {
			`<?xml version="1.0"?><!-- x --><DespatchAdvice xmlns="urn:x"/>`, nil, false,
			"XML is not served yet: DespatchAdvice",
		},
		"XML that is not": {`<`, nil, false, "XML is not served yet, and this is none"},
		"nothing":         {"  \n", nil, false, "it is empty"},
		"text":            {"hello", nil, false, "not JSON"},
		"short X12":       {"ISA", nil, false, "X12 is not served yet"},
		"deep":            {strings.Repeat("[", 100_000), nil, false, "nested too deep"},
	} {
		var out bytes.Buffer
		if all := mapped(&out, "file", []byte(c.text), c.own); all != c.all || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %t: %s", name, all, out.String())
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.edi"), []byte("ISA"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (mapCmd{Folder: dir}).Run(); err == nil {
		t.Error("a folder of which something was refused passes")
	}
	if err := (mapCmd{Folder: filepath.Join(dir, "none")}).Run(); err == nil {
		t.Error("a folder that there is not passes")
	}
}
