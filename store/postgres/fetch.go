package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// Repository is where binaries come from when the machine has none: a
// repository in the layout of embedded-postgres, and the SHA-256 of the one
// archive that may be taken from it.
type Repository struct {
	URL    string
	SHA256 string
	Folder string // keeps the binaries
}

const (
	fetchedVersion = embedded.V15
	maxArchive     = 200 << 20 // bytes
	fetchTimeout   = 5 * time.Minute
)

// fetch brings the binaries into the repository's folder, unless they are
// there. It says on out what it takes from where, takes only the archive with
// the pinned checksum, and never runs as root.
func fetch(ctx context.Context, r Repository, out io.Writer) error {
	bin := filepath.Join(r.Folder, "bin")
	if _, err := version(bin); err == nil {
		return nil
	}
	if r.URL == "" || r.SHA256 == "" || os.Geteuid() == 0 {
		return ErrNoBinaries
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	// The library asks the repository itself for the checksum. What it gets is
	// therefore handed to it from here, checked against the pinned one.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("fetching PostgreSQL: %w", err)
	}
	relay := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, ".sha256") {
			_, _ = io.WriteString(w, r.SHA256)
			return
		}
		from := strings.TrimSuffix(r.URL, "/") + req.URL.Path
		fmt.Fprintf(out, "Fetching PostgreSQL from %s, SHA-256 %s\n", from, r.SHA256)
		archive, err := r.archive(ctx, from)
		if err != nil {
			fmt.Fprintln(out, err)
			http.Error(w, "not taken", http.StatusBadGateway)
			return
		}
		_, _ = w.Write(archive) //nolint:gosec // an archive whose checksum was verified
	})}
	defer func() { _ = relay.Close() }()
	go func() { _ = relay.Serve(listener) }()
	spare, err := os.MkdirTemp("", "portico-fetch-")
	if err != nil {
		return fmt.Errorf("fetching PostgreSQL: %w", err)
	}
	defer func() { _ = os.RemoveAll(spare) }()
	port, err := freePort()
	if err != nil {
		return fmt.Errorf("fetching PostgreSQL: %w", err)
	}
	// Its first start unpacks the binaries and proves that they run here.
	db := embedded.NewDatabase(embedded.DefaultConfig().Version(fetchedVersion).BinaryRepositoryURL("http://" + listener.Addr().String()).
		CachePath(filepath.Join(spare, "cache")).BinariesPath(r.Folder).RuntimePath(filepath.Join(spare, "run")).DataPath(filepath.Join(spare,
		"data")).
		Port(port).Logger(io.Discard))
	if err := db.Start(); err != nil {
		return fmt.Errorf("fetching PostgreSQL: %w", err)
	}
	return db.Stop()
}

func (r Repository) archive(ctx context.Context, from string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil) //nolint:gosec // the operator names the repository
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // the operator names the repository
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	archive, err := io.ReadAll(io.LimitReader(resp.Body, maxArchive))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(archive); resp.StatusCode != http.StatusOK || !strings.EqualFold(hex.EncodeToString(sum[:]), r.SHA256) {
		return nil, fmt.Errorf("not taken: status %d, SHA-256 %x", resp.StatusCode, sum)
	}
	return archive, nil
}

func freePort() (uint32, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("no port")
	}
	return uint32(addr.Port), nil //nolint:gosec // it fits
}
