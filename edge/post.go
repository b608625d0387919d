package edge

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"portico/execution"
)

// post is GraphQL over HTTP by POST. It writes the executor's answer as it is,
// where the stock transport would read and write it all again.
type post struct{}

const (
	plainJSON       = "application/json"
	graphqlResponse = "application/graphql-response+json"
)

// Supports tells whether a request is one for this transport.
func (post) Supports(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodPost && err == nil && mediaType == plainJSON && r.Header.Get("Upgrade") == "" &&
		!strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// Do runs one operation and answers.
func (post) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	ctx := r.Context()
	mediaType := plainJSON
	if strings.Contains(r.Header.Get("Accept"), graphqlResponse) {
		mediaType = graphqlResponse
	}
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	params := graphql.RawParams{Headers: r.Header, ReadTime: graphql.TraceTiming{Start: graphql.Now()}}
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&params); err != nil {
		status, message := http.StatusBadRequest, "The body must be a JSON object with the operation in `query`."
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			status, message = http.StatusRequestEntityTooLarge, "The body is larger than 1 MiB."
		}
		write(w, status, &graphql.Response{Errors: gqlerror.List{{Message: message, Extensions: map[string]any{"code": "BAD_REQUEST"}}}})
		return
	}
	params.ReadTime.End = graphql.Now()
	op, errs := exec.CreateOperationContext(ctx, &params)
	if errs != nil {
		// A request that is well formed and not valid: 200 for those who read all
		// answers alike, 400 for those who know the media type of GraphQL.
		status := http.StatusOK
		if mediaType == graphqlResponse {
			status = http.StatusBadRequest
		}
		response := exec.DispatchError(graphql.WithOperationContext(ctx, op), errs)
		response.Data = nil
		write(w, status, response)
		return
	}
	respond, ctx := exec.DispatchOperation(ctx, op)
	response := respond(ctx)
	write(w, http.StatusOK, response)
	execution.Recycle(response.Data)
}

// write writes the envelope around the data, which is JSON already. An answer
// without data is one of a request that did not run.
func write(w http.ResponseWriter, status int, response *graphql.Response) {
	envelope := []byte{'{'}
	if len(response.Errors) > 0 {
		errs, err := json.Marshal(response.Errors)
		if err != nil {
			errs = []byte(`[{"message":"internal error"}]`)
		}
		envelope = append(append(append(envelope, `"errors":`...), errs...), ',')
	}
	if len(response.Extensions) > 0 {
		if extensions, err := json.Marshal(response.Extensions); err == nil {
			envelope = append(append(append(envelope, `"extensions":`...), extensions...), ',')
		}
	}
	w.WriteHeader(status)
	if response.Data == nil {
		envelope[len(envelope)-1] = '}'
		_, _ = w.Write(envelope)
		return
	}
	_, _ = w.Write(append(envelope, `"data":`...))
	_, _ = w.Write(response.Data)
	_, _ = w.Write([]byte{'}'})
}
