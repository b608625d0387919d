package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"portico/auth"
	"portico/postgres"
	company "portico/sandbox"
	"portico/trade"
)

type resetCmd struct{}

// Run removes what Portico keeps in its data folder, and nothing else that may
// lie there.
func (resetCmd) Run(cfg Config) error {
	if err := postgres.Remove(cfg.Data); err != nil {
		return err
	}
	for _, name := range []string{"sandbox", "development-issuer.jwk", "link-key", "data-key", "receipt-key.pem", "audit", "lock"} {
		if err := os.RemoveAll(filepath.Join(cfg.Data, name)); err != nil {
			return fmt.Errorf("reset: %w", err)
		}
	}
	fmt.Println("Removed what was in", cfg.Data+". `make run` begins anew.")
	return nil
}

type versionCmd struct{}

// Run prints the version that the build is of.
func (versionCmd) Run() { fmt.Println("portico", version()) }

// version is the version that the build is of.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

type configCmd struct{}

// Run prints the settings in force.
func (configCmd) Run(cfg Config) error { return cfg.print() }

type tokenCmd struct {
	Persona string        `arg:"" help:"buyer, approver, buyer-child, buyer-other, supplier, supplier-other or operator."`
	Scope   string        `help:"Only these of the persona's scopes, separated by blanks." placeholder:"SCOPES"`
	TTL     time.Duration `name:"ttl" help:"How long the token holds." default:"12h"`
}

// Run prints a token, alone on the last line.
func (t tokenCmd) Run(cfg Config) error {
	if cfg.Profile == production {
		return errors.New("the production profile has no development issuer: get tokens from a configured issuer")
	}
	persona, err := auth.FindPersona(t.Persona)
	if err != nil {
		return err
	}
	if t.TTL <= 0 {
		return wrong("--ttl", t.TTL.String(), "positive")
	}
	issuer, err := auth.OpenDevIssuer(cfg.Data)
	if err != nil {
		return err
	}
	var rights []string
	if t.Scope != "" {
		rights = strings.Fields(t.Scope)
	}
	token, _, err := issuer.Token(persona, rights, t.TTL)
	if err != nil {
		return err
	}
	fmt.Println(token)
	return nil
}

type revokeCmd struct {
	Subject string        `help:"All tokens of this subject (sub) that were issued until now." placeholder:"SUB" xor:"what" required:""`
	Token   string        `help:"The token with this id (jti)." placeholder:"JTI" xor:"what" required:""`
	Until   time.Duration `name:"for" help:"How long it is kept: as long as the issuer's tokens hold." default:"24h"`
}

// Run files a revocation, which every running server sees at once.
func (c revokeCmd) Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	p := &parts{log: log}
	defer p.close()
	if err := p.openStore(ctx, cfg); err != nil {
		return err
	}
	now, subject := time.Now(), ""
	if c.Subject != "" {
		subject = trade.SubjectDigest(c.Subject)
	}
	if err := p.store.Revoke(ctx, trade.Revocation{Token: c.Token, Subject: subject, At: now}, now.Add(c.Until)); err != nil {
		return err
	}
	fmt.Println("Revoked. Connections end within a second, and tokens are refused until", now.Add(c.Until).Format(time.RFC3339)+".")
	return nil
}

type sandboxCmd struct {
	Speed   float64       `help:"Speed of time; 0 stands still." default:"1" env:"PORTICO_SANDBOX_SPEED"`
	Epoch   time.Time     `help:"Day on which the data end, when it is made; today when left out." format:"2006-01-02" env:"PORTICO_SANDBOX_EPOCH"`
	Latency time.Duration `help:"Time that the slowest answers take." default:"40ms"`
	Push    string        `help:"URL that the carrier sends what happens to parcels to." env:"PORTICO_SANDBOX_PUSH"`
	Owned   bool          `hidden:"" help:"End when standard input ends."`
}

// Run serves the sandbox company until it is told to stop.
func (s sandboxCmd) Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	if s.Owned {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() { _, _ = io.Copy(io.Discard, os.Stdin); end() }()
	}
	c, err := company.Open(company.Options{Folder: filepath.Join(cfg.Data, "sandbox"), Scale: cfg.Scale, Speed: s.Speed, Latency: s.Latency, Epoch: s.Epoch})
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	defer c.Close()
	listener, err := net.Listen("tcp", cfg.SandboxAddr)
	if err != nil {
		return fmt.Errorf("sandbox: %w: stop what listens there, or set PORTICO_SANDBOX_ADDR", err)
	}
	log.Info("sandbox company open", "url", "http://"+cfg.SandboxAddr)
	ctx, end := context.WithCancelCause(ctx)
	go func() { end(c.Live(ctx)) }()
	if s.Push != "" {
		go c.Push(ctx, s.Push)
	}
	return serveUntil(ctx, listener, c.Handler())
}

type migrateCmd struct{}

// Run brings the tables up to date.
func (migrateCmd) Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	p := &parts{log: log}
	defer p.close()
	return p.openStore(ctx, cfg)
}
