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
func RequireText(text, missing, field string) []trade.UserError {
	if strings.TrimSpace(text) == "" {
		return []trade.UserError{Invalid(trade.CodeInvalidInput, missing, field)}
	}
	return trade.CheckText(text, field)
}

// CheckText refuses a text that is too long or cannot be printed; there may be none.
func CheckText(text *string, field string) []trade.UserError {
	if text == nil {
		return nil
	}
	return trade.CheckText(*text, field)
}

// SayWhy is what is said where a reason is missing.
const SayWhy = "Say why."
