package command

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidwall/gjson"

	"portico/sources"
	"portico/sources/carriers"
	"portico/sources/epcis"
	"portico/sources/pushed"
	"portico/trade"
	"portico/trade/tracking"
)

type mapCmd struct {
	Folder  string `arg:"" help:"Folder, or file, to map."`
	Mapping string `help:"Mapping to read JSON of no known format with, as the adapter webhook has one." type:"existingfile"`
}

// Run maps every document of a folder and prints what each became, or what was refused and where. It
// fails where something was refused.
func (c mapCmd) Run() error {
	var own *carriers.Mapping
	if c.Mapping != "" {
		text, err := os.ReadFile(c.Mapping)
		if err != nil {
			return err
		}
		if own, err = carriers.ReadMapping(text); err != nil {
			return fmt.Errorf("%s: %w", c.Mapping, err)
		}
	}
	files, refused := 0, 0
	err := filepath.WalkDir(c.Folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return err
		}
		files++
		if !mapped(os.Stdout, path, body, own) {
			refused++
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d files, of %d something was refused\n", files, refused)
	if refused > 0 {
		return errors.New("not everything could be mapped")
	}
	return nil
}

// mapped prints what one document became, and tells whether all of it became something.
func mapped(w io.Writer, path string, body []byte, own *carriers.Mapping) bool {
	format, translate := formatOf(body, own)
	if translate == nil {
		fmt.Fprintf(w, "%s: refused: %s\n", path, format)
		return false
	}
	translation, err := translate(body)
	if err != nil {
		refusal, _ := errors.AsType[*sources.Error](err)
		fmt.Fprintf(w, "%s: %s: refused: %v\n", path, format, refusal.Err)
		return false
	}
	fmt.Fprintf(w, "%s: %s\n", path, format)
	if translation.Ignored != "" {
		fmt.Fprintf(w, "  nothing is made of it: %s\n", translation.Ignored)
	}
	for _, t := range translation.Tracking {
		about := t.About
		if t.TrackingNumber != "" {
			about = append([]trade.Identifier{{Scheme: trade.SchemeTracking, Value: t.TrackingNumber}}, about...)
		}
		var names []string
		for _, id := range about {
			names = append(names, string(id.Scheme)+" "+id.Value)
		}
		fmt.Fprintf(w, "  shipment with %s: %s\n", strings.Join(names, " or "), tracking.StatusOf(t.Events))
		for _, v := range tracking.Judge(t.Events) {
			fmt.Fprintf(w, "    %s %s %s (%s)", v.Event.OccurredAt.Format("2006-01-02 15:04Z"), v.Event.Classifier, v.Event.Milestone,
				v.Event.Raw.Code)
			if v.Ignored != "" {
				fmt.Fprintf(w, ", moves no status: %s", v.Ignored)
			}
			fmt.Fprintln(w)
		}
	}
	for _, r := range translation.Rejected {
		fmt.Fprintf(w, "  refused: %s\n", r.Reason)
	}
	return len(translation.Rejected) == 0
}

// formatOf is the format of a document and what reads it, or why nothing does: a format that
// nobody serves yet is named.
func formatOf(body []byte, own *carriers.Mapping) (format string, translate func([]byte) (sources.Translation, error)) {
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	switch {
	case len(text) == 0:
		return "it is empty", nil
	case bytes.HasPrefix(text, []byte("ISA")):
		return "X12 is not served yet" + called(text, "ST", 1, text[min(3, len(text)-1)]), nil
	case bytes.HasPrefix(text, []byte("UNA")) || bytes.HasPrefix(text, []byte("UNB")):
		return "EDIFACT is not served yet" + called(text, "UNH", 2, '+'), nil
	case text[0] == '<':
		return "XML is not served yet" + root(text), nil
	}
	if err := pushed.Read(text); err != nil {
		refusal, _ := errors.AsType[*sources.Error](err)
		return refusal.Err.Error(), nil
	}
	first := gjson.ParseBytes(text)
	if first.IsArray() {
		first = first.Get("0")
	}
	switch object := first.Get("object").String(); {
	case first.Get("@context").Exists() || first.Get("epcisBody").Exists():
		return "EPCIS 2.0", epcis.Translate
	case object == "Event" || object == "Tracker":
		return "EasyPost", carriers.Mappings["easypost"].Translate
	case first.Get("eventType").Exists() && first.Get("eventDateTime").Exists() || first.Get("eventClassification").Exists() ||
		first.Get("events.0.eventClassification").Exists():
		return "DCSA Track and Trace", carriers.Mappings["dcsa"].Translate
	case own != nil:
		return "the given mapping", own.Translate
	}
	return "it is JSON of no known format: write a mapping for it, and name it with --mapping", nil
}

// called is what a message of EDI is called: the element of its first segment of a name.
func called(text []byte, segment string, element int, separator byte) string {
	for line := range bytes.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune("~'\n\r", r) }) {
		parts := bytes.FieldsFunc(line, func(r rune) bool { return r == rune(separator) || r == ':' })
		if len(parts) > element && string(parts[0]) == segment {
			return ": " + string(parts[element][:min(len(parts[element]), 10)])
		}
	}
	return ""
}

// root is the name of the first element of XML.
func root(text []byte) string {
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil {
			return ", and this is none"
		}
		if e, ok := token.(xml.StartElement); ok {
			return ": " + e.Name.Local
		}
	}
}
