package postgres

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	osexec "os/exec"
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
	err := Ensure(context.Background(), Repository{}, &out)
	if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("got %v", err)
	}
}

// asNobody tells a test to run its own program again as another user, because
// PostgreSQL and the fetching of it refuse root.
func asNobody(t *testing.T, name string) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return false
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t)
	program := filepath.Join(dir, "test")
	if out, err := osexec.Command("cp", self, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	owner, err := serverUser()
	if err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(program, "-test.run", "^"+name+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as another user: %v\n%s", err, out)
	}
	return true
}

func TestBinariesAreFetchedOnlyWithThePinnedChecksum(t *testing.T) {
	if asNobody(t, "TestBinariesAreFetchedOnlyWithThePinnedChecksum") {
		return
	}
	bin, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	// A repository on this machine, with an archive made of the binaries that are here.
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	for _, part := range []struct{ from, to string }{
		{bin, "bin"},
		{filepath.Join(filepath.Dir(bin), "lib"), "lib"},
		{filepath.Join(filepath.Dir(bin), "share"), "share"},
	} {
		_ = os.MkdirAll(tree, 0o755)
		_ = osexec.Command("cp", "-rL", part.from, filepath.Join(tree, part.to)).Run()
	}
	share := "/usr/share/postgresql/" + filepath.Base(filepath.Dir(bin))
	_ = osexec.Command("cp", "-rL", share+"/.", filepath.Join(tree, "share")).Run()
	_ = os.RemoveAll(filepath.Join(tree, "lib", "bitcode")) // most of it, and for extensions alone
	packed := filepath.Join(dir, "postgres.txz")
	tar := osexec.Command("tar", "-C", tree, "--xz", "-cf", packed, ".")
	tar.Env = append(os.Environ(), "XZ_OPT=-0")
	if out, err := tar.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("tar cannot pack with xz here: %v %s", err, out)
		}
		t.Skipf("tar cannot pack with xz here: %v %s", err, out)
	}
	text, _ := os.ReadFile(packed)
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	w, _ := z.Create("postgres.txz")
	_, _ = w.Write(text)
	_ = z.Close()
	asked := 0
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; _, _ = w.Write(jar.Bytes()) }))
	defer mirror.Close()

	var out bytes.Buffer
	r := Repository{URL: mirror.URL, SHA256: strings.Repeat("0", 64), Folder: filepath.Join(dir, "fetched")}
	if err := fetch(t.Context(), r, &out); err == nil || !strings.Contains(out.String(), "not taken") {
		t.Errorf("another archive was taken: %v\n%s", err, out.String())
	}
	if _, err := os.Stat(r.Folder); err == nil {
		t.Error("something of another archive was unpacked")
	}
	r.SHA256 = fmt.Sprintf("%x", sha256.Sum256(jar.Bytes()))
	if err := fetch(t.Context(), r, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if v, err := version(filepath.Join(r.Folder, "bin")); err != nil || v < oldest || !strings.Contains(out.String(), mirror.URL) ||
		!strings.Contains(out.String(), r.SHA256) {
		t.Errorf("version %d, %v; said %q", v, err, out.String())
	}
	before := asked
	if err := fetch(t.Context(), r, &out); err != nil || asked != before {
		t.Errorf("the second time it asked again: %v", err)
	}
}
