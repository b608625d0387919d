package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"portico/test/e2e/ports"
)

// server is one process of Portico, which is started again when it ended.
type server struct {
	w   *world
	url string
	env []string
	mu  sync.Mutex
	cmd *exec.Cmd
	log *os.File
}

func (w *world) makeServer(folder, config, dsn string, n int) (*server, error) {
	addr, err := ports.Free()
	if err != nil {
		return nil, err
	}
	admin, err := ports.Free()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(w.folder, "server-"+strconv.Itoa(n)+".log"))
	return &server{
		w: w, url: "http://" + addr, log: log,
		env: append(os.Environ(), "PORTICO_ADDR="+addr, "PORTICO_ADMIN_ADDR="+admin, "PORTICO_DATA="+folder, "PORTICO_CONFIG="+config,
			"DATABASE_URL="+dsn),
	}, err
}

func (s *server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := exec.Command(s.w.binary, "serve")
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, s.log, s.log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd = cmd
	go func() { _ = cmd.Wait() }()
	return nil
}

func (s *server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(sig)
	}
}

func (s *server) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd != nil && s.cmd.Process.Signal(syscall.Signal(0)) == nil
}

// ready waits until a server answers.
func (w *world) ready(s *server, within time.Duration) error {
	client := &http.Client{Timeout: 2 * time.Second}
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if !s.running() {
			if err := s.start(); err != nil { // as whatever runs it does
				return err
			}
		}
		if resp, err := client.Get(s.url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return fmt.Errorf("the server is not ready; its log is %s", s.log.Name())
}
