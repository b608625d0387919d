package tryton_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"portico/sources"
	"portico/sources/sourcetest"
	"portico/sources/tryton"
	"portico/test/e2e/extras"
)

// server answers as trytond 6.0.29 did, on the sandbox's company, when somebody
// listened: conversation has its answers by what they were asked.
type server struct {
	*httptest.Server
	logins, calls atomic.Int64

	mu      sync.Mutex
	session string            // the one in force
	faults  map[string]string // the answer's error, by method
	hidden  string            // a field that is not there
	answers map[string]json.RawMessage
	unknown []string // what it was asked and nobody has heard
}

const conversation = "testdata/conversation.json.gz"

var heard = sync.OnceValues(func() (answers map[string]json.RawMessage, err error) {
	file, err := os.Open(conversation)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	return answers, json.NewDecoder(text).Decode(&answers)
})

func recorded(t *testing.T) *server {
	t.Helper()
	answers, err := heard()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{faults: map[string]string{}, answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(func() {
		s.Close()
		for _, u := range s.unknown {
			t.Errorf("nobody has heard an answer to %.300s; record again: see TestTheContractHoldsOnARealServer", u)
		}
	})
	return s
}

type call struct {
	Method string
	Params []json.RawMessage
}

// key is what a call asks for, whatever the day, and in whatever order it names
// keys.
func (c call) key() string {
	var params []any
	for _, p := range c.Params {
		var v any
		_ = json.Unmarshal(p, &v)
		params = append(params, settled(v))
	}
	text, _ := json.Marshal(params)
	sum := sha256.Sum256(append([]byte(c.Method), text...))
	return c.Method + " " + hex.EncodeToString(sum[:12])
}

func settled(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, day := range []string{"stock_date_end", "date"} {
			delete(v, day)
		}
		for k := range v {
			v[k] = settled(v[k])
		}
	case []any:
		plain := true
		for i := range v {
			v[i] = settled(v[i])
			switch v[i].(type) {
			case string, float64:
			default:
				plain = false
			}
		}
		if plain && (len(v) != 3 || v[1] != "=" && v[1] != ">" && v[1] != "!=") {
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	return v
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	var c call
	if json.NewDecoder(r.Body).Decode(&c) != nil || len(c.Params) == 0 && c.Method != "common.server.version" {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	result := func(text string) { _, _ = fmt.Fprintf(w, `{"id":1,"result":%s}`, text) }
	if fault := s.faults[c.Method]; fault != "" {
		_, _ = fmt.Fprintf(w, `{"id":1,"error":%s}`, fault)
		return
	}
	switch {
	case c.Method == "common.server.version" && r.URL.Path == "/":
		result(`"6.0.29"`)
	case r.URL.Path != "/erp/":
		w.WriteHeader(http.StatusNotFound)
	case c.Method == "common.db.login":
		if s.logins.Add(1); !strings.Contains(string(c.Params[1]), sourcetest.Secret) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.session = fmt.Sprintf("118da1bf%d", s.logins.Load())
		result(`[2,"` + s.session + `"]`)
	case !strings.HasPrefix(r.Header.Get("Authorization"), "Session ") || s.session == "":
		w.WriteHeader(http.StatusUnauthorized)
	default:
		s.calls.Add(1)
		told, known := s.answers[c.key()]
		if !known {
			text, _ := json.Marshal(c.Params)
			s.unknown = append(s.unknown, c.Method+string(text))
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if s.hidden != "" && strings.HasSuffix(c.Method, "fields_get") {
			var fields map[string]json.RawMessage
			_ = json.Unmarshal(told, &fields)
			delete(fields, s.hidden)
			told, _ = json.Marshal(fields)
		}
		result(string(told))
	}
}

// recorder stands before a real server and writes down what it answers.
func recorder(t *testing.T, base string) string {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]json.RawMessage{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		req, _ := http.NewRequestWithContext(r.Context(), r.Method, base+r.URL.Path, bytes.NewReader(body))
		req.Header = r.Header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		var told struct{ Result json.RawMessage }
		var c call
		if json.Unmarshal(text, &told) == nil && told.Result != nil && json.Unmarshal(body, &c) == nil && c.Method != "common.db.login" {
			if strings.HasSuffix(c.Method, "fields_get") { // kilobytes, of which only the names are read
				var fields map[string]any
				_ = json.Unmarshal(told.Result, &fields)
				for k := range fields {
					fields[k] = true
				}
				told.Result, _ = json.Marshal(fields)
			}
			mu.Lock()
			answers[c.key()] = told.Result
			mu.Unlock()
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(text)
	}))
	t.Cleanup(func() {
		proxy.Close()
		if t.Failed() {
			return
		}
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err := errors.Join(json.NewEncoder(z).Encode(answers), z.Close(), os.MkdirAll("testdata", 0o755),
			os.WriteFile(conversation, packed.Bytes(), 0o644)); err != nil {
			t.Error(err)
		}
	})
	return proxy.URL
}

func open(url string) (sources.Adapter, error) {
	return tryton.Open(tryton.Config{URL: url + "/erp", User: "portal"}, sources.Credentials{Key: func() string { return sourcetest.Secret }})
}

func TestTheAdapterKeepsTheContract(t *testing.T) {
	sourcetest.Run(t, open, recorded(t).URL)
}

// TestTheContractHoldsOnARealServer plays it against a Tryton that was filled by
// `make tryton`: PORTICO_TEST_TRYTON is what `sandbox/tryton/run.sh setting` prints. With
// PORTICO_RECORD=1 it writes down what is said, for the server of these tests.
func TestTheContractHoldsOnARealServer(t *testing.T) {
	url, user, password := realServer(t)
	if os.Getenv("PORTICO_RECORD") == "1" {
		url = recorder(t, url)
	}
	sourcetest.Run(t, func(at string) (sources.Adapter, error) {
		return tryton.Open(tryton.Config{URL: at + "/erp", User: user}, sources.Credentials{Key: func() string { return password }})
	}, url)
}

// realServer is a Tryton that somebody started: its server and who we are there.
func realServer(t *testing.T) (server, user, password string) {
	t.Helper()
	parts := strings.Fields(extras.Setting(t, "a real Tryton; make tryton starts one", "PORTICO_TEST_TRYTON"))
	if len(parts) != 4 {
		t.Fatal("PORTICO_TEST_TRYTON is not what sandbox/tryton/run.sh setting prints")
	}
	return strings.TrimSuffix(parts[0], "/erp"), parts[1], parts[2]
}

func TestASessionThatEndedIsRenewedOnceForAll(t *testing.T) {
	s := recorded(t)
	a, err := open(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := a.(sources.Warehouses)
	read := func() {
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				page, err := w.Warehouses(t.Context(), sources.Query{Limit: 7})
				if err != nil || len(page.Records) != 3 || len(page.Rejected) != 0 || page.Next != "" {
					t.Errorf("%+v, %v", page, err)
				}
			})
		}
		all.Wait()
	}
	read()
	if n := s.logins.Load(); n != 1 {
		t.Errorf("16 at once signed in %d times", n)
	}
	s.mu.Lock()
	s.session = ""
	s.mu.Unlock()
	read()
	if n := s.logins.Load(); n != 2 {
		t.Errorf("signed in %d times, want once anew", n)
	}
}

