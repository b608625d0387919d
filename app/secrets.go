package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/edge/guard"
	"portico/evidence/signatures"
	"portico/process/purchasing"
	"portico/store"
	"portico/store/ledger"
	"portico/trade"
	"portico/trade/clock"
)

// lookEvery is how often files of secrets are looked at, at most: what is
// rotated is in force within a second.
const lookEvery = time.Second

// reloaded is what is read from files, anew whenever one of them changes. A
// file that is bad after a change is told, and what was read before stays.
type reloaded[T any] struct {
	files []string
	read  func() (T, error)
	log   *slog.Logger

	mu     sync.Mutex
	value  T
	looked time.Time
	stamp  string
}

// reload reads files for the first time.
func reload[T any](log *slog.Logger, files []string, read func() (T, error)) (*reloaded[T], error) {
	r := &reloaded[T]{files: files, read: read, log: log, looked: time.Now(), stamp: stampOf(files)}
	var err error
	r.value, err = read()
	return r, err
}

func (r *reloaded[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) < clock.Paced(lookEvery) {
		return r.value
	}
	r.looked = time.Now()
	stamp := stampOf(r.files)
	if stamp == r.stamp {
		return r.value
	}
	fresh, err := r.read()
	if err != nil {
		r.log.Error("changed files cannot be read; what was read before stays in force", "files", r.files, "err", err)
		return r.value
	}
	r.log.Info("changed files are in force", "files", r.files)
	r.value, r.stamp = fresh, stamp
	return r.value
}

// stampOf is another text when one of the files is another.
func stampOf(files []string) string {
	var b strings.Builder
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			fmt.Fprint(&b, info.ModTime().UnixNano(), info.Size(), " ")
		}
	}
	return b.String()
}

// secured serves TLS 1.2 or newer on a listener, with the certificate in cfg's
// files.
func secured(listener net.Listener, cfg Config, log *slog.Logger) (net.Listener, error) {
	certificate, err := reload(log, []string{cfg.TLSCert, cfg.TLSKey}, func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("PORTICO_TLS_CERT and PORTICO_TLS_KEY: %w", err)
		}
		return &c, nil
	})
	if err != nil {
		return nil, err
	}
	return tls.NewListener(listener, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, // WebSocket has no HTTP/2 here
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.get(), nil },
	}), nil
}

// leastKey is the least length of a key that seals links.
const leastKey = 32

// linkKeys are the keys that seal links to documents: the first seals, and all
// of them open, so that links given before a rotation work until they expire.
func linkKeys(cfg Config, log *slog.Logger) (func() [][]byte, error) {
	if cfg.LinkKey != "" && cfg.LinkKeyFile == "" {
		return always([]byte(cfg.LinkKey)), nil
	}
	return keys(cfg, "PORTICO_LINK_KEY_FILE", cfg.LinkKeyFile, "link-key", log)
}

// dataKeys are the keys that restricted columns are encrypted with.
func dataKeys(cfg Config, log *slog.Logger) (func() [][]byte, error) {
	return keys(cfg, "PORTICO_DATA_KEY_FILE", cfg.DataKeyFile, "data-key", log)
}

func always(key []byte) func() [][]byte { return func() [][]byte { return [][]byte{key} } }

// keys are those in a file, one a line; without one, a key made once and kept in
// the data folder.
func keys(cfg Config, setting, file, own string, log *slog.Logger) (func() [][]byte, error) {
	if file == "" {
		key, err := ownKey(cfg, own)
		return always(key), err
	}
	keys, err := reload(log, []string{file}, func() ([][]byte, error) {
		text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setting, err)
		}
		var keys [][]byte
		for _, line := range strings.Fields(string(text)) {
			if len(line) < leastKey || weak(line) {
				return nil, fmt.Errorf("%s %s: a key has %d characters, and must have at least %d, and be random", setting, file, len(line), leastKey)
			}
			keys = append(keys, []byte(line))
		}
		if len(keys) == 0 {
			return nil, fmt.Errorf("%s %s: there is no key in it", setting, file)
		}
		return keys, nil
	})
	if err != nil {
		return nil, err
	}
	return keys.get, nil
}

