package trade

import "time"

// Revocation ends sign-ins before their time: one token, by its id, or all
// tokens of a subject that were issued until At.
type Revocation struct {
	Token, Subject string
	At             time.Time
}
