package trade

import (
	"testing"

	"github.com/quagmt/udecimal"
)

// TestAnInvoiceIsOverdueFromTheDayAfterItIsDue looks at invoices around their due day.
func TestAnInvoiceIsOverdueFromTheDayAfterItIsDue(t *testing.T) {
	due := mustDate(t, "2026-02-28")
	open := Money{Amount: udecimal.MustParse("0.01"), Currency: "EUR"}
	for name, c := range map[string]struct {
		status  InvoiceStatus
		due     *Date
		balance Money
		day     string
		want    InvoiceStatus
	}{
		"the day before":        {InvoiceIssued, &due, open, "2026-02-27", InvoiceIssued},
		"the day it is due":     {InvoiceIssued, &due, open, "2026-02-28", InvoiceIssued},
		"the day after":         {InvoiceIssued, &due, open, "2026-03-01", InvoiceOverdue},
		"paid in part":          {InvoicePartiallyPaid, &due, open, "2026-03-01", InvoiceOverdue},
		"paid in part, in time": {InvoicePartiallyPaid, &due, open, "2026-02-28", InvoicePartiallyPaid},
		"nothing is left":       {InvoiceIssued, &due, Money{}, "2026-03-01", InvoiceIssued},
		"paid":                  {InvoicePaid, &due, open, "2026-03-01", InvoicePaid},
		"disputed":              {InvoiceDisputed, &due, open, "2026-03-01", InvoiceDisputed},
		"due on no day":         {InvoiceIssued, nil, open, "2099-03-01", InvoiceIssued},
	} {
		i := Invoice{Status: c.status, DueOn: c.due, Balance: c.balance}
		if got := i.StatusOn(mustDate(t, c.day)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func mustDate(t *testing.T, text string) Date {
	t.Helper()
	d, err := ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
