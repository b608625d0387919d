package clock

import (
	"math"
	"sync/atomic"
	"time"
)

// pace are the bits of how many times as fast as by default this process does what it waits
// for by intent; zero stands for 1.
var pace atomic.Uint64

// SetPace sets how many times as fast the process does what it waits for by intent. It is set
// once, before anything runs, in development and tests alone; 1 is the default.
func SetPace(times float64) { pace.Store(math.Float64bits(times)) }

// shortest is what no pause is divided below: looking more often takes the CPU from what is looked for.
const shortest = 500 * time.Millisecond

// Paced is d at the pace of the process, and no pause becomes shorter than half a second by it. It is for pauses whose
// length is a choice, such as those between two looks at a table, or until a state counts as lasting. A lease, a sign of life that
// a lease is held to, a timeout, a deadline and the pause before a repetition keep their values: others rely on them.
func Paced(d time.Duration) time.Duration {
	times := math.Float64frombits(pace.Load())
	if times == 0 || times == 1 {
		return d
	}
	return max(min(d, shortest), time.Duration(float64(d)/times))
}
