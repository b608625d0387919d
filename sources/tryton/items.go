package tryton

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/quagmt/udecimal"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

type category struct {
	row
	Name       string `json:"name"`
	Parent     *int   `json:"parent"`
	Accounting bool   `json:"accounting"`
}

var categories = mapping[category, trade.Category]{
	kind: "categories", model: "product.category", field: "id", domain: []any{where("accounting", "=", false)},
	key: func(c *category) string { return strconv.Itoa(c.ID) },
	with: func(context.Context, *ERP, []category, []int) (func(*category) (trade.Category, bool, error), error) {
		return func(c *category) (trade.Category, bool, error) {
			code := strconv.Itoa(c.ID) // they have none of their own
			k := trade.Category{Code: code, Name: c.Name, Position: c.ID, Provenance: stamp(code, c.Version)}
			if c.Parent != nil {
				k.ParentRef = trade.Key(strconv.Itoa(*c.Parent))
			}
			return k, false, nil
		}, nil
	},
}

// Categories are those of products, less those that are for the books.
func (e *ERP) Categories(ctx context.Context, q sources.Query) (sources.Page[trade.Category], error) {
	return categories.read(ctx, e, q)
}

type product struct {
	row
	Code        string  `json:"code"`
	Name        string  `json:"name"`
	Description *string `json:"description"`
	Active      bool    `json:"active"`
	Salable     bool    `json:"salable"`
	Purchasable bool    `json:"purchasable"`
	Unit        int     `json:"default_uom"`
	Categories  []int   `json:"categories"`
	Template    struct {
		ID      int           `json:"id"`
		Version rpc.Timestamp `json:"_timestamp"`
	} `json:"template."`
}

// supplying is who supplies a product, or all of a template where it names none.
type supplying struct {
	row
	Template int            `json:"template"`
	Product  *int           `json:"product"`
	Sequence *int           `json:"sequence"`
	Code     *string        `json:"code"`
	LeadTime *rpc.TimeDelta `json:"lead_time"`
	Party    coded          `json:"party."`
}

