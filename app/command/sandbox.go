package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"portico/app"
	company "portico/sandbox"
)

type sandboxCmd struct {
	Speed   float64       `help:"Speed of time; 0 stands still." default:"1" env:"PORTICO_SANDBOX_SPEED"`
	Epoch   time.Time     `help:"Day on which the data end, when it is made; today when left out." format:"2006-01-02" env:"PORTICO_SANDBOX_EPOCH"`
	Latency time.Duration `help:"Time that the slowest answers take." default:"40ms"`
	Push    string        `help:"URL that the carrier sends what happens to parcels to." env:"PORTICO_SANDBOX_PUSH"`
	Owned   bool          `hidden:"" help:"End when standard input ends."`
}

// Run serves the sandbox company until it is told to stop.
func (s sandboxCmd) Run(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	if s.Owned {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() { _, _ = io.Copy(io.Discard, os.Stdin); end() }()
	}
	c, err := company.Open(company.Options{
		Folder: filepath.Join(cfg.Data, "sandbox"), Scale: cfg.Scale, Speed: s.Speed, Latency: s.Latency,
		Epoch: s.Epoch,
	})
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	defer c.Close()
	listener, err := net.Listen("tcp", cfg.SandboxAddr)
	if err != nil {
		return fmt.Errorf("sandbox: %w: stop what listens there, or set PORTICO_SANDBOX_ADDR", err)
	}
	log.InfoContext(ctx, "sandbox company open", "url", "http://"+cfg.SandboxAddr)
	ctx, end := context.WithCancelCause(ctx)
	go func() { end(c.Live(ctx)) }()
	if s.Push != "" {
		go c.Push(ctx, s.Push)
	}
	return app.ServeUntil(ctx, listener, c.Handler())
}
