package loaders

import (
	"context"
	"testing"

	"portico/trade"
)

// named are loaders of what nobody but a test asks for: the value of a key is the key.
var named = func() (all [10]*Loader[string, string]) {
	for i := range all {
		all[i] = made(func(_ *Loaders, _ context.Context, keys []string) (map[string]string, error) {
			found := make(map[string]string, len(keys))
			for _, k := range keys {
				found[k] = k
			}
			return found, nil
		})
	}
	return all
}()

func BenchmarkOperation(b *testing.B) {
	keys := []string{"a", "b", "c", "d"}
	for name, uses := range map[string]int{"none used": 0, "three used": 3, "ten used": 10} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ctx := With(b.Context(), New(Shared{}, trade.Scope{}))
				for _, d := range named[:uses] {
					if _, err := d.All(ctx, keys); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
