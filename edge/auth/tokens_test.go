package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signed is a token of these very words: what no library would write.
func signed(t *testing.T, key jose.JSONWebKey, header, payload string) string {
	t.Helper()
	private, ok := key.Key.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatal("no EC key")
	}
	words := b64([]byte(header)) + "." + b64([]byte(payload))
	sum := sha256.Sum256([]byte(words))
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	mac := make([]byte, 64)
	r.FillBytes(mac[:32])
	s.FillBytes(mac[32:])
	return words + "." + b64(mac)
}

func TestTokensAreTakenOnlyWhenAllIsRight(t *testing.T) {
	p := newProvider(t)
	other := newProvider(t)
	calls := 0
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	defer evil.Close()
	a, err := New([]IssuerConfig{{URL: p.URL, Audience: "portal"}, {URL: other.URL, Audience: "portal"}}, nil, directory{})
	if err != nil {
		t.Fatal(err)
	}
	key := p.keys[0]
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	weak, _ := rsa.GenerateKey(rand.Reader, 2048)
	public, _ := x509.MarshalPKIXPublicKey(&key.Key.(*ecdsa.PrivateKey).PublicKey)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	jwk, _ := json.Marshal(jose.JSONWebKey{Key: &stranger.PublicKey})
	payload := func(extra map[string]any) string { text, _ := json.Marshal(p.claims(extra)); return string(text) }
	plain := payload(nil)
	with := func(extra map[string]any) string { return sign(t, key, "ES256", p.claims(extra)) }
	raw := func(header, payload string) string { return signed(t, key, header, payload) }
	hs := func(secret []byte, header string) string {
		words := b64([]byte(header)) + "." + b64([]byte(plain))
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(words))
		return words + "." + b64(mac.Sum(nil))
	}
	const es = `{"alg":"ES256","kid":"k1","typ":"JWT"}`
	good := raw(es, plain)
	parts := strings.Split(good, ".")
	now := time.Now()
	for name, token := range map[string]string{
		"right": good, "right, by a library": with(nil), "of two audiences": with(map[string]any{"aud": []string{"x", "portal"}}),
		"an access token": raw(`{"alg":"ES256","kid":"k1","typ":"at+jwt"}`, plain), "without a type": raw(`{"alg":"ES256","kid":"k1"}`, plain),
		"a clock that is a little ahead": with(map[string]any{"iat": now.Add(30 * time.Second).Unix(), "nbf": now.Add(30 * time.Second).Unix()}),
		"expiry with a fraction":         raw(es, strings.Replace(plain, `"exp":`, `"exp":0.5e1,"x":`, 1)) + "", // refused below: long past
	} {
		_, err := a.Authenticate(t.Context(), token)
		if (name == "expiry with a fraction") != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fetched := p.fetches.Load() + other.fetches.Load()
	refused := map[string]string{
		// malformed
		"empty": "", "a blank": " ", "one part": "abc", "two parts": "a.b", "four parts": good + ".x", "five parts, encrypted": "a.b.c.d.e",
		"dots": "..", "many dots": strings.Repeat(".", 8000),
		"no base64": "!!.!!.!!", "padded": parts[0] + "==." + parts[1] + "." + parts[2], "no JSON in the header": raw("nonsense", plain),
		"no JSON in the payload": raw(es, "nonsense"),
		"a list for a header":    raw("[]", plain), "a list for a payload": raw(es, "[]"), "null for a payload": raw(es, "null"),
		"a number for a payload": raw(es, "7"),
		"with a line break":      good[:20] + "\n" + good[20:], "with a blank": good + " ", "with a zero": good + "\x00",
		"in another encoding": "\xff\xfe" + good, "as JSON": `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` +
			parts[2] + `"}`,
		"deep": raw(es, `{"iss":"`+p.URL+`","exp":`+fmt.Sprint(now.Add(time.Hour).Unix())+`,"x":`+strings.Repeat("[", 900)+strings.Repeat("]",
			900)+`,"sub":""}`),
		// oversized
		"too large": strings.Repeat("a", maxToken+1), "too large, and right": with(map[string]any{"pad": strings.Repeat("x", maxToken)}),
		// forged
		"a changed payload": parts[0] + "." + b64([]byte(payload(map[string]any{"sub": "admin"}))) + "." + parts[2],
		"a changed header":  b64([]byte(`{"alg":"ES256","kid":"k1","typ":"JWT","x":1}`)) + "." + parts[1] + "." + parts[2],
		"no signature":      parts[0] + "." + parts[1] + ".", "half a signature": good[:len(good)-40],
		"another's signature":  parts[0] + "." + parts[1] + "." + strings.Split(with(map[string]any{"sub": "u2"}), ".")[2],
		"a signature of zeros": parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)),
		"a stranger's key":     sign(t, jose.JSONWebKey{Key: stranger, KeyID: "k1"}, "ES256", p.claims(nil)),
		"none":                 b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"None":                 b64([]byte(`{"alg":"None","kid":"k1"}`)) + "." + parts[1] + ".",
		"nOnE":                 b64([]byte(`{"alg":"nOnE","kid":"k1"}`)) + "." + parts[1] + "." + parts[2],
		"no algorithm":         raw(`{"kid":"k1"}`, plain), "an empty algorithm": raw(`{"alg":"","kid":"k1"}`, plain),
		"a number for an algorithm": raw(`{"alg":256,"kid":"k1"}`, plain),
		"an unknown algorithm":      raw(`{"alg":"XS256","kid":"k1"}`, plain),
		"two algorithms":            raw(`{"alg":"none","alg":"ES256","kid":"k1"}`, plain),
		// confused
		"HS256 with the public key":  hs(publicPEM, `{"alg":"HS256","kid":"k1"}`),
		"HS256 with the key's bytes": hs(public, `{"alg":"HS256","kid":"k1"}`), "HS256 with nothing": hs(nil, `{"alg":"HS256","kid":"k1"}`),
		"HS384":                             hs(publicPEM, `{"alg":"HS384","kid":"k1"}`),
		"EdDSA with the kid of another key": sign(t, jose.JSONWebKey{Key: ed, KeyID: "k1"}, "EdDSA", p.claims(nil)),
		"RS256 with the kid of another key": sign(t, jose.JSONWebKey{Key: weak, KeyID: "k1"}, "RS256", p.claims(nil)),
		"ES384 with the kid of another key": sign(t, jose.JSONWebKey{Key: p384, KeyID: "k1"}, "ES384", p.claims(nil)),
		"PS256":                             sign(t, jose.JSONWebKey{Key: weak, KeyID: "k1"}, "PS256", p.claims(nil)),
		"with a key of its own":             raw(`{"alg":"ES256","jwk":`+string(jwk)+`}`, plain),
		"with an address of keys":           raw(`{"alg":"ES256","kid":"x","jku":"`+evil.URL+`"}`, plain),
		"with an address of certificates":   raw(`{"alg":"ES256","kid":"x","x5u":"`+evil.URL+`"}`, plain),
		"something critical":                raw(`{"alg":"ES256","kid":"k1","crit":["exp2"],"exp2":1}`, plain),
		"not encoded":                       raw(`{"alg":"ES256","kid":"k1","crit":["b64"],"b64":false}`, plain),
		"a token to log out":                raw(`{"alg":"ES256","kid":"k1","typ":"logout+jwt"}`, plain),
		"a proof":                           raw(`{"alg":"ES256","kid":"k1","typ":"dpop+jwt"}`, plain),
		"a type that is none":               raw(`{"alg":"ES256","kid":"k1","typ":7}`, plain),
		// hostile kids
		"no kid": raw(`{"alg":"ES256"}`, plain), "kid is a path": raw(`{"alg":"ES256","kid":"../../../../dev/null"}`, plain),
		"kid is SQL": raw(`{"alg":"ES256","kid":"x' OR '1'='1"}`, plain), "kid is an address": raw(`{"alg":"ES256","kid":"`+evil.URL+`"}`, plain),
		"kid is a list": raw(`{"alg":"ES256","kid":["k1"]}`, plain),
		"kid is long":   raw(`{"alg":"ES256","kid":"`+strings.Repeat("k", 3000)+`"}`, plain),
		"two kids":      raw(`{"alg":"ES256","kid":"k1","kid":"k1"}`, plain),
		// issuer and audience
		"no issuer": with(map[string]any{"iss": nil}), "another issuer": with(map[string]any{"iss": "https://evil.example"}),
		"an issuer that would be asked": with(map[string]any{"iss": evil.URL}), "another known issuer": with(map[string]any{"iss": other.URL}),
		"an issuer with a slash": with(map[string]any{"iss": p.URL + "/"}), "a list of issuers": with(map[string]any{"iss": []string{p.URL}}),
		"two issuers": raw(es, strings.Replace(plain, "{", `{"iss":"https://evil.example",`, 1)),
		"no audience": with(map[string]any{"aud": nil}), "another audience": with(map[string]any{"aud": "other"}),
		"an empty audience": with(map[string]any{"aud": ""}), "audiences of others": with(map[string]any{"aud": []string{"a", "b"}}),
		"a number for an audience": with(map[string]any{"aud": 7}),
		"an audience in capitals":  with(map[string]any{"aud": "PORTAL"}),
		// times
		"expired": with(map[string]any{"exp": now.Add(-2 * time.Minute).Unix()}), "long expired": with(map[string]any{"exp": 1}),
		"negative expiry": with(map[string]any{"exp": -1}), "no expiry": with(map[string]any{"exp": nil}),
		"expiry is null":       raw(es, strings.Replace(plain, `"exp":`, `"exp":null,"x":`, 1)),
		"expiry as text":       with(map[string]any{"exp": fmt.Sprint(now.Add(time.Hour).Unix())}),
		"expiry without end":   raw(es, strings.Replace(plain, `"exp":`, `"exp":1e308,"x":`, 1)),
		"expiry in a list":     with(map[string]any{"exp": []int64{now.Add(time.Hour).Unix()}}),
		"two expiries":         raw(es, strings.Replace(plain, "{", fmt.Sprintf(`{"exp":%d,`, now.Add(time.Hour).Unix()), 1)),
		"not yet valid":        with(map[string]any{"nbf": now.Add(2 * time.Minute).Unix()}),
		"valid from some text": with(map[string]any{"nbf": "now"}),
		"issued in the future": with(map[string]any{"iat": now.Add(time.Hour).Unix()}),
		"issued as text":       with(map[string]any{"iat": "yesterday"}),
		// subject
		"no subject": with(map[string]any{"sub": nil}), "an empty subject": with(map[string]any{"sub": ""}),
		"a number for a subject": with(map[string]any{"sub": 7}), "two subjects": raw(es, strings.Replace(plain, "{", `{"sub":"admin",`, 1)),
	}
	if len(refused) < 60 {
		t.Errorf("only %d tokens are tried", len(refused))
	}
	for name, token := range refused {
		caller, err := a.Authenticate(t.Context(), token)
		if err == nil || err.Error() != ErrToken.Error() || !errors.Is(err, ErrToken) || caller.Principal != nil || caller.Scope.Role() != "" {
			t.Errorf("%s: %v, %+v", name, err, caller)
		}
	}
	// the other issuer's, the first time one claims to be of it
	if n := p.fetches.Load() + other.fetches.Load() - fetched; n > 1 || calls > 0 {
		t.Errorf("%d tokens caused %d fetches of keys and %d calls elsewhere", len(refused), n, calls)
	}
}

// FuzzToken looks for tokens that break the reading of them, or are taken.
func FuzzToken(f *testing.F) {
	a, err := New([]IssuerConfig{{URL: "https://login.example.com", Audience: "portal"}}, nil, directory{})
	if err != nil {
		f.Fatal(err)
	}
	for _, iss := range a.issuers {
		iss.keys.fixed = &jose.JSONWebKeySet{}
	}
	f.Add("a.b.c")
	f.Add(b64([]byte(`{"alg":"ES256","kid":"k1"}`)) + "." +
		b64([]byte(`{"iss":"https://login.example.com","exp":9999999999,"aud":"portal","sub":"x"}`)) + "." + b64(make([]byte, 64)))
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := a.Authenticate(t.Context(), token); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
