package replica

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/process/processtest"
	"portico/process/tracking"
	"portico/sources"
	"portico/store"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

var (
	pages = flag.Int("pages", 100, "pages of TestExactlyTheCulpritsOfAPageAreRejected")
	seed  = flag.Uint64("seed", 1, "its seed")
)

// outcome is what becomes of a record.
type outcome int

const (
	saved outcome = iota
	culprit
	waits // for what it names
)

// defect is what may be strange about a record, and what becomes of one that has it.
type defect[T any] struct {
	name  string
	apply func(*T)
	then  outcome
}

// subjectOfTest is a kind of record with its defects. try saves a random page of it and tells what went wrong.
type subjectOfTest struct {
	sources.Port
	read func(ctx context.Context, set *sources.Set) error
	try  func(t *testing.T, p *pageOfTest)
}

// pageOfTest is what pages are tried with, and what they came to.
type pageOfTest struct {
	random   *rand.Rand
	st       *store.Store
	db       *sql.DB
	full     bool // as many records as a source may report at once
	disturb  bool // the database has a condition when the page is first saved
	sequence int64
	records  int
	culprits int
	waiting  int
	disturbs int
	batches  int
}

func under[P sources.Adapter, T any](of sources.Records[P, T], save saver[T], defects ...defect[T]) *subjectOfTest {
	var pool []T
	s := &subjectOfTest{Port: of.Port}
	s.read = func(ctx context.Context, set *sources.Set) error {
		for after := ""; ; {
			page, err := of.Fetch(ctx, set, sources.Query{After: after, Limit: 500})
			if err != nil {
				return err
			}
			pool = append(pool, page.Records...)
			if after = page.Next; after == "" || len(pool) > 2000 {
				return nil
			}
		}
	}
	s.try = func(t *testing.T, p *pageOfTest) {
		n := min(1+p.random.IntN(60), len(pool))
		if p.full {
			n = min(500, len(pool))
		}
		want := map[string]outcome{}
		names := map[string]string{}
		var page []T
		for _, i := range p.random.Perm(len(pool))[:n] {
			r := copyOf(t, &pool[i])
			from := of.From(&r)
			p.sequence++
			from.Sequence = p.sequence
			ref := *from.SourceRef
			if _, there := want[ref]; there { // another part of the same record
				continue
			}
			want[ref] = saved
			if p.random.IntN(8) == 0 && len(defects) > 0 {
				d := defects[p.random.IntN(len(defects))]
				d.apply(&r)
				want[ref], names[ref] = d.then, d.name
			}
			page = append(page, r)
			for range p.random.IntN(100) / 99 * 50 { // reported many times, with defect and all
				page = append(page, r)
			}
		}
		batches := 0
		counting := func(ctx context.Context, tx *store.Tx, records []T) ([]operating.RejectedRecord, error) {
			batches++
			return save(ctx, tx, records)
		}
		run := func() ([]operating.RejectedRecord, error) {
			return saveAll(t.Context(), p.st, of, time.Now(), page, nil, counting, nothing)
		}
		before := p.rejected(t, s.Subject)
		if p.disturb {
			p.disturbed(t, s.Subject, func() error { _, err := run(); return err })
			if now := p.rejected(t, s.Subject); !maps.Equal(now, before) {
				t.Fatalf("%s: the database's condition made records rejected: %v", s.Subject, now)
			}
			p.disturbs++
		}
		batches = 0
		unknown, err := run()
		if err != nil {
			t.Fatalf("%s: page of %d stopped: %v; defects %v", s.Subject, len(page), err, names)
		}
		now, waiting := p.rejected(t, s.Subject), map[string]bool{}
		for _, u := range unknown {
			waiting[*u.SourceRef] = true
		}
		bad := 0
		for ref, then := range want {
			reason, rejected := now[printable(ref)]
			if rejected != (then == culprit) || waiting[ref] != (then == waits) {
				t.Errorf("%s %s with defect %q: rejected %t (%s), waiting %t", s.Subject, ref, names[ref], rejected, reason, waiting[ref])
			}
			switch then {
			case culprit:
				bad++
			case waits:
				p.waiting++
			case saved:
			}
		}
		if most := 1 + 2*bits.Len(uint(len(page)))*bad; batches > most {
			t.Errorf("%s: %d batches for %d culprits of %d records, want at most %d", s.Subject, batches, bad, len(page), most)
		}
		if replication.Holds(string(s.Subject)) {
			p.held(t, s.Subject, of.From(&page[0]).Instance, sequencesOf(page, of.From, want))
		}
		p.records, p.culprits, p.batches = p.records+len(page), p.culprits+bad, p.batches+batches
	}
	return s
}

