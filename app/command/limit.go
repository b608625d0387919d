package command

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/quagmt/udecimal"

	"portico/app"
	"portico/store/ledger"
	"portico/trade"
	"portico/trade/ordering"
)

type limitCmd struct {
	Account  string `arg:"" help:"Number of the account."`
	Period   string `arg:"" enum:"order,month" help:"order or month."`
	Amount   string `arg:"" optional:"" help:"Most that may be ordered; left out, there is no limit."`
	Currency string `arg:"" optional:"" default:"EUR" help:"Its currency."`
}

// Run sets a limit, or removes it.
func (c limitCmd) Run(ctx context.Context, cfg app.Config, log *slog.Logger) error {
	var limit *trade.Money
	if c.Amount != "" {
		amount, err := udecimal.Parse(c.Amount)
		if err != nil || amount.IsNeg() || len(c.Currency) != 3 {
			return app.Wrong("AMOUNT", c.Amount+" "+c.Currency, "an amount such as 5000.00, and a currency such as EUR")
		}
		limit = &trade.Money{Amount: amount, Currency: c.Currency}
	}
	database, err := app.OpenDatabase(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer database.Close()
	period := map[string]ordering.SpendingPeriod{"order": ordering.PerOrder, "month": ordering.PerMonth}[c.Period]
	ok, err := ledger.SetSpendingLimit(ctx, database.Store, c.Account, period, limit)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("there is no account %s", c.Account)
	case limit == nil:
		fmt.Println("Buyers of", c.Account, "have no limit per", c.Period+" but what their tokens say.")
	default:
		fmt.Println("Buyers of", c.Account, "whose tokens say nothing order up to", limit.Amount.String(), limit.Currency, "per", c.Period,
			"without approval.")
	}
	return nil
}
