package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/guard"
	"portico/trade"
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
	if time.Since(r.looked) < lookEvery {
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
	if cfg.LinkKeyFile == "" {
		key, err := linkKey(cfg)
		return func() [][]byte { return [][]byte{key} }, err
	}
	keys, err := reload(log, []string{cfg.LinkKeyFile}, func() ([][]byte, error) {
		text, err := os.ReadFile(cfg.LinkKeyFile)
		if err != nil {
			return nil, fmt.Errorf("PORTICO_LINK_KEY_FILE: %w", err)
		}
		var keys [][]byte
		for _, line := range strings.Fields(string(text)) {
			if len(line) < leastKey {
				return nil, fmt.Errorf("PORTICO_LINK_KEY_FILE %s: a key has %d characters, and must have at least %d", cfg.LinkKeyFile, len(line), leastKey)
			}
			keys = append(keys, []byte(line))
		}
		if len(keys) == 0 {
			return nil, errors.New("PORTICO_LINK_KEY_FILE " + cfg.LinkKeyFile + ": there is no key in it")
		}
		return keys, nil
	})
	if err != nil {
		return nil, err
	}
	return keys.get, nil
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
			text, err := os.ReadFile(file)
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