// sequencesOf are the versions that must be held after a page was saved, by reference.
func sequencesOf[T any](page []T, from func(*T) *trade.Provenance, want map[string]outcome) map[string]int64 {
	sequences := map[string]int64{}
	for i := range page {
		if f := from(&page[i]); want[*f.SourceRef] == saved {
			sequences[*f.SourceRef] = f.Sequence
		}
	}
	return sequences
}

// held fails the test where a version that was saved is not in the store.
func (p *pageOfTest) held(t *testing.T, subject sources.Subject, instance string, want map[string]int64) {
	t.Helper()
	held, err := replication.HeldOf(t.Context(), p.st, string(subject), instance, slices.Collect(maps.Keys(want)))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, h := range held {
		found[h.Ref] = found[h.Ref] || h.Sequence == want[h.Ref]
	}
	for ref := range want {
		if !found[ref] {
			t.Errorf("%s %s is sound and not in the store", subject, ref)
		}
	}
}

func printable(ref string) string { return strings.ReplaceAll(ref, "\x00", "\uFFFD") }

func (p *pageOfTest) rejected(t *testing.T, subject sources.Subject) map[string]string {
	t.Helper()
	rows, err := p.db.QueryContext(t.Context(), `SELECT source_ref, reason FROM rejected_records WHERE subject = $1`, subject)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var ref, reason string
		if err := rows.Scan(&ref, &reason); err != nil {
			t.Fatal(err)
		}
		found[ref] = reason
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// disturbed runs fn while the database has a condition that stops it.
func (p *pageOfTest) disturbed(t *testing.T, subject sources.Subject, fn func() error) {
	t.Helper()
	table := tables[subject]
	tx, err := p.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), `LOCK TABLE `+table+` IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	if p.random.IntN(2) == 0 { // its connections are ended; otherwise it waits for the lock until its limit
		go func() {
			for range 100 {
				var n int
				err := p.db.QueryRowContext(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'`).Scan(&n)
				if err != nil || n > 0 {
					stopped <- err
					return
				}
				time.Sleep(time.Millisecond) // between two looks
			}
			stopped <- errors.New("nobody waited for the lock")
		}()
	} else {
		stopped <- nil
	}
	if err := fn(); err == nil {
		t.Errorf("%s: saved though %s is locked", subject, table)
	}
	<-stopped // where its limit was faster there was nobody to end
}

// tables are what each subject is saved in.
var tables = map[sources.Subject]string{
	sources.OfWarehouses: "warehouses", sources.OfCategories: "categories", sources.OfSuppliers: "trading_partners",
	sources.OfAccounts: "accounts", sources.OfCalendars: "account_locations", sources.OfCredit: "credit_positions",
	sources.OfItems: "items", sources.OfContracts: "contracts", sources.OfStock: "stock", sources.OfOrders: "orders",
	sources.OfPurchaseOrders: "purchase_orders", sources.OfShipments: "shipments", sources.OfTracking: "shipments",
	sources.OfInvoices: "invoices", sources.OfReturns: "returns",
}

func copyOf[T any](t *testing.T, r *T) (out T) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const nul = "with a NUL\x00 inside"

var (
	huge    = udecimal.MustParse("123456789012345678")
	longest = func() string { // which cannot be made short by packing it
		random := rand.New(rand.NewPCG(1, 1))
		var b strings.Builder
		for b.Len() < 1<<20 {
			fmt.Fprintf(&b, "%x", random.Uint64())
		}
		return b.String()
	}()
	farFuture = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
)

