package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	company "portico/sandbox"
)

// startSandbox runs the sandbox company as a process of its own, which ends
// when this one does, however it ends: its standard input is a pipe from here.
func (p *server) startSandbox(ctx context.Context, cfg Config) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	cmd := exec.Command(self, "sandbox", "--owned", "--data", cfg.Data, "--sandbox-addr", cfg.SandboxAddr, "--scale", fmt.Sprint(cfg.Scale)) //nolint:gosec // the program and its arguments are ours
	if cfg.File.Sources["carrier"].Webhook.Secret == company.PushSecret && cfg.TLSCert == "" {
		cmd.Args = append(cmd.Args, "--push", "http://"+cfg.Addr+"/webhooks/carrier")
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us, and we stop it
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	p.ends = append(p.ends, func() { _ = stdin.Close(); <-exited })
	// Bounded, for who answers at that address may be somebody else, or nobody: a
	// connection to a port that is not listened on yet can even meet itself.
	client := &http.Client{Timeout: time.Second}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+cfg.SandboxAddr+"/control/calls", nil)
		if err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			return nil
		}
		select {
		case <-exited:
			return errors.New("the sandbox company did not start; its reason stands above")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
