package carriers

import (
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"portico/sources/pushed"
)

// paths are the paths of all values that the mapping reads, in a shipment.
func (m *Mapping) paths() map[string]bool {
	read := map[string]bool{}
	add := func(prefix string, paths ...string) {
		for _, path := range paths {
			for _, one := range plainPaths(path) {
				read[prefix+one] = true
			}
		}
	}
	add("", m.Delivery, m.Tracking, m.Estimate, m.EstimatedAt, m.SignedBy)
	add("", m.Other...)
	add("", m.Signs...)
	for path := range m.Only {
		add("", path)
	}
	for _, about := range m.About {
		add("", about.Path)
	}
	events := ""
	if m.Events != "" {
		events = m.Events + ".#."
	}
	e := &m.Event
	add(events, e.Key...)
	add(events, e.Code...)
	add(events, e.Text, e.Reason, e.OccurredAt, e.RecordedAt, e.Estimate, e.SignedBy, e.Classifier)
	for path := range e.Still {
		add(events, path)
	}
	for _, path := range e.Location {
		add(events, path)
	}
	return read
}

// unused are the paths of a delivery that nothing is read at. Its shipments are below each.
func (m *Mapping) unused(whole gjson.Result, each string) []string {
	if each == "@this" {
		each = ""
	}
	var left pushed.Unused
	pushed.Leaves(whole, func(path string) {
		within := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(path, each), "."), "#.")
		if !m.reads[path] && !m.reads[within] {
			left.Add(path)
		}
	})
	return left.Paths()
}

var (
	queried   = regexp.MustCompile(`#\(([A-Za-z0-9_.]+)[^)]*\)#?`)
	condition = regexp.MustCompile(`^\[([^\],]+)\]\.#\(([A-Za-z0-9_.]+)[^)]*\)#?\.(.+)$`) // of one object
)

// plainPaths are the paths of values that a path of GJSON reads, with # for the elements of a list: also those that it asks for
// a value.
func plainPaths(path string) (all []string) {
	if m := condition.FindStringSubmatch(path); m != nil {
		within := strings.TrimPrefix(m[1]+".", "@this.")
		return []string{within + m[2], within + m[3]}
	}
	if list, rest, is := strings.Cut(strings.TrimPrefix(path, "["), "]"); is && strings.HasPrefix(path, "[") && strings.HasPrefix(rest, ".@") {
		for one := range strings.SplitSeq(list, ",") {
			all = append(all, plainPaths(one)...)
		}
		return all
	}
	for _, at := range queried.FindAllStringSubmatchIndex(path, -1) {
		all = append(all, queried.ReplaceAllString(path[:at[0]], "#")+"#."+path[at[2]:at[3]])
	}
	if path = queried.ReplaceAllString(path, "#"); path != "" {
		all = append(all, path)
	}
	return all
}
