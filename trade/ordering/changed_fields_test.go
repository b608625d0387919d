package ordering

import (
	"slices"
	"testing"
)

func TestEachValueOfAnOrderIsInOneChangedField(t *testing.T) {
	names, values := map[string]bool{}, map[string]string{}
	for _, f := range append(slices.Clone(ChangedFields), ChangedLines) {
		if names[f.Name] || len(f.Values) == 0 {
			t.Errorf("the field %s stands there twice, or consists of nothing", f.Name)
		}
		names[f.Name] = true
	}
	for _, f := range ChangedFields {
		for _, v := range f.Values {
			if other := values[v]; other != "" {
				t.Errorf("%s is of %s and of %s", v, other, f.Name)
			}
			values[v] = f.Name
		}
	}
}

// TestSubscribersAreToldOfAllLinesThatAreNoted keeps a version from changing without anybody being told.
func TestSubscribersAreToldOfAllLinesThatAreNoted(t *testing.T) {
	for _, v := range ChangedLines.Values {
		if !slices.Contains(StreamedLineValues, v) {
			t.Errorf("a line whose %s changed is noted, and no subscriber is told", v)
		}
	}
}
