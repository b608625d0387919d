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
			Code: trade.CodeKeyConflict, Message: "This key was used for another input: use a new one.",
			Path: []string{"idempotencyKey"},
		},
		FirstUsedAt: at, OperationID: operation,
	}
}

// Acted is what became of a write about an order: refusals, or what it was about.
// Receipt is that of the arrival of the signed message that it came in; nil where it was not signed.
type Acted struct {
	Errors      []trade.UserError
	Replayed    bool
	OperationID string
	SubjectID   string
	Receipt     *procurement.Receipt
	Answer      json.RawMessage
}

// refused ends a transaction whose write is refused.
type refused struct{ errors []trade.UserError }

func (*refused) Error() string { return "refused" }

// InTx runs a write in a transaction, of which nothing stays where it is refused.
func InTx(ctx context.Context, st *store.Store, write func(tx *store.Tx) ([]trade.UserError, error)) ([]trade.UserError, error) {
	err := st.InTx(ctx, func(tx *store.Tx) error {
		errs, err := write(tx)
		if err == nil && len(errs) > 0 {
			err = &refused{errs}
		}
		return err
	})
	if r, ok := errors.AsType[*refused](err); ok {
		return r.errors, nil
	}
	return nil, err
}

// Once runs a write under a key: the same key with the same input gives the same answer,
// and with another a conflict. write gives what the answer is about, or refusals, of which
// nothing stays.
func Once(ctx context.Context, st *store.Store, by Submitter, mutation, key string, input any,
	write func(tx *store.Tx, print string) (spent ledger.SpentKey, errs []trade.UserError, err error),
) (*Acted, error) {
	if bad := CheckKey(key); bad != nil {
		return &Acted{Errors: []trade.UserError{bad}}, nil
	}
	print, err := Fingerprint(input)
	if err != nil {
		return nil, err
	}
	replayed := func() (*Acted, error) {
		kept, err := ledger.FindSpentKey(ctx, st, by.Principal, mutation, key)
		if err != nil || kept == nil {
			return nil, err
		}
		if kept.Fingerprint != print {
			return &Acted{Errors: []trade.UserError{KeyConflict(kept.SpentAt, kept.OperationID)}}, nil
		}
		return &Acted{Replayed: true, OperationID: kept.OperationID, SubjectID: kept.Subject, Answer: kept.Answer}, nil
	}
	if a, err := replayed(); a != nil || err != nil {
		return a, err
	}
	done := &Acted{}
	errs, err := InTx(ctx, st, func(tx *store.Tx) ([]trade.UserError, error) {
		spent, errs, err := write(tx, print)
		if err != nil || len(errs) > 0 {
			return errs, err
		}
		spent.Fingerprint = print
		done.OperationID, done.SubjectID, done.Answer = spent.OperationID, spent.Subject, spent.Answer
		return nil, ledger.SpendKey(ctx, tx, by.Principal, mutation, key, spent)
	})
	if errs != nil {
		// A twin may have been faster, and what stands against this one is its effect.
		if a, err := replayed(); a != nil || err != nil {
			return a, err
		}
		return &Acted{Errors: errs}, nil
	}
	if errors.Is(err, ledger.ErrSpent) {
		return replayed()
	}
	if err != nil {
		return nil, err
	}
	return done, nil
}
