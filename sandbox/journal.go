package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// effect is one accepted change of the company's state. Applying it gives the
// same state again, because all that it decided is in it.
type effect struct {
	Seq   int             `json:"seq"`
	At    time.Time       `json:"at"`
	Do    string          `json:"do"`
	Key   string          `json:"key,omitempty"`
	Doc   string          `json:"doc,omitempty"`
	N     int             `json:"n,omitempty"`
	Seed  uint64          `json:"seed,omitempty"`
	Scale int             `json:"scale,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
}

// journal is the append-only list of accepted effects, on disk before an
// effect is answered.
type journal struct {
	mu   sync.Mutex
	file *os.File
	seq  int
	all  []effect
}

// openJournal reads the journal in folder, or begins one with head. A last
// line that a crash cut off was never answered, and is dropped.
func openJournal(folder string, head effect) (*journal, []effect, error) {
	j := &journal{}
	if folder == "" {
		j.all = []effect{head}
		return j, j.all, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(folder, "journal.jsonl"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	j.file = file
	whole, in := int64(0), bufio.NewReader(file)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		var e effect
		if err != nil || json.Unmarshal(line, &e) != nil {
			file.Close()
			return nil, nil, fmt.Errorf("journal: line %d cannot be read; `make reset` starts from scratch", len(j.all)+1)
		}
		whole += int64(len(line))
		j.all = append(j.all, e)
		j.seq = e.Seq
	}
	if err := file.Truncate(whole); err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	if _, err := file.Seek(whole, io.SeekStart); err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	if len(j.all) == 0 {
		if err := j.write(head); err != nil {
			return nil, nil, err
		}
		j.all = append(j.all, head)
	}
	return j, j.all, nil
}

// accept numbers an effect and puts it on disk.
func (j *journal) accept(e effect) (effect, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Seq = j.seq + 1
	if err := j.write(e); err != nil {
		return e, err
	}
	j.seq = e.Seq
	j.all = append(j.all, e)
	return e, nil
}

func (j *journal) write(e effect) error {
	if j.file == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (j *journal) since(seq int) []effect {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []effect
	for _, e := range j.all {
		if e.Seq > seq {
			out = append(out, e)
		}
	}
	return out
}

// Close closes the file.
func (j *journal) Close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
