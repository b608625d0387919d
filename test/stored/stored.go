// Package stored holds tests of what is kept as JSON: values that are filled completely, and golden files
// of how they are kept.
package stored

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash/fnv"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Of is a value in which everything is filled: each field by its name in JSON, so that a field that is
// added or that is called otherwise there shows. Of an interface every type of choices that fits is taken.
func Of[T any](choices ...any) T {
	var v T
	f := filler{choices: choices}
	f.fill(reflect.ValueOf(&v).Elem(), "value")
	return v
}

type filler struct {
	choices []any
	inside  []reflect.Type
}

var fixed = map[reflect.Type]any{
	reflect.TypeFor[udecimal.Decimal](): udecimal.MustParse("12.345"),
	reflect.TypeFor[time.Time]():        time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC),
	reflect.TypeFor[trade.Date]():       must(trade.ParseDate("2026-04-05")),
	reflect.TypeFor[json.RawMessage]():  json.RawMessage(`{"raw":true}`),
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (f *filler) fill(v reflect.Value, name string) {
	if known, ok := fixed[v.Type()]; ok {
		v.Set(reflect.ValueOf(known))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), name)
	case reflect.Struct:
		f.fields(v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Interface {
			for _, fits := range f.fitting(v.Type().Elem(), name) {
				v.Set(reflect.Append(v, fits))
			}
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), name)
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), name)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, name)
		f.fill(value, name)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Interface:
		if all := f.fitting(v.Type(), name); len(all) > 0 {
			v.Set(all[0])
		}
	case reflect.String:
		v.SetString("a " + name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(number(name))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(number(name)))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(number(name)) + 0.5)
	}
}

func (f *filler) fields(v reflect.Value) {
	for _, t := range f.inside {
		if t == v.Type() { // one within itself is empty
			return
		}
	}
	f.inside = append(f.inside, v.Type())
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = field.Name
		}
		if field.IsExported() && name != "-" {
			f.fill(v.Field(i), name)
		}
	}
	f.inside = f.inside[:len(f.inside)-1]
}

// fitting are filled values for an interface.
func (f *filler) fitting(of reflect.Type, name string) (all []reflect.Value) {
	for _, c := range f.choices {
		if t := reflect.TypeOf(c); t.Implements(of) {
			v := reflect.New(t).Elem()
			f.fill(v, name)
			all = append(all, v)
		}
	}
	return all
}

// number is small, and the same for a name whatever stands beside it.
func number(name string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return int64(h.Sum32()%97) + 2
}

// Golden holds the JSON of a value to testdata/stored/<name>.json, and reads the file back into an equal
// value: what a release before this one kept, this one reads, and the other way round.
func Golden[T any](t *testing.T, name string, v T) {
	t.Helper()
	file, text := Same(t, name, v), new(T)
	if err := json.Unmarshal(file, text); err != nil {
		t.Errorf("%s cannot be read: %v", name, err)
	}
	if !reflect.DeepEqual(*text, v) {
		t.Errorf("%s is read as %+v, it was %+v", name, *text, v)
	}
}

// Same holds the JSON of a value to testdata/stored/<name>.json, which is for SQL and others to read.
func Same(t *testing.T, name string, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, text, "", "\t"); err != nil {
		t.Fatal(err)
	}
	lines.WriteByte('\n')
	Text(t, filepath.Join("testdata", "stored", name+".json"), lines.Bytes())
	return text
}

// Text holds a text to a golden file.
func Text(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: what is stored has changed, so that this release and the one before do not read each other's. A name stays as it is; a "+
			"field may be added "+
			"where both can do without it, and is written with -update.\ngot\n%s\nwant\n%s", file, difference(got, want), difference(want, got))
	}
}

// difference are the lines of a text that another one has not.
func difference(a, b []byte) string {
	has := map[string]bool{}
	for line := range strings.SplitSeq(string(b), "\n") {
		has[line] = true
	}
	var only []string
	for line := range strings.SplitSeq(string(a), "\n") {
		if !has[line] {
			only = append(only, line)
		}
	}
	return strings.Join(only, "\n")
}

// Inputs holds the fingerprint of every mutation's input to the one that earlier releases made of it: otherwise a mutation that is
// repeated over an upgrade is a conflict. What a client of an earlier release sends stays in input-<mutation>.json and, with fields
// that were added later, in input-<mutation>.2.json and so on; -update adds to them and rewrites none. A field that is added is left
// out of the fingerprint where a client says nothing of it: its tag says omitzero, and the schema gives it no default.
func Inputs(t *testing.T, fingerprint func(any) (string, error), inputs map[string]any) {
	t.Helper()
	const folder = "testdata/stored"
	prints := filepath.Join(folder, "fingerprints.txt")
	text, err := os.ReadFile(prints)
	if err != nil && !*update {
		t.Fatal(err)
	}
	kept := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, print, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			kept[name] = print
		}
	}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		now, err := json.MarshalIndent(inputs[name], "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		for n, same := 1, false; !same; n++ {
			version := name
			if n > 1 {
				version = fmt.Sprintf("%s.%d", name, n)
			}
			file := filepath.Join(folder, "input-"+version+".json")
			sent, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) && *update {
				sent = slices.Concat(now, []byte{'\n'})
				err = os.WriteFile(file, sent, 0o644)
			}
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the input of %s has changed: -update adds what clients may send from now on, which is\n%s", name, now)
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			same = bytes.Equal(bytes.TrimSpace(sent), now)
			read := reflect.New(reflect.TypeOf(inputs[name]))
			if err := json.Unmarshal(sent, read.Interface()); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			print, err := fingerprint(read.Elem().Interface())
			if err != nil {
				t.Fatal(err)
			}
			if kept[version] == "" && *update {
				kept[version] = print
			}
			if print != kept[version] {
				t.Errorf("%s has the fingerprint %s, and had %s: the key of whoever sent it before this release stands for another input now. "+
					"A name stays as it is, and a field that is added says omitzero", file, print, kept[version])
			}
		}
	}
	if *update {
		var lines strings.Builder
		for _, version := range slices.Sorted(maps.Keys(kept)) {
			fmt.Fprintf(&lines, "%s %s\n", version, kept[version])
		}
		if err := os.WriteFile(prints, []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Flows runs the tests of what each flow of the package in this folder keeps between its steps, by the name of
// the type, and fails where the package has a flow without one.
func Flows(t *testing.T, states map[string]func(t *testing.T)) {
	t.Helper()
	flows := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") { // a flow of a test is kept nowhere
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if x, ok := lit.Type.(*ast.IndexExpr); ok {
				if of, ok := x.X.(*ast.SelectorExpr); ok && of.Sel.Name == "Flow" {
					flows[fmt.Sprint(x.Index)] = true
				}
			}
			return true
		})
	}
	if got, want := slices.Sorted(maps.Keys(flows)), slices.Sorted(maps.Keys(states)); !slices.Equal(got, want) {
		t.Errorf("the flows keep %v, golden files are of %v", got, want)
	}
	for name, golden := range states {
		t.Run(name, golden)
	}
}
