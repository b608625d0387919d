package sources

import (
	"context"
	"errors"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/common"
	"github.com/failsafe-go/failsafe-go/policy"
)

// breaking is a circuit breaker that learns from what a source did alone. To failsafe-go every call is a success or a failure; one
// whose caller went away, or that found no place among those under way, is neither. While the circuit is half open, it is no
// success: the source stays down until it has answered.
type breaking struct {
	circuitbreaker.CircuitBreaker[any]
}

// ToExecutor makes it a policy of failsafe-go.
func (b breaking) ToExecutor(any) any {
	e := &breakingExecutor{circuit: b.CircuitBreaker}
	e.BaseExecutor = policy.BaseExecutor[any]{Executor: e}
	return e
}

type breakingExecutor struct {
	policy.BaseExecutor[any]
	circuit circuitbreaker.CircuitBreaker[any]
}

// PreExecute lets no call through while the circuit is open.
func (e *breakingExecutor) PreExecute(policy.ExecutionInternal[any]) *common.PolicyResult[any] {
	if e.circuit.TryAcquirePermit() {
		return nil
	}
	return &common.PolicyResult[any]{Error: circuitbreaker.ErrOpen, Done: true}
}

// PostExecute records what a call says of the source.
func (e *breakingExecutor) PostExecute(_ policy.ExecutionInternal[any], r *common.PolicyResult[any]) *common.PolicyResult[any] {
	silent := errors.Is(r.Error, context.Canceled) || errors.Is(r.Error, bulkhead.ErrFull)
	switch {
	case silent && !e.circuit.IsHalfOpen():
		return r.WithFailure()
	case silent || sick(r.Error):
		e.circuit.RecordFailure()
		return r.WithFailure()
	}
	e.circuit.RecordSuccess()
	return r.WithDone(true, true)
}
