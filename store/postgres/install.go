package postgres

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Ensure makes sure that there are binaries to run. Where there are none, and
// this is root on Debian or Ubuntu, it says what it installs on out and
// installs the distribution's package, without a cluster of the system's own;
// any other user may name a repository to fetch them from. Otherwise it fails
// with [ErrNoBinaries], which says what to type.
func Ensure(ctx context.Context, from Repository, out io.Writer) error {
	places = append([]string{filepath.Join(from.Folder, "bin")}, places...)
	_, err := binaries()
	if err == nil {
		return nil
	}
	if _, missing := exec.LookPath("apt-get"); missing != nil || os.Geteuid() != 0 {
		return fetch(ctx, from, out)
	}
	fmt.Fprintln(out, "There is no PostgreSQL on this machine. Installing the distribution's package: apt-get install postgresql")
	for _, step := range [][]string{
		{"apt-get", "update", "-qq"},
		{"apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql-common"},
		// Before the server package, whose installation would make and start a cluster.
		{"sed", "-i", "s/^#*create_main_cluster.*/create_main_cluster = false/", "/etc/postgresql-common/createcluster.conf"},
		{"apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"},
	} {
		cmd := exec.CommandContext(ctx, step[0], step[1:]...) //nolint:gosec // the program and its arguments are ours
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", step, err, text)
		}
	}
	_, err = binaries()
	return err
}
