// Package api has the operations of the stories, one function per operation: genqlient generates it from the .graphql files here, one
// per topic, and from schema.graphqls.
//
// What may be null is a pointer, so that null is no "" and no 0. An object that is null is its zero value, so that a story reads through
// it; whether it was null is seen by a member that never is, such as id. A member of an input that is nil is not sent.
package api

//go:generate go -C ../../.. run ./test/e2e/api/generate test/e2e/api/genqlient.yaml

// Refusal is a member of the unions of errors: what all of them have, and what some have beside it. Fragment Refusal selects it.
type Refusal struct {
	Typename string `json:"__typename"`
	Code     string // of ErrorCode
	Message  string
	Path     []string

	// VersionConflict
	CurrentVersion string
	ChangedFields  []string

	// StateNotAllowed
	State   string
	Allowed []string

	// Forbidden
	MissingScope *string

	// IdempotencyConflict
	FirstUsedAt string
	Operation   struct{ Id string }

	// PriceChanged
	Expected struct{ Price Amount }
	Current  struct{ UnitPrice struct{ Price Amount } }

	// CreditBlocked
	ShortBy *Amount

	// DuplicateDocument
	Existing string

	// ToleranceExceeded
	Deviation struct {
		Field string // of DeviationField
		Delta *string
	}
}

// Amount is of a sum of money.
type Amount struct{ Amount string }

// Identified is something that has an id of Portico's; its zero value where the caller sees none.
type Identified struct {
	Typename string `json:"__typename"`
	Id       string
}
