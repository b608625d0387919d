package app

import (
	"context"
	"log/slog"
	"net/http"

	"riverqueue.com/riverui"

	"portico/edge"
	"portico/edge/auth"
)

// riverPath is where operators see the queue, in River's own pages.
const riverPath = "/ops/river"

// riverPages serves River's own pages to operators: with ops:read to look, and with ops:write
// to press a button. A browser asks for the token as a password, under any name; what
// another site makes it send is refused. What is to be done stands in our operations, so
// that no button there does a write twice or loses one.
func (p *server) riverPages(ctx context.Context) (http.Handler, error) {
	client, err := p.engine.Board()
	if err != nil {
		return nil, err
	}
	pages, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(client, nil), Logger: slog.New(slog.DiscardHandler),
		Prefix: riverPath, JobListHideArgsByDefault: true,
	})
	if err != nil {
		return nil, err
	}
	if err := pages.Start(ctx); err != nil {
		return nil, err
	}
	allowed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		needs := []string{"ops:read"}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			needs = []string{"ops:write"}
		}
		caller := auth.CallerOf(r.Context())
		if caller.Principal == nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="Portico: any name, and an operator's token as the password"`)
			http.Error(w, "Sign in with a token that has the scope "+needs[0]+" as the password.", http.StatusUnauthorized)
			return
		}
		if err := caller.Scope.Decide([][]string{needs}, nil); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		pages.ServeHTTP(w, r)
	})
	signedIn := edge.SignIn(p.auth, p.log, allowed)
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, token, ok := r.BasicAuth(); ok {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+token)
		}
		signedIn.ServeHTTP(w, r)
	})), nil
}
