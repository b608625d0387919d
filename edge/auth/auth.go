// Package auth tells who is calling and what they may see. A bearer token is
// verified against its issuer, remembered by its digest, and turned into a
// trade.Scope that every read takes.
package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	lru "github.com/hashicorp/golang-lru/v2"

	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

// ErrToken is returned for every token that is refused, whatever is wrong with
// it, so that an answer teaches nothing.
var ErrToken = errors.New("the token is not accepted")

// maxToken is the size in bytes past which a token is not looked at.
const maxToken = 8 << 10

// algorithms that issuers may sign with; none of them is symmetric.
var algorithms = []string{"ES256", "EdDSA", "RS256"}

// Principal is what a verified token says of its bearer.
type Principal struct {
	Issuer, Subject, Client string
	Name, Email             string
	Role                    trade.Role
	Accounts                []string // customer numbers
	Supplier                string   // supplier code
	Rights                  []string
	Limits                  json.RawMessage // order limits, as the issuer told them
	Token                   string          // the token's own id, if it has one
	Issued                  time.Time       // the zero time where the token does not say
	Expires                 time.Time

	digest string // of the subject
}

// Format prints ***: whoever logs a caller tells nothing of it.
func (*Principal) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// LogValue is ***.
func (*Principal) LogValue() slog.Value { return slog.StringValue("***") }

// Caller is a principal and what it sees; the zero Caller is nobody.
type Caller struct {
	Principal *Principal
	Scope     trade.Scope
}

// Directory finds the ids behind the numbers that tokens name.
type Directory interface {
	AccountTree(ctx context.Context, numbers []string) ([]trade.Ref, error)
	PartnerGrant(ctx context.Context, code string) (procurement.PartnerGrant, error)
	// Revocations are those in force.
	Revocations(ctx context.Context) ([]operating.Revocation, error)
}

// Claims name the claims of an issuer's tokens; an empty name is the default.
type Claims struct {
	Subject  string `yaml:"subject"`
	Client   string `yaml:"client"`
	Role     string `yaml:"role"`
	Accounts string `yaml:"accounts"`
	Supplier string `yaml:"supplier"`
	Scope    string `yaml:"scope"`
	Limits   string `yaml:"limits"`
}

// IssuerConfig is an OIDC issuer whose tokens are accepted.
type IssuerConfig struct {
	URL      string `yaml:"url"`
	Audience string `yaml:"audience"`
	Claims   Claims `yaml:"claims"`
}

// Authenticator verifies tokens. It is safe for concurrent use.
type Authenticator struct {
	issuers   map[string]*issuer
	directory Directory
	known     *lru.Cache[[sha256.Size]byte, remembered]
	scopes    *lru.Cache[string, scoped]

	mu          sync.Mutex
	revocations []operating.Revocation
	holds       map[*hold]bool
}

type issuer struct {
	config   IssuerConfig
	keys     *keySet
	verifier *oidc.IDTokenVerifier
}

// remembered is a token that was verified; it counts while its issuer's keys
// are of the same generation.
type remembered struct {
	principal  *Principal
	mapped     string // all that the scope depends on
	issuer     *issuer
	generation uint64
}

type scoped struct {
	scope trade.Scope
	until time.Time
}

const (
	rememberedTokens = 10_000
	scopeKept        = 800 * time.Millisecond // a change of the account tree, or of what a partner is allowed, is seen after
)

// New makes an authenticator for the issuers and, unless nil, the development
// issuer.
func New(issuers []IssuerConfig, dev *DevIssuer, directory Directory) (*Authenticator, error) {
	known, err := lru.New[[sha256.Size]byte, remembered](rememberedTokens)
	if err != nil {
		return nil, err
	}
	scopes, err := lru.New[string, scoped](rememberedTokens)
	if err != nil {
		return nil, err
	}
	a := &Authenticator{issuers: map[string]*issuer{}, directory: directory, known: known, scopes: scopes, holds: map[*hold]bool{}}
	for _, c := range issuers {
		if c.URL == "" || c.Audience == "" {
			return nil, fmt.Errorf("issuers: url and audience must be set (url %q)", c.URL)
		}
		a.add(c, &keySet{issuer: c.URL})
	}
	if dev != nil {
		a.add(IssuerConfig{URL: devIssuerURL, Audience: devAudience}, &keySet{fixed: dev.public()})
	}
	return a, nil
}

func (a *Authenticator) add(c IssuerConfig, keys *keySet) {
	a.issuers[c.URL] = &issuer{
		config: c, keys: keys,
		verifier: oidc.NewVerifier(c.URL, keys, &oidc.Config{ClientID: c.Audience, SupportedSigningAlgs: algorithms}),
	}
}

// Authenticate verifies a token and finds what its bearer sees. Every refusal
// is ErrToken; any other error is a failure on our side.
func (a *Authenticator) Authenticate(ctx context.Context, token string) (Caller, error) {
	if len(token) > maxToken {
		return Caller{}, ErrToken
	}
	digest := sha256.Sum256([]byte(token))
	seen, ok := a.known.Get(digest)
	if !ok || time.Now().After(seen.principal.Expires) || seen.issuer.keys.generation() != seen.generation {
		a.known.Remove(digest)
		var err error
		if seen, err = a.verify(ctx, token); err != nil {
			return Caller{}, err
		}
		a.known.Add(digest, seen)
	}
	a.mu.Lock()
	revocations := a.revocations
	a.mu.Unlock()
	if revoked(revocations, seen.principal) {
		return Caller{}, ErrToken
	}
	scope, err := a.scope(ctx, seen.mapped, seen.principal)
	if err != nil {
		return Caller{}, err
	}
	return Caller{seen.principal, scope}, nil
}