func say[S ~string](s S) *S { return &s }

// subjectsOfTest are all kinds, in the order of a first load.
func subjectsOfTest() []*subjectOfTest {
	return []*subjectOfTest{
		under(sources.WarehouseRecords, replication.SaveWarehouses,
			defect[trade.Warehouse]{"a NUL", func(r *trade.Warehouse) { r.Name = nul }, culprit},
			defect[trade.Warehouse]{"an hour that is none", func(r *trade.Warehouse) { r.Cutoff = say("9 o'clock") }, culprit},
			defect[trade.Warehouse]{"a text of a MiB", func(r *trade.Warehouse) { r.Name = longest }, saved},
			defect[trade.Warehouse]{"no UTF-8", func(r *trade.Warehouse) { r.Name = "caf\xe9" }, saved}),
		under(sources.CategoryRecords, replication.SaveCategories,
			defect[trade.Category]{"a NUL", func(r *trade.Category) { r.Name = nul }, culprit},
			defect[trade.Category]{"its own parent", func(r *trade.Category) { r.ParentRef = trade.Key(r.Code) }, saved},
			defect[trade.Category]{"a parent that is not there", func(r *trade.Category) { r.ParentRef = trade.Key("none") }, saved},
			defect[trade.Category]{"a number out of range", func(r *trade.Category) { r.Position = 1 << 40 }, culprit}),
		under(sources.SupplierRecords, replication.SaveSuppliers,
			defect[procurement.TradingPartner]{"a NUL", func(r *procurement.TradingPartner) { r.Name = nul }, culprit},
			defect[procurement.TradingPartner]{"a GLN that is none", func(r *procurement.TradingPartner) { r.GLN = say("12") }, culprit}),
		under(sources.AccountRecords, replication.SaveAccounts,
			defect[trade.Account]{"a NUL", func(r *trade.Account) { r.Name = nul }, culprit},
			defect[trade.Account]{"an address twice", func(r *trade.Account) { r.Locations = append(r.Locations, r.Locations[0]) }, culprit},
			defect[trade.Account]{"a status that is none", func(r *trade.Account) { r.Status = "SLEEPING" }, culprit},
			defect[trade.Account]{"a currency that is none", func(r *trade.Account) { r.Currency = "eur" }, culprit},
			defect[trade.Account]{"its own parent", func(r *trade.Account) { r.ParentRef = trade.Key(r.Number) }, saved},
			defect[trade.Account]{"a parent that is not there", func(r *trade.Account) { r.ParentRef = trade.Key("none") }, saved},
			defect[trade.Account]{"an address without roles", func(r *trade.Account) { r.Locations[0].Roles = []trade.LocationRole{} }, culprit},
			defect[trade.Account]{"a text of a MiB", func(r *trade.Account) { r.Locations[0].Address.City = say(longest) }, saved}),
		under(sources.CalendarRecords, replication.SaveCalendars,
			defect[trade.Calendar]{"a NUL", func(r *trade.Calendar) { r.DeliveryDays = []trade.Weekday{nul} }, culprit},
			defect[trade.Calendar]{"a location that is not there", func(r *trade.Calendar) { r.Location = "none" }, waits}),
		under(sources.CreditRecords, replication.SaveCredit,
			defect[trade.CreditPosition]{"a NUL", func(r *trade.CreditPosition) { r.HoldReason = say(nul) }, culprit},
			defect[trade.CreditPosition]{"a number out of range", func(r *trade.CreditPosition) { r.Exposure.Amount = huge }, culprit},
			defect[trade.CreditPosition]{"no currency", func(r *trade.CreditPosition) { r.Exposure.Currency = "" }, culprit},
			defect[trade.CreditPosition]{"an account that is not there", func(r *trade.CreditPosition) { r.AccountRef = trade.Key("none") }, waits}),
		under(sources.ItemRecords, replication.SaveItems,
			defect[trade.Item]{"a NUL", func(r *trade.Item) { r.Description = say(nul) }, culprit},
			defect[trade.Item]{"a text of a MiB in an index", func(r *trade.Item) { r.Name = longest }, culprit},
			defect[trade.Item]{"a unit twice", func(r *trade.Item) { r.UnitsKnown = append(r.UnitsKnown, r.UnitsKnown[0]) }, culprit},
			defect[trade.Item]{"a supplier twice", func(r *trade.Item) {
				r.SuppliersKnown = []trade.SupplierItem{{SupplierRef: trade.Key("S1")}, {SupplierRef: trade.Key("S1")}}
			}, culprit},
			defect[trade.Item]{"its own successor", func(r *trade.Item) { r.ReplacedByRef = trade.Key(r.SKU) }, saved},
			defect[trade.Item]{"a GTIN that is none", func(r *trade.Item) { r.GTIN = say("A-1") }, culprit},
			defect[trade.Item]{"a unit of nothing", func(r *trade.Item) { r.UnitsKnown[0].BaseQuantity = udecimal.Zero }, culprit}),
		under(sources.ContractRecords, replication.SaveContracts,
			defect[trade.Contract]{"a NUL", func(r *trade.Contract) { r.Items = []string{nul} }, culprit},
			defect[trade.Contract]{"an account that is not there", func(r *trade.Contract) { r.AccountRef = trade.Key("none") }, waits}),
		under(sources.StockRecords, replication.SaveStock,
			defect[trade.Stock]{"a NUL", func(r *trade.Stock) { r.Unit = nul }, culprit},
			defect[trade.Stock]{"below zero", func(r *trade.Stock) { r.OnHand = udecimal.MustFromInt64(-5, 0) }, saved},
			defect[trade.Stock]{"a number out of range", func(r *trade.Stock) { r.OnHand = huge }, culprit},
			defect[trade.Stock]{"an item that is not there", func(r *trade.Stock) { r.ItemRef.Key = "not " + r.ItemRef.Key }, waits}),
		under(sources.OrderRecords, replication.SaveOrders,
			defect[trade.Order]{"a NUL", func(r *trade.Order) { r.Comment = say(nul) }, culprit},
			defect[trade.Order]{"more shipped than ordered", func(r *trade.Order) {
				r.LinesKnown[0].Shipped.Value = r.LinesKnown[0].Ordered.Value.Add(udecimal.One)
			}, saved},
			defect[trade.Order]{"a line twice", func(r *trade.Order) { r.LinesKnown = append(r.LinesKnown, r.LinesKnown[0]) }, culprit},
			defect[trade.Order]{"a number out of range", func(r *trade.Order) { r.Totals.Total.Amount = huge }, culprit},
			defect[trade.Order]{"a status that is none", func(r *trade.Order) { r.Status = "LOST" }, culprit},
			defect[trade.Order]{"an account that is not there", func(r *trade.Order) { r.AccountRef = trade.Key("none") }, waits},
			defect[trade.Order]{"a year of five digits", func(r *trade.Order) { r.PlacedAt = farFuture }, culprit},
			defect[trade.Order]{"a comment of a MiB", func(r *trade.Order) { r.Comment = &longest }, saved}),
		under(sources.PurchaseOrderRecords, replication.SavePurchaseOrders,
			defect[trade.PurchaseOrder]{"a line twice", func(r *trade.PurchaseOrder) {
				r.LinesKnown = append(r.LinesKnown, r.LinesKnown[0])
			}, culprit},
			defect[trade.PurchaseOrder]{"a NUL", func(r *trade.PurchaseOrder) { r.LinesKnown[0].Description = nul }, culprit},
			defect[trade.PurchaseOrder]{"a revision out of range", func(r *trade.PurchaseOrder) { r.Revision = 1 << 40 }, culprit},
			defect[trade.PurchaseOrder]{"a supplier that is not there", func(r *trade.PurchaseOrder) {
				r.SupplierRef = trade.Key("none")
			}, waits}),
		under(sources.ShipmentRecords, replication.SaveShipments,
			defect[trade.Shipment]{"a NUL", func(r *trade.Shipment) { r.TrackingNumber = nul }, culprit},
			defect[trade.Shipment]{"a package twice", func(r *trade.Shipment) {
				r.PackagesKnown = []trade.Package{{Number: 1}, {Number: 1}}
			}, culprit},
			defect[trade.Shipment]{"a mode that is none", func(r *trade.Shipment) { r.Mode = "CAMEL" }, culprit},
			defect[trade.Shipment]{"an order that is not there", func(r *trade.Shipment) { r.OrderKeys = append(r.OrderKeys, "none") }, waits}),
		under(sources.TrackingRecords, tracking.Save,
			defect[trade.Tracking]{"a parcel that is not there", func(r *trade.Tracking) { r.TrackingNumber = "none" }, waits}),
		under(sources.InvoiceRecords, replication.SaveInvoices,
			defect[trade.Invoice]{"a line twice", func(r *trade.Invoice) { r.LinesKnown = append(r.LinesKnown, r.LinesKnown[0]) }, culprit},
			defect[trade.Invoice]{"a NUL", func(r *trade.Invoice) { r.LinesKnown[0].Description = nul }, culprit},
			defect[trade.Invoice]{"a number out of range", func(r *trade.Invoice) { r.Balance.Amount = huge }, culprit},
			defect[trade.Invoice]{"a kind that is none", func(r *trade.Invoice) { r.Kind = "BILL" }, culprit},
			defect[trade.Invoice]{"an account that is not there", func(r *trade.Invoice) { r.AccountRef = trade.Key("none") }, waits}),
		under(sources.ReturnRecords, replication.SaveReturns,
			defect[trade.Return]{"a status that is none", func(r *trade.Return) { r.Status = "EATEN" }, culprit},
			defect[trade.Return]{"an order that is not there", func(r *trade.Return) { r.OrderRef = trade.Key("none") }, waits}),
	}
}

