package pushed

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	"github.com/tidwall/gjson"

	"portico/sources"
)

// mostUnused is how many paths are kept of what was read and not used.
const mostUnused = 100

// Unused are paths of values that were read and not used, each once.
type Unused struct{ paths map[string]bool }

// Add adds a path.
func (u *Unused) Add(path string) {
	if u.paths == nil {
		u.paths = map[string]bool{}
	}
	if len(u.paths) < mostUnused && len(path) <= 200 {
		u.paths[path] = true
	}
}

// Paths are the paths in order.
func (u *Unused) Paths() []string { return slices.Sorted(maps.Keys(u.paths)) }

// Leaves visits the paths of the values in JSON that are neither null nor lists nor objects, with # for the elements of a list.
func Leaves(v gjson.Result, visit func(path string)) { leaves(v, "", visit) }

func leaves(v gjson.Result, path string, visit func(path string)) {
	if v.Type == gjson.Null {
		return
	}
	if !v.IsObject() && !v.IsArray() {
		visit(path)
		return
	}
	list := v.IsArray()
	v.ForEach(func(key, value gjson.Result) bool {
		name := "#"
		if !list {
			name = key.String()
		}
		if path != "" {
			name = path + "." + name
		}
		leaves(value, name, visit)
		return true
	})
}

// ContentDigest is an id of JSON that has none: of what it says, not of how it is written.
func ContentDigest(text []byte, without ...string) (string, error) {
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		return "", sources.Fail(sources.Rejected, "it must be an object")
	}
	for _, name := range without {
		delete(v, name)
	}
	canonical, err := json.Marshal(v)
	if err != nil {
		return "", sources.Fail(sources.Rejected, "it cannot be read")
	}
	return Digest(canonical), nil
}

var offset = regexp.MustCompile(`[0-9]([+-][0-9]{2}):?([0-9]{2})$`)

// Offset is the offset from UTC that a moment is written with, such as +02:00, or nil where it has none.
func Offset(text string) *string {
	m := offset.FindStringSubmatch(text)
	if m == nil || len(text) <= len("2006-01-02") {
		return nil
	}
	found := m[1] + ":" + m[2]
	return &found
}
