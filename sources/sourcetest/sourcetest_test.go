package sourcetest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/sourcetest"
	"portico/trade"
)

// recorder takes what the suite reports.
type recorder struct {
	ctx  context.Context
	said []string
}

func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Helper()             {}

// right is an adapter to a product of three orders, which keeps the contract.
// The broken ones change one thing each.
type right struct {
	url string
	// what it does wrong; nil does it right
	ping   func(error) error
	query  func(sources.Query) sources.Query
	answer func(*sources.Page[trade.Order])
	err    func(sources.Query) error
}

func (*right) Kind() trade.SourceKind { return trade.ERP }

func (a *right) Ping(ctx context.Context) error {
	err := a.call(ctx)
	if a.ping != nil {
		return a.ping(err)
	}
	return err
}

func (a *right) call(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case err != nil && strings.Contains(err.Error(), "refused"):
		return sources.Fail(sources.Unavailable, "not reachable")
	case err != nil:
		return sources.Fail(sources.Uncertain, "no answer")
	}
	defer resp.Body.Close()
	text := make([]byte, 2)
	_, _ = resp.Body.Read(text)
	switch resp.StatusCode {
	case http.StatusOK:
		if string(text) == "ok" {
			return nil
		}
		return sources.Fail(sources.Garbled, "no answer of ours")
	case http.StatusTooManyRequests:
		return &sources.Error{Kind: sources.Throttled, After: 7 * time.Second, Err: errors.New("throttled")}
	case http.StatusServiceUnavailable:
		return sources.Fail(sources.Unavailable, "maintenance")
	case http.StatusUnauthorized:
		return sources.Fail(sources.Denied, "denied")
	case http.StatusUnprocessableEntity:
		return sources.Fail(sources.Rejected, "refused")
	}
	return sources.Fail(sources.Uncertain, "failed")
}

func (a *right) Orders(_ context.Context, q sources.Query) (sources.Page[trade.Order], error) {
	if a.err != nil {
		if err := a.err(q); err != nil {
			return sources.Page[trade.Order]{}, err
		}
	}
	if a.query != nil {
		q = a.query(q)
	}
	var page sources.Page[trade.Order]
	for n := 1; n <= 20; n++ {
		no := fmt.Sprintf("o%02d", n)
		asked := len(q.Refs) == 0 && no > q.After
		for _, r := range q.Refs {
			asked = asked || r == no
		}
		if !asked {
			continue
		}
		if len(q.Refs) == 0 && len(page.Records) == q.Limit {
			page.Next = *page.Records[len(page.Records)-1].Number
			break
		}
		page.Records = append(page.Records, order(no))
	}
	if a.answer != nil {
		a.answer(&page)
	}
	return page, nil
}

func order(no string) trade.Order {
	now := time.Now()
	eur := func(s string) trade.Money { return trade.Money{Amount: udecimal.MustParse(s), Currency: "EUR"} }
	qty := func(n int64) trade.Quantity { return trade.Quantity{Value: udecimal.MustFromInt64(n, 0), Unit: "EA"} }
	amount := eur("16.80")
	o := trade.Order{
		Number: &no, PlacedAt: now.UTC(), Raw: &trade.RawCode{Standard: trade.ERPCodes, List: "status", Code: "20"},
		Totals:     &trade.Totals{Subtotal: eur("16.80"), Discount: eur("0"), Total: eur("16.80")},
		Provenance: trade.Provenance{SourceRef: &no, AsOf: &now, ReceivedAt: now},
		LinesKnown: []trade.OrderLine{{
			LineNumber: "10", UnitPrice: &trade.UnitPrice{Price: eur("8.40"), Per: qty(100)}, Amount: &amount, Ordered: qty(200),
			Confirmed: qty(200),
		}},
	}
	o.Derive()
	return o
}

func play(t *testing.T, a right) []string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
	defer server.Close()
	r := &recorder{ctx: t.Context()}
	sourcetest.Run(r, func(url string) (sources.Adapter, error) {
		one := a
		one.url = url
		return &one, nil
	}, server.URL)
	return r.said
}

func TestTheSuitePassesAnAdapterThatKeepsTheContract(t *testing.T) {
	if said := play(t, right{}); len(said) > 0 {
		t.Errorf("the suite says %q", said)
	}
}

func TestTheSuiteFindsWhatIsBroken(t *testing.T) {
	each := func(change func(*trade.Order)) func(*sources.Page[trade.Order]) {
		return func(p *sources.Page[trade.Order]) {
			for i := range p.Records {
				change(&p.Records[i])
			}
		}
	}
	for name, c := range map[string]struct {
		adapter right
		want    string
	}{
		"pages with gaps": {right{answer: func(p *sources.Page[trade.Order]) {
			if p.Next != "" && len(p.Records) == 7 {
				p.Records = p.Records[:6]
			}
		}}, "gaps"},
		"pages that overlap": {right{query: func(q sources.Query) sources.Query {
			if q.After == "o07" {
				q.After = "o05"
			}
			return q
		}}, "two pages"},
		"a page that never ends": {right{query: func(q sources.Query) sources.Query { q.After = ""; return q }}, "two pages"},
		"an unknown key fails": {right{err: func(q sources.Query) error {
			if len(q.Refs) > 0 {
				return sources.Fail(sources.NotFound, "unknown")
			}
			return nil
		}}, "leave it out"},
		"a batch that loses some": {right{answer: func(p *sources.Page[trade.Order]) {
			if len(p.Records) < 7 && len(p.Records) > 1 && p.Next == "" {
				p.Records = p.Records[1:]
			}
		}}, "did not come"},
		"amounts from floats": {
			right{answer: each(func(o *trade.Order) { o.Totals.Total.Amount = udecimal.MustParse("16.799999999999997") })},
			"float",
		},
		"sums that do not add up": {
			right{answer: each(func(o *trade.Order) { o.Totals.Subtotal.Amount = udecimal.MustFromInt64(1, 0) })},
			"parts make",
		},
		"a price without its per": {right{answer: each(func(o *trade.Order) {
			o.LinesKnown[0].UnitPrice.Per.Value = udecimal.MustFromInt64(1,
				0)
		})}, "the line says"},
		"local times": {
			right{answer: each(func(o *trade.Order) { o.PlacedAt = o.PlacedAt.In(time.FixedZone("CET", 3600)) })},
			"UTC",
		},
		"no reference":      {right{answer: each(func(o *trade.Order) { o.Provenance.SourceRef = nil })}, "reference"},
		"no own code":       {right{answer: each(func(o *trade.Order) { o.Raw = nil })}, "own status"},
		"a header's status": {right{answer: each(func(o *trade.Order) { o.Status = trade.OrderDelivered })}, "its lines say"},
		"more shipped than ordered": {right{answer: each(func(o *trade.Order) {
			o.LinesKnown[0].Shipped.Value = udecimal.MustFromInt64(900,
				0)
		})}, "than ordered"},
		"every failure is one": {right{ping: func(err error) error {
			if err != nil {
				return sources.Fail(sources.Unavailable, "failed")
			}
			return nil
		}}, "sorted as"},
		"failures are swallowed": {right{ping: func(error) error { return nil }}, "sorted as"},
		"the key in an error": {right{ping: func(err error) error {
			if err != nil {
				return fmt.Errorf("with %s: %w", sourcetest.Secret, err)
			}
			return nil
		}}, "key is in the error"},
	} {
		said := strings.Join(play(t, c.adapter), "\n")
		if !strings.Contains(said, c.want) {
			t.Errorf("%s: the suite says %q, want it to say %q", name, said, c.want)
		}
	}
}