// Cases: A1 A3 B1 B2
//
// TestExactlyTheCulpritsOfAPageAreRejected saves pages of random records with random defects, while the database has
// conditions now and then. Run it with -args -pages 10000 for longer.
func TestExactlyTheCulpritsOfAPageAreRejected(t *testing.T) {
	w := processtest.New(t)
	dsn := storetest.DSN(t)
	open := func(options string) *store.Store {
		st, err := store.Open(t.Context(), func() string { return dsn + options }, store.Options{Keyring: &store.Keyring{
			Keys: func() [][]byte { return [][]byte{[]byte("a key of tests, which is long enough")} }, Log: slog.New(slog.DiscardHandler),
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		return st
	}
	st := open(" options='-c lock_timeout=30ms'") // what disturbs a page holds it for longer
	p := &pageOfTest{
		random: rand.New(rand.NewPCG(*seed, *seed)), st: st, db: storetest.Connect(t, dsn), sequence: 1_000_000,
	}
	limits := sources.DefaultLimits
	limits.Timeout = time.Minute // the sources only say what there is, and the machine may be busy
	all, set := subjectsOfTest(), w.Systems(t, limits, map[string]sources.Adapter{"erp": w.ERP(t)})
	for _, s := range all {
		if err := s.read(t.Context(), set); err != nil {
			t.Fatal(err)
		}
	}
	// Loading meets autovacuum, and waits for it as it does elsewhere.
	loaded := New(open(""), set, time.Now, slog.New(slog.DiscardHandler))
	if err := loaded.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range *pages {
		p.disturb, p.full = p.random.IntN(12) == 0, p.random.IntN(80) == 0
		all[p.random.IntN(len(all))].try(t, p)
		if t.Failed() {
			t.Fatalf("at page %d of seed %d", i, *seed)
		}
	}
	t.Logf("seed %d: %d pages, %d records, %d rejected, %d waiting, %d conditions, %d batches",
		*seed, *pages, p.records, p.culprits, p.waiting,
		p.disturbs, p.batches)
}
