// Package sandbox is the adapter to the sandbox company's systems, and the
// reference for whoever writes an adapter: it maps words and codes, sorts
// errors, and does nothing else.
package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"portico/sources"
	"portico/trade"
)

// Config are the settings of a system of the company.
type Config struct {
	URL  string `yaml:"url" help:"Where the service is, such as http://127.0.0.1:8090/erp."`
	Zone string `yaml:"zone" help:"Time zone of its local times; Europe/Amsterdam when left out."`
}

// Every system is an adapter of its own, which claims the ports it serves.
type (
	// ERP is the company's enterprise system.
	ERP struct{ *wire }
	// Ledger is the finance part of the enterprise system.
	Ledger struct{ *wire }
	// WMS is the company's warehouse system.
	WMS struct{ *wire }
	// Carrier is the company's carrier.
	Carrier struct {
		*wire
		codes *sources.Codes
	}
	// CRM is the company's customer relations system.
	CRM struct{ *wire }
)

var (
	_ sources.Categories     = (*ERP)(nil)
	_ sources.Suppliers      = (*ERP)(nil)
	_ sources.Accounts       = (*ERP)(nil)
	_ sources.Items          = (*ERP)(nil)
	_ sources.Contracts      = (*ERP)(nil)
	_ sources.Orders         = (*ERP)(nil)
	_ sources.PurchaseOrders = (*ERP)(nil)
	_ sources.Returns        = (*ERP)(nil)
	_ sources.Pricing        = (*ERP)(nil)
	_ sources.Documents      = (*ERP)(nil)
	_ sources.Changes        = (*ERP)(nil)
	_ sources.Credit         = (*Ledger)(nil)
	_ sources.Invoices       = (*Ledger)(nil)
	_ sources.Documents      = (*Ledger)(nil)
	_ sources.Changes        = (*Ledger)(nil)
	_ sources.Warehouses     = (*WMS)(nil)
	_ sources.Inventory      = (*WMS)(nil)
	_ sources.Shipments      = (*WMS)(nil)
	_ sources.Changes        = (*WMS)(nil)
	_ sources.Tracking       = (*Carrier)(nil)
	_ sources.Registering    = (*Carrier)(nil)
	_ sources.Documents      = (*Carrier)(nil)
	_ sources.Changes        = (*Carrier)(nil)
	_ sources.Calendars      = (*CRM)(nil)
	_ sources.Changes        = (*CRM)(nil)
)

// OpenERP connects to the enterprise system.
func OpenERP(cfg Config, k sources.Credentials) (*ERP, error) {
	return open(cfg, k, func(w *wire) *ERP { return &ERP{w} })
}

// OpenLedger connects to the finance part of the enterprise system.
func OpenLedger(cfg Config, k sources.Credentials) (*Ledger, error) {
	return open(cfg, k, func(w *wire) *Ledger { return &Ledger{w} })
}

// OpenWMS connects to the warehouse system.
func OpenWMS(cfg Config, k sources.Credentials) (*WMS, error) {
	return open(cfg, k, func(w *wire) *WMS { return &WMS{w} })
}

// OpenCarrier connects to the carrier, which pushes where it is known what it signs with.
func OpenCarrier(cfg Config, k sources.Credentials) (*Carrier, error) {
	return open(cfg, k, func(w *wire) *Carrier { return &Carrier{w, scans.Reset()} })
}

// OpenCRM connects to the customer relations system.
func OpenCRM(cfg Config, k sources.Credentials) (*CRM, error) {
	return open(cfg, k, func(w *wire) *CRM { return &CRM{w} })
}

func open[A any](cfg Config, k sources.Credentials, as func(*wire) *A) (*A, error) {
	base, err := url.Parse(cfg.URL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("sandbox: url %q: must be absolute", cfg.URL)
	}
	if cfg.Zone == "" {
		cfg.Zone = "Europe/Amsterdam"
	}
	zone, err := time.LoadLocation(cfg.Zone)
	if err != nil {
		return nil, fmt.Errorf("sandbox: zone %q: %w", cfg.Zone, err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck // it is that by documentation
	transport.MaxIdleConnsPerHost = 32
	return as(&wire{base: base, key: k.Key, secrets: k.Secrets, zone: zone, client: &http.Client{Transport: transport}}), nil
}

// Kind is ERP.
func (*ERP) Kind() trade.SourceKind { return trade.ERP }

// Kind is FINANCE.
func (*Ledger) Kind() trade.SourceKind { return trade.Finance }

// Kind is WMS.
func (*WMS) Kind() trade.SourceKind { return trade.WMS }

// Kind is LOGISTICS.
func (*Carrier) Kind() trade.SourceKind { return trade.Logistics }

// Kind is CRM.
func (*CRM) Kind() trade.SourceKind { return trade.CRM }

// Changes reads the enterprise system's feed, less what the ledger tells.
func (e *ERP) Changes(ctx context.Context, after string, limit int) (sources.Feed, error) {
	return e.changes(ctx, after, limit, map[string]sources.Subject{
		"customers": sources.OfAccounts, "materials": sources.OfItems, "groups": sources.OfCategories, "vendors": sources.OfSuppliers,
		"agreements": sources.OfContracts, "salesOrders": sources.OfOrders, "purchases": sources.OfPurchaseOrders, "returns": sources.OfReturns,
	})
}

// Changes reads the enterprise system's feed for what the ledger tells.
func (l *Ledger) Changes(ctx context.Context, after string, limit int) (sources.Feed, error) {
	return l.changes(ctx, after, limit, map[string]sources.Subject{"credits": sources.OfCredit, "invoices": sources.OfInvoices})
}

// Changes reads the warehouse system's feed.
func (w *WMS) Changes(ctx context.Context, after string, limit int) (sources.Feed, error) {
	return w.changes(ctx, after, limit, map[string]sources.Subject{
		"sites": sources.OfWarehouses, "stock": sources.OfStock, "dispatches": sources.OfShipments,
	})
}

// Changes reads the carrier's feed.
func (c *Carrier) Changes(ctx context.Context, after string, limit int) (sources.Feed, error) {
	return c.changes(ctx, after, limit, map[string]sources.Subject{"trackers": sources.OfTracking})
}

// Changes reads the CRM's feed.
func (c *CRM) Changes(ctx context.Context, after string, limit int) (sources.Feed, error) {
	return c.changes(ctx, after, limit, map[string]sources.Subject{"calendars": sources.OfCalendars})
}

// Document opens an invoice or data sheet.
func (e *ERP) Document(ctx context.Context, ref string) (io.ReadCloser, error) {
	return e.document(ctx, ref)
}

// Document opens an invoice.
func (l *Ledger) Document(ctx context.Context, ref string) (io.ReadCloser, error) {
	return l.document(ctx, ref)
}

// Document opens a proof of delivery.
func (c *Carrier) Document(ctx context.Context, ref string) (io.ReadCloser, error) {
	return c.document(ctx, ref)
}
