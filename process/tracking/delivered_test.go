package tracking_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quagmt/udecimal"

	"portico/process/tracking"
	"portico/store"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

// filled is a shipment of an order in parcels, each with so many of each of the order's lines.
func filled(number, order string, sequence int64, quantities ...map[string]int64) trade.Shipment {
	numbers := make([]string, len(quantities))
	for i := range numbers {
		numbers[i] = fmt.Sprintf("%s-%d", number, i+1)
	}
	s := parcels(number, numbers...)
	s.Provenance, s.OrderKeys = storetest.From(number, sequence), []string{order}
	for i := range s.PackagesKnown {
		for line, n := range quantities[i] {
			unit := "EA"
			line, other := strings.CutSuffix(line, " PAL")
			if other {
				unit = "PAL"
			}
			s.PackagesKnown[i].LinesKnown = append(s.PackagesKnown[i].LinesKnown, trade.PackageLine{
				DocumentKey: order, LineNumber: line, Quantity: trade.Quantity{Value: udecimal.MustFromInt64(n, 0), Unit: unit},
			})
		}
	}
	return s
}

// ordered is an order of two of each line, of which so many were shipped and delivered by what its source says.
func ordered(number string, version, shipped, delivered int64, lines ...string) trade.Order {
	o := storetest.Order(number, "1", version, lines...)
	for i := range o.LinesKnown {
		l := &o.LinesKnown[i]
		l.Shipped.Value, l.Delivered.Value = udecimal.MustFromInt64(shipped, 0), udecimal.MustFromInt64(delivered, 0)
		l.Allocated.Value = l.Ordered.Value.Sub(l.Shipped.Value)
	}
	o.Derive()
	return o
}

// orderStands is where an order and its lines stand: the status, and of each line its status and how much was delivered, with a
// star where carriers' word counts.
func orderStands(t *testing.T, db *sql.DB, number string) (text string) {
	t.Helper()
	const query = `SELECT o.status || string_agg(' ' || l.status || ' ' || trim_scale(l.delivered) ||
		CASE WHEN l.source_delivered IS NULL THEN '' ELSE '*' END, '' ORDER BY l.position)
		FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.number = $1 GROUP BY o.id`
	if err := db.QueryRowContext(t.Context(), query, number).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func saveOrders(t *testing.T, s *store.Store, orders ...trade.Order) {
	t.Helper()
	if rejected := storetest.Save(t, s, replication.SaveOrders, orders...); len(rejected) > 0 {
		t.Fatal(rejected)
	}
}

// Cases: F3
func TestWhatWasDeliveredIsWhatCarriersReportWhereTheSourceSaysLess(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s) // its account
	save := func(shipments ...trade.Shipment) {
		t.Helper()
		if rejected := storetest.Save(t, s, tracking.SaveShipments, shipments...); len(rejected) > 0 {
			t.Fatal(rejected)
		}
	}
	one := map[string]int64{"1": 1, "2": 2}
	rest := map[string]int64{"1": 1}
	at := func(key string, hours int) trade.ShipmentEvent {
		return scan(key, trade.MilestoneDelivered, trade.Delivered, noon.Add(time.Duration(hours)*time.Hour))
	}
	deliver := func(number string) { t.Helper(); apply(t, s, db, record(number, at("pod "+number, 1))) }
	for name, c := range map[string]struct {
		lines []string
		play  func(order, shipment string)
		want  string
	}{
		"nothing yet": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, one, rest))
		}, "SHIPPED SHIPPED 0 SHIPPED 0"},
		"a parcel": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, one, rest))
			deliver(shipment + "-1")
		}, "PARTIALLY_DELIVERED SHIPPED 1* DELIVERED 2*"},
		"all parcels": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, one, rest))
			deliver(shipment + "-1")
			deliver(shipment + "-2")
		}, "DELIVERED DELIVERED 2* DELIVERED 2*"},
		"parcels in two shipments": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, one), filled(shipment+"B", order, 1, rest))
			deliver(shipment + "-1")
			deliver(shipment + "B-1")
		}, "DELIVERED DELIVERED 2* DELIVERED 2*"},
		"the source says it later, too": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, one, rest))
			deliver(shipment + "-1")
			saveOrders(t, s, ordered(order, 2, 2, 2, "1", "2"))
		}, "DELIVERED DELIVERED 2 DELIVERED 2"},
		"the source says less later": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, one, rest))
			deliver(shipment + "-1")
			deliver(shipment + "-2")
			saveOrders(t, s, ordered(order, 2, 2, 1, "1", "2"))
		}, "DELIVERED DELIVERED 2* DELIVERED 2*"},
		"the source says nothing of shipping": {[]string{"1"}, func(order, shipment string) {
			saveOrders(t, s, ordered(order, 2, 0, 0, "1"))
			save(filled(shipment, order, 1, rest))
			deliver(shipment + "-1")
		}, "PARTIALLY_SHIPPED ALLOCATED 1*"},
		"a delivery is taken back": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, one, rest))
			deliver(shipment + "-1")
			back := scan("back "+shipment, trade.MilestoneOther, trade.ShipmentUnknown, noon.Add(2*time.Hour))
			back.Corrects = "pod " + shipment + "-1"
			apply(t, s, db, record(shipment+"-1", back))
		}, "SHIPPED SHIPPED 0 SHIPPED 0"},
		"less is in the parcel than was thought": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, one, rest))
			deliver(shipment + "-1")
			save(filled(shipment, order, 2, map[string]int64{"2": 1}, rest))
		}, "PARTIALLY_DELIVERED SHIPPED 0 SHIPPED 1*"},
		"nothing is in the parcel": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, one, rest))
			deliver(shipment + "-1")
			save(filled(shipment, order, 2, nil, rest))
		}, "SHIPPED SHIPPED 0 SHIPPED 0"},
		"more is delivered than was ordered": {[]string{"1", "2"}, func(order, shipment string) {
			save(filled(shipment, order, 1, map[string]int64{"1": 7}))
			deliver(shipment + "-1")
		}, "PARTIALLY_DELIVERED DELIVERED 7* SHIPPED 0"},
		"another unit": {[]string{"1"}, func(order, shipment string) {
			save(filled(shipment, order, 1, map[string]int64{"1 PAL": 2}))
			deliver(shipment + "-1")
		}, "SHIPPED SHIPPED 0"},
		"goods that come back": {[]string{"1"}, func(order, shipment string) {
			back := filled(shipment, order, 1, rest)
			back.Direction = trade.ReturnWay
			save(back)
			deliver(shipment + "-1")
		}, "SHIPPED SHIPPED 0"},
		"delivered by its source": {[]string{"1"}, func(order, shipment string) {
			there := filled(shipment, order, 1, rest)
			there.Status = trade.Delivered
			save(there)
		}, "PARTIALLY_DELIVERED SHIPPED 1*"},
	} {
		t.Run(name, func(t *testing.T) {
			order := fmt.Sprint(time.Now().UnixNano())
			saveOrders(t, s, ordered(order, 1, 2, 0, c.lines...))
			c.play(order, "D"+order)
			if got := orderStands(t, db, order); got != c.want {
				t.Errorf("it stands %s, want %s", got, c.want)
			}
		})
	}
}

