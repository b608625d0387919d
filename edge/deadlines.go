package edge

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// bodyTimeout is how long a request's body may take to arrive.
const bodyTimeout = 10 * time.Second

// Deadlines lets no request arrive for ever: its body must have come within ten seconds, also where nobody reads it to
// its end, as of a request that is refused. Connections that miss that are closed with their answer. It is the outermost
// handler of a server.
func Deadlines(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			connection := http.NewResponseController(w)
			if connection.SetReadDeadline(time.Now().Add(bodyTimeout)) == nil {
				r.Body = &arriving{r.Body, connection}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// arriving is a body that has a deadline until it has come: whatever the connection is for then, such as a stream, is
// not bound by it.
type arriving struct {
	io.ReadCloser

	connection *http.ResponseController
}

func (b *arriving) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.connection.SetReadDeadline(time.Time{})
	}
	return n, err
}