func (a *Authenticator) verify(ctx context.Context, token string) (remembered, error) {
	iss := a.issuers[issuerOf(token)]
	if iss == nil {
		return remembered{}, ErrToken
	}
	verified, err := iss.verifier.Verify(ctx, token)
	if err != nil {
		if errors.Is(err, errKeysUnreachable) {
			return remembered{}, fmt.Errorf("token: %w", errKeysUnreachable)
		}
		return remembered{}, ErrToken
	}
	var claims map[string]json.RawMessage
	if err := verified.Claims(&claims); err != nil {
		return remembered{}, ErrToken
	}
	p := iss.config.Claims.principal(claims)
	p.Issuer, p.Issued, p.Expires = verified.Issuer, verified.IssuedAt, verified.Expiry
	if p.Subject == "" {
		return remembered{}, ErrToken
	}
	p.digest = operating.SubjectDigest(p.Subject)
	return remembered{p, p.mapped(), iss, iss.keys.generation()}, nil
}

// principal reads the claims as the issuer's mapping names them.
func (c Claims) principal(claims map[string]json.RawMessage) *Principal {
	one := func(name, fallback string) string {
		var s string
		_ = json.Unmarshal(claims[or(name, fallback)], &s)
		return s
	}
	many := func(name, fallback string) []string {
		var list []string
		if json.Unmarshal(claims[or(name, fallback)], &list) == nil {
			return list
		}
		return strings.Fields(one(name, fallback))
	}
	p := &Principal{
		Subject: one(c.Subject, "sub"), Client: or(one(c.Client, "azp"), one("", "client_id")),
		Name:  or(one("", "name"), one("", "preferred_username")),
		Email: one("", "email"), Role: trade.Role(one(c.Role, "portico_role")), Accounts: many(c.Accounts, "portico_accounts"),
		Supplier: one(c.Supplier, "portico_supplier"), Rights: many(c.Scope, "scope"), Limits: claims[or(c.Limits, "portico_limits")],
		Token: one("", "jti"),
	}
	p.Name = or(p.Name, p.Subject)
	return p
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// scope makes the scope of a principal. Who is mapped to nothing is a guest.
func (a *Authenticator) scope(ctx context.Context, mapped string, p *Principal) (trade.Scope, error) {
	if kept, ok := a.scopes.Get(mapped); ok && time.Now().Before(kept.until) {
		return kept.scope, nil
	}
	scope := trade.GuestScope(p.Rights)
	switch p.Role {
	case trade.Operator:
		scope = trade.OperatorScope(p.Rights)
	case trade.Customer:
		accounts, err := a.directory.AccountTree(ctx, p.Accounts)
		if err != nil {
			return scope, err
		}
		if len(accounts) > 0 {
			scope = trade.CustomerScope(accounts, p.Rights)
		}
	case trade.Supplier:
		grant, err := a.directory.PartnerGrant(ctx, p.Supplier)
		if err != nil {
			return scope, err
		}
		if grant.ID != "" {
			scope = grant.Scope(p.Rights)
		}
	}
	a.scopes.Add(mapped, scoped{scope, time.Now().Add(scopeKept)})
	return scope, nil
}

// Standing is what of a principal lasts longer than their token, by which they are told later
// of what they may see then.
type Standing struct {
	Issuer   string     `json:"issuer"`
	Subject  string     `json:"subject"`
	Role     trade.Role `json:"role"`
	Accounts []string   `json:"accounts,omitempty"`
	Supplier string     `json:"supplier,omitempty"`
	Rights   []string   `json:"rights"`
	Since    time.Time  `json:"since"`
}

// Standing is what lasts of a principal from now on.
func (p *Principal) Standing() Standing {
	return Standing{p.Issuer, p.Subject, p.Role, p.Accounts, p.Supplier, p.Rights, time.Now().UTC()}
}

// Restore is a caller as they stand now. It fails with [ErrToken] where they were revoked
// since, or act for nobody any more.
func (a *Authenticator) Restore(ctx context.Context, s Standing) (Caller, error) {
	p := &Principal{
		Issuer: s.Issuer, Subject: s.Subject, Name: s.Subject, Role: s.Role, Accounts: s.Accounts, Supplier: s.Supplier,
		Rights: s.Rights, Issued: s.Since, digest: operating.SubjectDigest(s.Subject),
	}
	a.mu.Lock()
	revocations := a.revocations
	a.mu.Unlock()
	if revoked(revocations, p) {
		return Caller{}, ErrToken
	}
	scope, err := a.scope(ctx, p.mapped(), p)
	if err != nil {
		return Caller{}, err
	}
	if scope.Role() == trade.Guest {
		return Caller{}, ErrToken
	}
	return Caller{p, scope}, nil
}

// mapped is the same text for principals that are mapped to the same scope.
func (p *Principal) mapped() string {
	return fmt.Sprintf("%q %q %q %q", p.Role, p.Supplier, p.Accounts, p.Rights)
}

type callerKey struct{}

// WithCaller puts the caller into ctx.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is the caller in ctx; the zero Caller when nobody is signed in.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// UserID is the global id of a principal: the same for the same subject of the
// same issuer, and telling neither.
func UserID(p *Principal) string {
	sum := sha256.Sum256([]byte(p.Issuer + "\x00" + p.Subject))
	return fmt.Sprintf("usr_%x", sum[:16])
}
