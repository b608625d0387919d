package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/Khan/genqlient/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// client is a persona at a server, for the operations of package api.
type client struct {
	t      *testing.T
	s      *server
	token  string
	strict bool
}

// as is a client whose requests must have no errors: the story ends at one that has, so that [must] reads the result.
//
//	order := must(api.Order(s.as(t, "buyer"), id)).Order
//
// It is for the goroutine of the story. After the persona come flags of the command token; without a persona it is nobody.
func (s *server) as(t *testing.T, persona ...string) graphql.Client {
	t.Helper()
	return client{t: t, s: s, token: s.tokenOf(t, persona), strict: true}
}

// try is a client whose errors the story reads itself, by [errorsOf].
//
//	_, err := api.ValidateOrder(s.try(t, "supplier"), in)
func (s *server) try(t *testing.T, persona ...string) graphql.Client {
	t.Helper()
	return client{t: t, s: s, token: s.tokenOf(t, persona)}
}

func (s *server) tokenOf(t *testing.T, persona []string) string {
	t.Helper()
	if len(persona) == 0 {
		return ""
	}
	return s.token(t, persona...)
}

// MakeRequest sends an operation for the functions of package api. Errors of GraphQL are a gqlerror.List.
func (c client) MakeRequest(_ context.Context, req *graphql.Request, resp *graphql.Response) error {
	c.t.Helper()
	_, text, err := c.s.post(c.t.Context(), c.token, req)
	if err == nil {
		err = json.Unmarshal(text, resp)
	}
	if err == nil && len(resp.Errors) > 0 {
		err = resp.Errors
	}
	if err != nil && c.strict {
		c.t.Fatalf("%s: %v\n%s", req.OpName, err, text)
	}
	return err
}

// must is the result of an operation of a client that is strict.
func must[T any](result T, err error) T {
	if err != nil {
		panic(err) // the client has ended the story, unless it is one of try
	}
	return result
}

// errorsOf are the errors of GraphQL that an operation got; that there was no response ends the story.
func errorsOf(t *testing.T, err error) (all gqlerror.List) {
	t.Helper()
	if err != nil && !errors.As(err, &all) {
		t.Fatal(err)
	}
	return all
}

// codes are the codes of errors.
func codes(all gqlerror.List) (codes []string) {
	for _, e := range all {
		codes = append(codes, fmt.Sprint(e.Extensions["code"]))
	}
	return codes
}

// arguments are the places of errors in the arguments, as fmt prints them.
func arguments(all gqlerror.List) (places []string) {
	for _, e := range all {
		places = append(places, fmt.Sprint(e.Extensions["argument"]))
	}
	return places
}

// at is the element of a list at i; its zero value where the list ends before.
func at[T any](all []T, i int) (element T) {
	if i < len(all) {
		element = all[i]
	}
	return element
}

// val is the value of what may be null; its zero value where it is.
func val[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

// null is whether a result is. Of an object at least one member must be selected that is never null, and is not 0 or false.
func null(result any) bool { return result == nil || reflect.ValueOf(result).IsZero() }

// asJSON is a result as it was sent, for the message of a story that fails.
func asJSON(result any) string {
	text, err := json.Marshal(result)
	if err != nil {
		return fmt.Sprintf("%+v (%v)", result, err)
	}
	return string(text)
}

// updatesOf are the updates of a stream until now, as the response of the subscription in package api.
func updatesOf[T any](t *testing.T, f *stream) (all []T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	text, err := json.Marshal(f.updates)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}
