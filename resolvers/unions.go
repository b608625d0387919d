package resolvers

import (
	"fmt"

	"portico/trade"
)

// UnlistedRefusal is a refusal that the union of a mutation does not list: a mistake of Portico's, which is logged and answered
// as an internal error. TestEachUnionListsWhatItsMutationRefuses finds it before it happens.
type UnlistedRefusal struct {
	Refusal trade.UserError
	Union   string
}

func (e *UnlistedRefusal) Error() string {
	return fmt.Sprintf("a refusal of the type %T is no member of %s: %s", e.Refusal, e.Union, trade.RefusalOf(e.Refusal).Message)
}

// union is what stands against a write as members of a union of the schema; it is never nil. It fails with an
// [UnlistedRefusal].
func union[E trade.UserError](errs []trade.UserError) ([]E, error) {
	members := make([]E, len(errs))
	for i, e := range errs {
		member, ok := e.(E)
		if !ok {
			return nil, &UnlistedRefusal{Refusal: e, Union: fmt.Sprintf("%T", members)[len("[]"):]}
		}
		members[i] = member
	}
	return members, nil
}

// unions are what stands against several things, each as members of a union.
func unions[E trade.UserError, T any](all []T, errs func(T) []trade.UserError) ([][]E, error) {
	members := make([][]E, len(all))
	for i, t := range all {
		var err error
		if members[i], err = union[E](errs(t)); err != nil {
			return nil, err
		}
	}
	return members, nil
}
