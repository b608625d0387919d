package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	_ "github.com/lib/pq" // reads what the database has in the end

	"portico/store/postgres"
	"portico/test/e2e/ports"
)

// world is all that runs.
type world struct {
	settings
	ctx       context.Context
	r         *rand.Rand
	faults    armed
	disk      string // of the database; empty where it is the machine's
	cluster   *postgres.Cluster
	company   *exec.Cmd
	companyAt string
	servers   []*server
	buyer     caller
	operator  caller
	supplier  caller // who signs
	account   string
	shipTo    string
	sku       string
	n         int
	mu        sync.Mutex
}

func (w *world) open() error {
	data := filepath.Join(w.folder, "server")
	// A disk of its own for the database, which can be filled; whoever is not root has none.
	disk := filepath.Join(w.folder, "database")
	if err := os.MkdirAll(disk, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=400m,mode=0755"); err == nil {
		w.disk = disk
	} else {
		fmt.Fprintln(w.log, "left out: a full disk, for none can be mounted here:", err)
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	if err := w.startDatabase(); err != nil {
		return err
	}
	var err error
	if w.companyAt, err = ports.Free(); err != nil {
		return err
	}
	w.company = exec.Command(w.binary, "sandbox", "--speed", "0", "--latency", "10ms")
	w.company.Env = append(os.Environ(), "PORTICO_DATA="+filepath.Join(w.folder, "company"), "PORTICO_SANDBOX_ADDR="+w.companyAt)
	if err := w.company.Start(); err != nil {
		return err
	}
	erp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = (&http.Server{Handler: betweenERP("http://"+w.companyAt, &w.faults)}).Serve(erp) }()
	database, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go betweenDatabase(database, filepath.Join(w.socket(), ".s.PGSQL.5432"), &w.faults)
	_, port, err := net.SplitHostPort(database.Addr().String())
	if err != nil {
		return err
	}
	key := filepath.Join(data, "key")
	config := filepath.Join(data, "portico.yml")
	text := "sandbox: false\nsources:\n"
	for _, s := range [][2]string{{"erp", "erp"}, {"finance", "ledger"}, {"wms", "wms"}, {"carrier", "carrier"}, {"crm", "crm"}} {
		service := s[0]
		if service == "finance" {
			service = "erp"
		}
		text += fmt.Sprintf("  %s: { adapter: sandbox-%s, url: \"http://%s/%s\", key_file: %s, limits: { timeout: 1s, reconcile: 1h } }\n", s[0],
			s[1], erp.Addr(), service, key)
	}
	text += "routes:\n"
	for subject, source := range map[string]string{
		"warehouses": "wms", "inventory": "wms", "shipments": "wms", "tracking": "carrier", "calendars": "crm", "credit": "finance",
		"invoices": "finance", "categories": "erp",
		"suppliers": "erp", "accounts": "erp", "items": "erp", "contracts": "erp", "orders": "erp", "purchase_orders": "erp", "returns": "erp",
		"pricing": "erp",
	} {
		text += "  " + subject + ": " + source + "\n"
	}
	if err := errors.Join(os.WriteFile(key, []byte("sandbox-key"), 0o600), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return err
	}
	dsn := "host=127.0.0.1 port=" + port + " user=portico dbname=portico sslmode=disable binary_parameters=yes connect_timeout=5"
	for i := range 2 {
		folder := data
		if i > 0 { // the same keys, as replicas have them
			folder = filepath.Join(w.folder, "second")
		}
		s, err := w.makeServer(folder, config, dsn, i)
		if err != nil {
			return err
		}
		w.servers = append(w.servers, s)
		if i == 0 {
			if err := s.start(); err != nil {
				return err
			}
			if err := w.ready(s, 2*time.Minute); err != nil {
				return err
			}
			if err := copyKeys(data, filepath.Join(w.folder, "second")); err != nil {
				return err
			}
		}
	}
	return w.meet()
}

func copyKeys(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"development-issuer.jwk", "link-key", "data-key", "receipt-key.pem"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) socket() string {
	for _, f := range strings.Fields(postgres.Running(filepath.Join(w.folder, "database"))) {
		if at, ok := strings.CutPrefix(f, "host="); ok {
			return at
		}
	}
	return ""
}

func (w *world) startDatabase() (err error) {
	w.cluster, err = postgres.Start(w.ctx, filepath.Join(w.folder, "database"), slog.New(slog.DiscardHandler))
	return err
}

func (w *world) close() {
	for _, s := range w.servers {
		s.signal(syscall.SIGCONT)
		s.signal(syscall.SIGKILL)
	}
	if w.company != nil && w.company.Process != nil {
		_ = w.company.Process.Signal(syscall.SIGCONT)
		_ = w.company.Process.Kill()
	}
	if w.cluster != nil {
		w.cluster.Stop()
	}
	if w.disk != "" {
		_ = syscall.Unmount(w.disk, 0)
	}
}
