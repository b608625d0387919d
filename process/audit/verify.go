package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"portico/evidence"
	"portico/store"
	"portico/store/ledger"
)

// Report is what verifying the log found.
type Report struct {
	Heads   int
	Entries int64 // in the tree, as the last head has it
	Wrong   []string
}

// mostWrong is how much is told that is wrong.
const mostWrong = 20

// Verify makes the tree anew from the entries as they are in the database, and compares
// it with every head that was signed.
func Verify(ctx context.Context, st *store.Store, folder string) (*Report, error) {
	heads, err := readHeads(folder)
	if err != nil {
		return nil, err
	}
	r := &Report{Heads: len(heads)}
	wrong := func(format string, args ...any) {
		if len(r.Wrong) < mostWrong {
			r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
		}
	}
	if len(heads) == 0 {
		return r, nil
	}
	last := heads[len(heads)-1]
	r.Entries = last.N
	hashes := map[int64]tlog.Hash{}
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		all := make([]tlog.Hash, len(indexes))
		for i, n := range indexes {
			all[i] = hashes[n]
		}
		return all, nil
	})
	next := int64(0)
	good := int64(0) // size of the last head that holds
	check := func() error {
		for len(heads) > 0 && heads[0].N == next {
			made := tlog.Hash{}
			if next > 0 {
				if made, err = tlog.TreeHash(next, read); err != nil {
					return fmt.Errorf("audit log: %w", err)
				}
			}
			if next > 0 && made != heads[0].Hash {
				wrong("the first %d entries are not those that were signed: something after entry %d was changed or put elsewhere", next, good)
			} else {
				good = next
			}
			heads = heads[1:]
		}
		return nil
	}
	if err := check(); err != nil {
		return nil, err
	}
	for next < last.N {
		leaves, err := ledger.Leaves(ctx, st, next, appendAtOnce)
		if err != nil {
			return nil, err
		}
		if len(leaves) == 0 {
			wrong("the log ends at entry %d, and %d were signed: its end is missing", next, last.N)
			break
		}
		for _, leaf := range leaves {
			if leaf.Index != next {
				wrong("entry %d is missing from the tree", next)
				return r, nil
			}
			digest := tlog.RecordHash([]byte(leaf.Text))
			switch {
			case leaf.Text == "":
				wrong("entry %d was removed", leaf.Index)
			case !bytes.Equal(leaf.Digest, digest[:]):
				wrong("entry %d was changed", leaf.Index)
			}
			added, err := tlog.StoredHashesForRecordHash(leaf.Index, digest, read)
			if err != nil {
				return nil, fmt.Errorf("audit log: %w", err)
			}
			for i, h := range added {
				hashes[tlog.StoredHashCount(leaf.Index)+int64(i)] = h
			}
			next++
			if err := check(); err != nil {
				return nil, err
			}
			if next == last.N {
				break
			}
		}
	}
	return r, nil
}

// Prove proves that the entries with these indexes are in the last tree whose head was
// signed into a folder. It fails with [ErrUnsealed] where one of them is not yet.
func Prove(ctx context.Context, st *store.Store, folder string, indexes []int64) (*evidence.Proofs, error) {
	heads, err := readHeads(folder)
	if err != nil {
		return nil, err
	}
	if len(heads) == 0 {
		return nil, ErrNotAppended
	}
	last := heads[len(heads)-1]
	p := &evidence.Proofs{Head: last.text, Key: last.key}
	read := hashReader(ctx, st, nil)
	for _, i := range indexes {
		if i >= last.N {
			return nil, ErrNotAppended
		}
		path, err := tlog.ProveRecord(last.N, i, read)
		if err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		p.Paths = append(p.Paths, path)
	}
	return p, nil
}

// ErrNotAppended tells that something is not in a tree whose head was signed, which takes
// half a second.
var ErrNotAppended = errors.New("the audit log has not been appended that far yet: retry in a second")
