package signatures

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"time"

	"github.com/dunglas/httpsfv"
)

// Tag says what our signatures are for (RFC 9421, section 2.3): a signature that was made
// for something else does not count.
const Tag = "portico-procurement"

// label is what we call our signatures; those of others have any.
const label = "sig1"

// Components are what a signature must cover, in the order in which we write them.
var Components = []string{"@method", "@authority", "@path", "content-digest", "content-type"}

// besides are what it may cover, too. Nothing else can be: what is covered is kept.
var besides = []string{"@query", "date"}

// parameters are those that a signature must have.
var parameters = []string{"created", "expires", "nonce", "keyid", "alg", "tag"}

const shortestNonce, longestNonce = 16, 128

// Request is the signature of a request, read and checked but for who made it.
type Request struct {
	KeyID, Nonce     string
	Created, Expires time.Time
	Base             string // what is signed
	Signature        []byte
	Digest           string // of the body, as Content-Digest has it, SHA-256
}

// Signed tells whether a message claims to be signed.
func (m *Message) Signed() bool {
	return len(m.Header.Values("Signature")) > 0 || len(m.Header.Values("Signature-Input")) > 0
}

// Read reads the signature of a request that arrived at a time, and checks all that can be
// checked without the key. Every failure is an [*Invalid].
func (m *Message) Read(at time.Time) (*Request, error) {
	inputs, err := httpsfv.UnmarshalDictionary(m.Header.Values("Signature-Input"))
	if err != nil {
		return nil, invalid("", "Signature-Input is no dictionary as RFC 8941 has it.")
	}
	sigs, err := httpsfv.UnmarshalDictionary(m.Header.Values("Signature"))
	if err != nil {
		return nil, invalid("", "Signature is no dictionary as RFC 8941 has it.")
	}
	names := inputs.Names()
	if len(names) != 1 || !slices.Equal(names, sigs.Names()) {
		return nil, invalid("", "Sign once: Signature-Input and Signature have one member each, with the same label.")
	}
	member, _ := inputs.Get(names[0])
	input, ok := member.(httpsfv.InnerList)
	if !ok {
		return nil, invalid("", "Signature-Input names no list of components.")
	}
	r := &Request{}
	r.KeyID, _ = textOf(input.Params, "keyid")
	member, _ = sigs.Get(names[0])
	item, _ := member.(httpsfv.Item)
	if r.Signature, ok = item.Value.([]byte); !ok || len(r.Signature) != ed25519.SignatureSize {
		return nil, invalid(r.KeyID, "Signature is not 64 bytes between colons, as Ed25519 gives.")
	}
	if err := r.parameters(input.Params, at); err != nil {
		return nil, err
	}
	if err := covers(r.KeyID, input.Items); err != nil {
		return nil, err
	}
	if r.Digest, err = m.digest(r.KeyID); err != nil {
		return nil, err
	}
	base, missing := m.base(input)
	if missing != "" {
		return nil, invalid(r.KeyID, "The signature covers %q, which this request does not have.", missing)
	}
	r.Base = base
	return r, nil
}

// Verify tells whether the key made the signature.
func (r *Request) Verify(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, []byte(r.Base), r.Signature) {
		return invalid(r.KeyID, "The signature is not that of the key over this request: it was altered, or signed otherwise.")
	}
	return nil
}

func textOf(params *httpsfv.Params, name string) (string, bool) {
	v, _ := params.Get(name)
	s, ok := v.(string)
	return s, ok
}

// parameters reads and checks the parameters of a signature.
func (r *Request) parameters(params *httpsfv.Params, at time.Time) error {
	given := params.Names()
	for _, name := range parameters {
		if !slices.Contains(given, name) {
			return invalid(r.KeyID, "The signature lacks the parameter %q.", name)
		}
	}
	if len(given) != len(parameters) {
		return invalid(r.KeyID, "The signature has a parameter that is not known.")
	}
	alg, _ := textOf(params, "alg")
	tag, _ := textOf(params, "tag")
	nonce, isText := textOf(params, "nonce")
	created, isTime := whole(params, "created")
	expires, isTime2 := whole(params, "expires")
	switch {
	case r.KeyID == "":
		return invalid("", "keyid is no text.")
	case alg != Algorithm:
		return invalid(r.KeyID, "alg must be %q.", Algorithm)
	case tag != Tag:
		return invalid(r.KeyID, "tag must be %q.", Tag)
	case !isText || len(nonce) < shortestNonce || len(nonce) > longestNonce:
		return invalid(r.KeyID, "nonce must have %d to %d characters.", shortestNonce, longestNonce)
	case !isTime || !isTime2:
		return invalid(r.KeyID, "created and expires must be whole seconds since 1970.")
	}
	r.Nonce, r.Created, r.Expires = nonce, time.Unix(created, 0).UTC(), time.Unix(expires, 0).UTC()
	switch {
	case r.Created.After(at.Add(Window)) || r.Created.Before(at.Add(-Window)):
		return invalid(r.KeyID, "created is more than %d s from the server's time: check your clock and sign the request again.",
			int(Window.Seconds()))
	case !r.Expires.After(r.Created) || r.Expires.After(r.Created.Add(Window)):
		return invalid(r.KeyID, "expires must be after created, by %d s at most.", int(Window.Seconds()))
	case !at.Before(r.Expires):
		return invalid(r.KeyID, "The signature has expired: sign the request again.")
	}
	return nil
}

