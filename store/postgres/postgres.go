// Package postgres runs a PostgreSQL cluster of Portico's own, from binaries
// found on the machine, for whoever has no DATABASE_URL. The cluster listens
// on a Unix socket only, and ends with the process that started it.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver that says whether the cluster answers
)

// ErrInUse is returned when another Portico runs on the same folder.
var ErrInUse = errors.New("another portico uses this folder: stop it, or set PORTICO_DATA to a folder of its own")

// Cluster is a running PostgreSQL.
type Cluster struct {
	dir, socket string
	lock        *os.File
	cmd         *exec.Cmd
	exited      chan struct{}
	log         *slog.Logger
}

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 10 * time.Second
	maxSocket    = 90 // bytes; the kernel allows 107 for the whole path
)

// Start runs the cluster in dir, making it on first use. It takes over a
// cluster whose owner was killed, but never one whose owner lives: that is
// [ErrInUse]. As root the server runs as user postgres, else nobody, because
// PostgreSQL refuses root.
func Start(ctx context.Context, dir string, log *slog.Logger) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	c := &Cluster{dir: dir, log: log, exited: make(chan struct{})}
	owner, err := serverUser()
	if err != nil {
		return nil, err
	}
	if err := c.prepareFolder(owner); err != nil {
		return nil, err
	}
	if err := c.initialise(ctx, bin, owner); err != nil {
		c.release()
		return nil, err
	}
	if err := c.endOrphan(ctx); err != nil {
		c.release()
		return nil, err
	}
	if err := c.launch(ctx, bin, owner); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

// DSN is the connection string of Portico's database for lib/pq.
func (c *Cluster) DSN() string { return c.dsn("portico") }

func (c *Cluster) dsn(database string) string {
	return fmt.Sprintf("host=%s user=portico dbname=%s sslmode=disable binary_parameters=yes", c.socket, database)
}

// Running is the connection string of the cluster that another process runs on
// the folder dir: for who is told [ErrInUse] and wants no cluster of its own.
func Running(dir string) string {
	c := &Cluster{dir: dir, socket: socketOf(dir)}
	return c.DSN()
}

// socketOf is the folder of the socket of a cluster in dir.
func socketOf(dir string) string {
	socket := filepath.Join(dir, "socket")
	if len(socket) > maxSocket {
		socket = filepath.Join(os.TempDir(), fmt.Sprintf("portico-%x", hash(dir)))
	}
	return socket
}

// Exited is closed when the server has ended, wanted or not.
func (c *Cluster) Exited() <-chan struct{} { return c.exited }

// Stop ends the server cleanly, open connections included, and gives the
// folder back.
func (c *Cluster) Stop() {
	defer c.release()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		_ = c.cmd.Process.Signal(sig)
		select {
		case <-c.exited:
			return
		case <-time.After(stopTimeout):
			c.log.Warn("postgres does not stop", "signal", sig.String())
		}
	}
}

func (c *Cluster) release() {
	if c.lock != nil {
		_ = c.lock.Close()
	}
}

// Remove removes the cluster in dir with all its data. It fails with [ErrInUse]
// while somebody uses it.
func Remove(dir string) error {
	c := &Cluster{dir: dir, log: slog.New(slog.DiscardHandler)}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0o600) //nolint:gosec // the operator names the file
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	c.lock = lock
	defer c.release()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%s: %w", dir, ErrInUse)
	}
	if err := c.endOrphan(context.Background()); err != nil {
		return err
	}
	for _, name := range []string{"postgres", "postgres.new", "socket"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
	}
	return nil
}

func (c *Cluster) launch(ctx context.Context, bin string, owner *syscall.Credential) error {
	deadline := time.Now().Add(startTimeout)
	for {
		err := c.launchOnce(ctx, bin, owner)
		// After a killed postmaster its children live on for a moment and keep
		// the shared memory.
		if err == nil || !errors.Is(err, errStillThere) || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

var errStillThere = errors.New("the remains of an earlier server are still there")

func (c *Cluster) launchOnce(ctx context.Context, bin string, owner *syscall.Credential) error {
	var said strings.Builder
	c.exited = make(chan struct{})
	c.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", c.data(), "-k", c.socket, //nolint:gosec // the program and its arguments are ours
		"-c", "listen_addresses=", "-c", "unix_socket_permissions=0700",
		"-c", "shared_buffers=256MB", "-c", "max_connections=100", "-c", "max_wal_size=2GB",
		"-c", "random_page_cost=1.1", "-c", "log_min_messages=fatal", "-c", "jit=off")
	c.cmd.Dir, c.cmd.Stderr = "/", &said
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setpgid: true} // Ctrl-C reaches us, and we stop it
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("starting postgres: %w", err)
	}
	exited := c.exited
	go func() { _ = c.cmd.Wait(); close(exited) }()
	db, err := sql.Open("postgres", c.dsn("postgres"))
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer db.Close()
	deadline := time.Now().Add(startTimeout)
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return makeDatabase(ctx, db)
		}
		select {
		case <-c.exited:
			if strings.Contains(said.String(), "shared memory") || strings.Contains(said.String(), "lock file") {
				return fmt.Errorf("%w: %s", errStillThere, said.String())
			}
			return fmt.Errorf("postgres ended at once: %s", strings.TrimSpace(said.String()))
		case <-ctx.Done():
			c.Stop()
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			c.Stop()
			return fmt.Errorf("postgres does not answer: %w", err)
		}
	}
}

func makeDatabase(ctx context.Context, db *sql.DB) error {
	var there bool
	if err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'portico')`).Scan(&there); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if there {
		return nil
	}
	if _, err := db.ExecContext(ctx, `CREATE DATABASE portico`); err != nil {
		return fmt.Errorf("making the database: %w", err)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
