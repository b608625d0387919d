package operating

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Revocation ends sign-ins before their time: one token, by its id, or all
// tokens of a subject, by its digest, that were issued until At.
type Revocation struct {
	Token   string
	Subject string // a [SubjectDigest]
	At      time.Time
}

// SubjectDigest is what a subject is known by where nobody needs its name.
func SubjectDigest(subject string) string {
	sum := sha256.Sum256([]byte("revocation:" + subject))
	return hex.EncodeToString(sum[:])
}
