package tryton_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"portico/e2e/extras"
	"portico/sources"
	"portico/sources/sourcetest"
	"portico/sources/tryton"
)

// server answers as trytond 6.0.29 was seen to: one that has three warehouses,
// one of them without a code.
type server struct {
	*httptest.Server
	logins, calls atomic.Int64

	mu      sync.Mutex
	session string            // the one in force
	faults  map[string]string // the answer's error, by method
	hidden  string            // a field that is not there
}

const preferences = `{"company":2,"employee":1,"language":"en","company_filter":"one","groups":[1,2]}`

func recorded(t *testing.T) *server {
	t.Helper()
	s := &server{faults: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	var call struct {
		Method string
		Params []json.RawMessage
	}
	if json.NewDecoder(r.Body).Decode(&call) != nil || len(call.Params) == 0 && call.Method != "common.server.version" {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	result := func(text string) { _, _ = fmt.Fprintf(w, `{"id":1,"result":%s}`, text) }
	if fault := s.faults[call.Method]; fault != "" {
		_, _ = fmt.Fprintf(w, `{"id":1,"error":%s}`, fault)
		return
	}
	switch {
	case call.Method == "common.server.version" && r.URL.Path == "/":
		result(`"6.0.29"`)
	case r.URL.Path != "/erp/":
		w.WriteHeader(http.StatusNotFound)
	case call.Method == "common.db.login":
		if s.logins.Add(1); !strings.Contains(string(call.Params[1]), sourcetest.Secret) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.session = fmt.Sprintf("118da1bf%d", s.logins.Load())
		result(`[2,"` + s.session + `"]`)
	case !strings.HasPrefix(r.Header.Get("Authorization"), "Session ") || s.session == "":
		w.WriteHeader(http.StatusUnauthorized)
	case call.Method == "model.res.user.get_preferences":
		result(preferences)
	case call.Method == "model.stock.location.fields_get":
		s.calls.Add(1)
		fields := map[string]any{}
		var names []string
		_ = json.Unmarshal(call.Params[0], &names)
		for _, n := range names {
			if n != s.hidden {
				fields[n] = map[string]string{"type": "char"}
			}
		}
		text, _ := json.Marshal(fields)
		result(string(text))
	case call.Method == "model.stock.location.search_read":
		s.calls.Add(1)
		result(locations(call.Params))
	default:
		w.WriteHeader(http.StatusForbidden)
	}
}

// locations are those that a search asks for.
func locations(params []json.RawMessage) string {
	var domain [][]any
	var limit *int
	_, _ = json.Unmarshal(params[0], &domain), json.Unmarshal(params[2], &limit)
	var rows []string
	for _, row := range []struct{ id, code, text string }{
		{"5", "RTM", `{"name":"Rotterdam","code":"RTM","address.":{"city":"Rotterdam","country.":{"code":"NL","id":1},"id":1},"_timestamp":"1795589728.496219","id":5}`},
		{"9", "", `{"name":"Yard","code":"","address.":null,"_timestamp":"1795589728.5","id":9}`},
		{"13", "HAM", `{"name":"Hamburg","code":"HAM","address.":null,"_timestamp":"1795589730.1","id":13}`},
	} {
		takes := true
		for _, d := range domain {
			switch value := d[2].(type) {
			case float64:
				var id float64
				_, _ = fmt.Sscan(row.id, &id)
				takes = takes && id > value
			case []any:
				found := false
				for _, v := range value {
					found = found || v == row.code
				}
				takes = takes && found
			}
		}
		if takes && (limit == nil || len(rows) < *limit) {
			rows = append(rows, row.text)
		}
	}
	return "[" + strings.Join(rows, ",") + "]"
}

func open(url string) (sources.Adapter, error) {
	return tryton.Open(tryton.Config{URL: url + "/erp", User: "portal", Password: func() string { return sourcetest.Secret }})
}

func TestTheAdapterKeepsTheContract(t *testing.T) {
	sourcetest.Run(t, open, recorded(t).URL)
}

// TestTheContractHoldsOnARealServer plays it against a Tryton that somebody
// started: PORTICO_TEST_TRYTON is the URL of its database erp, a login and a
// password, with blanks between them.
func TestTheContractHoldsOnARealServer(t *testing.T) {
	at := extras.Setting(t, "the contract on a real Tryton", "PORTICO_TEST_TRYTON")
	where, login, _ := strings.Cut(at, " ")
	user, rest, _ := strings.Cut(login, " ")
	password, _, _ := strings.Cut(rest, " ")
	base := strings.TrimSuffix(where, "/erp")
	sourcetest.Run(t, func(url string) (sources.Adapter, error) {
		return tryton.Open(tryton.Config{URL: url + "/erp", User: user, Password: func() string { return password }})
	}, base)
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
				page, err := w.Warehouses(t.Context(), sources.Query{Limit: 10})
				if err != nil || len(page.Records) != 2 || len(page.Rejected) != 1 || page.Next != "" {
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
	a, err := tryton.Open(tryton.Config{URL: s.URL + "/erp", User: "portal", Password: func() string { return password }})
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
		_, err = a.(sources.Warehouses).Warehouses(t.Context(), sources.Query{Limit: 1})
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
		"a module":        {func(s *server) { s.faults["model.stock.location.fields_get"] = `["'stock.location'",""]` }, "activate the module stock"},
		"a field":         {func(s *server) { s.hidden = "address" }, "stock.location has no field address"},
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
	for _, c := range []tryton.Config{{URL: "http://x", User: "u"}, {URL: "x/erp", User: "u"}, {URL: "http://x/erp"}, {URL: "http://x/erp", User: "u", Zone: "Nowhere"}} {
		if _, err := tryton.Open(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
