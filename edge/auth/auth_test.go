package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// directory is a small company.
type directory struct{}

func (directory) AccountTree(_ context.Context, numbers []string) ([]trade.Ref, error) {
	var accounts []trade.Ref
	for _, n := range numbers {
		if n == "10001" {
			accounts = append(accounts, trade.Ref{ID: "acc_1", Key: n}, trade.Ref{ID: "acc_1b", Key: "10002"})
		}
	}
	return accounts, nil
}

func (directory) Revocations(context.Context) ([]operating.Revocation, error) { return nil, nil }

func (directory) PartnerGrant(_ context.Context, code string) (procurement.PartnerGrant, error) {
	if code == "V2001" {
		return procurement.PartnerGrant{ID: "ptn_1", Stage: procurement.Active}, nil
	}
	return procurement.PartnerGrant{}, nil
}

// provider is an OIDC issuer with keys that can be changed.
type provider struct {
	*httptest.Server
	mu      sync.Mutex
	keys    []jose.JSONWebKey
	fetches atomic.Int64
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	mux := http.NewServeMux()
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL, "jwks_uri": p.URL + "/keys", "authorization_endpoint": p.URL,
			"token_endpoint": p.URL, "id_token_signing_alg_values_supported": algorithms,
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		p.mu.Lock()
		defer p.mu.Unlock()
		var set jose.JSONWebKeySet
		for _, k := range p.keys {
			set.Keys = append(set.Keys, k.Public())
		}
		_ = json.NewEncoder(w).Encode(set)
	})
	p.rotate("k1")
	return p
}

// rotate makes a new key beside the old ones.
func (p *provider) rotate(kid string) jose.JSONWebKey {
	private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key := jose.JSONWebKey{Key: private, KeyID: kid, Algorithm: "ES256", Use: "sig"}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, key)
	return key
}

func sign(t *testing.T, key jose.JSONWebKey, alg jose.SignatureAlgorithm, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(claims)
	jws, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, _ := jws.CompactSerialize()
	return token
}

