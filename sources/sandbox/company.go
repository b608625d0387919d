package sandbox

import "portico/sources"

// Routes lead every subject to the system of the company that serves it, under
// the name it has in [OpenCompany].
var Routes = map[sources.Subject]string{
	sources.OfWarehouses: "wms", sources.OfCategories: "erp", sources.OfSuppliers: "erp", sources.OfAccounts: "erp",
	sources.OfCalendars: "crm",
	sources.OfCredit:    "finance", sources.OfItems: "erp", sources.OfContracts: "erp", sources.OfStock: "wms", sources.OfOrders: "erp",
	sources.OfPurchaseOrders: "erp", sources.OfShipments: "wms", sources.OfTracking: "carrier", sources.OfInvoices: "finance",
	sources.OfReturns: "erp", sources.OfPrices: "erp",
}

// OpenCompany connects to all systems of the company at url, routed by
// [Routes].
func OpenCompany(url, key string) (*sources.Set, error) {
	var list []sources.Source
	add := func(name string, a sources.Adapter, err error) error {
		list = append(list, sources.Source{Name: name, Adapter: a, Limits: sources.DefaultLimits})
		return err
	}
	at := func(path string) (Config, sources.Credentials) {
		return Config{URL: url + path}, sources.Credentials{Key: func() string { return key }}
	}
	erp, err := OpenERP(at("/erp"))
	if err := add("erp", erp, err); err != nil {
		return nil, err
	}
	ledger, err := OpenLedger(at("/erp"))
	if err := add("finance", ledger, err); err != nil {
		return nil, err
	}
	wms, err := OpenWMS(at("/wms"))
	if err := add("wms", wms, err); err != nil {
		return nil, err
	}
	carrier, err := OpenCarrier(at("/carrier"))
	if err := add("carrier", carrier, err); err != nil {
		return nil, err
	}
	crm, err := OpenCRM(at("/crm"))
	if err := add("crm", crm, err); err != nil {
		return nil, err
	}
	return sources.NewSet(list, Routes)
}
