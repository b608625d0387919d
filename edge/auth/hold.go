package auth

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"portico/trade/clock"
	"portico/trade/operating"
)

// revokedEvery is how often revocations are looked up: with the time a
// connection takes to close, one is in force within a second on all processes.
const revokedEvery = 400 * time.Millisecond

// hold is a connection that must not outlive its sign-in.
type hold struct {
	principal *Principal
	end       context.CancelFunc
}

// Hold is a context that ends with ctx, when the caller's token expires, or when
// it is revoked.
func (a *Authenticator) Hold(ctx context.Context, c Caller) context.Context {
	held, end := context.WithDeadline(ctx, c.Principal.Expires)
	h := &hold{c.Principal, end}
	a.mu.Lock()
	a.holds[h] = true
	revoked := revoked(a.revocations, c.Principal)
	a.mu.Unlock()
	if revoked {
		end()
	}
	context.AfterFunc(held, func() {
		end()
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.holds, h)
	})
	return held
}

// revoked tells whether one of the revocations is of the token a principal came
// with. A revoked subject may sign in again: its tokens from then on count.
func revoked(all []operating.Revocation, p *Principal) bool {
	return slices.ContainsFunc(all, func(r operating.Revocation) bool {
		if r.Token != "" {
			return r.Token == p.Token
		}
		return r.Subject == p.digest && !p.Issued.After(r.At)
	})
}

// Refresh looks up the revocations. It is called once before anybody is signed
// in.
func (a *Authenticator) Refresh(ctx context.Context) error {
	all, err := a.directory.Revocations(ctx)
	if err == nil {
		a.revoke(all)
	}
	return err
}

// Watch keeps up with revocations until ctx ends, and ends what they are of.
func (a *Authenticator) Watch(ctx context.Context, log *slog.Logger) {
	loop := clock.Loop{Task: "revocations", Every: revokedEvery, Late: true, Log: log}
	loop.Run(ctx, clock.Pass(a.Refresh))
}

func (a *Authenticator) revoke(all []operating.Revocation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revocations = all
	if len(all) == 0 {
		return
	}
	for h := range a.holds {
		if revoked(all, h.principal) {
			h.end()
		}
	}
}