func whole(params *httpsfv.Params, name string) (int64, bool) {
	v, _ := params.Get(name)
	n, ok := v.(int64)
	return n, ok
}

// covers checks which components a signature covers.
func covers(keyID string, items []httpsfv.Item) error {
	var covered []string
	for _, item := range items {
		name, ok := item.Value.(string)
		if !ok || len(item.Params.Names()) > 0 {
			return invalid(keyID, "A component is a name in quotes, without parameters.")
		}
		if !slices.Contains(Components, name) && !slices.Contains(besides, name) {
			return invalid(keyID, "The signature covers %.40q, which cannot be covered here.", name)
		}
		if slices.Contains(covered, name) {
			return invalid(keyID, "The signature covers %q twice.", name)
		}
		covered = append(covered, name)
	}
	for _, name := range Components {
		if !slices.Contains(covered, name) {
			return invalid(keyID, "The signature does not cover %q.", name)
		}
	}
	return nil
}

// digests are the algorithms of Content-Digest that RFC 9530 holds for safe.
var digests = map[string]func([]byte) []byte{
	"sha-256": func(b []byte) []byte { d := sha256.Sum256(b); return d[:] },
	"sha-512": func(b []byte) []byte { d := sha512.Sum512(b); return d[:] },
}

// digest checks that every digest of the body is right, and that there is one at all.
func (m *Message) digest(keyID string) (string, error) {
	given, err := httpsfv.UnmarshalDictionary(m.Header.Values("Content-Digest"))
	if err != nil {
		return "", invalid(keyID, "Content-Digest is no dictionary as RFC 9530 has it.")
	}
	checked := false
	for _, name := range given.Names() {
		of := digests[name]
		if of == nil {
			continue
		}
		member, _ := given.Get(name)
		item, _ := member.(httpsfv.Item)
		received, _ := item.Value.([]byte)
		if subtle.ConstantTimeCompare(received, of(m.Body)) != 1 {
			return "", invalid(keyID, "Content-Digest is not that of the body.")
		}
		checked = true
	}
	if !checked {
		return "", invalid(keyID, "Content-Digest has neither sha-256 nor sha-512.")
	}
	return Digest(m.Body), nil
}

// Digest is the Content-Digest (RFC 9530) of a body, SHA-256.
func Digest(body []byte) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(digests["sha-256"](body)) + ":"
}

// Sign signs a request with a key that the other side knows by an id: it sets
// Content-Digest, Signature-Input and Signature. The header must have a Content-Type.
func (m *Message) Sign(keyID string, key ed25519.PrivateKey, at time.Time) error {
	m.Header.Set("Content-Digest", Digest(m.Body))
	input := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, name := range Components {
		input.Items = append(input.Items, httpsfv.NewItem(name))
	}
	created := at.Unix()
	input.Params.Add("created", created)
	input.Params.Add("expires", created+int64(Window.Seconds()))
	input.Params.Add("nonce", rand.Text())
	input.Params.Add("keyid", keyID)
	input.Params.Add("alg", Algorithm)
	input.Params.Add("tag", Tag)
	base, missing := m.base(input)
	if missing != "" {
		return invalid(keyID, "The request has no %q to cover.", missing)
	}
	for name, member := range map[string]httpsfv.Member{
		"Signature-Input": input,
		"Signature":       httpsfv.NewItem(ed25519.Sign(key, []byte(base))),
	} {
		d := httpsfv.NewDictionary()
		d.Add(label, member)
		text, err := httpsfv.Marshal(d)
		if err != nil {
			return err
		}
		m.Header.Set(name, text)
	}
	return nil
}
