package sources

import (
	"maps"
	"sync/atomic"

	"portico/trade"
	"portico/trade/operating"
)

// Codes is a table of what the codes of a system mean. It is read while somebody publishes
// another meaning.
type Codes struct {
	Standard  trade.CodeStandard
	List      string
	Version   int
	Written   map[string]operating.CodeMeaning // as it was written, and is not changed
	published atomic.Pointer[map[string]operating.CodeMeaning]
}

// Of is what a code means. ok is false where it has no meaning.
func (c *Codes) Of(code string) (is operating.CodeMeaning, ok bool) {
	if published := c.published.Load(); published != nil {
		if is, ok = (*published)[code]; ok {
			return is, true
		}
	}
	is, ok = c.Written[code]
	return is, ok
}

// Reset is the same table as it was written.
func (c *Codes) Reset() *Codes {
	return &Codes{Standard: c.Standard, List: c.List, Version: c.Version, Written: c.Written}
}

// Coded is a system whose codes are read by a table.
type Coded interface {
	Adapter
	Codes() *Codes
}

// Codes are the tables of the sources that have one, by the sources' names.
func (s *Set) Codes() map[string]*Codes {
	all := map[string]*Codes{}
	for name, g := range s.byName {
		if c, ok := g.adapter.(Coded); ok {
			all[name] = c.Codes()
		}
	}
	return all
}

// PublishCodes sets what codes of the named source mean besides, and instead of, what its table
// was written as.
func (s *Set) PublishCodes(name string, published map[string]operating.CodeMeaning) {
	if c, ok := s.Codes()[name]; ok {
		published = maps.Clone(published)
		c.published.Store(&published)
	}
}
