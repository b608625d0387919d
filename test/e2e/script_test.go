package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestStories plays the scripts of testdata. A script's first line says what it shows.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.RunT(scripted{t}, testscript.Params{
		Dir: "testdata", RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			t := env.T().(scripted).T
			env.Values[playing{}] = &play{t: t, signers: map[string]*signer{}}
			env.Setenv("RUN", fmt.Sprint(time.Now().UnixNano())) // for keys and numbers that nobody has
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"server": cmd((*play).server), "as": cmd((*play).as), "signed": cmd((*play).signed), "answer": cmd((*play).expect),
			"keep": cmd((*play).keep), "date": cmd((*play).date), "erp": cmd((*play).erp), "company": cmd((*play).company),
			"carrier": cmd((*play).carrier), "supplier": cmd((*play).supplier), "portals": cmd((*play).portals), "portico": cmd((*play).portico),
		},
	})
}

// scripted shows a script's test to its commands: what testscript makes of one hides it.
type scripted struct{ *testing.T }

// Run plays a script as a test within.
func (s scripted) Run(name string, f func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) { f(scripted{t}) })
}

// Verbose is whether what a script did is logged.
func (s scripted) Verbose() bool { return testing.Verbose() }

// play is a script that is played.
type play struct {
	*testscript.TestScript
	t       *testing.T
	s       *server
	second  *server // has the address of the second company alone
	taken   map[string]int
	last    any // the last answer
	signers map[string]*signer
	load    *load
}

type playing struct{}

func cmd(do func(p *play, neg bool, args []string)) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		p := ts.Value(playing{}).(*play)
		p.TestScript = ts
		do(p, neg, args)
	}
}

// words says how a command is written that has fewer than n.
func (p *play) words(args []string, n int, usage string) {
	if len(args) < n {
		p.Fatalf("usage: %s", usage)
	}
}

func (p *play) server(_ bool, args []string) {
	p.words(args, 1, "server shared | own | beside a second company")
	switch args[0] {
	case "shared":
		p.s = portico(p.t)
	case "own":
		p.s = start(p.t, loaded(p.t), "PORTICO_SANDBOX_SPEED=0")
		p.t.Cleanup(func() { _ = p.s.stop() })
	case "beside":
		p.s, p.second = besideASecond(p.t)
	default:
		p.Fatalf("no server is %s", args[0])
	}
	p.taken = p.s.effects(p.t)
}

func (p *play) as(neg bool, args []string) {
	const usage = "as PERSONA [until PATH is|has|counts VALUE] graphql DOCUMENT [VARIABLES.json] [name=value ...]"
	p.words(args, 3, usage)
	persona, until := args[0], []string(nil)
	if args = args[1:]; args[0] == "until" {
		p.words(args, 6, usage)
		until, args = args[1:4], args[4:]
	}
	if args[0] != "graphql" {
		p.Fatalf("usage: %s", usage)
	}
	doc, vars := p.ReadFile(args[1]), p.variables(args[2:])
	ask := func() bool {
		a := p.s.query(p.t, persona, doc, vars)
		if refused := len(a.Errors) > 0; refused != neg {
			p.Fatalf("as %s: %s", persona, a.Body)
		}
		p.answered([]byte(a.Body))
		return until == nil || p.holds(until[0], until[1], until[2])
	}
	if until == nil {
		ask()
	} else {
		p.s.until(p.t, time.Minute, strings.Join(until, " "), ask)
		ask() // one answer is of several statements: what is asked for after the condition holds is all of then or later
	}
}

// variables are those of files, with what the script keeps in them, and those named.
func (p *play) variables(args []string) map[string]any {
	vars := map[string]any{}
	for _, arg := range args {
		if name, value, named := strings.Cut(arg, "="); named {
			vars[name] = value
		} else if err := json.Unmarshal([]byte(p.expanded(arg)), &vars); err != nil {
			p.Fatalf("%s: %v", arg, err)
		}
	}
	return vars
}

func (p *play) expanded(file string) string {
	return os.Expand(p.ReadFile(file), func(name string) string {
		value := p.Getenv(name)
		if value == "" {
			p.Fatalf("%s: nothing is kept as %s", file, name)
		}
		return value
	})
}

// answered keeps an answer; of GraphQL its data.
func (p *play) answered(text []byte) {
	p.last = nil
	if err := json.Unmarshal(text, &p.last); err != nil {
		p.Fatalf("%v: %s", err, text)
	}
	if m, ok := p.last.(map[string]any); ok && m["data"] != nil {
		p.last = m["data"]
	}
}

// at is what stands at a path of the last answer, and whether the path is one.
func (p *play) at(path string) (v any, there bool) {
	v = p.last
	for _, step := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			if v, there = in[step]; !there {
				return nil, false
			}
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil {
				return nil, false
			}
			v = nil
			if n < len(in) {
				v = in[n]
			}
		case nil:
		default:
			return nil, false
		}
	}
	return v, true
}

func (p *play) holds(path, how, want string) bool {
	v, there := p.at(path)
	text, _ := json.Marshal(v)
	all, list := v.([]any)
	switch how {
	case "is":
		return there && (say(v) == want || v == any(want))
	case "has":
		return there && strings.Contains(string(text), want)
	case "counts":
		return list && fmt.Sprint(len(all)) == want
	}
	p.Fatalf("%s is none of is, has, counts", how)
	return false
}

func (p *play) expect(neg bool, args []string) {
	p.words(args, 3, "answer PATH is|has|counts VALUE ...")
	want := strings.Join(args[2:], " ")
	v, there := p.at(args[0])
	if !there {
		p.Fatalf("the answer has no %s: %v", args[0], p.last)
	}
	if p.holds(args[0], args[1], want) == neg {
		text, _ := json.Marshal(p.last)
		p.Fatalf("%s is %s in %s", args[0], say(v), text)
	}
}

func (p *play) keep(_ bool, args []string) {
	p.words(args, 2, "keep NAME PATH")
	v, there := p.at(args[1])
	if !there || v == nil {
		p.Fatalf("the answer has no %s: %v", args[1], p.last)
	}
	text, is := v.(string)
	if !is {
		text = say(v)
	}
	p.Setenv(args[0], text)
}

func (p *play) date(_ bool, args []string) {
	p.words(args, 5, "date NAME is DAYS after today|DATE")
	from, days := time.Now().UTC(), 0
	var err error
	if args[4] != "today" {
		from, err = time.Parse(time.DateOnly, args[4])
		p.Check(err)
	}
	days, err = strconv.Atoi(args[2])
	p.Check(err)
	p.Setenv(args[0], from.AddDate(0, 0, days).Format(time.DateOnly))
}

func (p *play) portico(neg bool, args []string) {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, binary, args...)
	run.Env = p.s.cmd.Env
	out, err := run.CombinedOutput()
	_, _ = p.Stdout().Write(out)
	if (err != nil) != neg {
		p.Fatalf("portico %v: %v\n%s", args, err, out)
	}
}
