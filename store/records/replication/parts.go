package replication

import (
	"fmt"
	"slices"

	"portico/trade"
)

// CheckParts says what makes a record impossible to save, whatever the store holds: a part that it has twice, such as
// a line or an address. Which of two is meant, nobody knows. The reason is empty where there is nothing.
func CheckParts(record any) (reason string) {
	switch r := record.(type) {
	case *trade.Account:
		return repeated("address", r.Locations, func(l *trade.AccountLocation) string { return l.Code })
	case *trade.Item:
		if reason := repeated("unit", r.UnitsKnown, func(u *trade.ItemUnit) string { return u.Unit }); reason != "" {
			return reason
		}
		return repeated("supplier", r.SuppliersKnown, func(s *trade.SupplierItem) string { return s.SupplierRef.Key })
	case *trade.Invoice:
		return repeated("line", r.LinesKnown, func(l *trade.InvoiceLine) string { return l.LineNumber })
	case *trade.Order:
		return repeated("line", r.LinesKnown, func(l *trade.OrderLine) string { return l.LineNumber })
	case *trade.PurchaseOrder:
		return repeated("line", r.LinesKnown, func(l *trade.PurchaseOrderLine) string { return l.LineNumber })
	case *trade.Shipment:
		if reason := repeated("package", r.PackagesKnown, func(p *trade.Package) string { return fmt.Sprint(p.Number) }); reason != "" {
			return reason
		}
		labelled := slices.DeleteFunc(slices.Clone(r.PackagesKnown), func(p trade.Package) bool { return p.SSCC == nil })
		return repeated("SSCC", labelled, func(p *trade.Package) string { return *p.SSCC })
	}
	return ""
}

// repeated names the first key that two parts of a record have.
func repeated[T any](part string, parts []T, key func(*T) string) string {
	if len(parts) < 2 {
		return ""
	}
	seen := make(map[string]bool, len(parts))
	for i := range parts {
		k := key(&parts[i])
		if seen[k] {
			return fmt.Sprintf("it has the %s %q twice", part, k[:min(len(k), longestNamed)])
		}
		seen[k] = true
	}
	return ""
}

// longestNamed is how much of a key is shown, in bytes.
const longestNamed = 60
