package execution

import (
	"bytes"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// The Append functions add one JSON value to b. They return nil where GraphQL has null.

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string; bytes that are not UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// AppendInt appends a whole number.
func AppendInt(b []byte, v int64) []byte { return strconv.AppendInt(b, v, 10) }

// AppendBool appends true or false.
func AppendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// AppendFloat panics on what JSON cannot say; the encoder turns that into a field error.
func AppendFloat(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		panic(fieldError("cannot marshal infinite no NaN float values"))
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// AppendTime appends a moment in RFC 3339; the zero moment is null.
func AppendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// AppendMarshaler is the slow road for scalars that have no Append function.
func AppendMarshaler(b []byte, m graphql.Marshaler) []byte {
	if m == nil || m == graphql.Null {
		return nil
	}
	w := bytes.NewBuffer(b)
	m.MarshalGQL(w)
	return w.Bytes()
}

// AppendEnum appends an enum's value, and refuses one that the schema does not
// have, so that no client is told what it cannot know.
func AppendEnum(b []byte, v string, known map[string]bool) []byte {
	if !known[v] {
		panic(fieldError("a stored value is none of the schema's"))
	}
	return append(append(append(b, '"'), v...), '"')
}

// EnumValues are the names of an enum's values.
func EnumValues(schema *ast.Schema, name string) map[string]bool {
	values := map[string]bool{}
	for _, v := range schema.Types[name].EnumValues {
		values[v.Name] = true
	}
	return values
}

// fieldError is a value that cannot be encoded; a panic with one is an error of
// its field.
type fieldError string

func (e fieldError) Error() string { return string(e) }
