package process

import (
	"strings"

	"portico/trade"
)

// Invalid is a refusal of something at a place in the input.
func Invalid(code trade.ErrorCode, message string, path ...string) *trade.InvalidInput {
	return &trade.InvalidInput{Refusal: trade.Refusal{Code: code, Message: message, Path: append([]string{"input"}, path...)}}
}

// RequireText refuses a text that is missing, with the words given, or that cannot be printed.
func RequireText[E trade.UserError](text, missing, field string) (errs []E) {
	if strings.TrimSpace(text) == "" {
		return []E{any(Invalid(trade.CodeInvalidInput, missing, field)).(E)} //nolint:errcheck // it is of that type by construction
	}
	return CheckText[E](&text, field)
}

// CheckText refuses a text that is too long or cannot be printed; there may be none.
func CheckText[E trade.UserError](text *string, field string) (errs []E) {
	if text == nil {
		return nil
	}
	for _, e := range trade.CheckText(*text, field) {
		errs = append(errs, e.(E)) //nolint:errcheck // it is of that type by construction
	}
	return errs
}

// SayWhy is what is said where a reason is missing.
const SayWhy = "Say why."
