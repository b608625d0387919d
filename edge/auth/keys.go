package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	strict "github.com/go-json-experiment/json"
)

// refetchEvery is the least time between two fetches of an issuer's keys that
// unknown keys cause: a flood of forged tokens must not become one of fetches.
const refetchEvery = 10 * time.Second

var (
	errKeysUnreachable = errors.New("the issuer's keys cannot be fetched")
	errNoKey           = errors.New("no such key")
)

// keySet holds an issuer's keys, found by discovery and fetched when a token
// names one that is not known.
type keySet struct {
	issuer string
	fixed  *jose.JSONWebKeySet // of an issuer that needs no fetching

	mu      sync.Mutex
	jwks    string // address, once discovered
	keys    jose.JSONWebKeySet
	fetched time.Time
	gen     uint64
}

var _ oidc.KeySet = (*keySet)(nil)

// generation changes whenever the keys do.
func (k *keySet) generation() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gen
}

// VerifySignature verifies a compact JWS and returns its payload.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	algs := make([]jose.SignatureAlgorithm, len(algorithms))
	for i, a := range algorithms {
		algs[i] = jose.SignatureAlgorithm(a)
	}
	jws, err := jose.ParseSignedCompact(token, algs)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errors.New("not a signed token")
	}
	header := jws.Signatures[0].Protected
	key, err := k.find(ctx, header.KeyID)
	if err != nil {
		return nil, err
	}
	if key.Algorithm != "" && key.Algorithm != header.Algorithm {
		return nil, errors.New("wrong algorithm for the key")
	}
	return jws.Verify(key)
}

func (k *keySet) find(ctx context.Context, kid string) (*jose.JSONWebKey, error) {
	if k.fixed != nil {
		return pick(*k.fixed, kid)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	key, err := pick(k.keys, kid)
	if err == nil || time.Since(k.fetched) < refetchEvery {
		return key, err
	}
	if err := k.fetch(ctx); err != nil {
		return nil, err
	}
	return pick(k.keys, kid)
}

func pick(set jose.JSONWebKeySet, kid string) (*jose.JSONWebKey, error) {
	for i := range set.Keys {
		if key := &set.Keys[i]; key.KeyID == kid && key.IsPublic() && (key.Use == "" || key.Use == "sig") {
			return key, nil
		}
	}
	return nil, errNoKey
}

const fetchTimeout = 5 * time.Second

// fetch reads the keys anew; those in use stay when it fails.
func (k *keySet) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	if k.jwks == "" {
		provider, err := oidc.NewProvider(ctx, k.issuer)
		if err != nil {
			return fmt.Errorf("%w: discovery", errKeysUnreachable)
		}
		var found struct {
			JWKS string `json:"jwks_uri"`
		}
		if err := provider.Claims(&found); err != nil || found.JWKS == "" {
			return fmt.Errorf("%w: discovery names none", errKeysUnreachable)
		}
		k.jwks = found.JWKS
	}
	k.fetched = time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.jwks, nil)
	if err != nil {
		return errKeysUnreachable
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return errKeysUnreachable
	}
	defer resp.Body.Close()
	var set jose.JSONWebKeySet
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&set) != nil {
		return errKeysUnreachable
	}
	k.keys = set
	k.gen++
	return nil
}

// stated is what a token states of itself, unverified: it only chooses whose
// keys the token must verify with, and refuses what no honest issuer writes.
type stated struct {
	Issuer  string   `json:"iss"`
	Expires *float64 `json:"exp"`
	Begins  *float64 `json:"nbf"`
	Issued  *float64 `json:"iat"`
}

const (
	leeway      = time.Minute // of clocks that differ
	longestLife = 10 * 365 * 24 * time.Hour
)

// tokenTypes are the types of tokens that sign somebody in, in lower case: an ID
// token, an access token (RFC 9068), or one that does not say.
var tokenTypes = []string{"", "jwt", "at+jwt", "application/at+jwt"}

// issuerOf is the issuer a token claims to be from; empty for one that is
// malformed: a name that stands twice, a time that is no number, a type that is
// for something else.
func issuerOf(token string) string {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 || strings.ContainsAny(token, "\r\n") { // which base64 would pass over
		return ""
	}
	var header struct {
		Type string `json:"typ"`
	}
	var s stated
	if !part(parts[0], &header) || !part(parts[1], &s) || !slices.Contains(tokenTypes, strings.ToLower(header.Type)) {
		return ""
	}
	now := float64(time.Now().Unix())
	if s.Expires == nil || *s.Expires > now+longestLife.Seconds() || s.Begins != nil && *s.Begins > now+leeway.Seconds() ||
		s.Issued != nil && *s.Issued > now+leeway.Seconds() {
		return ""
	}
	return s.Issuer
}

// part reads one part of a token, strictly.
func part(text string, into any) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && strict.Unmarshal(b, into) == nil
}
