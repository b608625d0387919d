package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"portico/process/audit"
	"portico/sources"
	"portico/store/ledger"
	"portico/trade/procurement"
)

// documentSource opens the documents that links lead to: those of sources, and our own.
type documentSource struct{ *server }

// Document opens one.
func (p documentSource) Document(ctx context.Context, source, ref string) (io.ReadCloser, error) {
	if source != procurement.EvidenceInstance {
		return p.sources.Document(ctx, source, ref)
	}
	b, err := audit.Export(ctx, p.store, p.auditFolder, ref, p.now)
	if errors.Is(err, audit.ErrNone) {
		return nil, sources.Fail(sources.NotFound, "no such purchase order")
	}
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(b, "", "  ")
	return io.NopCloser(bytes.NewReader(text)), err
}

// receiptKeys tells the public keys of receipts as a JSON Web Key Set (RFC 7517), so that
// whoever has a receipt can check it.
func (p *server) receiptKeys(w http.ResponseWriter, r *http.Request) {
	keys, err := ledger.ReceiptKeys(r.Context(), p.store)
	if err != nil {
		p.log.ErrorContext(r.Context(), "receipt keys", "err", err)
		http.Error(w, "The keys cannot be read at the moment. Retry soon.", http.StatusServiceUnavailable)
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
