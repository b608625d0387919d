package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// oldest is the oldest PostgreSQL that Portico runs on.
const oldest = 14

// ErrNoBinaries is returned when no PostgreSQL is on the machine.
var ErrNoBinaries = errors.New("no PostgreSQL 14 or newer on this machine: install one (Debian, Ubuntu: sudo apt-get install " +
	"postgresql; Fedora: sudo dnf install postgresql-server; macOS: brew install postgresql), set DATABASE_URL to a server that runs " +
	"elsewhere, or set PORTICO_POSTGRES_REPOSITORY and PORTICO_POSTGRES_SHA256 to fetch one")

var places = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin",
	"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/usr/bin", "/usr/local/bin",
}

// binaries is the folder of the newest server binaries on the machine.
func binaries() (string, error) {
	best, bestVersion := "", 0
	var folders, asked []string
	if p, err := exec.LookPath("postgres"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			folders = append(folders, filepath.Dir(p))
		}
	}
	for _, place := range places {
		found, _ := filepath.Glob(place)
		folders = append(folders, found...)
	}
	for _, dir := range folders {
		program, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
		if err != nil || slices.Contains(asked, program) { // a link to one that was asked already
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		asked = append(asked, program)
		if v, err := version(dir); err == nil && v >= oldest && v > bestVersion {
			best, bestVersion = dir, v
		}
	}
	if best == "" {
		return "", ErrNoBinaries
	}
	return best, nil
}

var versionForm = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func version(bin string) (int, error) {
	out, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output() //nolint:gosec // the program and its arguments are ours
	if err != nil {
		return 0, fmt.Errorf("%s: %w", bin, err)
	}
	m := versionForm.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%s: %q names no version", bin, out)
	}
	return strconv.Atoi(string(m[1]))
}
