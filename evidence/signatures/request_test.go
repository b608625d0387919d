package signatures

import (
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newKey(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

// signedAt is a request that was signed at a time.
func signedAt(t *testing.T, private ed25519.PrivateKey, at time.Time) *Message {
	t.Helper()
	m := &Message{
		Method: http.MethodPost, Authority: "portico.test", Target: "/graphql?x=1", Body: []byte(`{"query": "{ a }"}`),
		Header: http.Header{"Content-Type": {"application/json"}},
	}
	if err := m.Sign("key_1", private, at); err != nil {
		t.Fatal(err)
	}
	return m
}

// edit replaces a part of a header.
func edit(header, old, now string) func(*Message) {
	return func(m *Message) { m.Header.Set(header, strings.Replace(m.Header.Get(header), old, now, 1)) }
}

// set sets a parameter of the signature, whatever it was.
func set(name, value string) func(*Message) {
	return func(m *Message) {
		input := m.Header.Get("Signature-Input")
		before, rest, _ := strings.Cut(input, ";"+name+"=")
		end := strings.IndexByte(rest, ';')
		if end < 0 {
			end = len(rest)
		}
		m.Header.Set("Signature-Input", before+value+rest[end:])
	}
}

// TestARequestIsRefusedForWhatIsWrongWithIt holds every rule of signed requests to the words that it
// refuses with.
func TestARequestIsRefusedForWhatIsWrongWithIt(t *testing.T) {
	public, private := newKey(t)
	for name, c := range map[string]struct {
		change func(*Message)
		arrive time.Duration // after it was signed
		want   string        // nothing: it is taken
	}{
		"as it was signed":            {want: ""},
		"signed by a clock behind":    {arrive: 299 * time.Second},
		"at the end of its time":      {arrive: 300 * time.Second, want: "The signature has expired"},
		"long after":                  {arrive: 301 * time.Second, want: "created is more than 300 s from the server's time"},
		"signed by a clock before":    {arrive: -300 * time.Second},
		"signed by one too far ahead": {arrive: -301 * time.Second, want: "created is more than 300 s"},
		"one that lives for a second, after two": {
			change: set("expires", ";expires=1772452801"), arrive: 2 * time.Second, want: "The signature has expired: sign the request again.",
		},
		"one that lives for too long": {change: set("expires", ";expires=1772453101"), want: "expires must be after created, by 300 s at most."},
		"one that ends as it begins":  {change: set("expires", ";expires=1772452800"), want: "expires must be after created"},
		"without an end":              {change: set("expires", ""), want: `lacks the parameter "expires"`},
		"without a beginning":         {change: set("created", ""), want: `lacks the parameter "created"`},
		"a moment that is none":       {change: set("created", `;created="now"`), want: "whole seconds since 1970"},
		"a short nonce":               {change: set("nonce", `;nonce="123456789012345"`), want: "nonce must have 16 to 128"},
		"a long nonce":                {change: set("nonce", `;nonce="`+strings.Repeat("x", 129)+`"`), want: "nonce must have 16 to 128"},
		"a nonce that is a number":    {change: set("nonce", ";nonce=1234567890123"), want: "nonce must have 16 to 128"},
		"another algorithm":           {change: set("alg", `;alg="hmac-sha256"`), want: `alg must be "ed25519"`},
		"for something else":          {change: set("tag", `;tag="login"`), want: `tag must be "portico-procurement"`},
		"a key that is a number":      {change: set("keyid", ";keyid=7"), want: "keyid is no text"},
		"a parameter more":            {change: set("tag", `;tag="portico-procurement";x=1`), want: "a parameter that is not known"},
		"its body is another":         {change: func(m *Message) { m.Body = []byte("{}") }, want: "Content-Digest is not that of the body"},
		"no digest":                   {change: func(m *Message) { m.Header.Del("Content-Digest") }, want: "neither sha-256 nor sha-512"},
		"a weak digest":               {change: edit("Content-Digest", "sha-256", "md5"), want: "neither sha-256 nor sha-512"},
		"two digests, one of them bad": {
			change: func(m *Message) { m.Header.Add("Content-Digest", "sha-512=:AAAA:") },
			want:   "Content-Digest is not that of the body",
		},
		"a digest that cannot be read": {
			change: func(m *Message) { m.Header.Set("Content-Digest", "=") },
			want:   "Content-Digest is no dictionary",
		},
		"less is covered": {change: edit("Signature-Input", `"@path" `, ""), want: `does not cover "@path"`},
		"twice the same":  {change: edit("Signature-Input", `"@path"`, `"@path" "@path"`), want: `covers "@path" twice`},
		"what is not kept": {
			change: edit("Signature-Input", `"@path"`, `"@path" "authorization"`),
			want:   `covers "authorization", which cannot be covered`,
		},
		"a part of a component": {change: edit("Signature-Input", `"@path"`, `"@path";sf`), want: "without parameters"},
		"what the request has not": {
			change: edit("Signature-Input", `"@path"`, `"@path" "date"`),
			want:   `covers "date", which this request does not have`,
		},
		"signed twice":       {change: func(m *Message) { m.Header.Add("Signature", "sig2=:AAAA:") }, want: "Sign once"},
		"labels that differ": {change: edit("Signature", "sig1", "sig2"), want: "Sign once"},
		"no list of components": {
			change: func(m *Message) { m.Header.Set("Signature-Input", "sig1=1") },
			want:   "names no list of components",
		},
		"a short signature": {
			change: func(m *Message) { m.Header.Set("Signature", "sig1=:AAAA:") },
			want:   "Signature is not 64 bytes",
		},
		"inputs that cannot be read": {
			change: func(m *Message) { m.Header.Set("Signature-Input", "=") },
			want:   "Signature-Input is no dictionary",
		},
		"no dictionary": {change: func(m *Message) { m.Header.Set("Signature", "=") }, want: "Signature is no dictionary"},
		"another path": {
			change: func(m *Message) { m.Target = "/other" },
			want:   "The signature is not that of the key over this request",
		},
		"another host":               {change: func(m *Message) { m.Authority = "other.test" }, want: "The signature is not that of the key"},
		"another method":             {change: func(m *Message) { m.Method = http.MethodPut }, want: "The signature is not that of the key"},
		"another query, not covered": {change: func(m *Message) { m.Target = "/graphql?x=2" }},
	} {
		t.Run(name, func(t *testing.T) {
			m := signedAt(t, private, noon)
			if c.change != nil {
				c.change(m)
			}
			r, err := m.Read(noon.Add(c.arrive))
			if err == nil {
				err = r.Verify(public)
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if _, isInvalid := errors.AsType[*Invalid](err); err != nil && !isInvalid {
				t.Errorf("%T is not told to who signed", err)
			}
		})
	}
}

func TestAnotherKeyVerifiesNothing(t *testing.T) {
	_, private := newKey(t)
	other, _ := newKey(t)
	r, err := signedAt(t, private, noon).Read(noon)
	if err != nil {
		t.Fatal(err)
	}
	for what, key := range map[string]ed25519.PublicKey{"another key": other, "no key": nil, "a part of a key": other[:31]} {
		if r.Verify(key) == nil {
			t.Errorf("%s verifies it", what)
		}
	}
	if r.KeyID != "key_1" || len(r.Nonce) < shortestNonce || !r.Created.Equal(noon) || r.Expires.Sub(r.Created) != Window {
		t.Errorf("read as %+v", r)
	}
}

// TestAuthorityIsThatOfRFC9421 has the examples of section 2.2.3 and those beside them.
func TestAuthorityIsThatOfRFC9421(t *testing.T) {
	for address, want := range map[string]string{
		"https://www.example.com/path":     "www.example.com",
		"https://WWW.Example.com:443/path": "www.example.com",
		"http://www.example.com:80/":       "www.example.com",
		"https://www.example.com:8443/":    "www.example.com:8443",
		"http://www.example.com:443/":      "www.example.com:443",
		"https://www.example.com:80/":      "www.example.com:80",
		"https://[::1]:443/":               "[::1]",
		"http://127.0.0.1:8080/":           "127.0.0.1:8080",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := Authority(u); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

// TestComponentsAreThoseOfTheRequest holds what is signed to section 2 of RFC 9421.
func TestComponentsAreThoseOfTheRequest(t *testing.T) {
	m := &Message{
		Method:    "GET",
		Authority: "a",
		Target:    "/p?a=1&b=x%20y&b=2&c=ä",
		Header:    http.Header{"X-Twice": {" one", "two "}, "X-Line": {"a\nb"}},
	}
	for input, want := range map[string]string{
		`("@path")`:                      `"@path": /p`,
		`("@query")`:                     `"@query": ?a=1&b=x%20y&b=2&c=ä`,
		`("x-twice")`:                    `"x-twice": one, two`,
		`("@query-param";name="a")`:      `"@query-param";name="a": 1`,
		`("@query-param";name="c")`:      `"@query-param";name="c": %C3%A4`,
		`("@query-param";name="b")`:      "", // it is there twice
		`("@query-param";name="d")`:      "",
		`("@query-param")`:               "",
		`("@query-param";name="a";req)`:  "",
		`("@status")`:                    "",
		`("@target-uri")`:                "",
		`("X-Twice")`:                    "",
		`("x-none")`:                     "",
		`("x-line")`:                     "", // two lines would be two components
		`("x-twice";sf)`:                 "",
		`("@method" "@authority")`:       "\"@method\": GET\n\"@authority\": a",
		`("@method" "x-none" "@status")`: "",
	} {
		base, missing := m.base(inputOf(t, input))
		got, _, _ := strings.Cut(base, "\n\"@signature-params\"")
		if got != want || (missing == "") != (want != "") {
			t.Errorf("%s: %q, missing %q; want %q", input, got, missing, want)
		}
	}
	if base, _ := (&Message{Target: "?x"}).base(inputOf(t, `("@path")`)); !strings.HasPrefix(base, `"@path": /`+"\n") {
		t.Errorf("an empty path is signed as %q", base)
	}
}

// TestADocumentsSignatureIsReadStrictly holds detached signatures to RFC 7797.
func TestADocumentsSignatureIsReadStrictly(t *testing.T) {
	public, private := newKey(t)
	other, _ := newKey(t)
	document := []byte(`{"a":1}`)
	jws, err := SignDocument(document, "key_1", private)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := DocumentKey(jws); err != nil || id != "key_1" {
		t.Errorf("its key is %q, %v", id, err)
	}
	for what, c := range map[string]struct {
		jws, document, key string
		public             ed25519.PublicKey
		want               string
	}{
		"as it was signed":      {jws, `{"a":1}`, "key_1", public, ""},
		"another document":      {jws, `{"a":2}`, "key_1", public, "is not that of the key over its canonical JSON"},
		"another key":           {jws, `{"a":1}`, "key_1", other, "is not that of the key"},
		"another name of a key": {jws, `{"a":1}`, "key_2", public, "signed with another key than the request"},
		"no key":                {jws, `{"a":1}`, "key_1", nil, "The key is not there."},
		"not detached":          {strings.Replace(jws, "..", ".e30.", 1), `{"a":1}`, "key_1", public, "no detached JWS"},
		"two parts":             {strings.Replace(jws, "..", ".", 1), `{"a":1}`, "key_1", public, "no detached JWS"},
		"far too long":          {jws + strings.Repeat("A", longestJWS), `{"a":1}`, "key_1", public, "no detached JWS"},
		"no header":             {"!..x", `{"a":1}`, "key_1", public, "header of the document's signature cannot be read"},
		"another algorithm":     {"eyJhbGciOiJub25lIiwia2lkIjoia2V5XzEifQ..", `{"a":1}`, "key_1", public, "must be EdDSA"},
		"no name of a key":      {"eyJhbGciOiJFZERTQSJ9..x", `{"a":1}`, "key_1", public, "names no key: set kid"},
	} {
		err := VerifyDocument(c.jws, []byte(c.document), c.key, c.public)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

func TestADocumentIsSignedWithoutItsSignature(t *testing.T) {
	got, err := Unsigned([]byte(`{"signature": "x", "b": 1.0, "a": {"signature": "stays"}}`))
	if err != nil || string(got) != `{"a":{"signature":"stays"},"b":1}` {
		t.Errorf("%s, %v", got, err)
	}
	for _, text := range []string{"", "[1]", `{"a":1,"a":2}`, `{"a":1} x`} {
		if got, err := Unsigned([]byte(text)); err == nil {
			t.Errorf("%q is signed as %s", text, got)
		}
	}
	body := []byte(`{"query": "q", "variables": {"key": "k", "in": {"b" : 2}}}`)
	if got := Variable(body, "in"); string(got) != `{"b" : 2}` {
		t.Errorf("the variable is %s", got)
	}
	if got := Variables(body); len(got) != 2 {
		t.Errorf("%d variables, want 2", len(got))
	}
	if Variable([]byte("no JSON"), "in") != nil || Variables([]byte("no JSON")) != nil {
		t.Error("what is no JSON has variables")
	}
}

// TestAMutationIsTakenByWhoReadsIt sends what suppliers' clients send.
func TestAMutationIsTakenByWhoReadsIt(t *testing.T) {
	public, private := newKey(t)
	req, err := Mutation(
		t.Context(),
		"http://Portico.test:80/graphql",
		"token",
		"mutation { x }",
		"k",
		map[string]any{"b": 2, "a": "ä"},
		"key_1",
		private,
		noon,
	)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	e := NewEnvelope(req, Authority(req.URL), body)
	if req.Header.Get("Authorization") != "Bearer token" || e.Header.Get("Authorization") != "" {
		t.Errorf(
			"the token is sent as %q and kept as %q; it is to be sent, and not kept",
			req.Header.Get("Authorization"),
			e.Header.Get("Authorization"),
		)
	}
	read, err := e.Read(noon)
	if err == nil {
		err = read.Verify(public)
	}
	if err != nil {
		t.Fatalf("its request: %v", err)
	}
	document, err := Unsigned(Variable(body, "in"))
	if err != nil || string(document) != `{"a":"ä","b":2}` {
		t.Fatalf("its document is %s, %v", document, err)
	}
}

func TestAnEnvelopeKeepsTheRequestAsItWasSent(t *testing.T) {
	for target, want := range map[string]string{"/a%2Fb": "/a%2Fb", "/a?x=1": "/a?x=1", "/a?": "/a?", "/": "/"} {
		e := NewEnvelope(httptest.NewRequest(http.MethodPost, "http://portico.test"+target, nil), "portico.test", nil)
		if e.Target != want {
			t.Errorf("%s is kept as %s", target, e.Target)
		}
		if e.Signed() || In(With(t.Context(), e)) != e || In(t.Context()) != nil {
			t.Errorf("%s: signed %v, or not found in its context alone", target, e.Signed())
		}
	}
}

// TestKeysOfOtherKindsAreRefused reads what people paste.
func TestKeysOfOtherKindsAreRefused(t *testing.T) {
	public, private := newKey(t)
	text, err := PublicPEM(public)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := PrivatePEM(private)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := PublicKey(text); err != nil || !got.Equal(public) {
		t.Errorf("its own PEM: %v", err)
	}
	if got, err := PrivateKey(secret); err != nil || !got.Equal(private) {
		t.Errorf("its own PEM: %v", err)
	}
	if Fingerprint(public) == Fingerprint(public[:31]) || len(Fingerprint(public)) != 64 {
		t.Errorf("the fingerprint is %q", Fingerprint(public))
	}
	const p256 = "-----BEGIN PUBLIC KEY-----\n" +
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\n" +
		"w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----\n"
	for what, text := range map[string]string{
		"nothing": "", "a private key": string(secret), "two keys": text + text,
		"no key in it": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "another kind": p256,
	} {
		if _, err := PublicKey(text); err == nil {
			t.Errorf("%s is a public key", what)
		}
	}
	for what, text := range map[string]string{
		"nothing": "", "a public key": text, "no key in it": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		if _, err := PrivateKey([]byte(text)); err == nil {
			t.Errorf("%s is a private key", what)
		}
	}
}
