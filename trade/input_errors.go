package trade

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quagmt/udecimal"
)

// LongestText is how many characters a text of anybody's may have.
const LongestText = 2000

// MostOrdered is more than any warehouse holds of anything.
var MostOrdered = udecimal.MustFromInt64(10_000_000, 0)

// InputErrors collects what stands against an input, each with its place in it.
type InputErrors struct{ All []SubmitOrderError }

// Refuse adds an error at a place in the input.
func (e *InputErrors) Refuse(code ErrorCode, message string, path ...string) {
	e.All = append(e.All, &InvalidInput{Refusal{code, message, InputPath(path...)}})
}

// Text refuses a text that has more characters than longest, or some that nothing can print.
func (e *InputErrors) Text(s string, longest int, path ...string) {
	if utf8.RuneCountInString(s) > longest {
		e.Refuse(CodeInvalidInput, fmt.Sprintf("It is longer than %d characters.", longest), path...)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		e.Refuse(CodeInvalidInput, "It holds characters that cannot be printed.", path...)
	}
}

// Amount refuses a quantity that is none, or that nobody has.
func (e *InputErrors) Amount(q udecimal.Decimal, path ...string) {
	switch {
	case !q.IsPos():
		e.Refuse(CodeInvalidInput, "The quantity must be more than nothing.", path...)
	case q.GreaterThan(MostOrdered):
		e.Refuse(CodeMaximum, "The quantity is more than anybody has.", path...)
	case !q.RoundBank(6).Equal(q):
		e.Refuse(CodeInvalidInput, "The quantity has more than 6 decimals.", path...)
	}
}

// CheckText refuses a text that is too long or that nothing can print, at a place in
// the input.
func CheckText(text string, path ...string) []SubmitOrderError {
	e := &InputErrors{}
	e.Text(text, LongestText, path...)
	return e.All
}

// InputPath is a path into the input as the caller gave it.
func InputPath(path ...string) []string { return append([]string{"input"}, path...) }
