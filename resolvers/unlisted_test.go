package resolvers

import (
	"errors"
	"testing"

	"portico/trade"
)

func TestARefusalThatAUnionDoesNotListIsAnErrorAndNoPanic(t *testing.T) {
	listed := []trade.UserError{&trade.InvalidInput{}, &trade.StateNotAllowed{}}
	if members, err := union[trade.CommonError](listed); err != nil || len(members) != 2 || members[1] != listed[1] {
		t.Errorf("what is listed: %v, %v", members, err)
	}
	if members, err := union[trade.CommonError](nil); err != nil || members == nil {
		t.Errorf("none are %v, %v, which a client gets as null", members, err)
	}
	_, err := union[trade.CommonError](append(listed, &trade.DuplicateDocument{Refusal: trade.Refusal{Message: "it came before"}}))
	unlisted, ok := errors.AsType[*UnlistedRefusal](err)
	if !ok {
		t.Fatalf("what is not listed: %v", err)
	}
	const want = "a refusal of the type *trade.DuplicateDocument is no member of trade.CommonError: it came before"
	if unlisted.Error() != want {
		t.Errorf("got %q, want %q", unlisted, want)
	}
}
