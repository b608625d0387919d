package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"portico/trade"
)

const (
	devIssuerURL = "https://development.portico.localhost"
	devAudience  = "portico"
)

// DevIssuer signs tokens for the personas of the sandbox. It is for
// development on this machine only; whoever reads its key file can be anybody.
type DevIssuer struct{ key jose.JSONWebKey }

// Persona is somebody to sign in as.
type Persona struct {
	Name     string     `json:"name"`
	What     string     `json:"what"`
	Role     trade.Role `json:"-"`
	Accounts []string   `json:"-"`
	Supplier string     `json:"-"`
	Rights   []string   `json:"-"`
	Limits   []limit    `json:"-"`
}

// limit is what a persona may order without approval.
type limit struct {
	Period   string `json:"period"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

var customerRights = []string{
	"account:read", "credit:read", "user:read", "catalog:read", "price:read", "inventory:read", "order:read", "order:write", "operation:read",
	"invoice:read", "shipment:read", "webhook:read", "webhook:write", "schema:read",
}

var supplierRights = []string{
	"user:read", "catalog:read", "price:read", "po:read", "po:respond", "despatch:write", "shipment:read", "partner:read", "partner:write",
	"alert:read", "alert:write", "operation:read", "webhook:read", "webhook:write", "schema:read",
}

// Personas are all of them, the first being the usual one.
var Personas = []Persona{
	{Name: "buyer", What: "a customer with two branches", Role: trade.Customer, Accounts: []string{"10001"}, Rights: customerRights},
	{
		Name: "approver", What: "who approves what buyers of that customer may not order alone", Role: trade.Customer,
		Accounts: []string{"10001"}, Rights: append(slices.Clone(customerRights), "order:approve"),
	},
	{
		Name: "buyer-child", What: "one of the branches, with limits", Role: trade.Customer, Accounts: []string{"10002"}, Rights: customerRights,
		Limits: []limit{{"ORDER", "5000.00", "EUR"}, {"MONTH", "50000.00", "EUR"}},
	},
	{Name: "buyer-other", What: "another customer", Role: trade.Customer, Accounts: []string{"10004"}, Rights: customerRights},
	{Name: "supplier", What: "a supplier", Role: trade.Supplier, Supplier: "V2001", Rights: supplierRights},
	{Name: "supplier-other", What: "another supplier", Role: trade.Supplier, Supplier: "V2002", Rights: supplierRights},
	{
		Name: "operator", What: "the distributor's own desk", Role: trade.Operator,
		Rights: slices.Concat(customerRights,
			[]string{
				"po:read", "po:respond", "despatch:write", "partner:read", "partner:write", "procurement:read", "planning:read",
				"planning:write", "alert:read", "alert:write", "ops:read", "ops:write", "audit:read", "mdm:read", "mdm:write",
			}),
	},
}

// OpenDevIssuer reads the issuer's key in folder, or makes it.
func OpenDevIssuer(folder string) (*DevIssuer, error) {
	path := filepath.Join(folder, "development-issuer.jwk")
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = makeKey(folder, path); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	var d DevIssuer
	if err := json.Unmarshal(text, &d.key); err != nil || d.key.IsPublic() {
		return nil, fmt.Errorf("development issuer: %s holds no key; remove it to make a new one", path)
	}
	return &d, nil
}

func makeKey(folder, path string) ([]byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	key := jose.JSONWebKey{Key: private, KeyID: fmt.Sprintf("dev-%d", time.Now().Unix()), Algorithm: "ES256", Use: "sig"}
	text, err := json.Marshal(key)
	if err != nil {
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // what is secret in it has rights of its own
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	// Linked into place whole: of several that make a key at once, one wins.
	file, err := os.CreateTemp(folder, "development-issuer-")
	if err != nil {
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	temp := file.Name()
	defer func() { _ = os.Remove(temp) }()
	if _, err := file.Write(text); err != nil {
		return nil, errors.Join(fmt.Errorf("development issuer: %w", err), file.Close())
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	return os.ReadFile(path) //nolint:gosec // the operator names the file
}

func (d *DevIssuer) public() *jose.JSONWebKeySet {
	return &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{d.key.Public()}}
}

// FindPersona finds a persona by name.
func FindPersona(name string) (Persona, error) {
	var names []string
	for _, p := range Personas {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Persona{}, fmt.Errorf("there is no persona %q; choose one of %s", name, strings.Join(names, ", "))
}

// Token signs a token for a persona. Rights, unless nil, narrow what the
// persona has; none can be added.
func (d *DevIssuer) Token(p Persona, rights []string, ttl time.Duration) (token string, expires time.Time, err error) {
	if rights == nil {
		rights = p.Rights
	}
	for _, r := range rights {
		if !slices.Contains(p.Rights, r) {
			return "", expires, fmt.Errorf("%s does not have %q; it has %s", p.Name, r, strings.Join(p.Rights, " "))
		}
	}
	expires = time.Now().Add(ttl)
	claims, err := json.Marshal(map[string]any{
		"iss": devIssuerURL, "aud": devAudience, "sub": "persona|" + p.Name, "azp": "development", "name": p.Name,
		"email": p.Name + "@example.com",
		"iat":   time.Now().Unix(), "exp": expires.Unix(), "jti": rand.Text(),
		"portico_role": p.Role, "portico_accounts": p.Accounts, "portico_supplier": p.Supplier, "scope": strings.Join(rights, " "),
		"portico_limits": p.Limits,
	})
	if err != nil {
		return "", expires, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: d.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", expires, fmt.Errorf("development issuer: %w", err)
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		return "", expires, fmt.Errorf("development issuer: %w", err)
	}
	token, err = jws.CompactSerialize()
	return token, expires, err
}
