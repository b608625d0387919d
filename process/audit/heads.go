package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"portico/evidence"
	"portico/evidence/signatures"
	"portico/trade/clock"
)

const (
	// signerName is who signs, as signed notes have it.
	signerName = "portico"
	// between stands between two heads in the file.
	between = "---\n"
	// mostOfHead is more than any head has, in bytes.
	mostOfHead = 4096
	// lockedWithin is how long another process may hold the file: it needs milliseconds, unless it stands still.
	lockedWithin = 10 * time.Second
	lockPause    = 20 * time.Millisecond
)

// heads are the heads of the tree that were signed, in a folder: the file heads, oldest first, and the public keys of those who signed them
// in key.pub, one a line. They are no part of the database, for whoever cuts off a log there would cut off its heads, too.
type heads struct {
	folder string
	signer note.Signer
}

func openHeads(ctx context.Context, folder, keyFile string) (*heads, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	h := &heads{folder: folder}
	return h, h.locked(ctx, func(*os.File) (err error) {
		if keyFile == "" {
			h.signer, err = ownKey(folder)
		} else {
			h.signer, err = namedKey(folder, keyFile)
		}
		return err
	})
}

// namedKey is the key in a file that the operator names.
func namedKey(folder, path string) (note.Signer, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("PORTICO_AUDIT_KEY_FILE: %w", err)
	}
	private, err := signatures.PrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("PORTICO_AUDIT_KEY_FILE %s: %w: make one with openssl genpkey -algorithm ed25519", path, err)
	}
	public, err := note.NewEd25519VerifierKey(signerName, private.Public().(ed25519.PublicKey)) //nolint:errcheck // it is one
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, err
	}
	return pemSigner{verifier, private}, addPublicKey(folder, public)
}

// pemSigner signs notes with a key that is not kept in their own format.
type pemSigner struct {
	note.Verifier

	key ed25519.PrivateKey
}

func (s pemSigner) Sign(text []byte) ([]byte, error) { return ed25519.Sign(s.key, text), nil }

// ownKey is the key that is kept in the folder. Its public half is written first: without it nobody could verify what the key signs.
func ownKey(folder string) (note.Signer, error) {
	path := filepath.Join(folder, "key")
	secret, err := os.ReadFile(path) //nolint:gosec // the operator names the folder
	if errors.Is(err, fs.ErrNotExist) {
		made, public, err := note.GenerateKey(rand.Reader, signerName)
		if err != nil {
			return nil, err
		}
		if err := addPublicKey(folder, public); err != nil {
			return nil, err
		}
		secret = []byte(made + "\n")
		if err := os.WriteFile(path, secret, 0o600); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, fmt.Errorf("%s holds no key: %w", path, err)
	}
	return signer, nil
}

// addPublicKey adds a key to those whose signatures count, if it is not one of them.
func addPublicKey(folder, public string) error {
	path := filepath.Join(folder, "key.pub")
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the folder
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if slices.Contains(strings.Fields(string(text)), public) {
		return nil
	}
	return os.WriteFile(path, append(text, public+"\n"...), 0o644) //nolint:gosec // it is there to be read
}

// publicKeys are the keys whose signatures count.
func publicKeys(folder string) (map[string]note.Verifier, error) {
	path := filepath.Join(folder, "key.pub")
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the folder
	if err != nil {
		return nil, err
	}
	keys := map[string]note.Verifier{}
	for _, line := range strings.Fields(string(text)) {
		if keys[line], err = note.NewVerifier(line); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return keys, nil
}

// signedHead is a head as it was signed, and the public key that verifies it.
type signedHead struct {
	tlog.Tree

	text, key string
}

func readHead(text []byte, keys map[string]note.Verifier) (h signedHead, err error) {
	err = errors.New("there is no public key")
	for key, verifier := range keys {
		if h.Tree, err = evidence.ReadHead(text, verifier); err == nil {
			return signedHead{h.Tree, string(text), key}, nil
		}
	}
	return h, err
}

// readHeads reads all heads that were signed, oldest first. A last one that a crash cut off counts for nothing.
func readHeads(folder string) ([]signedHead, error) {
	keys, err := publicKeys(folder)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	path := filepath.Join(folder, "heads")
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	parts := bytes.Split(text, []byte(between))
	all := make([]signedHead, len(parts)-1)
	for i, part := range parts[:len(parts)-1] {
		if all[i], err = readHead(part, keys); err != nil {
			return nil, fmt.Errorf("audit log: head %d of %s: %w", i, path, err)
		}
	}
	return all, nil
}

// next signs the head that comes after the last one in the file, as after makes it, unless that is of a tree as large. It returns its size.
func (h *heads) next(ctx context.Context, after func(last tlog.Tree) (tlog.Tree, error)) (size int64, err error) {
	err = h.locked(ctx, func(file *os.File) error {
		last, end, err := h.last(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file.Name(), err)
		}
		head, err := after(last)
		if size = head.N; err != nil || head.N == last.N {
			return err
		}
		text, err := note.Sign(&note.Note{
			Text: fmt.Sprintf("%s\n%d\n%s\n", evidence.HeadTitle, head.N, base64.StdEncoding.EncodeToString(head.Hash[:])),
		}, h.signer)
		if err != nil {
			return err
		}
		if err := file.Truncate(end); err != nil { // what a crash cut off
			return err
		}
		if _, err := file.WriteAt(append(text, between...), end); err != nil {
			return err
		}
		return file.Sync()
	})
	return size, err
}

// last is the last whole head in the file, and where it ends.
func (h *heads) last(file *os.File) (head tlog.Tree, end int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return head, 0, err
	}
	from := max(0, info.Size()-2*mostOfHead)
	tail := make([]byte, info.Size()-from)
	if _, err := file.ReadAt(tail, from); err != nil {
		return head, 0, err
	}
	length := bytes.LastIndex(tail, []byte(between))
	if length < 0 {
		if from > 0 {
			err = errors.New("it does not end with a head")
		}
		return head, 0, err
	}
	text := tail[:length]
	if i := bytes.LastIndex(text, []byte(between)); i >= 0 {
		text = text[i+len(between):]
	}
	keys, err := publicKeys(h.folder)
	if err != nil {
		return head, 0, err
	}
	found, err := readHead(text, keys)
	return found.Tree, from + int64(length+len(between)), err
}

// locked runs do while no other process signs into the folder.
func (h *heads) locked(ctx context.Context, do func(file *os.File) error) (err error) {
	file, err := os.OpenFile(filepath.Join(h.folder, "heads"), os.O_CREATE|os.O_RDWR, 0o644) //nolint:gosec // it is there to be read
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }() // which gives the lock back
	for waited := clock.Start(); ; {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return do(file)
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("%s: %w", file.Name(), err)
		}
		if waited.Elapsed() > lockedWithin {
			return fmt.Errorf("%s: another process has held it for %s; one that stands still must be ended", file.Name(), lockedWithin)
		}
		if err := clock.Pause(ctx, lockPause); err != nil {
			return err
		}
	}
}
