package guard

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
)

// nested is how many braces, brackets and parentheses may stand in each other
// for a level of depth: those of fragments and arguments are no levels.
const nested = 3

// scan refuses a document for what its tokens show alone. It keeps nothing of
// them, so that a document over these limits costs no tree, and hardly any
// garbage.
func (g *Guard) scan(source *ast.Source) gqlerror.List {
	tokens := lexer.New(source)
	var deep, arguments, n, aliases, directives, operations, fragments, variables int
	selections := make([]int, nested*g.limits.Depth+1) // of each set that is open, by how deep it is
	definition := true                                 // one may begin here
	before := lexer.Invalid
	for {
		token, err := tokens.ReadToken()
		if err != nil {
			return withCode(NotParsed, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
		}
		if token.Kind == lexer.EOF {
			return nil
		}
		n++
		switch token.Kind {
		case lexer.String:
			if strings.ContainsRune(token.Value, utf8.RuneError) && halved(source.Input[token.Pos.Start:token.Pos.End]) {
				half := gqlerror.ErrorPosf(&token.Pos, "A text has half a surrogate pair: write the character itself.")
				return withCode(NotParsed, gqlerror.List{half})
			}
		case lexer.Name, lexer.BraceL:
			if definition && token.Value == "fragment" {
				fragments++
			} else if definition {
				operations++
			}
			definition = false
		case lexer.Colon:
			if arguments == 0 {
				aliases++
			}
		case lexer.At:
			directives++
		case lexer.Dollar:
			if deep == 1 && arguments == 1 {
				variables++
			}
		}
		if arguments == 0 && deep > 0 &&
			(token.Kind == lexer.Spread || token.Kind == lexer.Name && before != lexer.Spread && before != lexer.Colon && before != lexer.At) {
			selections[deep]++
		}
		if before != lexer.Spread || token.Value != "on" { // "... on" goes on with a name that is no selection, as "..." does
			before = token.Kind
		}
		switch token.Kind {
		case lexer.BraceL, lexer.BracketL:
			if deep++; deep < len(selections) {
				selections[deep] = 0
			}
		case lexer.ParenL:
			deep, arguments = deep+1, arguments+1
		case lexer.ParenR:
			deep, arguments = deep-1, arguments-1
		case lexer.BraceR, lexer.BracketR:
			deep--
			definition = deep == 0
		}
		if deep < 0 || arguments < 0 {
			return nil // closes what is not open: the parser tells where
		}
		l := g.limits
		switch {
		case n > l.Tokens:
			return refused(TooComplex, "The document has more than %d tokens.", l.Tokens)
		case deep > nested*l.Depth:
			return refused(TooComplex, "The document is deeper than %d levels.", l.Depth)
		case len(token.Value) > l.Word && (token.Kind == lexer.Name || token.Kind == lexer.Int || token.Kind == lexer.Float):
			return refused(TooComplex, "The document has a name or number of more than %d characters.", l.Word)
		case deep > 0 && selections[deep] > l.Width:
			return refused(TooComplex, "The document selects more than %d fields and fragments in one place.", l.Width)
		case variables > l.Variables:
			return refused(TooComplex, "The document has more than %d variables.", l.Variables)
		case aliases > l.Aliases:
			return refused(TooComplex, "The document has more than %d aliases.", l.Aliases)
		case directives > l.Directives:
			return refused(TooComplex, "The document has more than %d directives.", l.Directives)
		case operations > l.Operations:
			return refused(TooComplex, "The document has more than %d operations.", l.Operations)
		case fragments > l.Fragments:
			return refused(TooComplex, "The document has more than %d fragments.", l.Fragments)
		}
	}
}

// halved reports whether a text escapes one half of a surrogate pair without the other, which is no character: the lexer
// would put another in its place.
func halved(text string) bool {
	lead := rune(0)
	for i := 0; i < len(text); i++ {
		r := rune(0)
		if text[i] == '\\' {
			if i++; i+5 <= len(text) && text[i] == 'u' {
				n, _ := strconv.ParseUint(text[i+1:i+5], 16, 16)
				r, i = rune(n), i+4
			}
		}
		trail := r >= 0xDC00 && r <= 0xDFFF
		if (lead != 0) != trail {
			return true
		}
		if lead = 0; utf16.IsSurrogate(r) && !trail {
			lead = r
		}
	}
	return lead != 0
}
