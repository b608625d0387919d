package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"portico/store"
	"portico/store/ledger"
	"portico/trade"
	"portico/trade/procurement"
)

// shortestKey and longestKey are the lengths of a key, as the schema has them.
const shortestKey, longestKey = 16, 128

// CheckKey refuses a key that is too short, too long or cannot be printed; nil where it is good.
func CheckKey(key string) *trade.InvalidInput {
	if len(key) >= shortestKey && len(key) <= longestKey && printable(key) {
		return nil
	}
	return &trade.InvalidInput{Refusal: trade.Refusal{
		Code: trade.CodeInvalidInput, Message: fmt.Sprintf("A key has %d to %d printable ASCII characters.", shortestKey, longestKey),
		Path: []string{"idempotencyKey"},
	}}
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}

// Fingerprint stands for a whole input.
func Fingerprint(input any) (string, error) {
	text, err := json.Marshal(input)
	if err != nil {
		return "", fmt.Errorf("input: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// KeyConflict refuses a key that was used for another input.
func KeyConflict(at time.Time, operation string) *trade.IdempotencyConflict {
	return &trade.IdempotencyConflict{
		Refusal: trade.Refusal{
			Code: trade.CodeKeyConflict, Message: "This key was used for another input: take a new one.",
			Path: []string{"idempotencyKey"},
		},
		FirstUsedAt: at, OperationID: operation,
	}
}

// Acted is what became of a write about an order: refusals, or what it was about.
// Receipt is that of the arrival of the signed message that it came in; nil where it was not signed.
type Acted[E trade.UserError] struct {
	Errors      []E
	Replayed    bool
	OperationID string
	SubjectID   string
	Receipt     *procurement.Receipt
	Answer      json.RawMessage
}

// refused ends a transaction whose write is refused.
type refused[E trade.UserError] struct{ errors []E }

func (*refused[E]) Error() string { return "refused" }

// Once runs a write under a key: the same key with the same input gives the same answer,
// and with another a conflict. write gives what the answer is about, or refusals, of which
// nothing stays.
func Once[E trade.UserError](ctx context.Context, st *store.Store, by Submitter, mutation, key string, input any,
	write func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []E, err error),
) (*Acted[E], error) {
	if bad := CheckKey(key); bad != nil {
		return &Acted[E]{Errors: []E{any(bad).(E)}}, nil //nolint:errcheck // it is of that type by construction
	}
	print, err := Fingerprint(input)
	if err != nil {
		return nil, err
	}
	replayed := func() (*Acted[E], error) {
		kept, err := ledger.FindSpentKey(ctx, st, by.Principal, mutation, key)
		if err != nil || kept == nil {
			return nil, err
		}
		if kept.Fingerprint != print {
			return &Acted[E]{Errors: []E{any(KeyConflict(kept.SpentAt, kept.OperationID)).(E)}}, nil //nolint:errcheck // it is of that type by construction
		}
		return &Acted[E]{Replayed: true, OperationID: kept.OperationID, SubjectID: kept.Subject, Answer: kept.Answer}, nil
	}
	if a, err := replayed(); a != nil || err != nil {
		return a, err
	}
	done := &Acted[E]{}
	err = st.InTx(ctx, func(tx *store.Tx) error {
		spent, errs, err := write(tx, print)
		if err != nil {
			return err
		}
		if len(errs) > 0 {
			return &refused[E]{errs}
		}
		spent.Fingerprint = print
		done.OperationID, done.SubjectID, done.Answer = spent.OperationID, spent.Subject, spent.Answer
		return ledger.SpendKey(ctx, tx, by.Principal, mutation, key, spent)
	})
	if r, ok := errors.AsType[*refused[E]](err); ok {
		// A twin may have been faster, and what stands against this one is its effect.
		if a, err := replayed(); a != nil || err != nil {
			return a, err
		}
		return &Acted[E]{Errors: r.errors}, nil
	}
	if errors.Is(err, ledger.ErrSpent) {
		return replayed()
	}
	if err != nil {
		return nil, err
	}
	return done, nil
}
