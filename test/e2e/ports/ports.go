// Package ports gives addresses to servers that are started beside each other.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// Free is an address of this machine that nothing listens at, and that is nobody else's
// until this process ends: a server that is stopped and started again finds it free. It is
// below the ports that the system gives to connections, which could take it in between.
func Free() (string, error) {
	folder := filepath.Join(os.TempDir(), "portico-ports")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	var err error
	for range 1000 {
		port := 10_000 + rand.IntN(20_000)
		var mine int
		if mine, err = syscall.Open(filepath.Join(folder, fmt.Sprint(port)), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC,
			0o666); err != nil {
			return "", err
		}
		if err = syscall.Flock(mine, syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			addr := fmt.Sprintf("localhost:%d", port)
			var l net.Listener
			if l, err = net.Listen("tcp", addr); err == nil {
				return addr, l.Close() // the lock stays until the process ends
			}
		}
		if closed := syscall.Close(mine); closed != nil {
			return "", closed
		}
	}
	return "", fmt.Errorf("no port is free: %w", err)
}
