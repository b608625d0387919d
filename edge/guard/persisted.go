package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Known are documents that need not be sent whole: those of clients' manifests,
// which are trusted, and those that were sent once with their hash.
type Known struct {
	sent      *lru.Cache[string, string] // by hash
	manifests func() map[string]Manifest // by client
}

// Manifest are one client's documents by their ids.
type Manifest map[string]string

// keptSent bounds what clients can make us keep: with the largest documents it
// is 32 MiB.
const keptSent = 500

// NewKnown makes the known documents; manifests may change.
func NewKnown(manifests func() map[string]Manifest) (*Known, error) {
	sent, err := lru.New[string, string](keptSent)
	if err != nil {
		return nil, err
	}
	return &Known{sent, manifests}, nil
}

// Trusted is a client's document with an id.
func (k *Known) Trusted(client, id string) (query string, ok bool) {
	query, ok = k.manifests()[client][id]
	return query, ok
}

// Trusts tells whether a text is one of a client's documents.
func (k *Known) Trusts(client, query string) bool {
	_, ok := k.manifests()[client][Hash(query)]
	return ok
}

// Sent is the document with a hash, if it was sent before and is still kept.
func (k *Known) Sent(hash string) (query string, ok bool) { return k.sent.Get(hash) }

// Keep keeps a document that was sent with its hash, and found good.
func (k *Known) Keep(hash, query string) { k.sent.Add(hash, query) }

// Hash is a document's SHA-256 in hexadecimal digits.
func Hash(query string) string {
	sum := sha256.Sum256([]byte(query))
	return hex.EncodeToString(sum[:])
}

// ReadManifest reads a manifest as the tools of clients write it: an object of
// documents by id, as Relay's compiler and graphql-codegen do, or Apollo's
// persisted query manifest. Each document is known by its id and by its hash.
func ReadManifest(text []byte) (Manifest, error) {
	var apollo struct {
		Format     string
		Operations []struct{ ID, Body string }
	}
	plain := Manifest{}
	if json.Unmarshal(text, &apollo) == nil && apollo.Operations != nil {
		for _, o := range apollo.Operations {
			plain[o.ID] = o.Body
		}
	} else if err := json.Unmarshal(text, &plain); err != nil {
		return nil, errors.New("it is neither an object of documents by id nor an Apollo persisted query manifest")
	}
	m := make(Manifest, 2*len(plain))
	for id, query := range plain {
		if id == "" || query == "" {
			return nil, fmt.Errorf("document %q is empty", id)
		}
		m[id], m[Hash(query)] = query, query
	}
	return m, nil
}
