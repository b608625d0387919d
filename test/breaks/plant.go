package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

//go:embed breaks.yaml
var breaksText []byte

// mistake is one break: the text Old becomes New.
type mistake struct {
	Name   string `yaml:"name"`
	Room   string `yaml:"room"`
	Breaks string `yaml:"breaks"` // what, for whom
	Old    string `yaml:"old"`
	New    string `yaml:"new"`
}

func read() (all []mistake, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(breaksText))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("breaks.yaml: %w", err)
	}
	return all, nil
}

// find is the file that a break belongs into, with what is in it.
func (m mistake) find() (file, text string, err error) {
	top, _, _ := strings.Cut(m.Room, "/")
	found := 0
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		all, err := os.ReadFile(path)
		if n := strings.Count(string(all), m.Old); n > 0 {
			file, text, found = path, string(all), found+n
		}
		return err
	})
	if err == nil && found != 1 {
		err = fmt.Errorf("its text is found %d times below %s, and must be found once: %s", found, top, m.Old)
	}
	return file, text, err
}

// result is what became of a break.
type result struct {
	mistake
	pkg   string
	test  string // of the package that caught it
	story string // that did, where the stories were asked
	fault error  // why nothing can be said
	took  time.Duration
}

func (r result) verdict() string {
	switch {
	case r.fault != nil:
		first, _, _ := strings.Cut(r.fault.Error(), "\n")
		return "**not tried**: " + first
	case r.test != "":
		return "`" + r.test + "`"
	case r.story != "":
		return "**missed**; a story catches it: `" + r.story + "`"
	}
	return "**missed**"
}

// trial runs tests with and without breaks.
type trial struct {
	settings
	folder string
	green  map[string]bool // packages whose tests pass as they are
}

// plant plants a break and runs the tests of its package, which must pass without it.
func (t *trial) plant(ctx context.Context, m mistake) (r result) {
	r = result{mistake: m, pkg: m.Room}
	begun := time.Now()
	defer func() { r.took = time.Since(begun) }()
	file, text, err := m.find()
	if r.fault = err; err != nil {
		return r
	}
	r.pkg = filepath.Dir(file)
	if !t.green[r.pkg] {
		failed, err := t.test(ctx, "./"+r.pkg, t.timeout)
		if err == nil && failed != "" {
			err = fmt.Errorf("%s fails without it", failed)
		}
		if r.fault = err; err != nil {
			return r
		}
		t.green[r.pkg] = true
	}
	overlay, err := t.overlay(file, strings.Replace(text, m.Old, m.New, 1))
	if r.fault = err; err != nil {
		return r
	}
	if r.test, r.fault = t.test(ctx, "./"+r.pkg, t.timeout, overlay); r.fault == nil && r.test == "" && t.stories {
		r.story, r.fault = t.test(ctx, "./test/e2e", max(t.timeout, time.Hour), overlay)
	}
	return r
}

// overlay is the setting by which the go command reads a file otherwise.
func (t *trial) overlay(file, text string) (string, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	planted, list := filepath.Join(t.folder, "planted.go"), filepath.Join(t.folder, "overlay.json")
	if err := os.WriteFile(planted, []byte(text), 0o600); err != nil {
		return "", err
	}
	files, err := json.Marshal(map[string]map[string]string{"Replace": {path: planted}})
	if err != nil {
		return "", err
	}
	return "-overlay=" + list, os.WriteFile(list, files, 0o600)
}

var (
	failing  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	panicked = regexp.MustCompile(`(?m)^panic: .*|^fatal error: .*`)
	ended    = regexp.MustCompile(`test timed out after [^\n]*\n\s*running tests:\n\s*(\S+)`)
	running  = regexp.MustCompile(`(?m)^=== RUN\s+(\S+)`)
)

// test runs the tests of a package, and names the first that fails; none where all pass. What does
// not compile is an error, and so is a stop. Flags go to every go command that the tests begin.
func (t *trial) test(ctx context.Context, pkg string, timeout time.Duration, flags ...string) (failed string, err error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-v", "-vet=off", "-failfast", "-timeout="+timeout.String(), pkg)
	cmd.Env = append(os.Environ(), "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" "+strings.Join(flags, " ")))
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return "", nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
		return "", fmt.Errorf("it does not compile:\n%s", out)
	}
	if m := ended.FindSubmatch(out); m != nil {
		return string(m[1]) + " (it does not end)", nil
	}
	if m := failing.FindSubmatch(out); m != nil {
		return string(m[1]), nil
	}
	if panicked.Match(out) {
		if all := running.FindAllSubmatch(out, -1); all != nil {
			return string(all[len(all)-1][1]), nil
		}
	}
	return "", errors.Join(err, fmt.Errorf("no test says that it failed:\n%s", out[max(0, len(out)-2000):]))
}
