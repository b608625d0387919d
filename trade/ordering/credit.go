package ordering

import "portico/trade"

func (c *checking) credit(f *OrderFacts, total trade.Money, v *OrderValidation) {
	if f.Credit == nil || f.Account == nil {
		return
	}
	// The unread version of an account may say that it is on hold.
	if f.Credit.Provenance.Stale || f.Account.Provenance.UnreadSince != nil {
		v.provisional(CreditCheck)
	}
	if f.Account.Status == trade.AccountCreditHold { // said already
		return
	}
	if blocked := CheckCredit(f.Credit, total); blocked != nil {
		c.All = append(c.All, blocked)
	}
}

// CheckCredit says whether an account's credit stands against ordering this much more;
// nil where it does not.
func CheckCredit(p *trade.CreditPosition, more trade.Money) *trade.CreditBlocked {
	if p.OnHold {
		return &trade.CreditBlocked{Refusal: trade.Refusal{
			Code: trade.CodeCreditBlocked, Message: "The account is on credit hold.",
			Path: trade.InputPath("account"),
		}, ShortBy: nil}
	}
	if p.Limit == nil || p.Limit.Currency != more.Currency {
		return nil
	}
	short := p.Exposure.Amount.Add(more.Amount).Sub(p.Limit.Amount)
	if !short.IsPos() {
		return nil
	}
	return &trade.CreditBlocked{
		Refusal: trade.Refusal{
			Code: trade.CodeCreditBlocked, Message: "The order is more than the account's credit allows.",
			Path: trade.InputPath("account"),
		}, ShortBy: &trade.Money{Amount: short, Currency: more.Currency},
	}
}
