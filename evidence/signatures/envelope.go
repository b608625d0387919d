package signatures

import (
	"context"
	"net/http"
	"time"
)

// Envelope is a request as it arrived, where it was signed or a document in it was.
type Envelope struct {
	Message
	At time.Time
	// Document is what the request asks to be done, JSON as it was written; nil where it is
	// not one variable of the one thing that is asked for.
	Document []byte
	// Signature is that of the document, a detached JWS; nil where there is none.
	Signature *string
}

// kept are the headers that a signature may cover, and its own: no other is kept, for there
// are secrets among them.
var kept = []string{"Content-Digest", "Content-Type", "Date", "Signature", "Signature-Input"}

// NewEnvelope keeps a request that arrived now, with its body, for who looks at its signatures.
func NewEnvelope(r *http.Request, authority string, body []byte) *Envelope {
	e := &Envelope{
		Message: Message{Method: r.Method, Authority: authority, Target: r.URL.EscapedPath(), Header: http.Header{}, Body: body},
		At:      time.Now().UTC().Truncate(time.Millisecond),
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		e.Target += "?" + r.URL.RawQuery
	}
	for _, name := range kept {
		if values := r.Header.Values(name); len(values) > 0 {
			e.Header[name] = values
		}
	}
	return e
}

type envelopeKey struct{}

// With puts an envelope into ctx.
func With(ctx context.Context, e *Envelope) context.Context {
	return context.WithValue(ctx, envelopeKey{}, e)
}

// In is the envelope in ctx; nil where nothing of the request was signed.
func In(ctx context.Context) *Envelope {
	e, _ := ctx.Value(envelopeKey{}).(*Envelope)
	return e
}
