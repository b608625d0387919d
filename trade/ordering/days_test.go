package ordering

import (
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/trade"
)

// moment is a moment as people write it.
func moment(t *testing.T, text string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestACutoffIsOfTheWarehousesOwnDay asks on both sides of cutoffs, in two zones, and in the nights in which
// clocks are put on and back.
func TestACutoffIsOfTheWarehousesOwnDay(t *testing.T) {
	for name, c := range map[string]struct{ zone, cutoff, now, ships string }{
		"a minute before":                   {"Europe/Amsterdam", "15:30", "2026-03-04T14:29:00Z", "2026-03-04"},
		"at the cutoff":                     {"Europe/Amsterdam", "15:30", "2026-03-04T14:30:00Z", "2026-03-05"},
		"an hour after, before it in UTC":   {"Europe/Amsterdam", "15:30", "2026-03-04T15:00:00Z", "2026-03-05"},
		"in summer, two hours ahead":        {"Europe/Amsterdam", "15:30", "2026-07-01T13:30:00Z", "2026-07-02"},
		"in summer, a minute before":        {"Europe/Amsterdam", "15:30", "2026-07-01T13:29:59Z", "2026-07-01"},
		"the Monday after clocks are on":    {"Europe/Amsterdam", "15:30", "2026-03-30T13:31:00Z", "2026-03-31"},
		"the Monday after clocks are back":  {"Europe/Amsterdam", "15:30", "2026-10-26T14:29:00Z", "2026-10-26"},
		"after midnight there":              {"Europe/Amsterdam", "15:30", "2026-03-04T23:30:00Z", "2026-03-05"},
		"the evening before there":          {"America/New_York", "15:30", "2026-03-05T02:00:00Z", "2026-03-05"},
		"the end of a month":                {"Europe/Amsterdam", "15:30", "2026-04-30T16:00:00Z", "2026-05-01"},
		"the end of February":               {"Europe/Amsterdam", "15:30", "2028-02-28T16:00:00Z", "2028-02-29"},
		"Friday after the cutoff":           {"Europe/Amsterdam", "15:30", "2026-03-06T16:00:00Z", "2026-03-09"},
		"New Year's Eve":                    {"Europe/Amsterdam", "15:30", "2026-12-31T16:00:00Z", "2027-01-01"},
		"a zone that nobody knows is UTC":   {"Mars/Olympus", "15:30", "2026-03-04T15:29:00Z", "2026-03-04"},
		"without a cutoff, late at night":   {"Europe/Amsterdam", "", "2026-03-04T22:59:00Z", "2026-03-04"},
		"without a cutoff, after midnight":  {"Europe/Amsterdam", "", "2026-03-04T23:01:00Z", "2026-03-05"},
		"on a Saturday, before the cutoff":  {"Europe/Amsterdam", "15:30", "2026-03-07T09:00:00Z", "2026-03-09"},
		"on a Saturday, after the cutoff":   {"Europe/Amsterdam", "15:30", "2026-03-07T16:00:00Z", "2026-03-09"},
		"a cutoff just before midnight":     {"Europe/Amsterdam", "23:59", "2026-03-04T22:58:00Z", "2026-03-04"},
		"a cutoff just before midnight met": {"Europe/Amsterdam", "23:59", "2026-03-04T22:59:00Z", "2026-03-05"},
	} {
		w := &trade.Warehouse{ID: "w", Code: "W", Location: trade.Location{TimeZone: &c.zone}}
		if c.cutoff != "" {
			w.Cutoff = &c.cutoff
		}
		item := &trade.Item{ID: "i", SKU: "S", BaseUnit: "EA"}
		supply := Supply{Item: item, Stock: []*trade.Stock{{WarehouseRef: trade.Ref{ID: "w"}, OnHand: dec("10")}}}
		d := Demand{Quantity: pieces("1", "EA"), Each: udecimal.One, AllowPartial: true}
		p := Promise(d, supply, nil, map[string]*trade.Warehouse{"w": w}, moment(t, c.now))
		if len(p.Lines) != 1 || p.Lines[0].PromisedShipDate.String() != c.ships {
			t.Errorf("%s: ships %+v, want %s", name, p.Lines, c.ships)
		}
	}
}

// TestWhatIsExpectedTodayShipsTomorrow asks when a purchase ships that is expected on a day, or is late: the day
// is that of the warehouse which it comes to.
func TestWhatIsExpectedTodayShipsTomorrow(t *testing.T) {
	for name, c := range map[string]struct{ zone, expected, now, ships string }{
		"expected tomorrow there":              {"Europe/Berlin", "2026-03-05", "2026-03-04T22:59:00Z", "2026-03-06"},
		"late, a minute after midnight there":  {"Europe/Berlin", "2026-03-04", "2026-03-04T23:01:00Z", "2026-03-06"},
		"late, and still yesterday there":      {"America/New_York", "2026-03-04", "2026-03-05T04:59:00Z", "2026-03-05"},
		"late, at the end of February":         {"Europe/Berlin", "2028-02-28", "2028-02-28T23:00:00Z", "2028-03-01"},
		"late, the night clocks are put on":    {"Europe/Berlin", "2026-03-27", "2026-03-29T22:00:00Z", "2026-03-31"},
		"late, the night clocks are put back":  {"America/New_York", "2026-10-30", "2026-11-02T04:59:00Z", "2026-11-02"},
		"late, at the end of the year, in UTC": {"", "2026-12-30", "2026-12-31T23:59:00Z", "2027-01-01"},
	} {
		w := &trade.Warehouse{ID: "w", Code: "W"}
		if c.zone != "" {
			w.Location.TimeZone = &c.zone
		}
		supply := Supply{Item: &trade.Item{ID: "i", SKU: "S", BaseUnit: "EA"}, Inbound: []trade.InboundSupply{
			{WarehouseRef: trade.Ref{ID: "w"}, ExpectedOn: *day(c.expected), Quantity: pieces("10", "EA")},
		}}
		d := Demand{Quantity: pieces("1", "EA"), Each: udecimal.One, AllowPartial: true}
		now := moment(t, c.now).In(time.FixedZone("", 14*3600)) // wherever the process is
		p := Promise(d, supply, nil, map[string]*trade.Warehouse{"w": w}, now)
		if len(p.Lines) != 1 || p.Lines[0].PromisedShipDate.String() != c.ships {
			t.Errorf("%s: ships %+v, want %s", name, p.Lines, c.ships)
		}
	}
}

// TestARequestedDayIsPastByTheClockOfUTC asks for days around midnight, wherever the process is.
func TestARequestedDayIsPastByTheClockOfUTC(t *testing.T) {
	for name, c := range map[string]struct {
		now, day string
		past     bool
	}{
		"the same day":                      {"2026-03-31T23:59:59Z", "2026-03-31", false},
		"the end of a month":                {"2026-04-01T00:00:00Z", "2026-03-31", true},
		"a leap day":                        {"2028-02-29T23:59:59Z", "2028-02-29", false},
		"the day after a leap day":          {"2028-03-01T00:00:00Z", "2028-02-29", true},
		"tomorrow in Kiritimati":            {"2026-03-04T12:00:00Z", "2026-03-04", false},
		"the night clocks are put on":       {"2026-03-30T00:00:00Z", "2026-03-27", true},
		"the day after clocks are put back": {"2026-10-26T00:30:00Z", "2026-10-26", false},
	} {
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("east", 14*3600), time.FixedZone("west", -11*3600)} {
			check := &checking{}
			check.day(*day(c.day), &OrderFacts{Now: moment(t, c.now).In(zone)}, "requestedDeliveryDate")
			if (check.All != nil) != c.past {
				t.Errorf("%s, in a process %s of Greenwich: %v, want it past: %v", name, zone, check.All, c.past)
			}
		}
	}
}

