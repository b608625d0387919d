package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"

	"portico/evidence"
	"portico/process"
	"portico/signatures"
	"portico/sources"
	"portico/store"
	"portico/trade"
)

// auditFolder is where the audit log's key and heads lie in the data folder.
const auditFolder = "audit"

// papers are the documents that links lead to: those of sources, and our own.
type papers struct{ *parts }

// Document opens one.
func (p *papers) Document(ctx context.Context, source, ref string) (io.ReadCloser, error) {
	if source != trade.EvidenceInstance {
		return p.sources.Document(ctx, source, ref)
	}
	b, err := evidence.Export(ctx, p.store, p.auditFolder, ref)
	if errors.Is(err, evidence.ErrNone) {
		return nil, sources.Fail(sources.NotFound, "no such purchase order")
	}
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(b, "", "  ")
	return io.NopCloser(bytes.NewReader(text)), err
}

// receiptKey is the key that receipts are signed with: the one in the file that is set, or
// one that is made once and kept in the data folder. Its public half is kept for ever.
func receiptKey(ctx context.Context, cfg Config, st *store.Store) (s process.Signing, err error) {
	path := cfg.ReceiptKeyFile
	if path == "" {
		path = filepath.Join(cfg.Data, "receipt-key.pem")
		if err := ownReceiptKey(path); err != nil {
			return s, fmt.Errorf("receipt key: %w", err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("PORTICO_RECEIPT_KEY_FILE: %w", err)
	}
	if s.Key, err = signatures.PrivateKey(text); err != nil {
		return s, fmt.Errorf("PORTICO_RECEIPT_KEY_FILE %s: %w: make one with openssl genpkey -algorithm ed25519", path, err)
	}
	public := s.Key.Public().(ed25519.PublicKey)
	s.KeyID = "receipts-" + signatures.Fingerprint(public)[:16]
	return s, st.SaveReceiptKey(ctx, s.KeyID, public)
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
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// receiptKeys tells the public keys of receipts as a JSON Web Key Set (RFC 7517), so that
// whoever has a receipt can check it.
func (p *parts) receiptKeys(w http.ResponseWriter, r *http.Request) {
	keys, err := p.store.ReceiptKeys(r.Context())
	if err != nil {
		p.log.ErrorContext(r.Context(), "receipt keys", "err", err)
		http.Error(w, "The keys cannot be read at the moment. Try again soon.", http.StatusServiceUnavailable)
		return
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: ed25519.PublicKey(k.PublicKey), KeyID: k.ID, Algorithm: string(jose.EdDSA), Use: "sig"})
	}
	w.Header().Set("Cache-Control", "public, max-age="+fmt.Sprint(int((5*time.Minute).Seconds())))
	answer(w, http.StatusOK, set)
}

// perMinute is a rate a second as one a minute, as large as GraphQL tells numbers.
func perMinute(rate int64) int { return int(min(rate*60, math.MaxInt32)) }