func TestAPasswordThatIsNotTakenIsNotSentAgainAndAgain(t *testing.T) {
	s, password := recorded(t), "wrong"
	a, err := tryton.Open(tryton.Config{URL: s.URL + "/erp", User: "portal"}, sources.Credentials{Key: func() string { return password }})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := a.Ping(t.Context()); sources.KindOf(err) != sources.Denied || strings.Contains(err.Error(), password) {
			t.Errorf("%v", err)
		}
	}
	if n := s.logins.Load(); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
	password = sourcetest.Secret // as when its file has changed
	if err := a.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestErrorsAreSortedByTheirFirstWord(t *testing.T) {
	for text, want := range map[string]sources.Kind{
		`["UserError",["To get a quote for CANARY you must enter an invoice address.","",null]]`: sources.Rejected,
		`["UserWarning",["shipment_out_no_carrier_stock.shipment.out,4","CANARY",""]]`:           sources.Rejected,
		`["ConcurrencyException","Records were modified in the meanwhile"]`:                      sources.Unavailable,
		`["could not obtain lock on relation \"sale_sale\"\n",""]`:                               sources.Unavailable,
		`["'CANARY'",""]`: sources.Garbled,
		`["",""]`:         sources.Garbled,
		`[7]`:             sources.Garbled,
	} {
		s := recorded(t)
		s.faults["model.stock.location.search_read"] = text
		a, err := open(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.(sources.Warehouses).Warehouses(t.Context(), sources.Query{Limit: 7})
		if sources.KindOf(err) != want || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

func TestWhatIsMissingInTrytonIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server)
		want   string
	}{
		"another release": {func(s *server) { s.faults["common.server.version"] = `["x",""]` }, "none of the known"},
		"a module": {
			func(s *server) { s.faults["model.stock.location.fields_get"] = `["'stock.location'",""]` },
			"activate the module stock",
		},
		"a field": {func(s *server) { s.hidden = "address" }, "stock.location has no field address"},
	} {
		s := recorded(t)
		c.change(s)
		a, err := open(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, c := range []tryton.Config{
		{URL: "http://x", User: "u"},
		{URL: "x/erp", User: "u"},
		{URL: "http://x/erp"},
		{URL: "http://x/erp", User: "u", Zone: "Nowhere"},
	} {
		if _, err := tryton.Open(c, sources.Credentials{}); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
