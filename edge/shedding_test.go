package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

func TestBrowsingIsTurnedAwayBeforeOrdersAre(t *testing.T) {
	s := &server{load: &load{most: 3}}
	of := func(kind ast.Operation) *operation {
		return &operation{OperationContext: graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: kind}}}
	}
	query, mutation, subscription := of(ast.Query), of(ast.Mutation), of(ast.Subscription)
	var leave []func()
	for range 3 {
		if errs := s.turnedAway(query); errs != nil {
			t.Fatalf("with room: %v", errs)
		}
		leave = append(leave, s.load.enter(false))
	}
	errs := s.turnedAway(query)
	if len(errs) != 1 || errs[0].Extensions["code"] != overloaded {
		t.Fatalf("without room: %v", errs)
	}
	w := httptest.NewRecorder()
	if status := refusedAs(w, errs, http.StatusOK); status != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
		t.Errorf("it is answered with %d and %v", status, w.Header())
	}
	for range writesPerQuery * 3 {
		if errs := s.turnedAway(mutation); errs != nil {
			t.Fatalf("a write, while pages are turned away: %v", errs)
		}
		leave = append(leave, s.load.enter(true))
	}
	if s.turnedAway(mutation) == nil {
		t.Error("writes are not bounded")
	}
	if errs := s.turnedAway(subscription); errs != nil {
		t.Errorf("a stream: %v", errs)
	}
	for _, done := range leave {
		done()
	}
	if s.turnedAway(query) != nil || s.turnedAway(mutation) != nil {
		t.Error("there is room again, and none is given")
	}
}
