package signatures

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dunglas/httpsfv"
)

// Message is what a signature covers parts of: a request as it arrived, or, with a
// Status, a response. Target is the request's target as it was sent: path and query.
type Message struct {
	Method, Authority, Target string
	Status                    int
	Header                    http.Header
	Body                      []byte
}

// Authority is the @authority of a URL (RFC 9421, section 2.2.3): its host in lower case,
// and its port unless it is the scheme's own.
func Authority(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return host
}

// component is the value of a component (RFC 9421, section 2); ok is false where the
// message has none or where it is not one of those that are known here.
func (m *Message) component(item httpsfv.Item) (value string, ok bool) {
	name, _ := item.Value.(string)
	if name == "@query-param" {
		return m.parameter(item.Params)
	}
	if len(item.Params.Names()) > 0 { // sf, key, bs, tr and req change what is signed
		return "", false
	}
	path, query, asked := strings.Cut(m.Target, "?")
	switch name {
	case "@method":
		return m.Method, m.Method != ""
	case "@authority":
		return m.Authority, m.Authority != ""
	case "@path":
		if path == "" {
			path = "/"
		}
		return path, true
	case "@query":
		return "?" + query, asked
	case "@status":
		return strconv.Itoa(m.Status), m.Status != 0
	}
	if strings.HasPrefix(name, "@") || name != strings.ToLower(name) {
		return "", false
	}
	values := m.Header.Values(name)
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.TrimSpace(v)
	}
	return strings.Join(trimmed, ", "), len(values) > 0
}

// parameter is the value of one parameter of the query, which must be there once.
func (m *Message) parameter(params *httpsfv.Params) (value string, ok bool) {
	name, given := params.Get("name")
	text, isText := name.(string)
	_, query, _ := strings.Cut(m.Target, "?")
	all, err := url.ParseQuery(query)
	if !given || !isText || len(params.Names()) != 1 || err != nil || len(all[text]) != 1 {
		return "", false
	}
	return strings.ReplaceAll(url.QueryEscape(all[text][0]), "+", "%20"), true
}

// base is the signature base (RFC 9421, section 2.5) for the components that a signature
// names; missing is the one that the message does not have.
func (m *Message) base(input httpsfv.InnerList) (base, missing string) {
	var b strings.Builder
	for _, item := range input.Items {
		id, err := httpsfv.Marshal(item)
		value, ok := m.component(item)
		if err != nil || !ok || strings.ContainsAny(value, "\r\n") {
			name, _ := item.Value.(string)
			return "", name
		}
		b.WriteString(id + ": " + value + "\n")
	}
	params, err := httpsfv.Marshal(httpsfv.List{input})
	if err != nil {
		return "", "@signature-params"
	}
	b.WriteString(`"@signature-params": ` + params)
	return b.String(), ""
}
