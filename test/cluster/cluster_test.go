package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"portico/test/e2e/ports"
)

func places(xids ...uint64) (all []place) {
	for _, x := range xids {
		all = append(all, place{x, int64(x)})
	}
	return all
}

func TestTheCheckFindsWhatIsWrong(t *testing.T) {
	log := places(1, 2, 3, 4, 5, 6)
	for name, c := range map[string]struct {
		t    delivered
		want wrong
	}{
		"all":              {delivered{place{2, 2}, places(3, 4, 5, 6)}, wrong{}},
		"one is missing":   {delivered{place{2, 2}, places(3, 5, 6)}, wrong{missed: 1}},
		"the last is":      {delivered{place{2, 2}, places(3, 4, 5)}, wrong{missed: 1}},
		"one came twice":   {delivered{place{2, 2}, places(3, 4, 4, 5, 6)}, wrong{twice: 1}},
		"two changed":      {delivered{place{2, 2}, places(3, 5, 4, 6)}, wrong{order: 1}},
		"nothing came":     {delivered{place{2, 2}, nil}, wrong{missed: 4}},
		"what came before": {delivered{place{6, 6}, nil}, wrong{}},
	} {
		if got := check(log, c.t, place{6, 6}); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if r := (&results{changes: 1}); r.verdict() == nil {
		t.Error("nobody has to find the reader that is wrong")
	}
	if r := (&results{changes: 1, planted: wrong{missed: 1}, wrong: wrong{twice: 1}}); r.verdict() == nil {
		t.Error("told twice is right")
	}
	if r := (&results{changes: 1, planted: wrong{missed: 1}, torn: 1}); r.verdict() == nil {
		t.Error("a change without what was asked for is right")
	}
}

// TestNothingIsMissedWhileEverythingEnds is a short proof: the long one is go run ./test/cluster -prove,
// and without NATS go run ./test/cluster -prove -without-nats.
func TestNothingIsMissedWhileEverythingEnds(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "portico")
	if out, err := exec.Command("go", "build", "-o", binary, "portico").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	addr, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p := &proof{subscribers: 10, reconnects: 30, seed: uint64(time.Now().UnixNano()), every: 500 * time.Millisecond, locked: 6 * time.Second}
	t.Logf("seed %d", p.seed)
	if err := run(t.Context(), settings{binary: binary, addr: addr, log: &log}, p, true); err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
}
