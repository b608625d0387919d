package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	schema "github.com/vektah/gqlparser/v2/ast"
	schemaparser "github.com/vektah/gqlparser/v2/parser"
	"gopkg.in/yaml.v3"
)

var updateGlossary = flag.Bool("glossary", false, "write the table of words into CONTRIBUTING.md, and the counts of glossary.yaml")

// glossary is glossary.yaml.
type glossary struct {
	Words []struct{ For, Say, Not string }

	Phrases []*phrase
	Derived map[string]struct {
		Today int
		Why   string
	}

	Identifiers []*banned
	Files       struct{ Words, Today []string }
}

// phrase is a rule for prose.
type phrase struct {
	Pattern, Say          string
	Allowed, Wrong, Right []string

	pattern *regexp.Regexp
	allowed []*regexp.Regexp
}

// find is what of a text breaks the rule.
func (p phrase) find(text string) []string {
	for _, a := range p.allowed {
		text = a.ReplaceAllString(text, "")
	}
	return p.pattern.FindAllString(text, -1)
}

// banned is a rule for names in Go: for a word of any name, or for the whole name of a function.
type banned struct {
	Word, Func, Say string
	Allowed         map[string]string
	Today           int

	word, function *regexp.Regexp
}

// bans tells whether the rule forbids a name.
func (b banned) bans(d declaration) bool {
	if b.word != nil && slices.ContainsFunc(d.words, b.word.MatchString) {
		return true
	}
	return b.function != nil && d.function && b.function.MatchString(d.name)
}

func readGlossary(t *testing.T) (g glossary) {
	t.Helper()
	text, err := os.ReadFile("glossary.yaml")
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&g); err != nil {
		t.Fatal(err)
	}
	whole := func(pattern string) *regexp.Regexp {
		if pattern == "" {
			return nil
		}
		return regexp.MustCompile(`^(?:` + strings.ReplaceAll(pattern, " ", "") + `)$`)
	}
	for _, b := range g.Identifiers {
		b.word, b.function = whole(b.Word), whole(b.Func)
	}
	for _, p := range g.Phrases {
		p.pattern = regexp.MustCompile(`(?i)` + p.Pattern)
		for _, a := range p.Allowed {
			p.allowed = append(p.allowed, regexp.MustCompile(`(?i)`+a))
		}
	}
	return g
}

// TestThePatternsOfTheGlossaryMeanWhatTheySay holds every pattern to its examples, so that none is wider or narrower than meant.
func TestThePatternsOfTheGlossaryMeanWhatTheySay(t *testing.T) {
	for _, p := range readGlossary(t).Phrases {
		if p.Say == "" || len(p.Wrong) == 0 || len(p.Right) == 0 {
			t.Errorf("%s says no word to use, or has no example of what is wrong and what is right", p.Pattern)
		}
		for _, wrong := range p.Wrong {
			if len(p.find(wrong)) == 0 {
				t.Errorf("%s does not find %q", p.Pattern, wrong)
			}
		}
		for _, right := range p.Right {
			if len(p.find(right)) > 0 {
				t.Errorf("%s finds %q, which is right", p.Pattern, right)
			}
		}
	}
}

