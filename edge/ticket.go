package edge

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"portico/edge/auth"
)

// A ticket signs in who cannot send a header, a browser's EventSource: it works
// once, for ticketTTL, and for the one operation it was asked for. What it stands
// for is kept sealed with a key that is made of the ticket and kept nowhere.

const ticketTTL = 30 * time.Second

// Tickets keep what tickets stand for, for all processes.
type Tickets interface {
	// SaveTicket keeps something under a digest until it expires.
	SaveTicket(ctx context.Context, digest, encrypted []byte, expires time.Time) error
	// TakeTicket is what was kept, once; nil where there is nothing.
	TakeTicket(ctx context.Context, digest []byte) ([]byte, error)
}

// ticketed is what a ticket stands for.
type ticketed struct {
	Token     string `json:"token"`
	Operation []byte `json:"operation"`
}

// fingerprint is the same for the same operation with the same variables.
func fingerprint(p *request) []byte {
	variables := p.Variables
	if variables == nil {
		variables = map[string]any{}
	}
	text, _ := json.Marshal([]any{p.Query, p.DocumentID, p.hash(), p.OperationName, variables}) // names come in order
	sum := sha256.Sum256(text)
	return sum[:]
}

// secrets are the name under which a ticket is kept and the cipher it is sealed
// with.
func secrets(ticket string) (digest []byte, aead cipher.AEAD, err error) {
	name, key := sha256.Sum256([]byte("digest "+ticket)), sha256.Sum256([]byte("key "+ticket))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, nil, err
	}
	aead, err = cipher.NewGCMWithRandomNonce(block)
	return name[:], aead, err
}

// ticket answers POST /graphql/ticket, whose body is the operation as it would
// be sent, with a ticket for it.
func (s *server) ticket(w http.ResponseWriter, r *http.Request) {
	token, given := bearer(r.Header.Get("Authorization"))
	if !given {
		refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "Sign in: send the header Authorization: Bearer with a token.")
		return
	}
	var params request
	if no := posted(r, &params, s.Authority); no != nil {
		s.refuse(w, r, plainJSON, *no)
		return
	}
	op, errs := s.accept(r.Context(), &params)
	if errs != nil {
		s.answer(w, r, plainJSON, http.StatusBadRequest, s.failed(r.Context(), errs))
		return
	}
	s.refund(op, 1) // it pays when it runs
	ticket, expires := rand.Text(), time.Now().Add(ticketTTL)
	digest, aead, err := secrets(ticket)
	if err == nil {
		var text []byte
		if text, err = json.Marshal(ticketed{token, fingerprint(&params)}); err == nil {
			err = s.Tickets.SaveTicket(r.Context(), digest, aead.Seal(nil, nil, text, nil), expires) //nolint:gosec // the AEAD makes its own nonce (NewGCMWithRandomNonce)
		}
	}
	if err != nil {
		s.Log.ErrorContext(r.Context(), "ticket not made", "err", err)
		refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE", "A ticket cannot be made at the moment. Retry soon.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", plainJSON)
	h["Cache-Control"], h["X-Content-Type-Options"], h["Vary"] = noStore, noSniff, vary
	_ = json.NewEncoder(w).Encode(map[string]any{"ticket": ticket, "expiresAt": expires.UTC().Format(time.RFC3339)})
}

// ticketed signs in by the request's ticket, if it has one. Tickets that were
// used, have expired, are of another operation or were never given are refused
// alike.
func (s *server) ticketed(ctx context.Context, w http.ResponseWriter, r *http.Request, params *request) (context.Context, bool) {
	ticket := r.URL.Query().Get("ticket")
	if ticket == "" {
		return ctx, true
	}
	caller, err := s.redeem(ctx, ticket, params)
	switch {
	case errors.Is(err, auth.ErrToken):
		refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "The ticket is not accepted. Ask for a new one.")
		return ctx, false
	case err != nil:
		s.Log.ErrorContext(ctx, "ticket not taken", "err", err)
		refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE", "Sign-in is not possible at the moment. Retry soon.")
		return ctx, false
	}
	return auth.WithCaller(ctx, caller), true
}

func (s *server) redeem(ctx context.Context, ticket string, params *request) (auth.Caller, error) {
	digest, aead, err := secrets(ticket)
	if err != nil {
		return auth.Caller{}, err
	}
	encrypted, err := s.Tickets.TakeTicket(ctx, digest)
	if err != nil {
		return auth.Caller{}, err
	}
	text, err := aead.Open(nil, nil, encrypted, nil)
	var t ticketed
	if encrypted == nil || err != nil || json.Unmarshal(text, &t) != nil || string(t.Operation) != string(fingerprint(params)) {
		return auth.Caller{}, auth.ErrToken
	}
	return s.Auth.Authenticate(ctx, t.Token)
}
