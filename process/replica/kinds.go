package replica

import (
	"context"
	"slices"

	"portico/process/tracking"
	"portico/sources"
	"portico/store"
	"portico/store/records/replication"
	"portico/trade/operating"
)

// kind is how one kind of record gets from a source into the store, and how the
// records of two sides are added up.
type kind struct {
	sources.Port
	// read asks the named source and returns what to do with its answer.
	read func(ctx context.Context, r *Copy, source string, q sources.Query) (batch, error)
	sum  sum
}

// waves are all kinds of records, as a first load takes them: those of a wave name none of each other, and are loaded side by side.
var waves = [][]kind{
	{
		replicate(sources.WarehouseRecords, replication.SaveWarehouses, count),
		replicate(sources.CategoryRecords, replication.SaveCategories, count),
		replicate(sources.SupplierRecords, replication.SaveSuppliers, count),
	},
	{
		replicate(sources.AccountRecords, replication.SaveAccounts, count),
	},
	{
		replicate(sources.CalendarRecords, replication.SaveCalendars, count),
		replicate(sources.CreditRecords, replication.SaveCredit, sumExposure),
		replicate(sources.ItemRecords, replication.SaveItems, count),
	},
	{
		replicate(sources.ContractRecords, replication.SaveContracts, count),
		replicate(sources.StockRecords, replication.SaveStock, sumOnHand),
		replicate(sources.OrderRecords, replication.SaveOrders, sumDocument("Ordered")),
		replicate(sources.PurchaseOrderRecords, replication.SavePurchaseOrders, sumDocument("Ordered")),
	},
	{
		replicate(sources.ShipmentRecords, tracking.SaveShipments, count),
	},
	{
		replicate(sources.TrackingRecords, tracking.Save, count),
		replicate(sources.InvoiceRecords, replication.SaveInvoices, sumDocument("Quantity")),
	},
	{
		replicate(sources.ReturnRecords, replication.SaveReturns, sumDocument("Quantity")),
	},
}

// kinds are all of them, in that order.
var kinds = slices.Concat(waves...)

// saver saves records of one type, and returns those that name something unknown.
type saver[T any] func(context.Context, *store.Tx, []T) ([]operating.RejectedRecord, error)

// replicate is how records of one kind are copied. Where they are shared out, by the
// account that each is of, a source's are those of its accounts.
func replicate[P sources.Adapter, T any](of sources.Records[P, T], save saver[T], sum sum) kind {
	return kind{Port: of.Port, sum: sum, read: func(ctx context.Context, r *Copy, source string, q sources.Query) (batch, error) {
		page, err := of.Fetch(ctx, r.sources.At(source), q)
		if err != nil {
			return batch{}, err
		}
		if err := r.unused.note(ctx, r.store, recordsOf{source, of.Subject}, page.Unused, r.now()); err != nil {
			return batch{}, err
		}
		b := batch{rows: len(page.Records) + len(page.Rejected), next: page.Next, total: page.Total}
		records := page.Records
		if of.Account != nil && r.sources.Mixed(of.Subject) {
			records = slices.DeleteFunc(slices.Clone(records), func(x T) bool { return r.sources.Serving(of.Subject, of.Account(&x)) != source })
		}
		b.save = func(ctx context.Context, st *store.Store, with func(*store.Tx) error) ([]operating.RejectedRecord, error) {
			return saveAll(ctx, st, of, r.now(), records, page.Rejected, save, with)
		}
		b.names = func() (versions map[string]int64, keys []string) {
			versions, keys = make(map[string]int64, len(page.Records)), make([]string, len(page.Records))
			for i := range page.Records {
				from := of.From(&page.Records[i])
				versions[*from.SourceRef], keys[i] = from.Sequence, of.Key(&page.Records[i])
			}
			return versions, keys
		}
		b.reported = func() ([]reportedRecord, error) { return documents(records, of) }
		for _, bad := range page.Rejected {
			if bad.SourceRef != nil {
				b.unread = append(b.unread, *bad.SourceRef)
			}
		}
		return b, nil
	}}
}

// kindOf is the kind of a subject that records are read of.
func kindOf(s sources.Subject) kind {
	return kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.Subject == s })]
}

// read asks the named source for records of a kind.
func (r *Copy) read(ctx context.Context, s sources.Subject, source string, q sources.Query) (batch, error) {
	return kindOf(s).read(ctx, r, source, q)
}