// TestTheGlossaryOfContributorsIsTheFile holds the table in CONTRIBUTING.md to glossary.yaml.
func TestTheGlossaryOfContributorsIsTheFile(t *testing.T) {
	var b strings.Builder
	b.WriteString("| for | say | not |\n|---|---|---|\n")
	for _, w := range readGlossary(t).Words {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", w.For, w.Say, w.Not)
	}
	const page, begin, end = "CONTRIBUTING.md", "<!-- words: made from glossary.yaml -->\n", "<!-- end -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), begin)
	table, after, found := strings.Cut(rest, end)
	if !found {
		t.Fatalf("%s lacks the marks %q and %q", page, begin, end)
	}
	if *updateGlossary {
		if err := os.WriteFile(page, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if table != b.String() {
		t.Errorf("%s has another table than glossary.yaml: go test . -run Glossary -glossary", page)
	}
}

// TestProseKeepsToTheGlossary holds the pages, the descriptions of the schema and the texts of the web pages to the banned phrases.
func TestProseKeepsToTheGlossary(t *testing.T) {
	g := readGlossary(t)
	broken := map[string]int{}
	check := func(file string, line int, text string) {
		for _, p := range g.Phrases {
			for _, found := range p.find(text) {
				if broken[file]++; g.Derived[file].Why == "" {
					t.Errorf("%s:%d says %q: say %s (glossary.yaml)", file, line, found, p.Say)
				}
			}
		}
	}
	for file, lines := range prose(t) {
		for n, text := range lines {
			check(file, n+1, text)
		}
	}
	if *updateGlossary {
		writeDerived(t, broken)
		return
	}
	for file, d := range g.Derived {
		if broken[file] != d.Today {
			t.Errorf("%s breaks the glossary %d times, and glossary.yaml has %d: reword what is new, or go test . -run Prose -glossary",
				file, broken[file], d.Today)
		}
	}
}

// writeDerived writes into glossary.yaml how often each derived page breaks a rule today.
func writeDerived(t *testing.T, broken map[string]int) {
	t.Helper()
	text := strings.Join(lines(t, "glossary.yaml"), "\n")
	text = regexp.MustCompile(`(?m)^  (\S+): \{ today: \d+,`).ReplaceAllStringFunc(text, func(entry string) string {
		file, _, _ := strings.Cut(strings.TrimSpace(entry), ":")
		return fmt.Sprintf("  %s: { today: %d,", file, broken[file])
	})
	if err := os.WriteFile("glossary.yaml", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// prose is what people read, by file and line: pages, the contract, and the messages of the product. Code in pages is not prose, and
// neither are tables of words that are banned.
func prose(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	fence, code := regexp.MustCompile("^ *```"), regexp.MustCompile("`[^`]*`|\\]\\([^)]*\\)|<!--.*-->")
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/tracking/README.md") {
		inside := false
		for _, line := range lines(t, page) {
			switch {
			case fence.MatchString(line):
				inside, line = !inside, ""
			case strings.HasPrefix(line, "<!-- words"):
				inside = true
			case strings.HasPrefix(line, "<!-- end"):
				inside = false
			}
			if inside {
				line = ""
			}
			all[page] = append(all[page], code.ReplaceAllString(line, "``"))
		}
	}
	tag, script := regexp.MustCompile(`<[^>]*>`), regexp.MustCompile("'[^'\\n]*'|\"[^\"\\n]*\"|`[^`\\n]*`|>[^<>{}]+<")
	for _, file := range []string{"web/console/index.html", "examples/tracking/index.html"} {
		for _, line := range lines(t, file) {
			all[file] = append(all[file], tag.ReplaceAllString(line, " "))
		}
	}
	for _, file := range []string{
		"web/console/console.js", "web/graphiql/src/main.jsx", "web/graphiql/src/starters.js",
		"examples/tracking/src/main.ts", "examples/tracking/src/live.ts",
	} {
		for _, line := range lines(t, file) {
			text := strings.Join(script.FindAllString(line, -1), " ")
			if strings.HasSuffix(file, "starters.js") { // comments in queries are shown in GraphiQL
				text = line
			}
			all[file] = append(all[file], text)
		}
	}
	for _, file := range filesNamed(t, func(name string) bool {
		return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, ".generated.go")
	}) {
		if room, _, _ := strings.Cut(file, "/"); room != "test" && room != "sandbox" && room != "tools" {
			all[file] = messages(t, file)
		}
	}
	const contract = "schema.graphqls"
	all[contract] = make([]string, len(lines(t, contract))+1)
	note := func(at *schema.Position, text string) { all[contract][at.Line-1] += " " + text }
	document, err := schemaparser.ParseSchema(&schema.Source{Name: contract, Input: strings.Join(lines(t, contract), "\n")})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range document.Directives {
		note(d.Position, d.Description)
		for _, a := range d.Arguments {
			note(a.Position, a.Description)
		}
	}
	for _, d := range document.Definitions {
		note(d.Position, d.Description)
		for _, f := range d.Fields {
			note(f.Position, f.Description)
			for _, a := range f.Arguments {
				note(a.Position, a.Description)
			}
		}
		for _, v := range d.EnumValues {
			note(v.Position, v.Description)
		}
	}
	return all
}

// messages are the texts in a Go file that people read, by line: errors, alerts, help and what is logged. A text without a blank
// is a name, and one between backquotes a statement or a document.
func messages(t *testing.T, file string) []string {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("`[^`]*`")
	texts := make([]string, files.File(parsed.Pos()).LineCount())
	ast.Inspect(parsed, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && strings.HasPrefix(l.Value, `"`) && strings.Contains(l.Value, " ") {
			texts[files.Position(l.Pos()).Line-1] += code.ReplaceAllString(l.Value, "``") + " "
		}
		return true
	})
	return texts
}

// TestNamesKeepToTheGlossary counts the declarations in hand-written Go that break a rule for names. The counts may only go down.
func TestNamesKeepToTheGlossary(t *testing.T) {
	g := readGlossary(t)
	found := make([][]string, len(g.Identifiers))
	allowed := map[*banned]map[string]bool{}
	var moods []string
	for _, file := range filesNamed(t, func(name string) bool {
		return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, ".generated.go")
	}) {
		for word := range strings.SplitSeq(strings.TrimSuffix(filepath.Base(file), ".go"), "_") {
			if slices.Contains(g.Files.Words, word) {
				moods = append(moods, file)
			}
		}
		for _, d := range declarations(t, file) {
			for i, rule := range g.Identifiers {
				if !rule.bans(d) {
					continue
				}
				if rule.Allowed[d.name] != "" {
					if allowed[rule] == nil {
						allowed[rule] = map[string]bool{}
					}
					allowed[rule][d.name] = true
					continue
				}
				found[i] = append(found[i], d.at+" "+d.name)
			}
		}
	}
	if *updateGlossary {
		writeCounts(t, g, found, moods)
		return
	}
	for i, rule := range g.Identifiers {
		switch n := len(found[i]); {
		case n > rule.Today:
			t.Errorf("%d names break %s, and glossary.yaml has %d: say %s\n\t%s",
				n, rule.Word+rule.Func, rule.Today, rule.Say, strings.Join(found[i], "\n\t"))
		case n < rule.Today:
			t.Errorf("%d names break %s, and glossary.yaml still has %d: go test . -run Glossary -glossary", n, rule.Word+rule.Func, rule.Today)
		}
		for name := range rule.Allowed {
			if !allowed[rule][name] {
				t.Errorf("glossary.yaml allows %s, which no rule finds any more", name)
			}
		}
	}
	if !slices.Equal(moods, g.Files.Today) {
		t.Errorf("the files %v have names that say a mood, and glossary.yaml lists %v", moods, g.Files.Today)
	}
}

