package replica

import (
	"context"
	"sync"
	"time"

	"portico/sources"
	"portico/store"
	operatingstore "portico/store/operating"
)

const (
	// unusedNotedEvery is how long a field that nothing uses is not noted again: almost every record has it.
	unusedNotedEvery = time.Hour
	// mostUnused is how many fields of a kind are noted: of a source that makes up names, not all.
	mostUnused = 500
)

// unusedFields are when each field of sources' records was noted that nothing uses, by path.
type unusedFields struct {
	mu    sync.Mutex
	noted map[recordsOf]map[string]time.Time
}

type recordsOf struct {
	source  string
	subject sources.Subject
}

// note lists fields, with the reference of a record that has each, unless that was done within the hour.
func (u *unusedFields) note(ctx context.Context, st *store.Store, of recordsOf, fields map[string]string, at time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	noted, due := u.noted[of], map[string]string{}
	for path, ref := range fields {
		if last, before := noted[path]; before && at.Sub(last) >= unusedNotedEvery || !before && len(noted)+len(due) < mostUnused {
			due[path] = ref
		}
	}
	if len(due) == 0 {
		return nil
	}
	if err := operatingstore.NoteUnused(ctx, st, of.source, string(of.subject), due, at); err != nil {
		return err
	}
	if noted == nil {
		if u.noted == nil {
			u.noted = map[recordsOf]map[string]time.Time{}
		}
		noted = map[string]time.Time{}
		u.noted[of] = noted
	}
	for path := range due {
		noted[path] = at
	}
	return nil
}
