// Package extras is for tests that need a program which not every machine has.
package extras

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Program is the path of the first of these programs that is installed. Where
// none is, the test is left out, and `make test` says so at its end; with
// CI=true a missing program is a failure.
func Program(t *testing.T, why string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("none of %v is installed, which this needs: %s", names, why)
	}
	leftOut(t, fmt.Sprintf("%s; install one of %v", why, names))
	return ""
}

// Setting is the value of an environment variable that names something to test
// against. Where it is not set the test is left out, and `make test` says so; with
// CI=true that is a failure.
func Setting(t *testing.T, why, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" && os.Getenv("CI") == "true" {
		t.Fatalf("%s is not set, which this needs: %s", name, why)
	}
	if value == "" {
		leftOut(t, fmt.Sprintf("%s; set %s", why, name))
	}
	return value
}

func leftOut(t *testing.T, why string) {
	t.Helper()
	if list := os.Getenv("PORTICO_LEFT_OUT"); list != "" {
		f, err := os.OpenFile(list, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintf(f, "left out: %s (%s)\n", t.Name(), why)
			_ = f.Close()
		}
	}
	t.Skip("left out: " + why)
}