func (p *provider) claims(extra map[string]any) map[string]any {
	c := map[string]any{"iss": p.URL, "aud": "portal", "sub": "u1", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
	for k, v := range extra {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func authenticator(t *testing.T, p *provider, claims Claims) *Authenticator {
	t.Helper()
	a, err := New([]IssuerConfig{{URL: p.URL, Audience: "portal", Claims: claims}}, nil, directory{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestClaimsAreMappedAsTheIssuerIsConfigured(t *testing.T) {
	p := newProvider(t)
	for name, c := range map[string]struct {
		mapping Claims
		claims  map[string]any
		role    trade.Role
		sees    []string
	}{
		"customer": {
			Claims{},
			map[string]any{"portico_role": "customer", "portico_accounts": []string{"10001"}, "scope": "order:read price:read"},
			trade.Customer,
			[]string{"acc_1", "acc_1b"},
		},
		"customer in one string": {
			Claims{},
			map[string]any{"portico_role": "customer", "portico_accounts": "10001 10009"},
			trade.Customer,
			[]string{"acc_1", "acc_1b"},
		},
		"own names": {
			Claims{Role: "kind", Accounts: "companies"},
			map[string]any{"kind": "customer", "companies": []string{"10001"}},
			trade.Customer,
			[]string{"acc_1", "acc_1b"},
		},
		"an account unknown":    {Claims{}, map[string]any{"portico_role": "customer", "portico_accounts": []string{"99"}}, trade.Guest, nil},
		"supplier":              {Claims{}, map[string]any{"portico_role": "supplier", "portico_supplier": "V2001"}, trade.Supplier, nil},
		"supplier unknown":      {Claims{}, map[string]any{"portico_role": "supplier", "portico_supplier": "V9"}, trade.Guest, nil},
		"operator":              {Claims{}, map[string]any{"portico_role": "operator"}, trade.Operator, nil},
		"no mapping":            {Claims{}, nil, trade.Guest, nil},
		"a role nobody has":     {Claims{}, map[string]any{"portico_role": "root"}, trade.Guest, nil},
		"claims of wrong types": {Claims{}, map[string]any{"portico_role": 7, "portico_accounts": map[string]any{}}, trade.Guest, nil},
	} {
		caller, err := authenticator(t, p, c.mapping).Authenticate(t.Context(), sign(t, p.keys[0], "ES256", p.claims(c.claims)))
		if err != nil || caller.Scope.Role() != c.role || !slices.Equal(caller.Scope.Accounts(), c.sees) {
			t.Errorf("%s: %v %v, %v; want %v %v", name, caller.Scope.Role(), caller.Scope.Accounts(), err, c.role, c.sees)
		}
	}
}

func TestKeysRotateWithoutALostRequest(t *testing.T) {
	p := newProvider(t)
	a := authenticator(t, p, Claims{})
	if _, err := a.Authenticate(t.Context(), sign(t, p.keys[0], "ES256", p.claims(nil))); err != nil {
		t.Fatal(err)
	}
	// The last fetch is long enough ago.
	keys := a.issuers[p.URL].keys
	keys.mu.Lock()
	keys.fetched = time.Now().Add(-refetchEvery)
	keys.mu.Unlock()
	next := p.rotate("k2")
	before := p.fetches.Load()
	var all sync.WaitGroup
	var failed atomic.Int64
	for i := range 50 {
		all.Go(func() {
			key := p.keys[0]
			if i%2 == 0 {
				key = next
			}
			if _, err := a.Authenticate(t.Context(), sign(t, key, "ES256", p.claims(map[string]any{"sub": fmt.Sprint(i)}))); err != nil {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	if failed.Load() > 0 || p.fetches.Load() != before+1 {
		t.Errorf("%d of 50 requests failed, with %d fetches; want none and 1", failed.Load(), p.fetches.Load()-before)
	}
}

func TestForgedKeysCauseNoFloodOfFetches(t *testing.T) {
	p := newProvider(t)
	a := authenticator(t, p, Claims{})
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	for i := range 50 {
		token := sign(t, jose.JSONWebKey{Key: stranger, KeyID: fmt.Sprint("forged", i)}, "ES256", p.claims(nil))
		if _, err := a.Authenticate(t.Context(), token); err == nil {
			t.Fatal("a forged token was taken")
		}
	}
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("50 forged tokens caused %d fetches, want 1", n)
	}
}

func TestARememberedTokenIsForgottenWhenTheKeysChange(t *testing.T) {
	p := newProvider(t)
	a := authenticator(t, p, Claims{})
	token := sign(t, p.keys[0], "ES256", p.claims(nil))
	for range 3 {
		if _, err := a.Authenticate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	p.mu.Lock()
	p.keys = nil // the key was withdrawn
	p.mu.Unlock()
	keys := a.issuers[p.URL].keys
	keys.mu.Lock()
	keys.fetched = time.Time{}
	keys.mu.Unlock()
	other := p.rotate("k2")
	if _, err := a.Authenticate(t.Context(), sign(t, other, "ES256", p.claims(nil))); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Authenticate(t.Context(), token); !errors.Is(err, ErrToken) {
		t.Errorf("a token of a withdrawn key: %v, want it refused", err)
	}
}

func TestARememberedTokenEndsWhenItExpires(t *testing.T) {
	p := newProvider(t)
	a := authenticator(t, p, Claims{})
	token := sign(t, p.keys[0], "ES256", p.claims(map[string]any{"exp": time.Now().Add(2 * time.Second).Unix()}))
	if _, err := a.Authenticate(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := a.Authenticate(t.Context(), token); errors.Is(err, ErrToken) {
			return
		} else if err != nil || time.Now().After(deadline) {
			t.Fatalf("a token that has expired: %v, want it refused", err)
		}
	}
}

func TestTheDevelopmentIssuersKeyIsSharedByProcesses(t *testing.T) {
	folder := t.TempDir()
	var all sync.WaitGroup
	issuers := make([]*DevIssuer, 8)
	for i := range issuers {
		all.Go(func() {
			d, err := OpenDevIssuer(folder)
			if err != nil {
				t.Error(err)
			}
			issuers[i] = d
		})
	}
	all.Wait()
	a, err := New(nil, issuers[0], directory{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range issuers {
		token, _, err := d.Token(Personas[0], []string{"order:read"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		caller, err := a.Authenticate(t.Context(), token)
		if err != nil || caller.Scope.Role() != trade.Customer || !slices.Equal(caller.Scope.Rights(), []string{"order:read"}) {
			t.Errorf("caller %+v, %v", caller, err)
		}
	}
	if _, _, err := issuers[0].Token(Personas[0], []string{"ops:read"}, time.Hour); err == nil {
		t.Error("a persona was given a scope it does not have")
	}
}
