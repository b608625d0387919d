package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/quagmt/udecimal"

	"portico/audit"
	"portico/trade"
)

type auditCmd struct {
	Verify verifyCmd `cmd:"" help:"Compare the audit log with every head that was signed in this data folder."`
}

type verifyCmd struct{}

// Run says whether the log is as it was signed, and fails where it is not.
func (verifyCmd) Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	p := &parts{log: log}
	defer p.close()
	if err := p.openStore(ctx, cfg); err != nil {
		return err
	}
	r, err := audit.Verify(ctx, p.store, filepath.Join(cfg.Data, auditFolder))
	if err != nil {
		return err
	}
	for _, w := range r.Wrong {
		fmt.Println(w)
	}
	if len(r.Wrong) > 0 {
		return errors.New("the audit log is not as it was signed")
	}
	fmt.Printf("%d entries are as they were signed, in %d heads.\n", r.Entries, r.Heads)
	return nil
}

type limitCmd struct {
	Account  string `arg:"" help:"Number of the account."`
	Period   string `arg:"" enum:"order,month" help:"order or month."`
	Amount   string `arg:"" optional:"" help:"Most that may be ordered; left out, there is no limit."`
	Currency string `arg:"" optional:"" default:"EUR" help:"Its currency."`
}

// Run sets a limit, or removes it.
func (c limitCmd) Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	p := &parts{log: log}
	defer p.close()
	var limit *trade.Money
	if c.Amount != "" {
		amount, err := udecimal.Parse(c.Amount)
		if err != nil || amount.IsNeg() || len(c.Currency) != 3 {
			return wrong("AMOUNT", c.Amount+" "+c.Currency, "an amount such as 5000.00, and a currency such as EUR")
		}
		limit = &trade.Money{Amount: amount, Currency: c.Currency}
	}
	if err := p.openStore(ctx, cfg); err != nil {
		return err
	}
	period := map[string]trade.SpendingPeriod{"order": trade.PerOrder, "month": trade.PerMonth}[c.Period]
	ok, err := p.store.SetSpendingLimit(ctx, c.Account, period, limit)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("there is no account %s", c.Account)
	case limit == nil:
		fmt.Println("Buyers of", c.Account, "have no limit per", c.Period+" but what their tokens say.")
	default:
		fmt.Println("Buyers of", c.Account, "whose tokens say nothing order up to", limit.Amount.String(), limit.Currency, "per", c.Period, "without approval.")
	}
	return nil
}
