// Package tryton is the adapter to Tryton 6.0, an ERP. It speaks the server's
// JSON-RPC as the user that Portico has there, and reads plain records: which
// customer may see what is decided here and not in Tryton.
package tryton

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
)

// Config are the settings of a Tryton; the key is the user's password.
type Config struct {
	URL       string `yaml:"url" help:"Where the database is, such as http://127.0.0.1:18000/erp."`
	User      string `yaml:"user" help:"Login of Portico's user."`
	Zone      string `yaml:"zone" help:"Time zone of the company; Europe/Amsterdam when left out."`
	BranchOf  string `yaml:"branch_of" help:"Type of the relation from a branch to its head office; Branch of when left out."`
	Warehouse string `yaml:"warehouse" help:"Code of the warehouse that orders are sent from; the first one when left out."`
}

// ERP is a Tryton database.
type ERP struct {
	client   *rpc.Client
	zone     *time.Location
	branchOf string
	from     string // code of the warehouse
	known    known
	feed     feed
	writing  sync.Mutex
}

var (
	_ sources.Warehouses         = (*ERP)(nil)
	_ sources.Categories         = (*ERP)(nil)
	_ sources.Suppliers          = (*ERP)(nil)
	_ sources.Accounts           = (*ERP)(nil)
	_ sources.Credit             = (*ERP)(nil)
	_ sources.Items              = (*ERP)(nil)
	_ sources.Contracts          = (*ERP)(nil)
	_ sources.Inventory          = (*ERP)(nil)
	_ sources.Orders             = (*ERP)(nil)
	_ sources.PurchaseOrders     = (*ERP)(nil)
	_ sources.Shipments          = (*ERP)(nil)
	_ sources.Invoices           = (*ERP)(nil)
	_ sources.Returns            = (*ERP)(nil)
	_ sources.Pricing            = (*ERP)(nil)
	_ sources.Changes            = (*ERP)(nil)
	_ sources.OrderTaking        = (*ERP)(nil)
	_ sources.PurchaseConfirming = (*ERP)(nil)
)

const release = "6.0."

// Open makes the adapter. It asks nothing yet.
func Open(c Config, k sources.Credentials) (*ERP, error) {
	zone, err := time.LoadLocation(cmp.Or(c.Zone, "Europe/Amsterdam"))
	if err != nil {
		return nil, errors.New("zone must be a time zone such as Europe/Amsterdam")
	}
	client, err := rpc.Open(c.URL, c.User, k.Key)
	if err != nil {
		return nil, err
	}
	client.Check = func(context map[string]any) error {
		if context["company"] == nil {
			return sources.Fail(sources.Rejected, "the user has no company in Tryton: set one, or prices and credit limits are not readable")
		}
		return nil
	}
	return &ERP{client: client, zone: zone, branchOf: cmp.Or(c.BranchOf, "Branch of"), from: c.Warehouse, known: newKnown()}, nil
}

// Kind is an ERP's.
func (e *ERP) Kind() trade.SourceKind { return trade.ERP }

// needs are the models that are read, with the module each comes from and the
// fields that are read of it.
var needs = []struct {
	model, module string
	fields        []string
}{
	{"company.company", "company", fieldsOf[companyRow]()},
	{"party.party", "account_credit_limit", fieldsOf[customer]()},
	{"party.address", "stock", fieldsOf[address]()},
	{"party.relation.all", "party_relationship", fieldsOf[relation]()},
	{"sale.product_customer", "sale_product_customer", fieldsOf[partNumber]()},
	{"account.invoice.payment_term", "account_invoice", fieldsOf[term]()},
	{"product.category", "account_product", fieldsOf[category]()},
	{"product.product", "sale", fieldsOf[product]()},
	{"product.identifier", "product", fieldsOf[identifier]()},
	{"product.uom", "product", fieldsOf[uom]()},
	{"product.price_list", "product_price_list", fieldsOf[priceList]()},
	{"product.price_list.line", "product_price_list_dates", fieldsOf[priceLine]()},
	{"party.party", "sale_price_list", fieldsOf[listOf]()},
	{"stock.location", "stock", fieldsOf[location]()},
	{"stock.order_point", "stock_supply", fieldsOf[orderPoint]()},
	{"stock.move", "stock_package", fieldsOf[move]()},
	{"stock.package", "stock_package_shipping", fieldsOf[pack]()},
	{"sale.sale", "sale", fieldsOf[sale]()},
	{"sale.amendment", "sale_amendment", fieldsOf[amendment]()},
	{"sale.line", "sale_product_customer", fieldsOf[saleLine]()},
	{"purchase.purchase", "purchase", fieldsOf[purchase]()},
	{"purchase.line", "purchase", fieldsOf[purchaseLine]()},
	{"stock.shipment.out", "sale_shipment_cost", fieldsOf[outgoing]()},
	{"stock.shipment.in", "stock", fieldsOf[incoming]()},
	{"stock.shipment.out.return", "stock", fieldsOf[comingBack]()},
	{"account.invoice", "account_invoice", fieldsOf[invoice]()},
	{"account.invoice.line", "account_invoice_stock", fieldsOf[invoiceLine]()},
}

// Ping fails when Tryton does not answer, is of another release, or lacks what
// is read of it.
func (e *ERP) Ping(ctx context.Context) error {
	number, err := e.client.Version(ctx)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(number, release) {
		return sources.Fail(sources.Rejected, "the server is no Tryton %sx: this adapter reads that release alone", release)
	}
	for _, n := range needs {
		own := make([]string, 0, len(n.fields))
		for _, f := range n.fields {
			if f, _, _ = strings.Cut(f, "."); f != "_timestamp" && f != "id" && !slices.Contains(own, f) {
				own = append(own, f)
			}
		}
		var there map[string]json.RawMessage
		err := e.client.Call(ctx, "model."+n.model+".fields_get", []any{own}, nil, &there)
		if sources.KindOf(err) == sources.Garbled {
			return sources.Fail(sources.Rejected, "Tryton has no %s: activate the module %s", n.model, n.module)
		}
		if err != nil {
			return err
		}
		for _, f := range own {
			if there[f] == nil {
				return sources.Fail(sources.Rejected, "Tryton's %s has no field %s: activate the module %s", n.model, f, n.module)
			}
		}
	}
	return nil
}

// fieldsOf are the names by which the fields of a row are asked for: those of its
// JSON, and of a row under a name that ends with a point, that name before each.
func fieldsOf[R any]() []string { return fieldsIn(reflect.TypeFor[R](), "") }

func fieldsIn(row reflect.Type, before string) (names []string) {
	for row.Kind() == reflect.Pointer || row.Kind() == reflect.Slice {
		row = row.Elem()
	}
	for i := range row.NumField() {
		f := row.Field(i)
		name := f.Tag.Get("json")
		switch {
		case strings.HasSuffix(name, "."):
			names = append(names, fieldsIn(f.Type, before+name)...)
		case name == "" && f.Anonymous:
			names = append(names, fieldsIn(f.Type, before)...)
		case name != "id":
			names = append(names, before+name)
		}
	}
	return names
}