// suppliersOf are those who supply a product, preferred first, each once: one that names the
// product comes before one that means all of its kind.
func suppliersOf(p *product, all []supplying) (records []trade.SupplierItem) {
	own := slices.DeleteFunc(slices.Clone(all), func(s supplying) bool { return s.Product != nil && *s.Product != p.ID })
	slices.SortStableFunc(own, func(a, b supplying) int {
		last := func(n *int) int {
			if n == nil {
				return math.MaxInt
			}
			return *n
		}
		return cmp.Or(cmp.Compare(last(a.Sequence), last(b.Sequence)), cmp.Compare(last(a.Product), last(b.Product)), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range own {
		if s.Party.Code == "" || slices.ContainsFunc(records, func(x trade.SupplierItem) bool { return x.SupplierRef.Key == s.Party.Code }) {
			continue
		}
		t := trade.SupplierItem{SupplierRef: trade.Key(s.Party.Code), SupplierPartNumber: s.Code}
		if s.LeadTime != nil {
			days := int(math.Ceil(s.LeadTime.Hours() / 24))
			t.LeadTimeDays = &days
		}
		records = append(records, t)
	}
	return records
}

// SetLeadTime sets the lead time of a supplier's product.
func (e *ERP) SetLeadTime(ctx context.Context, _ string, l trade.LeadTime) (sources.Receipt, error) {
	defer e.lockWrites()()
	unknown := sources.Fail(sources.Rejected, "The ERP does not know the item.")
	p, err := first[product](ctx, e, "product.product", []any{where("code", "=", l.SKU)}, unknown)
	if err != nil {
		return sources.Receipt{}, err
	}
	all, err := search[supplying](ctx, e, "purchase.product_supplier",
		[]any{where("template", "=", p.Template.ID), where("party.code", "=", l.Supplier)}, 0, nil)
	if err != nil {
		return sources.Receipt{}, err
	}
	var named, meant []int
	for _, s := range all {
		switch {
		case s.Product == nil:
			meant = append(meant, s.ID)
		case *s.Product == p.ID:
			named = append(named, s.ID)
		}
	}
	if named == nil {
		named = meant
	}
	if named == nil {
		return sources.Receipt{}, sources.Fail(sources.Rejected, "The ERP does not know the item as one of the supplier's.")
	}
	change := values{"lead_time": rpc.TimeDelta{Duration: time.Duration(l.Days) * 24 * time.Hour}}
	if err := e.client.Call(ctx, "model.purchase.product_supplier.write", []any{named, change}, nil, nil); err != nil {
		return sources.Receipt{}, shown(err)
	}
	return sources.Receipt{Number: l.SKU}, nil
}

type identifier struct {
	row
	Product int     `json:"product"`
	Type    *string `json:"type"`
	Code    string  `json:"code"`
}

var goods = []any{where("code", "!=", nil), where("type", "=", "goods"), where("active", "in", []bool{true, false})}

var items = mapping[product, trade.Item]{
	kind: "items", model: "product.product", field: "code", domain: goods, key: func(p *product) string { return p.Code },
	with: func(ctx context.Context, e *ERP, rows []product, ids []int) (func(*product) (trade.Item, bool, error), error) {
		units, err := e.units(ctx)
		codes, err2 := partsOf(ctx, e, "product.identifier", "product", ids, func(i *identifier) int { return i.Product })
		templates := make([]int, len(rows))
		for i := range rows {
			templates[i] = rows[i].Template.ID
		}
		suppliers, err3 := partsOf(ctx, e, "purchase.product_supplier", "template", templates, func(s *supplying) int { return s.Template })
		return func(p *product) (trade.Item, bool, error) {
			base, err := units.code(p.Unit)
			if err != nil {
				return trade.Item{}, false, err
			}
			i := trade.Item{
				SKU: p.Code, Name: p.Name, Description: p.Description, BaseUnit: base, Status: p.status(), Identifiers: []trade.Identifier{},
				Attributes:     []trade.ItemAttribute{},
				DocumentRefs:   []trade.ItemDocumentRef{},
				Provenance:     stamp(p.Code, newest(newest(max(p.Version, p.Template.Version), codes[p.ID]), suppliers[p.Template.ID])),
				SuppliersKnown: suppliersOf(p, suppliers[p.Template.ID]),
			}
			if len(p.Categories) > 0 {
				i.CategoryRef = trade.Key(strconv.Itoa(slices.Min(p.Categories)))
			}
			i.UnitsKnown = units.around(p.Unit)
			for _, c := range codes[p.ID] {
				switch {
				case c.Type == nil:
					i.Identifiers = append(i.Identifiers, trade.Identifier{Scheme: trade.SchemeManufacturer, Value: c.Code})
				case *c.Type != "ean":
				case !trade.ValidGTIN(c.Code):
					return i, false, errors.New("an EAN of it has a wrong check digit")
				case len(c.Code) < 14 && i.GTIN == nil: // of the item itself
					i.GTIN, i.UnitsKnown[0].GTIN = &c.Code, &c.Code
				case len(c.Code) == 14 && len(i.UnitsKnown) > 1 && i.UnitsKnown[1].GTIN == nil: // of the next larger unit
					i.UnitsKnown[1].GTIN = &c.Code
				}
			}
			return i, false, nil
		}, errors.Join(err, err2, err3)
	},
}

// status is what may be done with a product: Tryton has no other word for where it
// is in its life.
func (p *product) status() trade.ItemStatus {
	switch {
	case !p.Active:
		return trade.ItemDiscontinued
	case !p.Salable:
		return trade.ItemOnHold
	case !p.Purchasable:
		return trade.ItemDiscontinued
	}
	return trade.ItemActive
}

// around are the base unit and the larger units of its category, in all of which
// Tryton sells.
func (u units) around(base int) []trade.ItemUnit {
	one := udecimal.MustFromInt64(1, 0)
	all := []trade.ItemUnit{{Unit: unitCodes[u[base].Symbol], BaseQuantity: one, Orderable: true}}
	for id, x := range u {
		each := u.each(id, base)
		if code := unitCodes[x.Symbol]; id != base && x.Category == u[base].Category && code != "" && each.GreaterThan(one) {
			all = append(all, trade.ItemUnit{Unit: code, BaseQuantity: each, Orderable: true})
		}
	}
	slices.SortFunc(all, func(a, b trade.ItemUnit) int { return a.BaseQuantity.Cmp(b.BaseQuantity) })
	return all
}

// Items are the products that are goods and have a code.
func (e *ERP) Items(ctx context.Context, q sources.Query) (sources.Page[trade.Item], error) {
	return items.read(ctx, e, q)
}
