// Package audit seals the audit log: its entries become leaves of a Merkle tree as
// RFC 6962 has it, whose head is signed into a file. Whoever changes, removes or
// reorders entries later, or cuts the log off, does not find a tree with that head.
package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"portico/store"
	"portico/store/ledger"
	"portico/trade/clock"
)

const (
	// appendEvery is the pause between two looks for entries to seal.
	appendEvery = 500 * time.Millisecond
	// appendAtOnce is how many entries are sealed in one transaction.
	appendAtOnce = 1000
	// sweepEvery is how many looks there are until one goes through sweptAtOnce older places, too:
	// what commits long after it took its place is found there.
	sweepEvery  = 20
	sweptAtOnce = 100_000
)

// Log seals the audit log.
type Log struct {
	store  *store.Store
	heads  *heads
	signed int64 // size of the last head in the file as this process knows it, or -1
	looks  int
	swept  int64 // the place up to which older places were looked at
}

// Open opens the log whose heads are in a folder, which several processes may share. They are signed with the private key in keyFile (PEM,
// Ed25519); where none is named, with one that is kept in the folder and made if there is none.
func Open(ctx context.Context, st *store.Store, folder, keyFile string) (*Log, error) {
	h, err := openHeads(ctx, folder, keyFile)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	return &Log{store: st, heads: h, signed: -1}, nil
}

// Run seals what is written, until ctx ends.
func (l *Log) Run(ctx context.Context, log *slog.Logger) {
	loop := clock.Loop{Task: "audit log", Every: appendEvery, Late: true, Log: log}
	loop.Run(ctx, clock.Pass(l.AppendEntries))
}

// AppendEntries seals what is not sealed yet, and signs the head of the tree if the last one in the folder is of a smaller tree. It fails
// with [ErrOtherLog] where what was signed there before is not in this tree, and signs nothing then.
func (l *Log) AppendEntries(ctx context.Context) error {
	for {
		n, size, err := l.appendSome(ctx)
		if err != nil {
			return err
		}
		if n == appendAtOnce {
			continue
		}
		if size == l.signed {
			return nil
		}
		return l.sign(ctx)
	}
}

// nextOlder are the older places that have their turn: none in most looks, and all of them in time.
func (l *Log) nextOlder(ctx context.Context, tx *store.Tx) (ledger.Places, error) {
	l.looks++
	if l.looks%sweepEvery != 0 {
		return ledger.Places{}, nil
	}
	last, err := ledger.LastPlace(ctx, tx)
	if err != nil {
		return ledger.Places{}, err
	}
	if l.swept >= last {
		l.swept = 0
	}
	older := ledger.Places{After: l.swept, UpTo: l.swept + sweptAtOnce}
	l.swept = older.UpTo
	return older, nil
}

func (l *Log) appendSome(ctx context.Context) (n int, size int64, err error) {
	err = l.store.InTx(ctx, func(tx *store.Tx) error {
		older, err := l.nextOlder(ctx, tx)
		if err != nil {
			return err
		}
		leaves, before, err := ledger.UnappendedEntries(ctx, tx, older, appendAtOnce)
		if err != nil {
			return err
		}
		n, size = len(leaves), before+int64(len(leaves))
		if n == 0 {
			return nil
		}
		fresh := map[int64]tlog.Hash{}
		read := hashReader(ctx, tx, fresh)
		first := tlog.StoredHashCount(before)
		var digests, hashes [][]byte
		for _, leaf := range leaves {
			digest := tlog.RecordHash([]byte(leaf.Text))
			added, err := tlog.StoredHashesForRecordHash(leaf.Index, digest, read)
			if err != nil {
				return fmt.Errorf("audit log: %w", err)
			}
			for _, h := range added {
				fresh[first+int64(len(hashes))] = h
				hashes = append(hashes, h[:])
			}
			digests = append(digests, digest[:])
		}
		return ledger.SaveLeaves(ctx, tx, leaves, digests, first, hashes)
	})
	return n, size, err
}

// ErrOtherLog tells that the database's log does not begin with what was signed.
var ErrOtherLog = errors.New("the log in the database does not begin with what was signed into this folder: it was changed, or is " +
	"another, or is restored from a backup without the heads of that backup; look with portico audit verify, and at docs/operations.md")

// sign signs the head of the tree as it is now, under the lock of the file, so that what follows there is never smaller.
func (l *Log) sign(ctx context.Context) error {
	read := hashReader(ctx, l.store, nil)
	size, err := l.heads.next(ctx, func(last tlog.Tree) (head tlog.Tree, err error) {
		if head.N, err = ledger.TreeSize(ctx, l.store); err != nil {
			return head, err
		}
		if head.N < last.N {
			return head, fmt.Errorf("it has %d entries, and %d were signed: %w", head.N, last.N, ErrOtherLog)
		}
		if last.N > 0 && last.N != l.signed { // it was signed before this process began, or by another
			made, err := tlog.TreeHash(last.N, read)
			if err != nil {
				return head, err
			}
			if made != last.Hash {
				return head, fmt.Errorf("its first %d entries: %w", last.N, ErrOtherLog)
			}
		}
		if head.N > 0 {
			head.Hash, err = tlog.TreeHash(head.N, read)
		}
		return head, err
	})
	if err != nil {
		return fmt.Errorf("audit log: %s: %w", l.heads.folder, err)
	}
	l.signed = size
	return nil
}

// hashReader reads hashes of the tree: those that were just made, or else from the store.
func hashReader(ctx context.Context, from store.Reader, fresh map[int64]tlog.Hash) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		var ask []int64
		for _, i := range indexes {
			if _, ok := fresh[i]; !ok {
				ask = append(ask, i)
			}
		}
		found := map[int64][]byte{}
		if len(ask) > 0 {
			var err error
			if found, err = ledger.TreeHashes(ctx, from, ask); err != nil {
				return nil, err
			}
		}
		all := make([]tlog.Hash, len(indexes))
		for n, i := range indexes {
			if h, ok := fresh[i]; ok {
				all[n] = h
				continue
			}
			if len(found[i]) != tlog.HashSize {
				return nil, fmt.Errorf("hash %d of the tree is missing", i)
			}
			all[n] = tlog.Hash(found[i])
		}
		return all, nil
	}
}
