package edge

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/edge/auth"
	"portico/edge/guard"
	"portico/evidence/signatures"
	"portico/trade"
)

// request is what a client sends. The document may be named instead of sent:
// by the id it has in the client's manifest, or by its hash, as Apollo's
// automatic persisted queries do.
type request struct {
	graphql.RawParams

	DocumentID string `json:"documentId"`

	envelope *signatures.Envelope // nil where nothing of it was signed
}

// hash is the hash in a request's extensions.
func (r *request) hash() string {
	p, _ := r.Extensions["persistedQuery"].(map[string]any)
	h, _ := p["sha256Hash"].(string)
	return h
}

// names tells whether a request says which document it means.
func (r *request) names() bool { return r.Query != "" || r.DocumentID != "" || r.hash() != "" }

func knownError(code, message string) gqlerror.List {
	return gqlerror.List{{Message: message, Extensions: map[string]any{"code": code}}}
}

// document finds the document that a request names and puts it into its query.
// Callers of a role for which documents must be known in advance may send those
// of their client's manifest, by name or whole, and no others.
func (s *server) document(ctx context.Context, r *request) gqlerror.List {
	hash := r.hash()
	caller := auth.CallerOf(ctx)
	client := ""
	if caller.Principal != nil {
		client = caller.Principal.Client
	}
	if r.Query == "" {
		for _, id := range []string{r.DocumentID, hash} {
			if query, ok := s.Known.Trusted(client, id); ok {
				r.Query = query
				return nil
			}
		}
	}
	if s.required(caller.Scope.Role()) && (r.Query == "" || !s.Known.Trusts(client, r.Query)) {
		return knownError("PERSISTED_QUERY_REQUIRED",
			"This client may only send operations of its manifest. Register the operation and ask for it by its documentId.")
	}
	switch {
	case r.Query == "":
		var ok bool
		if r.Query, ok = s.Known.Sent(hash); !ok {
			return knownError("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound") // the words that clients look for
		}
	case hash != "" && hash != guard.Hash(r.Query):
		return knownError(badRequest, "The hash is not that of the query.")
	}
	return nil
}

func (s *server) required(role trade.Role) bool { return slices.Contains(s.KnownOnly, role) }
