package edge

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/evidence/signatures"
)

// GraphQL over HTTP, as https://graphql.github.io/graphql-over-http/draft/ says:
// POST with a JSON body, and GET for queries.

const (
	plainJSON       = "application/json"
	graphqlResponse = "application/graphql-response+json"
	maxBody         = 1 << 20 // bytes
	badRequest      = "BAD_REQUEST"
	worthZipping    = 1400 // bytes, below which an answer fits a packet anyway
)

// refusal is the answer to a request that is none of GraphQL over HTTP.
type refusal struct {
	status        int
	code, message string
}

func (s *server) http(w http.ResponseWriter, r *http.Request) {
	mediaType, acceptable := accepted(r.Header)
	if !acceptable {
		mediaType = plainJSON
		s.refuse(w, r, mediaType, refusal{
			http.StatusNotAcceptable, "NOT_ACCEPTABLE",
			"Accept must allow application/graphql-response+json or application/json.",
		})
		return
	}
	params, no := s.params(w, r)
	if no != nil {
		s.refuse(w, r, mediaType, *no)
		return
	}
	persisted := params.Query == ""
	ctx, tracedRequest := s.trace(r.Context(), w.Header(), r.Header)
	if params.envelope != nil {
		ctx = signatures.With(ctx, params.envelope)
	}
	op, errs := s.accept(ctx, params)
	if errs != nil {
		tracedRequest.refused(ctx, errs)
		// A request that is well formed and not valid: 200 for those who read all
		// answers alike, 400 for those who know the media type of GraphQL.
		status := http.StatusOK
		if mediaType == graphqlResponse {
			status = http.StatusBadRequest
		}
		s.answer(w, r, mediaType, refusedAs(w, errs, status), s.failed(ctx, errs))
		return
	}
	switch {
	case op.subscription():
		tracedRequest.refused(ctx, nil)
		s.refuse(w, r, mediaType, refusal{
			http.StatusBadRequest, badRequest,
			"A subscription needs a stream: ask over WebSocket (graphql-transport-ws), or with Accept: text/event-stream.",
		})
	case r.Method == http.MethodGet && op.mutation():
		tracedRequest.refused(ctx, nil)
		w.Header().Set("Allow", http.MethodPost)
		s.refuse(w, r, mediaType, refusal{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "GET is for queries. Send mutations by POST."})
	default:
		a := s.run(ctx, op)
		a.persisted = persisted
		s.answer(w, r, mediaType, http.StatusOK, a)
		tracedRequest.answered(ctx, string(op.Operation.Operation), op, a)
		a.recycle()
	}
}

// accepted is the media type of the answer: the one that the client wants most,
// application/json where it says nothing.
func accepted(h http.Header) (mediaType string, ok bool) {
	accept := h["Accept"]
	switch {
	case len(accept) == 0, len(accept) == 1 && (accept[0] == "*/*" || accept[0] == plainJSON):
		return plainJSON, true
	}
	plain, known := wanted(accept, plainJSON), wanted(accept, graphqlResponse)
	switch {
	case plain.q == 0 && known.q == 0:
		return "", false
	case known.q > plain.q || known.q == plain.q && known.exactly:
		return graphqlResponse, true
	}
	return plainJSON, true
}

// mostRanges are the media types of Accept that are looked at: a header may have a hundred thousand.
const mostRanges = 100

// want is how much a client wants a media type, and whether it named the type
// itself.
type want struct {
	q       float64
	exactly bool
}

// wanted reads a media type's weight in Accept: RFC 9110, section 12.5.1, the
// most specific range deciding.
func wanted(accept []string, mediaType string) (w want) {
	kind, _, _ := strings.Cut(mediaType, "/")
	specific, ranges := 0, 0
	for _, header := range accept {
		for part := range strings.SplitSeq(header, ",") {
			if ranges++; ranges > mostRanges {
				return w
			}
			name, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			at := 0
			switch name {
			case mediaType:
				at = 3
			case kind + "/*":
				at = 2
			case "*/*":
				at = 1
			}
			if at == 0 || at < specific {
				continue
			}
			q := 1.0
			if text, given := params["q"]; given {
				if q, err = strconv.ParseFloat(text, 64); err != nil || q < 0 || q > 1 {
					continue
				}
			}
			specific, w = at, want{q, at == 3}
		}
	}
	return w
}

// numbers keeps numbers as they are written, for a float64 has no room for some.
var numbers = strict.WithUnmarshalers(strict.UnmarshalFromFunc(func(dec *jsontext.Decoder, v *any) error {
	if dec.PeekKind() != '0' {
		return strict.SkipFunc
	}
	text, err := dec.ReadValue()
	*v = json.Number(text)
	return err
}))

// params reads the request, whatever its method.
func (s *server) params(w http.ResponseWriter, r *http.Request) (*request, *refusal) {
	p := &request{}
	var no *refusal
	switch r.Method {
	case http.MethodPost:
		no = posted(r, p, s.Authority)
	case http.MethodGet:
		no = checkMedia(r, p)
	default:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		no = &refusal{http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "Send operations by POST, or queries by GET."}
	}
	if no == nil && !p.names() {
		no = &refusal{http.StatusBadRequest, badRequest, "Name the operation in `query`."}
	}
	return p, no
}

var bodies = sync.Pool{New: func() any { return new([]byte) }}

// signature is how a document's signature is called in an input.
var signature = []byte(`"signature"`)

