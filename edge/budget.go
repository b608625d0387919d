package edge

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/edge/auth"
	"portico/edge/budget"
	"portico/edge/guard"
)

// Budgets are what one client, and all clients of one account together, may ask
// for.
type Budgets struct {
	*budget.Budget
	Client, Account budget.Limits
}

const rateLimited = "RATE_LIMITED"

type addressKey struct{}

// payers are the buckets that pay for a caller's operations: its client's and
// its account's. Nobody pays by address.
func payers(ctx context.Context) (client, account string) {
	caller := auth.CallerOf(ctx)
	if caller.Principal == nil {
		address, _ := ctx.Value(addressKey{}).(string)
		return "address " + address, ""
	}
	p := caller.Principal
	client = "client " + p.Issuer + " " + p.Client
	if p.Client == "" {
		client = "subject " + p.Issuer + " " + p.Subject
	}
	if id := caller.Scope.Buyer().ID; id != "" {
		account = "account " + id
	} else if id := caller.Scope.Supplier(); id != "" {
		account = "account " + id
	}
	return client, account
}

// charge takes what an operation may cost from who pays for it. Who has not
// enough is told when to come again.
func (s *server) charge(ctx context.Context, op *operation) gqlerror.List {
	if s.Budgets.Budget == nil {
		return nil
	}
	op.charged = max(op.cost, 1)
	op.client, op.account = payers(ctx)
	op.limits = s.Budgets.Account
	if n := int64(auth.CallerOf(ctx).Scope.CostPerMinute()); n > 0 { // a partner's own
		op.limits = budget.Limits{Rate: max(n/60, 1), Burst: n}
	}
	most := s.Budgets.Client.Burst
	if op.account != "" {
		most = min(most, op.limits.Burst)
	}
	if op.charged > most { // no waiting helps
		return gqlerror.List{{
			Message:    fmt.Sprintf("The operation costs %d, and you may spend %d at most. Ask for fewer elements at a time.", op.charged, most),
			Extensions: map[string]any{"code": guard.TooCostly, "cost": op.charged},
		}}
	}
	wait := s.Budgets.Spend(ctx, op.client, op.charged, s.Budgets.Client)
	if wait == 0 && op.account != "" {
		if wait = s.Budgets.Spend(ctx, op.account, op.charged, op.limits); wait > 0 {
			s.Budgets.Refund(op.client, op.charged, s.Budgets.Client)
		}
	}
	if wait == 0 {
		return nil
	}
	return gqlerror.List{{
		Message:    "Too much was asked for in a short time. Retry after retryAfter seconds, or request less at a time.",
		Extensions: map[string]any{"code": rateLimited, "retryAfter": math.Ceil(wait.Seconds()*10) / 10, "cost": op.charged},
	}}
}

// refund gives back what an operation might have cost and did not.
func (s *server) refund(op *operation, objects int) {
	if left := op.charged - max(int64(objects), 1); left > 0 {
		s.Budgets.Refund(op.client, left, s.Budgets.Client)
		if op.account != "" {
			s.Budgets.Refund(op.account, left, op.limits)
		}
	}
}

// limited tells whether errors are a refusal for the budget, and says so in the headers of the answer: Retry-After
// (RFC 9110, section 10.2.3), and RateLimit (draft-ietf-httpapi-ratelimit-headers), by which nothing is left until then.
func limited(w http.ResponseWriter, errs gqlerror.List) bool {
	if len(errs) == 0 || errs[0].Extensions["code"] != rateLimited {
		return false
	}
	after, _ := errs[0].Extensions["retryAfter"].(float64)
	seconds := strconv.Itoa(int(math.Ceil(max(after, 1))))
	w.Header().Set("Retry-After", seconds)
	w.Header().Set("RateLimit", `"points";r=0;t=`+seconds)
	return true
}

// addressed keeps where a request of nobody comes from.
func addressed(r *http.Request) *http.Request {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return r.WithContext(context.WithValue(r.Context(), addressKey{}, host))
}
