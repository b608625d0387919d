package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// pace is how many times as fast as by default servers of stories do what they wait for by
// intent. A story that holds the defaults sets PORTICO_PACE=1.
const pace = "5"

// resource is what a story needs and waits for: the server that stories share, which one of them has at a time; a Tryton, which one
// has; or a place among the servers of stories' own, of which there are a few. So all
// stories are parallel, and who has the shared server runs beside those who have their own. Once nobody needs the shared server any
// more, or a Tryton, there is a place more.
type resource struct {
	mu      sync.Mutex
	free    int
	has     map[string]bool // by story
	waiting []claim
	over    bool
}

// claim is a story that waits, and how it gets to know that it has what it waits for.
type claim struct {
	by  string
	has chan struct{}
}

// longest are the stories that take longest, which have what they wait for before all others: one that began last would be waited for.
var longest = []string{
	"TestTrytonInTrouble", "TestTheIsolationMatrixHasNoLeak", "TestTwelveFailuresNameTheirTierAndTheNextStep",
	"TestACapabilityMovesWhilePortalsNoticeNothing", "TestEveryValueIsWhatTrytonItselfSays", "TestManyOrdersAtOnceReachTrytonOnce",
	"TestTheFirstHourLeadsToAnIncidentThatIsUnderstood", "TestTrytonTakesOrdersAndWhatBecomesOfThem", "TestSupplierIsLetInStepByStep",
	"TestWritesGoOnBesideLocksOfTables",
}

func newResource(free int) *resource { return &resource{free: free, has: map[string]bool{}} }

var (
	theShared = newResource(1)
	theTryton = newResource(1) // any of them: beside another one it answers too late now and then
	thePlaces = newResource(0)
)

// schedule makes as many places as -parallel says, or as there are cores; beside them run the shared server and those over a
// Tryton. With more of them stories run out of their own clocks. It lets go of all stories at once.
func schedule() error {
	flag.Parse()
	places := runtime.GOMAXPROCS(0)
	var err error
	flag.Visit(func(f *flag.Flag) { // what was set
		if f.Name == "test.parallel" {
			places, err = strconv.Atoi(f.Value.String())
		}
	})
	if err != nil {
		return err
	}
	thePlaces.free = places
	return flag.Set("test.parallel", "1000")
}

// story is the name of the test that t is of, or of the script.
func story(t *testing.T) string {
	name, within, _ := strings.Cut(t.Name(), "/")
	if name == "TestStories" {
		script, _, _ := strings.Cut(within, "/")
		return name + "/" + script
	}
	return name
}

func (r *resource) held(by string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.has[by]
}

// take waits until the story has it, and gives it back when t ends. A story that has it does
// not take it twice.
func (r *resource) take(t *testing.T) {
	by := story(t)
	if r.held(by) {
		return
	}
	c := claim{by, make(chan struct{})}
	r.change(func() { r.waiting = append(r.waiting, c) })
	<-c.has
	note(by)
	t.Cleanup(func() { // the first to be registered, and so the last to be done
		noteEnd(by)
		r.change(func() { delete(r.has, by); r.free++ })
	})
}

// change changes who has and who waits, and hands out what is free then.
func (r *resource) change(what func()) {
	r.mu.Lock()
	what()
	rank := func(c claim) int { return (slices.Index(longest, c.by) + len(longest) + 1) % (len(longest) + 1) } // others come last
	for ; r.free > 0 && len(r.waiting) > 0; r.free-- {
		first := slices.MinFunc(r.waiting, func(a, b claim) int { return cmp.Compare(rank(a), rank(b)) })
		r.waiting = slices.DeleteFunc(r.waiting, func(c claim) bool { return c == first })
		r.has[first.by] = true
		close(first.has)
	}
	over := !r.over && len(r.has) == 0 && len(r.waiting) == 0 && (r == theShared || r == theTryton)
	r.over = r.over || over
	r.mu.Unlock()
	if over {
		thePlaces.change(func() { thePlaces.free++ })
	}
}

// takeShared waits for the server that stories share.
func takeShared(t *testing.T) { t.Helper(); theShared.take(t) }

