package trade

import (
	"fmt"
	"slices"
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
type InputErrors struct{ All []UserError }

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

// Unseen tells whether a character leaves no mark: control characters, those that turn the direction of text, and the other ones
// that Unicode has as Default_Ignorable_Code_Point, such as spaces of no width, soft hyphens and variation selectors. In keys and
// numbers they make two that differ look alike.
func Unseen(r rune) bool {
	switch {
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r): // such as the Arabic sign of a year, which is printed
		return false
	case unicode.In(r, unicode.Cc, unicode.Cf):
		return true
	}
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Blank tells whether nothing of a text can be seen.
func Blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !Unseen(r) })
}

// Identifier refuses what [InputErrors.Text] does, and all that cannot be seen ([Unseen]).
func (e *InputErrors) Identifier(s string, longest int, path ...string) {
	e.Text(s, longest, path...)
	if strings.ContainsFunc(s, func(r rune) bool { return Unseen(r) && !unicode.IsControl(r) }) {
		e.Refuse(CodeInvalidInput, "It holds characters that cannot be seen, or that turn the direction of text.", path...)
	}
}

// Address refuses an address at a place in the input that nothing can be shipped to, or from.
func (e *InputErrors) Address(a *Address, path ...string) {
	at := func(field string) []string { return append(slices.Clone(path), field) }
	for _, part := range []struct {
		field    string
		text     *string
		required bool
	}{
		{"name", a.Name, true},
		{"line1", a.Line1, true},
		{"line2", a.Line2, false},
		{"city", a.City, true},
		{"region", a.Region, false},
		{"postalCode", a.PostalCode, false},
	} {
		switch {
		case part.text != nil && !Blank(*part.text):
			e.Text(*part.text, LongestText, at(part.field)...)
		case part.required:
			e.Refuse(CodeInvalidInput, "The address needs its "+part.field+".", at(part.field)...)
		}
	}
	if !ValidCountry(a.Country) {
		e.Refuse(CodeInvalidInput, "The address needs its country: two capital letters of ISO 3166-1.", at("country")...)
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
func CheckText(text string, path ...string) []UserError {
	e := &InputErrors{}
	e.Text(text, LongestText, path...)
	return e.All
}

// InputPath is a path into the input as the caller gave it.
func InputPath(path ...string) []string { return append([]string{"input"}, path...) }
