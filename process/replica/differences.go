package replica

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/trade"
	"portico/trade/operating"
)

// reportedRecord is a record as a source tells it: its natural key, and the reference it is asked for by.
type reportedRecord struct {
	key, ref string
	sequence int64
	says     map[string]any
}

// documents are records as documents.
func documents[P sources.Adapter, T any](records []T, of sources.Records[P, T]) ([]reportedRecord, error) {
	all := make([]reportedRecord, 0, len(records))
	for i := range records {
		p := of.From(&records[i])
		text, err := json.Marshal(&records[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", *p.SourceRef, err)
		}
		t := reportedRecord{key: of.Key(&records[i]), ref: *p.SourceRef, sequence: p.Sequence}
		if t.says, err = says(text); err != nil {
			return nil, fmt.Errorf("%s: %w", *p.SourceRef, err)
		}
		delete(t.says, "Provenance")
		all = append(all, t)
	}
	return all, nil
}

// says is a document with its numbers as they are written.
func says(text []byte) (map[string]any, error) {
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v)
}

// labels name an element of an array by what it is told apart by.
var labels = []string{"LineNumber", "OrderLineNumber", "Code", "Unit", "Number"}

// flat are the fields of a document by their paths, such as lines[10].ordered.value.
// One without a value is empty. Of an array, each element is a field by itself, but
// plain values are one field together, for they are in no order.
func flat(document map[string]any) map[string]string {
	fields := map[string]string{}
	var into func(path string, v any)
	into = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, x := range v {
				into(strings.TrimPrefix(path+"."+fieldName(name), "."), x)
			}
		case []any:
			var plain []string
			for i, x := range v {
				element, ok := x.(map[string]any)
				if !ok {
					plain = append(plain, fmt.Sprint(x))
					continue
				}
				label := fmt.Sprint(i)
				for _, name := range labels {
					if l, ok := element[name]; ok && l != nil {
						label = fmt.Sprint(l)
						break
					}
				}
				fields[path+"["+label+"]"] = isThere
				into(path+"["+label+"]", element)
			}
			if plain != nil {
				slices.Sort(plain)
				fields[path] = strings.Join(plain, ", ")
			}
		case nil:
			fields[path] = ""
		default:
			fields[path] = fmt.Sprint(v)
		}
	}
	into("", document)
	return fields
}

// fieldName is a field's name as the graph has it.
func fieldName(name string) string {
	name = strings.TrimSuffix(name, "Known")
	if name == strings.ToUpper(name) {
		return strings.ToLower(name)
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// differences are the fields in which two sides differ. Two systems do not know the
// same: where they are not alike, only what both tell is compared. Of a copy and its
// source, all is that the copy holds.
func differences(key string, ours, theirs map[string]string, alike bool) (all []operating.Difference) {
	for field, a := range ours {
		b, reportedRecord := theirs[field]
		if equal(a, b) || !alike && (!reportedRecord || a == "" || b == "") && !element(field) {
			continue
		}
		all = append(all, operating.Difference{Key: key, Field: field, Value: some(a), SourceValue: some(b)})
	}
	for field, b := range theirs {
		// An element that is not held at all, of an array that is.
		if _, held := ours[field]; !held && element(field) && holdsOthers(ours, field, alike) {
			all = append(all, operating.Difference{Key: key, Field: field, SourceValue: &b})
		}
	}
	slices.SortFunc(all, func(a, b operating.Difference) int { return cmp.Compare(a.Field, b.Field) })
	return all
}

// element tells whether a field stands for an element of a record's own array.
func element(field string) bool {
	return strings.HasSuffix(field, "]") && !strings.Contains(field, ".")
}

// holdsOthers tells whether the array of an element is among the fields, empty or not.
func holdsOthers(fields map[string]string, element string, orNone bool) bool {
	array, _, _ := strings.Cut(element, "[")
	if _, none := fields[array]; none {
		return orNone
	}
	for field := range fields {
		if strings.HasPrefix(field, array+"[") {
			return true
		}
	}
	return false
}

func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// equal tells whether two values are the same, be they texts, numbers or times.
func equal(a, b string) bool {
	if a == b {
		return true
	}
	x, err := udecimal.Parse(a)
	y, err2 := udecimal.Parse(b)
	if err == nil && err2 == nil {
		return x.Equal(y)
	}
	s, err := time.Parse(time.RFC3339Nano, a)
	t, err2 := time.Parse(time.RFC3339Nano, b)
	return err == nil && err2 == nil && s.Truncate(time.Microsecond).Equal(t.Truncate(time.Microsecond))
}

// tally counts records and adds up what they are worth and how much they are of.
type tally struct {
	Count    int                         `json:"Count"`
	Money    map[string]udecimal.Decimal `json:"Money"`    // by currency
	Quantity map[string]udecimal.Decimal `json:"Quantity"` // by unit
}

// sum adds up what a record of one kind says it is worth and how much it is of.
type sum func(t *tally, says map[string]any)

// count adds up nothing: records of the kind are only counted.
func count(*tally, map[string]any) {}

func sumExposure(t *tally, says map[string]any) { t.addMoney(says["Exposure"]) }

func sumOnHand(t *tally, says map[string]any) { add(&t.Quantity, says["Unit"], says["OnHand"]) }

// sumDocument adds up documents by their totals, where they have some, and the named
// quantity of their lines.
func sumDocument(quantity string) sum {
	return func(t *tally, says map[string]any) {
		if totals, ok := says["Totals"].(map[string]any); ok {
			t.addMoney(totals["total"])
		}
		lines, _ := says["LinesKnown"].([]any)
		for _, l := range lines {
			line, _ := l.(map[string]any)
			if q, ok := line[quantity].(map[string]any); ok {
				add(&t.Quantity, q["unit"], q["value"])
			}
		}
	}
}

func (t *tally) add(s sources.Subject, says map[string]any) {
	t.Count++
	kindOf(s).sum(t, says)
}

func (t *tally) addMoney(amount any) {
	if m, ok := amount.(map[string]any); ok {
		add(&t.Money, m["currency"], m["amount"])
	}
}

func add(to *map[string]udecimal.Decimal, unit, value any) {
	d, err := udecimal.Parse(fmt.Sprint(value))
	if unit == nil || err != nil {
		return
	}
	if *to == nil {
		*to = map[string]udecimal.Decimal{}
	}
	(*to)[fmt.Sprint(unit)] = (*to)[fmt.Sprint(unit)].Add(d)
}

func (t *tally) totals() (all []trade.Money) {
	for _, c := range slices.Sorted(maps.Keys(t.Money)) {
		all = append(all, trade.Money{Amount: t.Money[c], Currency: c})
	}
	return all
}

func (t *tally) quantities() (all []trade.Quantity) {
	for _, u := range slices.Sorted(maps.Keys(t.Quantity)) {
		all = append(all, trade.Quantity{Value: t.Quantity[u], Unit: u})
	}
	return all
}
