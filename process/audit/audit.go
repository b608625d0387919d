// Package audit seals the audit log: its entries become leaves of a Merkle tree as
// RFC 6962 has it, whose head is signed into a file. Whoever changes, removes or
// reorders entries later, or cuts the log off, does not find a tree with that head.
package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"portico/evidence"
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
	// between stands between two heads in the file.
	between = "---\n"
)

// Log seals the audit log.
type Log struct {
	store  *store.Store
	folder string
	signer note.Signer
	signed int64 // size of the last head in the file
	looks  int
	swept  int64 // the place up to which older places were looked at
}

// Open reads the key and the heads in a folder, or makes them.
func Open(st *store.Store, folder string) (*Log, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	secret, err := os.ReadFile(filepath.Join(folder, "key")) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		secret, err = makeKey(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, fmt.Errorf("audit log: %s holds no key: %w", filepath.Join(folder, "key"), err)
	}
	l := &Log{store: st, folder: folder, signer: signer}
	heads, err := readHeads(folder)
	if err != nil {
		return nil, err
	}
	if len(heads) > 0 {
		l.signed = heads[len(heads)-1].N
	}
	return l, nil
}

func makeKey(folder string) ([]byte, error) {
	secret, public, err := note.GenerateKey(rand.Reader, "portico")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "key.pub"), []byte(public+"\n"), 0o644); err != nil { //nolint:gosec // it is there to be read
		return nil, err
	}
	return []byte(secret), os.WriteFile(filepath.Join(folder, "key"), []byte(secret+"\n"), 0o600)
}

// Run seals what is written, until ctx ends.
func (l *Log) Run(ctx context.Context, log *slog.Logger) {
	loop := clock.Loop{Task: "audit log", Every: appendEvery, Late: true, Log: log}
	loop.Run(ctx, clock.Pass(l.AppendEntries))
}

// AppendEntries seals what is not sealed yet, and signs the head of the tree if it is another one.
func (l *Log) AppendEntries(ctx context.Context) error {
	for {
		n, head, err := l.appendSome(ctx)
		if err != nil {
			return err
		}
		if n == appendAtOnce {
			continue
		}
		if head.N == l.signed {
			return nil
		}
		return l.sign(head)
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

func (l *Log) appendSome(ctx context.Context) (n int, head tlog.Tree, err error) {
	err = l.store.InTx(ctx, func(tx *store.Tx) error {
		older, err := l.nextOlder(ctx, tx)
		if err != nil {
			return err
		}
		leaves, size, err := ledger.UnappendedEntries(ctx, tx, older, appendAtOnce)
		if err != nil {
			return err
		}
		n, head.N = len(leaves), size+int64(len(leaves))
		if head.N == l.signed && n == 0 {
			return nil
		}
		fresh := map[int64]tlog.Hash{}
		read := hashReader(ctx, tx, fresh)
		first := tlog.StoredHashCount(size)
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
		if n > 0 {
			if err := ledger.SaveLeaves(ctx, tx, leaves, digests, first, hashes); err != nil {
				return err
			}
		}
		head.Hash, err = tlog.TreeHash(head.N, read)
		return err
	})
	return n, head, err
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

func (l *Log) sign(head tlog.Tree) error {
	text := fmt.Sprintf("%s\n%d\n%s\n", evidence.HeadTitle, head.N, base64.StdEncoding.EncodeToString(head.Hash[:]))
	signedText, err := note.Sign(&note.Note{Text: text}, l.signer)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(l.folder, "heads"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644) //nolint:gosec // it is there to be read
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	if _, err := file.Write(append(signedText, between...)); err != nil {
		return errors.Join(fmt.Errorf("audit log: %w", err), file.Close())
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	l.signed = head.N
	return nil
}

// readHeads reads the heads that were signed, oldest first. A last one that a crash cut
// off counts for nothing.
func readHeads(folder string) ([]tlog.Tree, error) {
	public, err := os.ReadFile(filepath.Join(folder, "key.pub")) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(public)))
	if err != nil {
		return nil, fmt.Errorf("audit log: %s: %w", filepath.Join(folder, "key.pub"), err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "heads")) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	parts := bytes.Split(text, []byte(between))
	heads := make([]tlog.Tree, 0, len(parts))
	for i, p := range parts[:len(parts)-1] {
		head, err := evidence.ReadHead(p, verifier)
		if err != nil {
			return nil, fmt.Errorf("audit log: head %d of %s: %w", i, filepath.Join(folder, "heads"), err)
		}
		heads = append(heads, head)
	}
	return heads, nil
}

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
	public, err := os.ReadFile(filepath.Join(folder, "key.pub")) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "heads")) //nolint:gosec // the operator names the file
	if err != nil || len(heads) == 0 {
		return nil, errors.Join(ErrNotAppended, err)
	}
	signed := bytes.Split(text, []byte(between))
	last := heads[len(heads)-1]
	p := &evidence.Proofs{Head: string(signed[len(heads)-1]), Key: strings.TrimSpace(string(public))}
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
