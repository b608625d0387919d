package events

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"portico/trade"
)

// Cursors seals places in streams to the stream and to who was told of them: the first key
// seals, all of them open.
type Cursors struct{ keys func() [][]byte }

// NewCursors makes cursors that are sealed with keys.
func NewCursors(keys func() [][]byte) *Cursors { return &Cursors{keys} }

const placeSize = 16 // bytes, before the seal

// Sign is a place in the stream of a topic for callers with a scope.
func (c *Cursors) Sign(topic trade.Topic, scope trade.Scope, p trade.Place) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, placeSize+macSize), p.Transaction)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Seq)) //nolint:gosec // it fits
	return base64.RawURLEncoding.EncodeToString(append(b, sign(c.keys()[0], topic, scope, b)...))
}

// Open is the place that a cursor stands for; ok is false where it was made up, or given to
// somebody else or for another stream.
func (c *Cursors) Open(topic trade.Topic, scope trade.Scope, cursor string) (p trade.Place, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != placeSize+macSize {
		return p, false
	}
	b, mac := b[:placeSize], b[placeSize:]
	if !slices.ContainsFunc(c.keys(), func(key []byte) bool { return hmac.Equal(mac, sign(key, topic, scope, b)) }) {
		return p, false
	}
	return trade.Place{Transaction: binary.BigEndian.Uint64(b), Seq: int64(binary.BigEndian.Uint64(b[8:]))}, true //nolint:gosec // it fits
}

const macSize = 16

func sign(key []byte, topic trade.Topic, scope trade.Scope, place []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("cursor of " + string(topic) + " for " + scope.Parties() + ": "))
	mac.Write(place)
	return mac.Sum(nil)[:macSize]
}
