package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"portico/store/postgres"
	"portico/test/e2e/ports"
)

const portals = 3

// cluster is all that runs.
type cluster struct {
	settings
	database *postgres.Cluster
	company  *process
	nats     []*process
	servers  []*process
	balancer *balancer
}

func open(ctx context.Context, s settings) (*cluster, error) {
	c := &cluster{settings: s}
	for _, part := range []struct {
		what  string
		start func(context.Context) error
	}{
		{"the database", c.startDatabase},
		{"the sandbox company", c.startCompany},
		{"NATS, three servers, which are built the first time", c.startNATS},
		{"Portico, three processes, of which the first loads the company", c.startServers},
	} {
		fmt.Fprintln(c.log, "starting", part.what)
		if err := part.start(ctx); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *cluster) at(name string) string { return filepath.Join(c.folder, name) }

func (c *cluster) startDatabase(ctx context.Context) (err error) {
	if err := postgres.Ensure(ctx, postgres.Repository{Folder: c.at("postgresql")}, c.log); err != nil {
		return err
	}
	c.database, err = postgres.Start(ctx, c.at("database"), slog.New(slog.DiscardHandler))
	return err
}

func (c *cluster) startCompany(context.Context) error {
	addr, err := ports.Free()
	if err != nil {
		return err
	}
	c.company = &process{
		name: "company", addr: addr, binary: c.binary, args: []string{"sandbox"},
		env: []string{"PORTICO_DATA=" + c.at("company"), "PORTICO_SANDBOX_ADDR=" + addr}, folder: c.folder,
	}
	return c.company.start()
}

func (c *cluster) startNATS(context.Context) (err error) {
	if c.without {
		fmt.Fprintln(c.log, "without NATS")
		return nil
	}
	if c.settings.nats == "" {
		if c.settings.nats, err = natsServer(); err != nil {
			return err
		}
	}
	var addrs, routes []string
	for range 3 {
		addr, err := ports.Free()
		if err != nil {
			return err
		}
		route, err := ports.Free()
		if err != nil {
			return err
		}
		addrs, routes = append(addrs, addr), append(routes, "nats://"+route)
	}
	for i, addr := range addrs {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("nats-%d", i+1)
		n := &process{name: name, addr: addr, binary: c.settings.nats, folder: c.folder, args: []string{
			"-a", "127.0.0.1", "-p", port, "-n", name, "-js", "-sd", c.at(name), "--cluster_name", "portico", "--cluster", routes[i], "--routes",
			strings.Join(routes, ","),
		}}
		c.nats = append(c.nats, n)
		if err := n.start(); err != nil {
			return err
		}
	}
	return nil
}

const settingsOfSources = `sandbox: false
sources:
  erp: { adapter: sandbox-erp, url: "%[1]s/erp", key_file: %[2]s }
  finance: { adapter: sandbox-ledger, url: "%[1]s/erp", key_file: %[2]s }
  wms: { adapter: sandbox-wms, url: "%[1]s/wms", key_file: %[2]s }
  carrier: { adapter: sandbox-carrier, url: "%[1]s/carrier", key_file: %[2]s }
  crm: { adapter: sandbox-crm, url: "%[1]s/crm", key_file: %[2]s }
routes: { warehouses: wms, inventory: wms, shipments: wms, tracking: carrier, calendars: crm, credit: finance, invoices: finance,
categories: erp, suppliers: erp, accounts: erp, items: erp,
  contracts: erp, orders: erp, purchase_orders: erp, returns: erp, pricing: erp }
`

func (c *cluster) startServers(ctx context.Context) error {
	key, config := c.at("key"), c.at("portico.yml")
	if err := errors.Join(os.WriteFile(key, []byte("sandbox-key"), 0o600),
		os.WriteFile(config, fmt.Appendf(nil, settingsOfSources, "http://"+c.company.addr, key), 0o600)); err != nil {
		return err
	}
	var bus []string
	for _, n := range c.nats {
		bus = append(bus, "nats://"+n.addr)
	}
	var addrs []string
	for i := range portals {
		addr, err := ports.Free()
		if err != nil {
			return err
		}
		admin, err := ports.Free()
		if err != nil {
			return err
		}
		name := fmt.Sprintf("portico-%d", i+1)
		p := &process{name: name, addr: addr, binary: c.binary, args: []string{"serve"}, folder: c.folder, env: []string{
			"PORTICO_ADDR=" + addr, "PORTICO_ADMIN_ADDR=" + admin, "PORTICO_DATA=" + c.at(name), "PORTICO_CONFIG=" + config,
			"DATABASE_URL=" + c.database.DSN(), "NATS_URL=" + strings.Join(bus, ","), "PORTICO_PUBLIC_URL=http://" + c.addr,
		}}
		addrs, c.servers = append(addrs, addr), append(c.servers, p)
		if i > 0 { // the same keys, as replicas have them
			if err := copyKeys(c.at("portico-1"), c.at(name)); err != nil {
				return err
			}
		}
		if err := p.start(); err != nil {
			return err
		}
		if i == 0 { // which loads the company, once
			if err := p.ready(ctx, 2*time.Minute); err != nil {
				return err
			}
		}
	}
	for _, p := range c.servers {
		if err := p.ready(ctx, time.Minute); err != nil {
			return err
		}
	}
	var err error
	c.balancer, err = balance(c.addr, addrs)
	return err
}

func copyKeys(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"development-issuer.jwk", "link-key", "data-key", "receipt-key.pem"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) close() {
	if c.balancer != nil {
		c.balancer.close()
	}
	for _, p := range append(append(c.servers, c.nats...), c.company) {
		p.end(syscall.SIGTERM)
	}
	if c.database != nil {
		c.database.Stop()
	}
}

// process is one that is started again when somebody ended it.
type process struct {
	name, addr, binary, folder string
	args, env                  []string
	mu                         sync.Mutex
	cmd                        *exec.Cmd
	exited                     chan struct{}
}

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(p.folder, p.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(p.binary, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), p.env...), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us, and we end it
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited
	go func() { _ = cmd.Wait(); close(exited) }()
	return nil
}

const endsWithin = 10 * time.Second

// end ends a process with a signal, and by force where that takes long.
func (p *process) end(with syscall.Signal) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(with)
	select {
	case <-p.exited:
	case <-time.After(endsWithin):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
	p.cmd = nil
}

func (p *process) ready(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for ctx.Err() == nil {
		if ready(p.addr) {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s has ended: %s", p.name, p.lastWords())
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s is not ready: %s", p.name, p.lastWords())
}

// lastWords is the end of the process's log, whose folder may be gone when somebody reads of it.
func (p *process) lastWords() string {
	text, _ := os.ReadFile(filepath.Join(p.folder, p.name+".log"))
	return string(text[max(0, len(text)-2000):])
}

var asking = &http.Client{Timeout: 2 * time.Second}

func ready(addr string) bool {
	resp, err := asking.Get("http://" + addr + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