func posted(r *http.Request, p *request, authority string) *refusal {
	if t := r.Header.Get("Content-Type"); t != plainJSON {
		mediaType, params, err := mime.ParseMediaType(t)
		if charset := params["charset"]; err != nil || mediaType != plainJSON || charset != "" && !strings.EqualFold(charset, "utf-8") {
			return &refusal{http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Send the header Content-Type: application/json, and UTF-8."}
		}
	}
	body := bodies.Get().(*[]byte) //nolint:errcheck // only these are put in
	defer func() {
		if cap(*body) <= maxBody/8 {
			bodies.Put(body)
		}
	}()
	var err error
	if *body, err = read(r, (*body)[:0]); err != nil {
		switch {
		case errors.Is(err, errLarge):
			return &refusal{http.StatusRequestEntityTooLarge, "REQUEST_TOO_LARGE", "The body is larger than 1 MiB."}
		case errors.Is(err, os.ErrDeadlineExceeded):
			return &refusal{http.StatusRequestTimeout, "REQUEST_TIMEOUT", "The body did not arrive within 10 s."}
		}
		return &refusal{http.StatusBadRequest, badRequest, "The body did not arrive whole."}
	}
	// Bytes are kept only for who signs them: copying each body would be waste.
	if len(r.Header["Signature"]) > 0 || len(r.Header["Signature-Input"]) > 0 || bytes.Contains(*body, signature) {
		p.envelope = signatures.NewEnvelope(r, authority, bytes.Clone(*body))
	}
	return decode(*body, p)
}

// decode reads what a client wrote. What is wrong with it is not echoed.
func decode(text []byte, p *request) *refusal {
	if len(text) > 0 && text[0] == '[' {
		return &refusal{http.StatusBadRequest, badRequest, "Send one operation a request: batches are not offered."}
	}
	if err := strict.Unmarshal(text, p, numbers); err != nil {
		return &refusal{
			http.StatusBadRequest, badRequest,
			"The body must be a JSON object with `query`, a string, and, as wanted, `operationName`, a string, `variables` and `extensions`, " +
				"objects; no name may stand in it twice.",
		}
	}
	return nil
}

var errLarge = errors.New("the body is too large")

// read reads the body to its end, as far as is allowed; [Deadlines] says for how long.
func read(r *http.Request, b []byte) ([]byte, error) {
	if r.ContentLength > maxBody {
		return b, errLarge
	}
	if n := int(r.ContentLength) + 1; n > cap(b) {
		b = make([]byte, 0, max(n, 512))
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > maxBody:
			return b, errLarge
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		}
	}
}

// checkMedia reads the parameters of a GET.
func checkMedia(r *http.Request, p *request) *refusal {
	q := r.URL.Query()
	p.Query, p.OperationName, p.DocumentID = q.Get("query"), q.Get("operationName"), q.Get("documentId")
	for name, into := range map[string]*map[string]any{"variables": &p.Variables, "extensions": &p.Extensions} {
		if text := q.Get(name); text != "" && strict.Unmarshal([]byte(text), into, numbers) != nil {
			return &refusal{http.StatusBadRequest, badRequest, "The parameter " + name + " must be a JSON object."}
		}
	}
	return nil
}

func (s *server) refuse(w http.ResponseWriter, r *http.Request, mediaType string, no refusal) {
	s.answer(w, r, mediaType, no.status, &answer{errors: gqlerror.List{{Message: no.message, Extensions: map[string]any{"code": no.code}}}})
}

var (
	answers = sync.Pool{New: func() any { return new([]byte) }}
	zippers = sync.Pool{New: func() any {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return z
	}}
)

// Values of headers, which nobody writes to.
var (
	noSniff    = []string{"nosniff"}
	vary       = []string{"Origin, Authorization, Accept, Accept-Encoding"}
	noStore    = []string{"no-store"}
	revalidate = []string{"private, no-cache"} // the answer to a persisted query, by GET
)

// contentType are values of the header, which nobody writes to.
var contentType = map[string][]string{
	plainJSON:       {plainJSON + "; charset=utf-8"},
	graphqlResponse: {graphqlResponse + "; charset=utf-8"},
}

// answer writes a response, in one piece and with its length.
func (s *server) answer(w http.ResponseWriter, r *http.Request, mediaType string, status int, a *answer) {
	kept := answers.Get().(*[]byte) //nolint:errcheck // only these are put in
	b := a.append((*kept)[:0])
	h := w.Header()
	h["Content-Type"] = contentType[mediaType]
	h["X-Content-Type-Options"], h["Vary"], h["Cache-Control"] = noSniff, vary, noStore
	if a.persisted && r.Method == http.MethodGet {
		h["Cache-Control"] = revalidate
	}
	setSunset(h, a.sunset)
	if len(b) >= worthZipping && zips(r.Header) {
		plain := len(b)
		b = zipped(b)
		b = b[:copy(b, b[plain:])]
		h.Set("Content-Encoding", "gzip")
	}
	if len(b) >= worthZipping { // below, net/http counts them
		h.Set("Content-Length", strconv.Itoa(len(b)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(b) //nolint:gosec // JSON, sent with its own content type
	*kept = b
	if cap(b) <= maxBody {
		answers.Put(kept)
	}
}

// zips tells whether a client reads gzip.
func zips(h http.Header) bool {
	for _, header := range h["Accept-Encoding"] {
		for part := range strings.SplitSeq(header, ",") {
			name, weight, weighted := strings.Cut(part, ";")
			if strings.TrimSpace(name) != "gzip" {
				continue
			}
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return !weighted || err == nil && q > 0
		}
	}
	return false
}

// zipped appends b, compressed, to itself.
func zipped(b []byte) []byte {
	z := zippers.Get().(*gzip.Writer) //nolint:errcheck // only these are put in
	defer zippers.Put(z)
	out := appender(b)
	z.Reset(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out
}

type appender []byte

// Write appends p.
func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}
