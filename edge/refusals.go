package edge

import "sync"

// Refusals counts the requests that were refused before they ran, by client and code.
type Refusals struct {
	mu    sync.Mutex
	count map[Refusal]int
}

// Refusal is whose request was refused, and why.
type Refusal struct{ Client, Code string }

// mostRefused is how many clients and codes are told apart: whoever is refused may call itself anything.
const mostRefused = 1000

func (r *Refusals) add(client, code string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = map[Refusal]int{}
	}
	key := Refusal{client, code}
	if _, known := r.count[key]; !known && len(r.count) >= mostRefused {
		key.Client = "others"
	}
	r.count[key]++
}

// Take are the refusals since they were taken last.
func (r *Refusals) Take() map[Refusal]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.count
	r.count = nil
	return all
}