// takePlace waits for a place for a server of the story's own. Who has the shared server needs
// none for those that it starts beside: it would wait for others that wait for it. Nor does who
// has a Tryton: such stories are the longest, mostly wait, and begin at once.
func takePlace(t *testing.T) {
	t.Helper()
	for _, r := range []*resource{theShared, theTryton} {
		if r.held(story(t)) {
			return
		}
	}
	thePlaces.take(t)
}

// took is how long stories took from when they had all that they need.
var took = struct {
	sync.Mutex
	began map[string]time.Time
	of    map[string]time.Duration
}{began: map[string]time.Time{}, of: map[string]time.Duration{}}

func note(by string) {
	took.Lock()
	defer took.Unlock()
	took.began[by] = time.Now()
}

func noteEnd(by string) {
	took.Lock()
	defer took.Unlock()
	took.of[by] = time.Since(took.began[by])
}

// reportSlowest writes which stories took longest, without what they waited for each other.
func reportSlowest(w io.Writer) {
	took.Lock()
	defer took.Unlock()
	var names []string
	var sum time.Duration
	for name, d := range took.of {
		names, sum = append(names, name), sum+d
	}
	if len(names) < 20 { // somebody looks at a few
		return
	}
	if path := os.Getenv("PORTICO_SLOWEST"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			fmt.Fprintln(w, err)
			return
		}
		defer f.Close()
		w = f
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(took.of[b], took.of[a]) })
	fmt.Fprintf(w, "%d stories took %s one after the other; the slowest:\n", len(names), sum.Round(time.Second))
	for _, name := range names[:10] {
		fmt.Fprintf(w, "%8.1f s  %s\n", took.of[name].Seconds(), name)
	}
}

// preparation is the data folder of a server that has loaded its company and has ended.
type preparation struct {
	once   sync.Once
	folder string
}

// prepared is over the sandbox, and preparedOnTryton over a Tryton that is as it was filled.
var prepared, preparedOnTryton preparation

// measured waits until what was loaded is in the measures, too.
func (s *server) measured(t *testing.T) {
	t.Helper()
	db, before, since := s.database(t), -1, time.Now()
	s.until(t, time.Minute, "measured", func() bool {
		var n int
		if err := db.Get(&n, `SELECT count(*) FROM measured`); err != nil {
			t.Fatal(err)
		}
		if n != before {
			before, since = n, time.Now()
		}
		return n > 0 && time.Since(since) > time.Second // five looks at this pace
	})
}

// loaded is a data folder of the story's own, whose database has a company loaded already:
// loading takes ten times as long as starting over it. A story about loading begins with an
// empty [folder]. Time in the company stood still until now.
func loaded(t *testing.T) string {
	t.Helper()
	data := folder(t, true)
	copyPrepared(t, data)
	return data
}

// copyPrepared fills a data folder with a company of the sandbox.
func copyPrepared(t *testing.T, data string) {
	t.Helper()
	takePlace(t)
	prepared.copyTo(t, data, func(data string) *server {
		s := start(t, data, "PORTICO_SANDBOX_SPEED=0")
		s.settled(t)
		s.measured(t)
		return s
	})
}

// copyTo fills a data folder with what a server left that load has made ready in another one. Keys that only this server needs to
// know are left out, so that each makes its own.
func (p *preparation) copyTo(t *testing.T, data string, load func(data string) *server) {
	t.Helper()
	p.once.Do(func() {
		data := folder(t, false)
		if err := load(data).stop(); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"development-issuer.jwk", "link-key", "lock", "socket"} {
			if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
				t.Fatal(err)
			}
		}
		// No story has the machine itself crash, which is all that this is good for.
		settings, err := os.OpenFile(filepath.Join(data, "postgres", "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = settings.Close() }()
		if _, err := settings.WriteString("fsync = off\n"); err != nil {
			t.Fatal(err)
		}
		p.folder = data
	})
	if p.folder == "" {
		t.Fatal("the data folder that all begin with could not be made")
	}
	args := []string{"-a", p.folder + "/.", data}
	if runtime.GOOS == "linux" {
		args = append([]string{"--reflink=auto"}, args...)
	}
	if out, err := exec.Command("cp", args...).CombinedOutput(); err != nil {
		t.Fatalf("copying the prepared folder: %v\n%s", err, out)
	}
}