// TestWhatTheSourceSaysOfADeliveryIsCompared reads what is compared with the source, and listens for what subscribers are told.
func TestWhatTheSourceSaysOfADeliveryIsCompared(t *testing.T) {
	s, db := storetest.Pair(t)
	saveShipment(t, s)
	saveOrders(t, s, ordered("1", 1, 2, 0, "1"))
	storetest.Save(t, s, tracking.SaveShipments, filled("D1", "1", 1, map[string]int64{"1": 2}))
	changes := func() int {
		return number(t, db, `SELECT count(*) FROM changes c JOIN orders o ON o.id = c.subject WHERE topic = 'ORDER' AND o.number = '1'`)
	}
	before := changes()
	apply(t, s, db, record("D1-1", pod("a")))
	if got := orderStands(t, db, "1"); got != "DELIVERED DELIVERED 2*" {
		t.Fatalf("it stands %s", got)
	}
	held, err := replication.HeldOf(t.Context(), s, "orders", "erp", []string{"1"})
	if err != nil || len(held) != 1 {
		t.Fatalf("%d held, %v", len(held), err)
	}
	says := string(held[0].Says)
	for _, want := range []string{`"Status": "SHIPPED"`, `"Delivered": {"unit": "EA", "value": 0.000000}`} {
		if !strings.Contains(says, want) {
			t.Errorf("compared with the source is %s, want %s", says, want)
		}
	}
	if n := changes() - before; n != 1 {
		t.Errorf("%d changes of the order are told, want one", n)
	}
	before = changes()
	apply(t, s, db, record("D1-1", pod("a")))
	saveOrders(t, s, ordered("1", 2, 2, 0, "1")) // the same, in a new version
	if n := changes() - before; n != 0 {
		t.Errorf("%d changes are told of what says nothing new", n)
	}
}
