package trade

func (c *checking) credit(f *OrderFacts, total Money, v *OrderValidation) {
	if f.Credit == nil || f.Account == nil {
		return
	}
	if f.Credit.Provenance.Stale {
		v.provisional(CreditCheck)
	}
	if f.Account.Status == AccountCreditHold { // said already
		return
	}
	if blocked := CheckCredit(f.Credit, total); blocked != nil {
		c.All = append(c.All, blocked)
	}
}

// CheckCredit says whether an account's credit stands against ordering this much more;
// nil where it does not.
func CheckCredit(p *CreditPosition, more Money) *CreditBlocked {
	if p.OnHold {
		return &CreditBlocked{Refusal{CodeCreditBlocked, "The account is on credit hold.", InputPath("account")}, nil}
	}
	if p.Limit == nil || p.Limit.Currency != more.Currency {
		return nil
	}
	short := p.Exposure.Amount.Add(more.Amount).Sub(p.Limit.Amount)
	if !short.IsPos() {
		return nil
	}
	return &CreditBlocked{
		Refusal{CodeCreditBlocked, "The order is more than the account's credit allows.", InputPath("account")}, &Money{Amount: short, Currency: more.Currency},
	}
}
