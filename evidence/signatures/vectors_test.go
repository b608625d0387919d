package signatures

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
)

// The messages and keys of RFC 9421, appendix B.
var (
	testRequest = &Message{
		Method: "POST", Authority: "example.com", Target: "/foo?param=Value&Pet=dog", Body: []byte(`{"hello": "world"}`),
		Header: http.Header{
			"Date": {"Tue, 20 Apr 2021 02:07:55 GMT"}, "Content-Type": {"application/json"}, "Content-Length": {"18"},
			"Content-Digest": {"sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"},
		},
	}
	testResponse = &Message{
		Status: 200, Body: []byte(`{"message": "good dog"}`),
		Header: http.Header{
			"Date": {"Tue, 20 Apr 2021 02:07:56 GMT"}, "Content-Type": {"application/json"}, "Content-Length": {"23"},
			"Content-Digest": {"sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"},
		},
	}
)

const testPublic = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----\n"

// TestSignatureBasesAreThoseOfRFC9421 makes the bases of all of appendix B.2.
func TestSignatureBasesAreThoseOfRFC9421(t *testing.T) {
	digest := testRequest.Header.Get("Content-Digest")
	for _, tt := range []struct {
		name, input string
		of          *Message
		want        []string
	}{
		{"B.2.1", `();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`, testRequest, nil},
		{
			"B.2.2", `("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"`,
			testRequest,
			[]string{
				`"@authority": example.com`, `"content-digest": ` + digest, `"@query-param";name="Pet": dog`,
			},
		},
		{"B.2.3", `("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" ` +
			`"content-length");created=1618884473;keyid="test-key-rsa-pss"`, testRequest, []string{
			`"date": Tue, 20 Apr 2021 02:07:55 GMT`, `"@method": POST`, `"@path": /foo`, `"@query": ?param=Value&Pet=dog`,
			`"@authority": example.com`, `"content-type": application/json`,
			`"content-digest": ` + digest, `"content-length": 18`,
		}},
		{
			"B.2.4", `("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"`, testResponse,
			[]string{
				`"@status": 200`, `"content-type": application/json`, `"content-digest": ` + testResponse.Header.Get("Content-Digest"),
				`"content-length": 23`,
			},
		},
		{"B.2.5", `("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`, testRequest, []string{
			`"date": Tue, 20 Apr 2021 02:07:55 GMT`, `"@authority": example.com`, `"content-type": application/json`,
		}},
		{
			"B.2.6", `("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
			testRequest,
			[]string{
				`"date": Tue, 20 Apr 2021 02:07:55 GMT`, `"@method": POST`, `"@path": /foo`, `"@authority": example.com`,
				`"content-type": application/json`, `"content-length": 18`,
			},
		},
	} {
		want := strings.Join(append(tt.want, `"@signature-params": `+tt.input), "\n")
		if got, missing := tt.of.base(inputOf(t, tt.input)); got != want || missing != "" {
			t.Errorf("%s: got\n%s\nwant\n%s (missing %q)", tt.name, got, want, missing)
		}
	}
}

func inputOf(t *testing.T, text string) httpsfv.InnerList {
	t.Helper()
	list, err := httpsfv.UnmarshalList([]string{text})
	if err != nil {
		t.Fatal(err)
	}
	return list[0].(httpsfv.InnerList)
}

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTheSignaturesOfRFC9421Hold checks the two vectors of appendix B.2 whose signatures are
// always the same: B.2.6 with Ed25519, both ways, and B.2.5 with HMAC.
func TestTheSignaturesOfRFC9421Hold(t *testing.T) {
	public, err := PublicKey(testPublic)
	if err != nil {
		t.Fatal(err)
	}
	base, _ := testRequest.base(inputOf(t,
		`("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`))
	signature := bytesOf(t, "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
	if err := (&Request{Base: base, Signature: signature}).Verify(public); err != nil {
		t.Errorf("B.2.6: %v", err)
	}
	private, err := x509.ParsePKCS8PrivateKey(bytesOf(t, "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"))
	if err != nil {
		t.Fatal(err)
	}
	if got := ed25519.Sign(private.(ed25519.PrivateKey), []byte(base)); string(got) != string(signature) {
		t.Errorf("B.2.6: we sign %x, want %x", got, signature)
	}
	base, _ = testRequest.base(inputOf(t, `("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`))
	mac := hmac.New(sha256.New, bytesOf(t, "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="))
	mac.Write([]byte(base))
	if got := base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=" {
		t.Errorf("B.2.5: got %s", got)
	}
	for _, m := range []*Message{testRequest, testResponse} {
		if _, err := m.digest(""); err != nil {
			t.Errorf("Content-Digest: %v", err)
		}
	}
}

// TestCanonicalJSONIsThatOfRFC8785 checks the example of section 3.2.4, and the order of
// names of section 3.2.3.
func TestCanonicalJSONIsThatOfRFC8785(t *testing.T) {
	for in, want := range map[string]string{
		`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`: `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		"{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\\u0080\":\"Control\"}":                                                                       "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"€\":\"Euro Sign\"}",
	} {
		got, err := Canonical([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%s became %s (%v), want %s", in, got, err, want)
		}
	}
	for _, twice := range []string{`{"a":1,"a":2}`, `{"signature":"x","signature":"y"}`} {
		if got, err := Unsigned([]byte(twice)); err == nil {
			t.Errorf("%s became %s: a name that stands twice means two things", twice, got)
		}
	}
	if got, err := Unsigned([]byte(` {"b": 1, "signature": "x", "a": {"signature": 2}}`)); err != nil ||
		string(got) != `{"a":{"signature":2},"b":1}` {
		t.Errorf("got %s (%v)", got, err)
	}
}
