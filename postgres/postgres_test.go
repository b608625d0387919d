package postgres

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "portico-pg-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

var quiet = slog.New(slog.DiscardHandler)

func begin(t *testing.T, dir string) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(t *testing.T, c *Cluster, query string) int {
	t.Helper()
	db, err := sql.Open("postgres", c.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const make1 = `WITH m AS (SELECT 1) SELECT 1 FROM m`

func TestDataSurvivesStopsAndKills(t *testing.T) {
	dir := folder(t)
	c := begin(t, dir)
	db, _ := sql.Open("postgres", c.DSN())
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n`); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	c.Stop()
	c = begin(t, dir)
	if n := ask(t, c, `SELECT count(*) FROM kept`); n != 1000 {
		t.Errorf("after a stop: %d rows", n)
	}
	// The postmaster is killed: its children live on for a moment.
	_ = c.cmd.Process.Kill()
	<-c.Exited()
	c.release()
	c = begin(t, dir)
	if n := ask(t, c, `SELECT count(*) FROM kept`); n != 1000 {
		t.Errorf("after a kill: %d rows", n)
	}
	// The owner is killed and the server lives on: the next one takes over.
	pid := c.cmd.Process.Pid
	c.release()
	next := begin(t, dir)
	defer next.Stop()
	if err := syscall.Kill(pid, 0); err == nil {
		select {
		case <-c.Exited():
		case <-time.After(5 * time.Second):
			t.Error("the server of the killed owner still runs")
		}
	}
	if n := ask(t, next, `SELECT count(*) FROM kept`); n != 1000 {
		t.Errorf("after taking over: %d rows", n)
	}
}

func TestASecondOwnerIsRefused(t *testing.T) {
	dir := folder(t)
	c := begin(t, dir)
	defer c.Stop()
	if _, err := Start(t.Context(), dir, quiet); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
	if ask(t, c, make1) != 1 {
		t.Error("the first one suffered")
	}
}

func TestAStalePidFileHarmsNobody(t *testing.T) {
	dir := folder(t)
	begin(t, dir).Stop()
	// The pid is of a living process that is no postgres: our own.
	pid := filepath.Join(dir, "postgres", "postmaster.pid")
	if err := os.WriteFile(pid, []byte("1\n"+filepath.Join(dir, "postgres")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		owner, _ := serverUser()
		_ = os.Chown(pid, int(owner.Uid), int(owner.Gid))
	}
	c := &Cluster{dir: dir}
	if got := c.orphan(); got != 0 {
		t.Errorf("process %d was taken for a server of ours", got)
	}
}

func TestALongFolderHasAShortSocket(t *testing.T) {
	dir := filepath.Join(folder(t), strings.Repeat("long-", 20))
	c := begin(t, dir)
	defer c.Stop()
	if len(c.socket) > maxSocket || ask(t, c, make1) != 1 {
		t.Errorf("socket %s", c.socket)
	}
}

func TestAFolderOthersCannotEnterIsToldBeforeItFails(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as another user")
	}
	closed := filepath.Join(folder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), filepath.Join(closed, "data"), quiet)
	if err == nil || !strings.Contains(err.Error(), closed) || !strings.Contains(err.Error(), "PORTICO_DATA") {
		t.Errorf("got %v, want it to name the folder and what to do", err)
	}
}

func TestWithoutBinariesTheErrorSaysWhatToType(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	kept := places
	places = []string{filepath.Join(t.TempDir(), "none")}
	defer func() { places = kept }()
	var out bytes.Buffer
	err := Ensure(context.Background(), &out)
	if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("got %v", err)
	}
}
