// Package tryton is the adapter to Tryton 6.0, an ERP. It speaks the server's
// JSON-RPC as the user that Portico has there, and reads plain records: which
// customer may see what is decided here and not in Tryton.
package tryton

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

// Config says where Tryton is and who Portico is there.
type Config struct {
	URL      string        // of the database, such as http://127.0.0.1:18000/erp
	User     string        // login
	Password func() string // as of now
	Zone     string        // of the warehouses; Europe/Amsterdam by default
}

// ERP is a Tryton database.
type ERP struct {
	*rpc.Client
	zone string
}

var _ sources.Warehouses = (*ERP)(nil)

const release = "6.0."

// Open makes the adapter. It asks nothing yet.
func Open(c Config) (*ERP, error) {
	if c.Zone == "" {
		c.Zone = "Europe/Amsterdam"
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return nil, errors.New("zone must be a time zone such as Europe/Amsterdam")
	}
	client, err := rpc.Open(c.URL, c.User, c.Password)
	if err != nil {
		return nil, err
	}
	client.Check = func(context map[string]any) error {
		if context["company"] == nil {
			return sources.Fail(sources.Rejected, "the user has no company in Tryton: set one, or prices and credit limits are not readable")
		}
		return nil
	}
	return &ERP{client, c.Zone}, nil
}

// Kind is an ERP's.
func (e *ERP) Kind() trade.SourceKind { return trade.ERP }

// needs are the models that are read, with the module each comes from and the
// fields that are read of it.
var needs = []struct {
	model, module string
	fields        []string
}{
	{"stock.location", "stock", fieldsOf[location]()},
}

// Ping fails when Tryton does not answer, is of another release, or lacks what
// is read of it.
func (e *ERP) Ping(ctx context.Context) error {
	number, err := e.Version(ctx)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(number, release) {
		return sources.Fail(sources.Rejected, "the server is no Tryton %sx: this adapter reads that release alone", release)
	}
	for _, n := range needs {
		own := make([]string, 0, len(n.fields))
		for _, f := range n.fields {
			if f, _, _ = strings.Cut(f, "."); f != "_timestamp" && f != "id" && !slices.Contains(own, f) {
				own = append(own, f)
			}
		}
		var there map[string]json.RawMessage
		err := e.Call(ctx, "model."+n.model+".fields_get", []any{own}, nil, &there)
		if sources.KindOf(err) == sources.Garbled {
			return sources.Fail(sources.Rejected, "Tryton has no %s: activate the module %s", n.model, n.module)
		}
		if err != nil {
			return err
		}
		for _, f := range own {
			if there[f] == nil {
				return sources.Fail(sources.Rejected, "Tryton's %s has no field %s: activate the module %s", n.model, f, n.module)
			}
		}
	}
	return nil
}

// fieldsOf are the names by which the fields of a row are asked for: those of its
// JSON, and of a row under a name that ends with a point, that name before each.
func fieldsOf[R any]() []string { return fieldsIn(reflect.TypeFor[R](), "") }

func fieldsIn(row reflect.Type, before string) (names []string) {
	if row.Kind() == reflect.Pointer {
		row = row.Elem()
	}
	for i := range row.NumField() {
		f := row.Field(i)
		name := f.Tag.Get("json")
		switch {
		case strings.HasSuffix(name, "."):
			names = append(names, fieldsIn(f.Type, before+name)...)
		case name == "" && f.Anonymous:
			names = append(names, fieldsIn(f.Type, before)...)
		case name != "id":
			names = append(names, before+name)
		}
	}
	return names
}

// row is what every record tells of itself.
type row struct {
	ID      int     `json:"id"`
	Version rpc.Timestamp `json:"_timestamp"`
}

// stamp is the provenance of a record: its key and when it was changed. Its
// source and instance are set by whoever routes the call.
func (r row) stamp(key string) trade.Provenance {
	text, now := strconv.FormatInt(int64(r.Version), 10), time.Now()
	return trade.Provenance{Mode: trade.Live, AsOf: &now, ReceivedAt: now, SourceRef: &key, SourceVersion: &text, Sequence: int64(r.Version)}
}

// page reads the records of a model that a domain selects: those whose code is
// asked for, or the next ones by id. A record that cannot be read costs only
// itself.
func page[R, T any](ctx context.Context, c *rpc.Client, kind, model string, domain []any, q sources.Query, key func(*R) string, as func(*R) (T, error)) (sources.Page[T], error) {
	var page sources.Page[T]
	domain = slices.Clone(domain)
	limit := any(nil)
	if len(q.Refs) > 0 {
		domain = append(domain, []any{"code", "in", q.Refs})
	} else {
		after, err := 0, error(nil)
		if q.After != "" {
			if after, err = strconv.Atoi(q.After); err != nil {
				return page, sources.Fail(sources.Rejected, "a page of %s begins at no id", kind)
			}
		}
		domain = append(domain, []any{"id", ">", after})
		limit = q.Limit
	}
	var rows []json.RawMessage
	if err := c.Call(ctx, "model."+model+".search_read", []any{domain, 0, limit, []any{[]any{"id", "ASC"}}, fieldsOf[R]()}, nil, &rows); err != nil {
		return page, err
	}
	for _, text := range rows {
		var r R
		var of struct{ ID int } // also of a record that has not the expected shape
		_ = json.Unmarshal(text, &of)
		err := json.Unmarshal(text, &r)
		code := key(&r)
		if err != nil {
			err = errors.New("it has not the expected shape")
		}
		var record T
		if err == nil {
			record, err = as(&r)
		}
		if page.Next = strconv.Itoa(of.ID); err == nil {
			page.Records = append(page.Records, record)
			continue
		}
		page.Rejected = append(page.Rejected, trade.RejectedRecord{Kind: kind, SourceRef: &code, Reason: err.Error(), At: time.Now()})
	}
	if len(q.Refs) > 0 || len(rows) < q.Limit {
		page.Next = ""
	}
	return page, nil
}

// location is a place where goods are; a warehouse is one that has others in it.
type location struct {
	row
	Name    string `json:"name"`
	Code    string `json:"code"`
	Address *struct {
		City    string `json:"city"`
		Country *struct {
			Code string `json:"code"`
		} `json:"country."`
	} `json:"address."`
}

// Warehouses are the locations of that type. One without a code is told as
// rejected: others refer to it by nothing else.
func (e *ERP) Warehouses(ctx context.Context, q sources.Query) (sources.Page[trade.Warehouse], error) {
	return page(ctx, e.Client, "warehouses", "stock.location", []any{[]any{"type", "=", "warehouse"}}, q,
		func(l *location) string { return l.Code },
		func(l *location) (trade.Warehouse, error) {
			if l.Code == "" {
				return trade.Warehouse{}, errors.New("it has no code")
			}
			w := trade.Warehouse{Code: l.Code, Name: l.Name, Location: trade.Location{Name: &l.Name, TimeZone: &e.zone}, Provenance: l.stamp(l.Code)}
			if a := l.Address; a != nil {
				w.Location.City = &a.City
				if a.Country != nil {
					w.Location.Country = &a.Country.Code
				}
			}
			return w, nil
		})
}
