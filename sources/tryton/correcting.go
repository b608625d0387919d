package tryton

import (
	"context"
	"strconv"

	"portico/sources"
	"portico/trade/operating"
)

// titled is a record with a name.
type titled struct {
	row
	Name string `json:"name"`
}

// Correct sets the name of a party, a product or a category, or a product's description.
func (e *ERP) Correct(ctx context.Context, _ string, c operating.MasterDataChange) (sources.Receipt, error) {
	defer e.lockWrites()()
	model, id, now, err := e.correctable(ctx, c)
	switch {
	case err != nil:
		return sources.Receipt{}, err
	case now == c.Value:
		return sources.Receipt{Number: c.Key}, nil
	case now != c.Was:
		return sources.Receipt{}, sources.Fail(sources.Rejected, "The record says something else in the ERP by now: look at it again.")
	}
	if err := e.client.Call(ctx, "model."+model+".write", []any{[]int{id}, values{c.Field: c.Value}}, nil, nil); err != nil {
		return sources.Receipt{}, shown(err)
	}
	return sources.Receipt{Number: c.Key}, nil
}

// correctable finds where a field is written, and what it says now.
func (e *ERP) correctable(ctx context.Context, c operating.MasterDataChange) (model string, id int, now string, err error) {
	unknown := sources.Fail(sources.Rejected, "The ERP does not know the record.")
	of := sources.Subject(c.Kind)
	if of == sources.OfItems && (c.Field == "name" || c.Field == "description") {
		p, err := first[product](ctx, e, "product.product", []any{where("code", "=", c.Key)}, unknown)
		if err != nil {
			return "", 0, "", err
		}
		if c.Field == "name" { // it is that of the template
			return "product.template", p.Template.ID, p.Name, nil
		}
		if p.Description != nil {
			now = *p.Description
		}
		return "product.product", p.ID, now, nil
	}
	domain := []any{where("code", "=", c.Key)}
	switch {
	case c.Field != "name":
	case of == sources.OfAccounts || of == sources.OfSuppliers:
		model = "party.party"
	case of == sources.OfCategories:
		number, err := strconv.Atoi(c.Key)
		if err != nil {
			return "", 0, "", unknown
		}
		model, domain = "product.category", []any{where("id", "=", number)}
	}
	if model == "" {
		return "", 0, "", sources.Fail(sources.ByHand,
			"The ERP takes a correction of that from no program: make it there, then settle this operation.")
	}
	r, err := first[titled](ctx, e, model, domain, unknown)
	if err != nil {
		return "", 0, "", err
	}
	return model, r.ID, r.Name, nil
}
