// Package documents hands out papers that sources keep: a link is sealed, works
// for a short time, and streams the source's own document.
package documents

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"portico/sources"
	"portico/trade"
)

// TTL is how long a link works.
const TTL = 5 * time.Minute

// Links seals links and serves them.
type Links struct {
	keys func() [][]byte
	base *url.URL
}

// NewLinks makes links under base, sealed with the first of the keys; all of
// them open links. There is at least one.
func NewLinks(base *url.URL, keys func() [][]byte) *Links { return &Links{keys, base} }

type signedLink struct {
	trade.DocumentRef
	Expires int64 `json:"exp"`
}

// To is a link to a document; nil to none. Whoever has the link may read the
// document until it expires, so it is made only for who may see the record.
func (l *Links) To(ref *trade.DocumentRef) *trade.DocumentLink {
	if ref == nil {
		return nil
	}
	expires := time.Now().Add(TTL).UTC().Truncate(time.Second)
	body, _ := json.Marshal(signedLink{*ref, expires.Unix()})
	token := base64.RawURLEncoding.EncodeToString(body) + "." + base64.RawURLEncoding.EncodeToString(sign(l.keys()[0], body))
	return &trade.DocumentLink{
		URL: l.base.JoinPath("documents", token).String(), MediaType: ref.MediaType, FileName: ref.FileName,
		ExpiresAt: &expires,
	}
}

func sign(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return mac.Sum(nil)
}

// open is the document a token leads to. Expired and forged tokens lead
// nowhere alike.
func (l *Links) open(token string) (signedLink, bool) {
	var s signedLink
	left, right, _ := strings.Cut(token, ".")
	body, err := base64.RawURLEncoding.DecodeString(left)
	mac, err2 := base64.RawURLEncoding.DecodeString(right)
	signedLink := func(key []byte) bool { return hmac.Equal(mac, sign(key, body)) }
	if err != nil || err2 != nil || !slices.ContainsFunc(l.keys(), signedLink) || json.Unmarshal(body, &s) != nil {
		return s, false
	}
	return s, time.Now().Unix() < s.Expires
}

// Keeper opens documents of sources.
type Keeper interface {
	Document(ctx context.Context, source, ref string) (io.ReadCloser, error)
}

// Handler serves GET /documents/{token}.
func (l *Links) Handler(keeper Keeper, log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, ok := l.open(r.PathValue("token"))
		if !ok {
			http.Error(w, "This link does not work any more. Ask for a new one.", http.StatusNotFound)
			return
		}
		body, err := keeper.Document(r.Context(), s.Instance, s.Ref)
		if err != nil {
			status, text := http.StatusServiceUnavailable, "The document cannot be fetched at the moment. Retry soon."
			if sources.KindOf(err) == sources.NotFound {
				status, text = http.StatusNotFound, "The source keeps no such document."
			}
			log.WarnContext(r.Context(), "document not served", "source", s.Instance, "kind", sources.KindOf(err).String())
			http.Error(w, text, status)
			return
		}
		defer body.Close()
		w.Header().Set("Content-Type", s.MediaType)
		w.Header().Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": s.FileName}))
		w.Header().Set("Cache-Control", "private, no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.Copy(&download{w, http.NewResponseController(w)}, body)
	}
}

// pieceTimeout is how long a client may take to read one piece of a document.
const pieceTimeout = 30 * time.Second

// download writes a document that may take any time, as long as it moves.
type download struct {
	io.Writer

	connection *http.ResponseController
}

func (d *download) Write(p []byte) (int, error) {
	_ = d.connection.SetWriteDeadline(time.Now().Add(pieceTimeout))
	return d.Writer.Write(p)
}
