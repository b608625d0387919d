// Package web serves what browsers load. The pages are built ahead and
// embedded compressed, so that neither Node nor a network is needed to run.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed all:graphiql/dist console
var files embed.FS

// policy lets the page load only from where it came from; the editor needs
// inline styles and workers from blobs.
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; " +
	"worker-src 'self' blob:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

// GraphiQL serves the page under /graphiql/.
func GraphiQL() http.Handler { return Page("/graphiql", files, "graphiql/dist") }

// Console serves the operator's console under /console/.
func Console() http.Handler { return Page("/console", files, "console") }

// Page serves a page's files in a folder under a path; those that a build compressed are sent so.
// It panics where there is no such folder.
func Page(at string, files fs.FS, folder string) http.Handler {
	dist, err := fs.Sub(files, folder)
	if err != nil {
		panic(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), at)
		name = strings.TrimPrefix(name, "/")
		if name == "" {
			name = "index.html"
		}
		packed, err := fs.ReadFile(dist, name+".gz")
		built := err == nil
		if !built && !strings.HasSuffix(name, ".gz") { // which is how a file is kept, and no name of one
			packed, err = fs.ReadFile(dist, name)
		}
		if err != nil {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Vary", "Accept-Encoding")
		if strings.HasPrefix(name, "assets/") { // named by their content
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			tag := fmt.Sprintf(`"%x"`, sha256.Sum256(packed))
			h.Set("Cache-Control", "no-cache")
			h.Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		if !built {
			_, _ = w.Write(packed) //nolint:gosec // a page of ours
			return
		}
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed) //nolint:gosec // a page of ours
			return
		}
		plain, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			http.Error(w, "The page is damaged. Build it again with `make web`.", http.StatusInternalServerError)
			return
		}
		_, _ = io.Copy(w, plain) //nolint:gosec // a page of ours
	})
}
