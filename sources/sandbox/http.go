package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"portico/sources"
	"portico/trade"
	"portico/trade/operating"
)

// wire speaks HTTP with one system.
type wire struct {
	base    *url.URL
	key     func() string
	secrets func() []string
	zone    *time.Location
	client  *http.Client
}

const maxAnswer = 64 << 20 // bytes

// Ping fails when the system does not answer.
func (w *wire) Ping(ctx context.Context) error {
	var up struct{ Up bool }
	return w.call(ctx, http.MethodGet, "v1/ping", nil, &up)
}

func (w *wire) call(ctx context.Context, method, path string, ask, answer any) error {
	resp, err := w.send(ctx, method, path, ask)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return sources.Fail(sources.Uncertain, "reading the answer: %w", err)
	}
	if len(text) > maxAnswer {
		return sources.Fail(sources.Garbled, "%w", sources.ErrTooLarge)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return sources.Fail(sources.Garbled, "the answer is no JSON of the expected shape")
	}
	return nil
}

func (w *wire) send(ctx context.Context, method, path string, ask any) (*http.Response, error) {
	var body io.Reader
	if ask != nil {
		text, err := json.Marshal(ask)
		if err != nil {
			return nil, sources.Fail(sources.Rejected, "writing the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, w.base.JoinPath().String()+"/"+path, body)
	if err != nil {
		return nil, sources.Fail(sources.Rejected, "making the request: %w", err)
	}
	req.Header.Set("X-Api-Key", w.key())
	sources.Trace(ctx, req.Header)
	resp, err := w.client.Do(req)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		// A request that never left did nothing; one whose answer is missing may have.
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return nil, sources.Fail(sources.Unavailable, "not reachable")
		}
		return nil, sources.Fail(sources.Uncertain, "no answer")
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	var why struct{ Field, Error string }
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	_ = json.Unmarshal(text, &why)
	after := sources.RetryHeader(resp.Header, time.Now())
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, &sources.Error{Kind: sources.Throttled, After: after, Err: errors.New("throttled")}
	case resp.StatusCode == http.StatusServiceUnavailable:
		return nil, &sources.Error{
			Kind: sources.Unavailable, After: after,
			Err: errors.New("maintenance or overload"),
		}
	case resp.StatusCode >= 500:
		return nil, sources.Fail(sources.Uncertain, "status %d", resp.StatusCode)
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return nil, sources.Fail(sources.Denied, "status %d", resp.StatusCode)
	case resp.StatusCode == http.StatusNotFound:
		return nil, sources.Fail(sources.NotFound, "status 404")
	case resp.StatusCode == http.StatusUnprocessableEntity && reason[why.Error] != "":
		return nil, sources.Fail(sources.Rejected, "%s", reason[why.Error])
	}
	return nil, sources.Fail(sources.Rejected, "status %d", resp.StatusCode)
}

func (w *wire) document(ctx context.Context, ref string) (io.ReadCloser, error) {
	resp, err := w.send(ctx, http.MethodGet, "v1/papers/"+(&url.URL{Path: ref}).EscapedPath(), nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// records asks for records by key or page by page, and maps each by itself, so
// that one that cannot be read costs only itself.
func records[R, T any](ctx context.Context, w *wire, object string, q sources.Query, ref func(*R) string,
	as func(*R) (T, error),
) (sources.Page[T], error) {
	var answer struct {
		Rows  []json.RawMessage `json:"rows"`
		Next  string            `json:"next"`
		Total int               `json:"total"`
	}
	var err error
	if len(q.Refs) > 0 {
		err = w.call(ctx, http.MethodPost, "v1/"+object+"/query", map[string]any{"keys": q.Refs}, &answer)
	} else {
		args := url.Values{"after": {q.After}, "limit": {strconv.Itoa(q.Limit)}}
		err = w.call(ctx, http.MethodGet, "v1/"+object+"?"+args.Encode(), nil, &answer)
	}
	if err != nil {
		return sources.Page[T]{}, err
	}
	page := mapped(answer.Rows, object, ref, as)
	page.Next, page.Total = answer.Next, answer.Total
	return page, nil
}

// mapped are rows as records; those that cannot be mapped are rejected.
func mapped[R, T any](rows []json.RawMessage, object string, ref func(*R) string, as func(*R) (T, error)) (page sources.Page[T]) {
	fields := fieldsIn(reflect.TypeFor[R]())
	for _, row := range rows {
		var r R
		err := decode(row, &r)
		fields.unused(row, func(path string) { page.Leave(path, ref(&r)) })
		if err == nil {
			var record T
			if record, err = as(&r); err == nil {
				page.Records = append(page.Records, record)
				continue
			}
		}
		key := ref(&r)
		page.Rejected = append(page.Rejected, operating.RejectedRecord{Kind: object, SourceRef: &key, Reason: err.Error(), At: time.Now()})
	}
	return page
}

// decode reads a row. A number that is null is no zero, although encoding/json leaves one.
func decode(row json.RawMessage, into any) error {
	if err := json.Unmarshal(row, into); err != nil || !bytes.Contains(row, []byte("null")) {
		return sources.Misshapen(err)
	}
	var v any
	if err := json.Unmarshal(row, &v); err != nil {
		return sources.Misshapen(err)
	}
	if at := nullIn(v, reflect.TypeOf(into).Elem(), ""); at != "" {
		return fmt.Errorf("%s: it is null, where a value is needed", at)
	}
	return nil
}

// nullIn is where a number of a type, or an element of a list of records, is null in a value; empty where none is.
func nullIn(v any, t reflect.Type, at string) string {
	switch t.Kind() {
	case reflect.Struct:
		fields, _ := v.(map[string]any)
		for _, f := range reflect.VisibleFields(t) {
			for name, x := range fields {
				if !f.Anonymous && strings.EqualFold(name, cmp.Or(f.Tag.Get("json"), f.Name)) {
					if found := nullIn(x, f.Type, strings.TrimPrefix(at+"."+name, ".")); found != "" {
						return found
					}
				}
			}
		}
	case reflect.Slice:
		all, _ := v.([]any)
		for i, x := range all {
			at := fmt.Sprintf("%s[%d]", at, i)
			if x == nil && t.Elem().Kind() == reflect.Struct {
				return at
			}
			if found := nullIn(x, t.Elem(), at); found != "" {
				return found
			}
		}
	case reflect.Int, reflect.Int64, reflect.Float64:
		if v == nil {
			return at
		}
	default: // the rest may be nothing
	}
	return ""
}

func (w *wire) changes(ctx context.Context, after string, limit int, subjects map[string]sources.Subject) (sources.Feed, error) {
	var answer struct {
		World   string `json:"world"`
		Changes []struct {
			Obj, Key string
		} `json:"changes"`
		Last int  `json:"last"`
		More bool `json:"more"`
	}
	args := url.Values{"since": {after}, "limit": {strconv.Itoa(limit)}}
	if err := w.call(ctx, http.MethodGet, "v1/changes?"+args.Encode(), nil, &answer); err != nil {
		return sources.Feed{}, err
	}
	feed := sources.Feed{Epoch: answer.World, Next: strconv.Itoa(answer.Last), More: answer.More}
	for _, ch := range answer.Changes {
		if s, ok := subjects[ch.Obj]; ok {
			feed.Changes = append(feed.Changes, sources.Change{Subject: s, Ref: ch.Key})
		}
	}
	return feed, nil
}

// stamp is the provenance of a record: the source's key and revision. Its
// source and instance are set by whoever routes the call.
func stamp(ref string, rev int) trade.Provenance {
	version, now := strconv.Itoa(rev), time.Now()
	return trade.Provenance{Mode: trade.Live, AsOf: &now, ReceivedAt: now, SourceRef: &ref, SourceVersion: &version, Sequence: int64(rev)}
}

func some[S ~string](s S) *S {
	if s = S(strings.TrimSpace(string(s))); s == "" {
		return nil
	}
	return &s
}
