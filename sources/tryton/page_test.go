package tryton

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"portico/sources"
)

// paged is a server that has ten records of any model, some of which cannot be read.
func paged(bad ...int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var c struct {
			Method string
			Params []json.RawMessage
		}
		_ = json.NewDecoder(r.Body).Decode(&c)
		answer := func(v any) { _ = json.NewEncoder(w).Encode(map[string]any{"id": 1, "result": v}) }
		switch {
		case c.Method == "common.db.login":
			answer([]any{2, "key"})
			return
		case strings.HasSuffix(c.Method, "get_preferences"):
			answer(map[string]any{"company": 2})
			return
		case strings.HasSuffix(c.Method, "search_count"):
			answer(10)
			return
		}
		var domain [][]any
		var limit *int
		_, _ = json.Unmarshal(c.Params[0], &domain), json.Unmarshal(c.Params[2], &limit)
		rows := []map[string]any{}
		for id := 1; id <= 10; id++ {
			wanted := true
			for _, d := range domain {
				switch v := d[2].(type) {
				case float64:
					wanted = wanted && id > int(v)
				case []any:
					wanted = wanted && slices.Contains(v, any(string(rune('A'+id))))
				}
			}
			if !wanted || limit != nil && len(rows) == *limit {
				continue
			}
			row := map[string]any{"id": id, "_timestamp": "1.5", "code": string(rune('A' + id))}
			if slices.Contains(bad, id) {
				row["code"] = 7
			}
			rows = append(rows, row)
		}
		answer(rows)
	}
}

type plainRow struct {
	row
	Code string `json:"code"`
}

var plainly = mapping[plainRow, string]{
	kind: "things", model: "thing", field: "code", key: func(r *plainRow) string { return r.Code },
	with: func(context.Context, *ERP, []plainRow, []int) (func(*plainRow) (string, bool, error), error) {
		return func(r *plainRow) (string, bool, error) { return r.Code, r.Code == "K", nil }, nil
	},
}

// TestALoadGoesOnBehindARecordThatCannotBeRead reads page by page, wherever bad records stand.
func TestALoadGoesOnBehindARecordThatCannotBeRead(t *testing.T) {
	for _, bad := range [][]int{nil, {2}, {3}, {1, 2, 3}, {4, 5, 6, 7, 8, 9}, {10}} {
		server := httptest.NewServer(paged(bad...))
		e, err := Open(Config{URL: server.URL + "/erp", User: "portico"}, sources.Credentials{Key: func() string { return "x" }})
		if err != nil {
			t.Fatal(err)
		}
		var read []string
		rejected, pages := 0, 0
		for after := ""; ; {
			page, err := plainly.read(t.Context(), e, sources.Query{After: after, Limit: 3})
			if err != nil {
				t.Fatal(err)
			}
			if (after == "") != (page.Total == 10) {
				t.Errorf("page %d tells a total of %d", pages+1, page.Total)
			}
			read, rejected, pages = append(read, page.Records...), rejected+len(page.Rejected), pages+1
			if after = page.Next; after == "" || pages > 10 {
				break
			}
		}
		good := 10 - len(bad)
		if !slices.Contains(bad, 10) {
			good-- // which the mapping skips
		}
		if len(read) != good || rejected != len(bad) || pages != 4 || !slices.IsSorted(read) || len(slices.Compact(read)) != good {
			t.Errorf("with %v bad: %v read, %d rejected, in %d pages", bad, read, rejected, pages)
		}
		server.Close()
	}
}

func TestRecordsAreReadByTheirReferences(t *testing.T) {
	server := httptest.NewServer(paged(2))
	defer server.Close()
	e, err := Open(Config{URL: server.URL + "/erp", User: "portico"}, sources.Credentials{Key: func() string { return "x" }})
	if err != nil {
		t.Fatal(err)
	}
	page, err := plainly.read(t.Context(), e, sources.Query{Refs: []string{"B", "C", "J", "Z"}, Limit: 1})
	if err != nil || !slices.Equal(page.Records, []string{"B", "J"}) || len(page.Rejected) != 1 || page.Next != "" || page.Total != 0 {
		t.Errorf("%+v, %v", page, err)
	}
	if _, err := plainly.read(t.Context(), e, sources.Query{After: "x", Limit: 1}); sources.KindOf(err) != sources.Rejected {
		t.Errorf("a page that begins nowhere: %v", err)
	}
}

func TestAReferenceLeadsToItsOwnModelAlone(t *testing.T) {
	for text, want := range map[string]int{
		"sale.line,12": 12, "sale.line,-1": -1, "purchase.line,12": 0, "sale.line,": 0, "sale.line": 0, "": 0, "sale.lines,3": 0,
	} {
		if got := leadsTo(&text, "sale.line"); got != want {
			t.Errorf("%q leads to %d, want %d", text, got, want)
		}
	}
	if leadsTo(nil, "sale.line") != 0 {
		t.Error("nothing leads somewhere")
	}
	if got := references("sale.line", []int{1, 20}); !slices.Equal(got, []string{"sale.line,1", "sale.line,20"}) {
		t.Errorf("%q", got)
	}
	if got := numbers([]string{"1", "x", "20", ""}); !slices.Equal(got, []int{1, 20}) {
		t.Errorf("%v", got)
	}
}
