package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources/tryton/rpc"
	"portico/trade"
)

func decimal(text string) rpc.Decimal { return rpc.Decimal{Decimal: udecimal.MustParse(text)} }

// company makes the company, its money and the users' place in it.
func (s *seed) company(password string) {
	s.say("company and users")
	s.currency = s.one("currency.currency", values{
		"name": "Euro", "symbol": "€", "code": "EUR", "numeric_code": "978", "rounding": decimal("0.01"), "digits": 2,
		"rates": made(values{"date": date(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), "rate": decimal("1")}),
	})
	s.countries = map[string]int{}
	for _, c := range [][3]string{
		{"NL", "NLD", "Netherlands"},
		{"BE", "BEL", "Belgium"},
		{"DE", "DEU", "Germany"},
		{"FR", "FRA", "France"},
		{"DK", "DNK", "Denmark"},
		{"AT", "AUT", "Austria"},
	} {
		s.countries[c[0]] = s.one("country.country", values{"code": c[0], "code3": c[1], "name": c[2]})
	}
	own := s.one("party.party",
		values{
			"name": "Northgate Distribution B.V.", "code": "OWN",
			"addresses": made(values{"street": "Havenweg 1", "postal_code": "3011 AA", "city": "Rotterdam", "country": s.countries["NL"]}),
		})
	s.companyID = s.one("company.company", values{"party": own, "currency": s.currency, "timezone": "Europe/Amsterdam"})
	admin := s.search("res.user", is("login", "admin"))
	s.set("res.user", admin, values{"companies": link(s.companyID), "company": s.companyID})
	s.client.Forget() // the session, whose context has no company
	robot := s.one("party.party", values{"name": "Portico", "code": "ROBOT"})
	s.employee = s.one("company.employee", values{"party": robot, "company": s.companyID})
	s.set("res.user", admin, values{"employees": link(s.employee), "employee": s.employee})
	s.client.Forget()
	var groups []struct {
		ID   int
		Name string
	}
	s.find(&groups, "res.group", []any{}, "name")
	var want []int
	for _, g := range groups {
		if slices.Contains([]string{"Sales", "Sale Amendment", "Purchase", "Stock", "Account", "Product Administration", "Party Administration"},
			g.Name) {
			want = append(want, g.ID)
		}
	}
	s.one("res.user", values{
		"name": "Portico", "login": "portico", "password": password, "companies": link(s.companyID), "company": s.companyID,
		"employees": link(s.employee), "employee": s.employee, "groups": link(want...),
	})
}

// wizard runs one step of a wizard after another.
func (s *seed) wizard(name string, steps func(step func(button string, data values))) {
	var opened []any
	s.do(&opened, "wizard."+name+".create")
	steps(func(button string, data values) {
		s.do(nil, "wizard."+name+".execute", opened[0], data, button)
	})
	s.do(nil, "wizard."+name+".delete", opened[0])
}