// writeCounts writes the counts of today into glossary.yaml, and leaves the rest of it as it is.
func writeCounts(t *testing.T, g glossary, found [][]string, moods []string) {
	t.Helper()
	text := strings.Join(lines(t, "glossary.yaml"), "\n")
	head, rest, ok := strings.Cut(text, "\nidentifiers:\n")
	if !ok {
		t.Fatal("glossary.yaml has no identifiers")
	}
	i := 0
	rest = regexp.MustCompile(`today: \d+`).ReplaceAllStringFunc(rest, func(string) string {
		i++
		return fmt.Sprintf("today: %d", len(found[i-1]))
	})
	if i != len(g.Identifiers) {
		t.Fatalf("glossary.yaml has %d counts for %d rules", i, len(g.Identifiers))
	}
	rest = regexp.MustCompile(`today: \[[^\]]*\]`).ReplaceAllString(rest, "today: ["+strings.Join(moods, ", ")+"]")
	if err := os.WriteFile("glossary.yaml", []byte(head+"\nidentifiers:\n"+rest), 0o644); err != nil {
		t.Fatal(err)
	}
}

// declaration is a name that a file declares.
type declaration struct {
	name, at string
	words    []string // of the name, in lower case
	function bool
}

// boundary is where one word of a name in camel case ends and the next begins.
var boundary = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)

// camelWords are the words of a name in camel case, in lower case.
func camelWords(name string) []string {
	spaced := boundary.ReplaceAllString(name, "$1$3 $2$4")
	return strings.Fields(strings.ToLower(strings.ReplaceAll(spaced, "_", " ")))
}

// declarations are the names that a Go file declares: functions, types, fields, parameters, variables and constants.
func declarations(t *testing.T, file string) (all []declaration) {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	add := func(function bool, names ...*ast.Ident) {
		for _, n := range names {
			all = append(all, declaration{n.Name, fmt.Sprintf("%s:%d", file, files.Position(n.Pos()).Line), camelWords(n.Name), function})
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			add(true, n.Name)
		case *ast.TypeSpec:
			add(false, n.Name)
		case *ast.ValueSpec:
			add(false, n.Names...)
		case *ast.Field:
			_, method := n.Type.(*ast.FuncType)
			add(method, n.Names...)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for i, left := range n.Lhs {
					if name, ok := left.(*ast.Ident); ok {
						_, function := n.Rhs[min(i, len(n.Rhs)-1)].(*ast.FuncLit)
						add(function, name)
					}
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				for _, e := range []ast.Expr{n.Key, n.Value} {
					if name, ok := e.(*ast.Ident); ok {
						add(false, name)
					}
				}
			}
		}
		return true
	})
	return all
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}
