// Command generate writes package graph: gqlgen's code, and beside it the table
// that package execution runs from, both from gqlgen.yml.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
)

// groups name the loader that fields of one level share, so that one call
// fetches the keys of all of them. A field that is missing here makes a call of
// its own.
var groups = map[string][]string{
	"accounts":           {"Account.parent", "AccountLocation.account", "Order.account", "Invoice.account"},
	"categories":         {"Item.category", "Category.parent"},
	"items":              {"OrderLine.item", "OrderLine.substitutedFor", "PurchaseOrderLine.item", "InvoiceLine.item", "Price.item", "Availability.item"},
	"itemsBySKU":         {"Item.replacedBy", "Item.substitutes"},
	"locations":          {"Order.shipTo", "Order.billTo"},
	"orders":             {"OrderLine.order", "Return.order"},
	"orderLines":         {"PackageLine.orderLine", "InvoiceLine.orderLine", "ReturnLine.orderLine"},
	"purchaseOrderLines": {"PackageLine.purchaseOrderLine", "InboundSupply.purchaseOrderLine"},
	"warehouses":         {"AccountLocation.defaultWarehouse", "ScheduleLine.warehouse", "WarehouseStock.warehouse"},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	log.SetOutput(io.Discard) // gqlgen tells of every resolver that is by hand
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	byField := map[string]string{}
	for group, fields := range groups {
		for _, f := range fields {
			byField[f] = group
		}
	}
	return api.Generate(cfg, api.AddPlugin(bindings{byField}))
}
