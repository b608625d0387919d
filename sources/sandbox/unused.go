package sandbox

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"portico/sources/pushed"
)

// fields are the paths of the values that a type takes out of JSON, in lower case, as encoding/json compares names; whole are those
// below which it takes everything.
type fields struct{ taken, whole map[string]bool }

var fieldsOf sync.Map // by type

// fieldsIn are the fields of a type.
func fieldsIn(t reflect.Type) fields {
	if known, there := fieldsOf.Load(t); there {
		return known.(fields) //nolint:errcheck // nothing else is stored there
	}
	f := fields{map[string]bool{}, map[string]bool{}}
	f.add(t, "")
	fieldsOf.Store(t, f)
	return f
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func (f fields) add(t reflect.Type, at string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case reflect.PointerTo(t).Implements(unmarshaler) || t.Kind() == reflect.Map || t.Kind() == reflect.Interface:
		f.taken[at], f.whole[at] = true, true
	case t.Kind() == reflect.Slice:
		f.add(t.Elem(), below(at, "#"))
	case t.Kind() == reflect.Struct:
		for _, field := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !field.IsExported() || field.Anonymous && name == "" || name == "-" {
				continue
			}
			if name == "" {
				name = field.Name
			}
			f.add(field.Type, below(at, strings.ToLower(name)))
		}
	default:
		f.taken[at] = true
	}
}

func below(at, name string) string { return strings.TrimPrefix(at+"."+name, ".") }

// take tells whether the value at a path is taken.
func (f fields) take(path string) bool {
	if f.taken[path] {
		return true
	}
	for at := strings.LastIndexByte(path, '.'); at > 0; at = strings.LastIndexByte(path[:at], '.') {
		if f.whole[path[:at]] {
			return true
		}
	}
	return false
}

// unused visits the paths of the values in a row that the type does not take.
func (f fields) unused(row []byte, visit func(path string)) {
	pushed.Leaves(gjson.ParseBytes(row), func(path string) {
		if !f.take(strings.ToLower(path)) {
			visit(path)
		}
	})
}
