package edge

import (
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Origins are the pages, besides our own, that may call Portico from a browser: hosts, with their port where it is not
// the usual one, in which * stands for any part. They govern requests, event streams and WebSockets alike.
type Origins []string

// Allow reports whether pages of an origin may call. They must have come over TLS, or from the caller's own machine.
func (o Origins) Allow(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil {
		return false
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname())) {
		return false
	}
	host := strings.ToLower(u.Host)
	return slices.ContainsFunc(o, func(pattern string) bool {
		matched, err := path.Match(strings.ToLower(pattern), host)
		return err == nil && matched
	})
}

func local(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// own reports whether an origin is that of the page which the request was sent to.
func own(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

const (
	originNotAllowed = "ORIGIN_NOT_ALLOWED"
	originHelp       = "Pages of this origin may not call Portico. Its operator allows them with PORTICO_ORIGINS, over https."
)

// What pages of other origins may send and read besides what the Fetch standard lets every page.
const (
	corsRequest  = "Authorization, Content-Type, Traceparent, Prefer, Last-Event-ID"
	corsResponse = "Retry-After, RateLimit, Traceresponse, Deprecation, Sunset, Link"
	corsMaxAge   = "600" // seconds
)

// CrossOrigin lets pages of the allowed origins use next, as the CORS protocol of the Fetch standard
// (https://fetch.spec.whatwg.org/#http-cors-protocol) has it. Credentials of the browser are never allowed: a page signs
// in by a token. A preflight from any other origin is refused with the reason; its other requests get no permission, so
// that its browser does not hand them the answer.
func (o Origins) CrossOrigin(methods []string, next http.Handler) http.Handler {
	allow := strings.Join(append(slices.Clone(methods), http.MethodOptions), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		origin := r.Header.Get("Origin")
		allowed := origin != "" && (own(r, origin) || o.Allow(origin))
		if allowed {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", corsResponse)
		}
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
		switch {
		case origin == "" || r.Header.Get("Access-Control-Request-Method") == "":
			h.Set("Allow", allow)
		case !allowed:
			refuse(w, http.StatusForbidden, originNotAllowed, originHelp)
			return
		default:
			h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
			h.Set("Access-Control-Allow-Headers", corsRequest)
			h.Set("Access-Control-Max-Age", corsMaxAge)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// upgrades reports whether a WebSocket may be opened by who asks for it: no page, or a page that may call.
func (s *server) upgrades(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || own(r, origin) || s.Origins.Allow(origin)
}
