package store_test

import (
	"go/types"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// lexemes are the words of a statement: texts, operators, parameters, names and all else by itself.
var lexemes = regexp.MustCompile(`'(?:[^']|'')*'|->>|->|#>>|#>|::|\$[0-9]+|"[^"]*"|` +
	`[A-Za-z_][A-Za-z_0-9]*(?:\.(?:[A-Za-z_][A-Za-z_0-9]*|"[^"]*"))*|[^\s]`)

type statement struct {
	c       *checker
	at      string
	tokens  []string
	args    map[int]documentTypes
	only    documentTypes
	records documentTypes
	groups  []int       // of each token, the place of the parenthesis around it, or -1
	closes  map[int]int // of each parenthesis
	bound   []binding
}

// binding is a name that a statement gives to a document or a part of one, in the parentheses at in.
type binding struct {
	name   string
	at, in int
	from   [2]int // tokens of what it stands for
	each   bool   // it is an element of that
}

func operator(s string) bool { return s == "->" || s == "->>" || s == "#>" || s == "#>>" }

func word(s string) bool {
	return s != "" && (s[0] == '_' || s[0] == '"' || s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z')
}

func (s *statement) token(i int) string {
	if i < 0 || i >= len(s.tokens) {
		return ""
	}
	return s.tokens[i]
}

func (s *statement) check() {
	s.nest()
	s.bind()
	for i := range s.tokens {
		if operator(s.tokens[i]) && strings.HasPrefix(s.token(i+1), "'") && !operator(s.token(i-2)) {
			s.chain(i, true)
		}
		if s.tokens[i] == "jsonb_to_recordset" {
			of := s.typeOf(i+2, s.closes[i+1])
			open := s.closes[i+1] + 3 // AS k(
			for k := open; k < s.closes[open]; k++ {
				if strings.HasPrefix(s.tokens[k], `"`) {
					s.steps(elements(of), strings.Trim(s.tokens[k], `"`), true)
				}
			}
		}
	}
}

func (s *statement) nest() {
	s.closes = map[int]int{}
	around := []int{-1}
	for i, x := range s.tokens {
		s.groups = append(s.groups, around[len(around)-1])
		switch {
		case x == "(":
			around = append(around, i)
		case x == ")" && len(around) > 1:
			s.closes[around[len(around)-1]] = i
			around = around[:len(around)-1]
			s.groups[i] = around[len(around)-1]
		}
	}
}

// bind finds the names: jsonb_array_elements(…) AS x(name, place), and … AS name.
func (s *statement) bind() {
	for i, x := range s.tokens {
		switch x {
		case "jsonb_array_elements":
			end := s.closes[i+1]
			k := end + 1
			if strings.EqualFold(s.token(k), "WITH") {
				k += 2
			}
			if strings.EqualFold(s.token(k), "AS") {
				k++
			}
			if !word(s.token(k)) {
				continue
			}
			if s.token(k+1) == "(" {
				k += 2
			}
			s.bound = append(s.bound, binding{s.tokens[k], i, s.groups[i], [2]int{i + 2, end}, true})
		case "AS":
			if !word(s.token(i + 1)) {
				continue
			}
			start := i - 1
			switch {
			case s.token(i-1) == ")":
				for open, end := range s.closes {
					if end == i-1 {
						start = open - 1
					}
				}
				if s.token(start) != "nullif" && s.token(start) != "coalesce" {
					continue
				}
			case strings.HasPrefix(s.token(i-1), "'") && operator(s.token(i-2)):
				for start = i - 2; operator(s.token(start - 2)); start -= 2 {
				}
				start -= s.base(start)
			case s.token(i-1) == "jsonb" && s.token(i-2) == "::" && strings.HasPrefix(s.token(i-3), "$"):
				start = i - 3
			default:
				continue
			}
			b := binding{s.tokens[i+1], i, s.groups[i], [2]int{start, i}, false}
			s.bound = append(s.bound, b)
			if b.in >= 0 && s.token(b.in+1) == "SELECT" { // what is around a subquery knows its columns
				b.in = s.groups[b.in]
				s.bound = append(s.bound, b)
			}
		}
	}
}

// base is how many tokens before an operator the value stands that it is about.
func (s *statement) base(i int) int {
	if s.token(i-1) == "jsonb" && s.token(i-2) == "::" {
		return 3
	}
	return 1
}

// typeOf is the type of the first document or part of one within tokens.
func (s *statement) typeOf(from, to int) documentTypes {
	for i := from; i < to; i++ {
		switch x := s.tokens[i]; {
		case operator(x) && strings.HasPrefix(s.token(i+1), "'"):
			return s.chain(i, false)
		case strings.HasPrefix(x, "$") && s.token(i+1) == "::" && !operator(s.token(i+3)), columns[x] != "" && !operator(s.token(i+1)):
			return s.named(i)
		case word(x) && !operator(s.token(i+1)) && s.token(i+1) != "(":
			if of := s.resolve(x, i); of != nil {
				return of
			}
		}
	}
	return nil
}

// chain is the type of a value from its first operator on, as in j -> 'Event' ->> 'Key'; with tell it holds
// the keys to the types.
func (s *statement) chain(i int, tell bool) documentTypes {
	for open, end := range s.closes {
		if end == i-1 && s.token(open-1) == "to_jsonb" { // a row of a table as it is
			return nil
		}
	}
	of := s.named(i - s.base(i))
	if of == nil {
		if tell {
			s.c.t.Errorf("%s reads %s of %s, and what type that is cannot be found", s.at, s.token(i+1), s.token(i-s.base(i)))
		}
		return nil
	}
	for ; operator(s.token(i)) && strings.HasPrefix(s.token(i+1), "'"); i += 2 {
		key := strings.Trim(s.tokens[i+1], "'")
		for k := range strings.SplitSeq(strings.Trim(key, "{}"), ",") {
			if of = s.steps(of, k, tell); of == nil {
				return nil
			}
		}
	}
	return of
}

// steps is what a key leads to in each of the types, all of which have it.
func (s *statement) steps(of documentTypes, key string, tell bool) (to documentTypes) {
	if tell {
		s.c.found++
	}
	for _, t := range of {
		f := field(t, key)
		if f != nil {
			to = append(to, f)
		} else if tell {
			s.c.t.Errorf("%s reads the key %q of %s, which has no field of that name in JSON", s.at, key, types.TypeString(t, (*types.Package).Name))
		}
	}
	return to
}

// named is what a token stands for.
func (s *statement) named(i int) documentTypes {
	x := s.token(i)
	if n, err := strconv.Atoi(strings.TrimPrefix(x, "$")); err == nil {
		if of := s.args[n]; of != nil {
			return of
		}
		if s.records == nil {
			return s.only
		}
		return s.records
	}
	return s.resolve(x, i)
}

func (s *statement) resolve(x string, at int) documentTypes {
	if of := columns[x]; of != "" {
		return s.c.lookup(of)
	}
	name := x[strings.LastIndex(x, ".")+1:]
	for in := s.groups[at]; ; in = s.groups[in] {
		for n := len(s.bound) - 1; n >= 0; n-- {
			if b := s.bound[n]; b.name == name && b.in == in && (at < b.from[0] || at >= b.from[1]) {
				return s.valueOf(b)
			}
		}
		if in < 0 {
			break
		}
	}
	for _, b := range s.bound { // of another part of the statement, which selects it
		if b.name == name && (at < b.from[0] || at >= b.from[1]) {
			return s.valueOf(b)
		}
	}
	if name == "j" {
		return elements(s.records)
	}
	return nil
}

func (s *statement) valueOf(b binding) documentTypes {
	of := s.typeOf(b.from[0], b.from[1])
	if b.each {
		return elements(of)
	}
	return of
}

func elements(all documentTypes) (of documentTypes) {
	for _, t := range all {
		for done := false; !done; {
			switch x := types.Unalias(t).Underlying().(type) {
			case *types.Pointer:
				t = x.Elem()
			case *types.Slice:
				t, done = x.Elem(), true
			default:
				done = true
			}
		}
		of = append(of, t)
	}
	return of
}

// field is the type of what a key leads to; nil where a type has none of that name.
func field(of types.Type, key string) types.Type {
	switch x := types.Unalias(of).Underlying().(type) {
	case *types.Pointer:
		return field(x.Elem(), key)
	case *types.Map:
		return x.Elem()
	case *types.Struct:
		for i := range x.NumFields() {
			name, _, _ := strings.Cut(reflect.StructTag(x.Tag(i)).Get("json"), ",")
			f := x.Field(i)
			if name == "" && !f.Embedded() {
				name = f.Name()
			}
			if name == key {
				return f.Type()
			}
		}
		for i := range x.NumFields() {
			if f := x.Field(i); f.Embedded() && reflect.StructTag(x.Tag(i)).Get("json") == "" {
				if t := field(f.Type(), key); t != nil {
					return t
				}
			}
		}
	}
	return nil
}