// accounting makes the chart of accounts, years, a tax, terms of payment and a
// way to pay.
func (s *seed) accounting() {
	s.say("accounts and years")
	var data []struct {
		DBID int `json:"db_id"`
	}
	s.find(&data, "ir.model.data", []any{is("module", "account"), is("fs_id", "account_template_root_en")}, "db_id")
	chart := values{"account_template": data[0].DBID, "company": s.companyID}
	account := func(kind string) int {
		return s.search("account.account", is("type."+kind, true), is("company", s.companyID), is("closed", false))[0]
	}
	s.wizard("account.create_chart", func(step func(string, values)) {
		step("create_account", values{"account": chart})
		step("create_properties", values{"account": chart, "properties": values{
			"company": s.companyID, "account_receivable": account("receivable"), "account_payable": account("payable"),
		}})
	})
	s.revenue, s.expense = account("revenue"), account("expense")
	idOf := func(name string) int {
		return s.search("account.account", is("name", name), is("company", s.companyID))[0]
	}
	kind := func(name string) int { return s.search("ir.sequence.type", is("name", name))[0] }
	for year := s.today.Time().Year() - 1; year <= s.today.Time().Year()+1; year++ {
		moves := s.one("ir.sequence", values{"name": fmt.Sprint("Moves ", year), "company": s.companyID, "sequence_type": kind("Account Move")})
		var numbers [4]int
		for i, prefix := range []string{"INV", "CRN", "BIL", "BCN"} {
			numbers[i] = s.one("ir.sequence.strict", values{
				"name": fmt.Sprint(prefix, " ", year), "prefix": fmt.Sprintf("%s%d-", prefix, year), "padding": 5, "company": s.companyID,
				"sequence_type": kind("Invoice"),
			})
		}
		id := s.one("account.fiscalyear", values{
			"name": fmt.Sprint(year), "company": s.companyID, "post_move_sequence": moves,
			"start_date": date(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)), "end_date": date(time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)),
			"invoice_sequences": made(values{
				"company": s.companyID, "out_invoice_sequence": numbers[0], "out_credit_note_sequence": numbers[1],
				"in_invoice_sequence": numbers[2], "in_credit_note_sequence": numbers[3],
			}),
		})
		s.button("account.fiscalyear", "create_period", id)
	}
	s.tax = s.one("account.tax", values{
		"name": "VAT 21%", "description": "VAT 21%", "type": "percentage", "rate": decimal("0.21"), "company": s.companyID,
		"invoice_account": idOf("Main Tax"), "credit_note_account": idOf("Main Tax"),
	})
	s.category = s.one("product.category", values{
		"name": "Goods 21%", "accounting": true, "account_expense": s.expense, "account_revenue": s.revenue, "customer_taxes": link(s.tax),
		"supplier_taxes": link(s.tax),
	})
	s.journal = s.search("account.journal", is("type", "cash"))[0]
	s.method = s.one("account.invoice.payment.method", values{
		"name": "Bank", "company": s.companyID, "journal": s.journal, "credit_account": idOf("Main Cash"), "debit_account": idOf("Main Cash"),
	})
}

// term is the term of payment with a text and days.
func (s *seed) term(t *trade.PaymentTerms) any {
	if t == nil {
		return nil
	}
	if s.terms[t.Description] == 0 {
		days := 0
		if t.NetDays != nil {
			days = *t.NetDays
		}
		s.terms[t.Description] = s.one("account.invoice.payment_term", values{
			"name": t.Description, "lines": made(values{"type": "remainder", "relativedeltas": made(values{"days": days})}),
		})
	}
	return s.terms[t.Description]
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func (s *seed) warehouses(company *books) {
	s.say("warehouses")
	s.warehouse, s.storage = map[string]int{}, map[string]int{}
	own := s.search("party.party", is("code", "OWN"))[0]
	old := s.search("stock.location", is("type", "warehouse"))
	for _, w := range company.warehouses {
		place := s.one("party.address", values{
			"party": own, "street": text(w.Location.Street), "postal_code": text(w.Location.PostalCode), "city": text(w.Location.City),
			"country": s.countries[text(w.Location.Country)],
		})
		zone := func(name, kind string) int {
			return s.one("stock.location", values{"name": w.Name + " " + name, "code": w.Code + "-" + strings.ToUpper(name), "type": kind})
		}
		s.storage[w.Code] = zone("storage", "storage")
		s.warehouse[w.Code] = s.one("stock.location", values{
			"name": w.Name, "code": w.Code, "type": "warehouse", "address": place, "storage_location": s.storage[w.Code],
			"input_location": zone("in", "storage"), "output_location": zone("out", "storage"), "lost_found_location": zone("lost", "lost_found"),
		})
	}
	s.set("stock.location", old, values{"active": false})
	s.reserved = s.one("stock.location", values{"name": "Reserved for projects", "code": "RESERVED", "type": "storage"})
}