func TestAnInvoiceIsOverdueFromTheDayAfterItIsDue(t *testing.T) {
	paid, owed := trade.Money{Currency: "EUR"}, trade.Money{Amount: dec("0.01"), Currency: "EUR"}
	for name, c := range map[string]struct {
		status  trade.InvoiceStatus
		due     *trade.Date
		balance trade.Money
		today   string
		want    trade.InvoiceStatus
	}{
		"the day before":                     {trade.InvoiceIssued, day("2026-02-28"), owed, "2026-02-27", trade.InvoiceIssued},
		"on the day":                         {trade.InvoiceIssued, day("2026-02-28"), owed, "2026-02-28", trade.InvoiceIssued},
		"the day after":                      {trade.InvoiceIssued, day("2026-02-28"), owed, "2026-03-01", trade.InvoiceOverdue},
		"in part paid, on the day":           {trade.InvoicePartiallyPaid, day("2026-02-28"), owed, "2026-02-28", trade.InvoicePartiallyPaid},
		"in part paid, the day after":        {trade.InvoicePartiallyPaid, day("2026-02-28"), owed, "2026-03-01", trade.InvoiceOverdue},
		"nothing owed, though nobody booked": {trade.InvoiceIssued, day("2026-02-28"), paid, "2026-03-01", trade.InvoiceIssued},
		"paid":                               {trade.InvoicePaid, day("2026-02-28"), paid, "2027-03-01", trade.InvoicePaid},
		"disputed":                           {trade.InvoiceDisputed, day("2026-02-28"), owed, "2027-03-01", trade.InvoiceDisputed},
		"void":                               {trade.InvoiceVoid, day("2026-02-28"), owed, "2027-03-01", trade.InvoiceVoid},
		"due on no day":                      {trade.InvoiceIssued, nil, owed, "2027-03-01", trade.InvoiceIssued},
	} {
		i := &trade.Invoice{Status: c.status, DueOn: c.due, Balance: c.balance}
		if got := i.StatusOn(*day(c.today)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestAMonthIsTheCalendarsInUTC holds the month in which somebody may spend to its first and last moment.
func TestAMonthIsTheCalendarsInUTC(t *testing.T) {
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[time.Time][2]string{
		moment(t, "2026-03-31T23:59:59Z"):               {"2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"},
		moment(t, "2026-04-01T00:00:00Z"):               {"2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"},
		moment(t, "2026-12-31T12:00:00Z"):               {"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		moment(t, "2028-02-29T12:00:00Z"):               {"2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
		moment(t, "2026-01-31T12:00:00Z"):               {"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"},
		moment(t, "2026-03-31T22:30:00Z").In(amsterdam): {"2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"}, // it is April there
		moment(t, "2026-04-01T01:00:00+02:00"):          {"2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"},
	} {
		from, to := MonthOf(now)
		if got := [2]string{from.Format(time.RFC3339), to.Format(time.RFC3339)}; got != want {
			t.Errorf("%s is of %v, want %v", now, got, want)
		}
	}
	spent := map[string]trade.Money{"EUR": {Amount: dec("70"), Currency: "EUR"}, "USD": {Amount: dec("90"), Currency: "USD"}}
	l := SpendingLimit{Limit: trade.Money{Amount: dec("100"), Currency: "EUR"}, Period: PerMonth}.Brought(spent,
		moment(t, "2026-03-31T23:59:59Z"))
	if l.Spent.Amount.String() != "70" || l.ResetsAt == nil || l.ResetsAt.Format(time.RFC3339) != "2026-04-01T00:00:00Z" {
		t.Errorf("of a month %s is spent until %v", l.Spent.Amount, l.ResetsAt)
	}
	for total, fits := range map[string]bool{"30": true, "30.01": false, "29.99": true} {
		if Exceeded([]SpendingLimit{l}, trade.Money{Amount: dec(total), Currency: "EUR"}) == nil != fits {
			t.Errorf("with 70 of 100 spent, %s fits: want %v", total, fits)
		}
	}
	if Exceeded([]SpendingLimit{l}, trade.Money{Amount: dec("1"), Currency: "USD"}) == nil {
		t.Error("what cannot be compared fits")
	}
	if once := (SpendingLimit{Limit: l.Limit, Period: PerOrder}).Brought(spent, moment(t, "2026-03-31T23:59:59Z")); once.ResetsAt != nil ||
		once.Spent.Amount.IsPos() {
		t.Errorf("a bound per order has %s spent, until %v", once.Spent.Amount, once.ResetsAt)
	}
}
