package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkPages asks each page of a server with the small company, one request
// after the other. `make bench` loads the large one.
func BenchmarkPages(b *testing.B) {
	dir, err := os.MkdirTemp("", "portico-bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	binary := filepath.Join(dir, "portico")
	if out, err := exec.Command("go", "build", "-o", binary, "portico").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	s, err := start(binary, filepath.Join(dir, "data"), 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.stop)
	for _, page := range []string{"orders", "catalogue", "order", "item"} {
		document, err := pages.ReadFile("pages/" + page + ".graphql")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(page, func(b *testing.B) {
			before, err := counters(s.admin + "/metrics")
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := s.ask(b.Context(), string(document), s.vars); err != nil {
					b.Fatal(err)
				}
			}
			after, err := counters(s.admin + "/metrics")
			if err != nil {
				b.Fatal(err)
			}
			for name, unit := range map[string]string{
				"go_memstats_mallocs_total": "mallocs/op", "portico_store_statements_total": "statements/op",
				"calls": "calls/op",
			} {
				b.ReportMetric((after[name]-before[name])/float64(b.N), unit)
			}
		})
	}
}