// ownKey is a secret that is made once and kept in the data folder.
func ownKey(cfg Config, name string) ([]byte, error) {
	path := filepath.Join(cfg.Data, name)
	key, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err == nil && len(key) >= 26 {
		return key, nil
	}
	key = []byte(rand.Text() + rand.Text())
	if err := os.MkdirAll(cfg.Data, 0o755); err != nil { //nolint:gosec // what is secret in it has rights of its own
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// secretIn is the text of a file, without blanks around it.
func secretIn(setting, file string, log *slog.Logger) (func() string, error) {
	secret, err := reload(log, []string{file}, func() (string, error) {
		text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
		if err != nil {
			return "", fmt.Errorf("%s: %w", setting, err)
		}
		if s := strings.TrimSpace(string(text)); s != "" {
			return s, nil
		}
		return "", fmt.Errorf("%s: %s is empty", setting, file)
	})
	if err != nil {
		return nil, err
	}
	return secret.get, nil
}

// sourceKey is what a source is asked with.
func sourceKey(name string, c SourceConfig, log *slog.Logger) (func() string, error) {
	if c.KeyFile != "" {
		return secretIn("PORTICO_CONFIG: sources."+name+".key_file", c.KeyFile, log)
	}
	return func() string { return c.Key }, nil
}

// pushSecrets are the secrets that a source signs with, those of a file read anew when it
// changes.
func pushSecrets(name string, c SourceConfig, log *slog.Logger) (func() []string, error) {
	if c.Webhook.SecretFile != "" {
		text, err := secretIn("PORTICO_CONFIG: sources."+name+".webhook.secret_file", c.Webhook.SecretFile, log)
		return func() []string { return strings.Fields(text()) }, err
	}
	return func() []string { return strings.Fields(c.Webhook.Secret) }, nil
}

// knownDocuments are the manifests of clients, read anew when they change.
func knownDocuments(f File, log *slog.Logger) (*guard.Known, error) {
	for _, role := range f.Documents.Required {
		if role != trade.Customer && role != trade.Supplier && role != trade.Operator {
			return nil, fmt.Errorf("PORTICO_CONFIG: documents.required names %q: it must be customer, supplier or operator", role)
		}
	}
	manifests, err := reload(log, slices.Collect(maps.Values(f.Documents.Manifests)), func() (map[string]guard.Manifest, error) {
		all := map[string]guard.Manifest{}
		for client, file := range f.Documents.Manifests {
			text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
			if err != nil {
				return nil, fmt.Errorf("PORTICO_CONFIG: documents.manifests.%s: %w", client, err)
			}
			if all[client], err = guard.ReadManifest(text); err != nil {
				return nil, fmt.Errorf("PORTICO_CONFIG: documents.manifests.%s %s: %w", client, file, err)
			}
		}
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	return guard.NewKnown(manifests.get)
}

// receiptKey is the key that receipts are signed with: the one in the file that is set, or
// one that is made once and kept in the data folder. Its public half is kept for ever.
func receiptKey(ctx context.Context, cfg Config, st *store.Store) (s purchasing.Signing, err error) {
	path := cfg.ReceiptKeyFile
	if path == "" {
		path = filepath.Join(cfg.Data, "receipt-key.pem")
		if err := ownReceiptKey(path); err != nil {
			return s, fmt.Errorf("receipt key: %w", err)
		}
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return s, fmt.Errorf("PORTICO_RECEIPT_KEY_FILE: %w", err)
	}
	if s.Key, err = signatures.PrivateKey(text); err != nil {
		return s, fmt.Errorf("PORTICO_RECEIPT_KEY_FILE %s: %w: make one with openssl genpkey -algorithm ed25519", path, err)
	}
	public := s.Key.Public().(ed25519.PublicKey) //nolint:errcheck // the key is of that kind
	s.KeyID = "receipts-" + signatures.Fingerprint(public)[:16]
	return s, ledger.SaveReceiptKey(ctx, st, s.KeyID, public)
}

func ownReceiptKey(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	text, err := signatures.PrivatePEM(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // what is secret in it has rights of its own
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
