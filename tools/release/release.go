// Command release makes what is given to others: a static binary that comes out the same wherever it is built, what it is made of
// (CycloneDX 1.6), and what is known to be wrong with that.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const vulncheck = "golang.org/x/vuln/cmd/govulncheck@v1.1.4"

func main() {
	to := flag.String("to", "dist", "folder to put everything in")
	flag.Parse()
	if err := run(*to); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	binary := filepath.Join(to, "portico")
	first, err := build(".", binary)
	if err != nil {
		return err
	}
	// Built again elsewhere it must be the same, byte for byte.
	elsewhere, err := os.MkdirTemp("", "portico-release-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(elsewhere) }()
	if out, err := exec.Command("git", "clone", "--quiet", ".", filepath.Join(elsewhere, "src")).CombinedOutput(); err != nil {
		return fmt.Errorf("git clone: %w: %s", err, out)
	}
	second, err := build(filepath.Join(elsewhere, "src"), filepath.Join(elsewhere, "portico"))
	if err != nil {
		return err
	}
	if first != second {
		return fmt.Errorf("the build is not reproducible: sha256 %s here and %s in a fresh clone; commit what is changed", first, second)
	}
	fmt.Printf("%s: sha256 %s, the same in a fresh clone\n", binary, first)
	bill, err := materials(binary, []string{"web/graphiql/package-lock.json", "examples/tracking/package-lock.json"})
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(bill, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(to, "sbom.cdx.json")
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d components\n", file, len(bill.Components))
	check()
	return nil
}

// build builds the checkout in a folder, and tells the binary's SHA-256.
func build(folder, to string) (string, error) {
	to, err := filepath.Abs(to)
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", to, ".")
	cmd.Dir, cmd.Env, cmd.Stderr = folder, append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build: %w", err)
	}
	text, err := os.ReadFile(to)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(text)), nil
}

// bill is a bill of materials as CycloneDX 1.6 writes it.
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref,omitempty"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"` // https://github.com/package-url/purl-spec
	Scope   string `json:"scope,omitempty"`
}

// materials are the modules that a binary is made of, as it says itself, and the packages in lock files of npm that the
// pages embedded in it were built from.
func materials(binary string, locks []string) (*bill, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	b := &bill{
		Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata: metadata{component{Type: "application", Name: info.Main.Path, Version: info.Main.Version}},
	}
	found := map[string]component{"pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"): {
		Type: "library", Name: "std",
		Version: strings.TrimPrefix(info.GoVersion, "go"),
	}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		found["pkg:golang/"+m.Path+"@"+m.Version] = component{Type: "library", Name: m.Path, Version: m.Version}
	}
	for _, lock := range locks {
		text, err := os.ReadFile(lock)
		if err != nil {
			return nil, err
		}
		var packages struct {
			Packages map[string]struct {
				Version string
				Dev     bool
			}
		}
		if err := json.Unmarshal(text, &packages); err != nil {
			return nil, fmt.Errorf("%s: %w", lock, err)
		}
		for path, p := range packages.Packages {
			_, name, inside := cutLast(path, "node_modules/")
			if !inside {
				continue
			}
			c := component{Type: "library", Name: name, Version: p.Version}
			if p.Dev {
				c.Scope = "excluded" // it built a page, and is not in it
			}
			purl := "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + p.Version
			if was, known := found[purl]; !known || was.Scope != "" {
				found[purl] = c
			}
		}
	}
	for _, purl := range slices.Sorted(maps.Keys(found)) {
		c := found[purl]
		c.Ref, c.PURL = purl, purl
		b.Components = append(b.Components, c)
	}
	return b, nil
}

func cutLast(s, at string) (before, after string, found bool) {
	i := strings.LastIndex(s, at)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(at):], true
}

// check looks for known vulnerabilities that the code reaches, where their database can be reached, and says so where not.
func check() {
	cmd := exec.Command("go", "run", vulncheck, "./...")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		fmt.Println("govulncheck: no known vulnerability is reached")
	case ended && strings.Contains(out.String(), "Vulnerability #"):
		fmt.Printf("govulncheck (exit %d):\n%s", exit.ExitCode(), out.String())
	default:
		version, _, _ := strings.Cut(strings.TrimSpace(out.String()), "\n")
		fmt.Printf("govulncheck: NOT RUN, its database cannot be reached: %s\n", version)
	}
}
