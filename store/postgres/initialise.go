package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver that says whether the cluster answers
)

func (c *Cluster) data() string { return filepath.Join(c.dir, "postgres") }

// serverUser is the user the server runs as when we are root; nil otherwise.
func serverUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("postgres does not run as root, and there is neither a user postgres nor a user nobody: run portico as another " +
		"user")
}

func (c *Cluster) prepareFolder(owner *syscall.Credential) error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil { //nolint:gosec // what is secret in it has rights of its own
		return fmt.Errorf("data folder: %w: set PORTICO_DATA to a folder you may write", err)
	}
	lock, err := os.OpenFile(filepath.Join(c.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("data folder: %w: set PORTICO_DATA to a folder you may write", err)
	}
	c.lock = lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		c.release()
		return fmt.Errorf("%s: %w", c.dir, ErrInUse)
	}
	c.socket = socketOf(c.dir)
	if err := os.MkdirAll(c.socket, 0o700); err != nil {
		return fmt.Errorf("socket folder: %w", err)
	}
	if owner == nil {
		return nil
	}
	if err := reachable(c.dir); err != nil {
		return err
	}
	return os.Chown(c.socket, int(owner.Uid), int(owner.Gid))
}

// reachable fails when a folder above dir keeps other users out, because the
// server is one.
func reachable(dir string) error {
	for d := dir; d != "/"; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("postgres runs as another user and cannot enter %s: chmod o+x it, or set PORTICO_DATA to a folder elsewhere", d)
		}
	}
	return nil
}

func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// initialise makes the cluster beside its place and moves it there, so that a
// kill in between leaves nothing half made.
func (c *Cluster) initialise(ctx context.Context, bin string, owner *syscall.Credential) error {
	if _, err := os.Stat(filepath.Join(c.data(), "PG_VERSION")); err == nil {
		return c.checkVersion(bin)
	}
	c.log.InfoContext(ctx, "making the database", "folder", c.data())
	fresh := c.data() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if owner != nil {
		if err := os.Chown(fresh, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", fresh, "-U", "portico", "-A", "trust", "-E", "UTF8", "--locale=C", //nolint:gosec // the program and its arguments are ours
		"--no-sync")
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: owner, Setpgid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, strings.TrimSpace(string(out)))
	}
	if err := os.Rename(fresh, c.data()); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

func (c *Cluster) checkVersion(bin string) error {
	made, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION"))
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	v, err := version(bin)
	if err != nil {
		return err
	}
	if want := strings.TrimSpace(string(made)); want != strconv.Itoa(v) {
		return fmt.Errorf("%s was made by PostgreSQL %s and %s is %d: install PostgreSQL %s, or start from scratch with `make reset`",
			c.data(), want,
			bin, v, want)
	}
	return nil
}

// orphan is the pid of a server that runs on this folder, or 0.
func (c *Cluster) orphan() int {
	file, _ := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	first, _, _ := strings.Cut(string(file), "\n")
	if pid, err := strconv.Atoi(strings.TrimSpace(first)); err == nil && c.servesUs(pid) {
		return pid
	}
	return 0
}

// endOrphan stops a server that outlived its killed owner. We hold the lock,
// so nobody uses it; the pid is checked to be a postgres on this folder before
// it is signalled.
func (c *Cluster) endOrphan(ctx context.Context) error {
	pid := c.orphan()
	if pid == 0 {
		return nil
	}
	c.log.InfoContext(ctx, "stopping a database left over from a killed run", "pid", pid)
	_ = syscall.Kill(pid, syscall.SIGINT)
	deadline := time.Now().Add(stopTimeout)
	for c.servesUs(pid) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) servesUs(pid int) bool {
	args, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // the program and its arguments are ours
	return err == nil && strings.Contains(string(args), "postgres") && strings.Contains(string(args), c.data())
}
