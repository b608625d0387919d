package sources

import "github.com/prometheus/client_golang/prometheus"

// mostUnused is how many paths of a page are kept.
const mostUnused = 100

var unusedTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "portico_source_unused_fields_total",
	Help: "Fields of pages of records and of deliveries that a source reported and that are used for nothing, by source and kind.",
}, []string{"source", "kind"})

// Leave notes that a value at a path of a record is not used. Elements of a list have the name #, as in lines.#.note.
func (p *Page[T]) Leave(path, ref string) {
	if p.Unused == nil {
		p.Unused = map[string]string{}
	}
	if len(p.Unused) < mostUnused && len(path) <= 200 {
		p.Unused[path] = ref
	}
}

// add has a page say what another one says, too.
func (p *Page[T]) add(other Page[T]) {
	p.Records, p.Rejected = append(p.Records, other.Records...), append(p.Rejected, other.Rejected...)
	for path, ref := range other.Unused {
		p.Leave(path, ref)
	}
}
