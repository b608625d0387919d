package records_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quagmt/udecimal"

	"portico/store"
	"portico/store/records"
	"portico/store/records/replication"
	"portico/store/storetest"
	"portico/trade"
)

// searchable is an item that is searched for: its SKU, GTIN, the manufacturer's number, name, brand and description.
func searchable(sku, gtin, maker, name, brand, description string) trade.Item {
	i := trade.Item{
		SKU: sku, Name: name, Description: &description, Brand: &brand, BaseUnit: "EA", Status: trade.ItemActive,
		Identifiers: []trade.Identifier{}, Provenance: storetest.From(sku, 1),
		UnitsKnown: []trade.ItemUnit{{Unit: "EA", BaseQuantity: udecimal.One, Orderable: true}},
	}
	if gtin != "" {
		i.GTIN = &gtin
	}
	if maker != "" {
		i.Identifiers = append(i.Identifiers, trade.Identifier{Scheme: trade.SchemeManufacturer, Value: maker})
	}
	return i
}

func catalogue() []trade.Item {
	all := []trade.Item{
		searchable("BLT-10001", "4006381333931", "BLT700A",
			"Hex bolt M8 x 40 stainless steel A2", "Fixwell", "Hexagon head, full thread, DIN 933"),
		searchable("BLT-10002", "4006381333948", "BLT700B", "Hex bolt M10x60 galvanised", "Fixwell", "Hexagon head, partial thread"),
		searchable("BLT-10020", "", "BLT-720/A", "Carriage bolt M6x30 zinc plated", "Fixwell", "Square neck"),
		searchable("SCR-10010", "", "TX.40.16", "Wood screw 4x16 countersunk", "Spaxx", "For chipboard and softwood"),
		searchable("SCR-10016", "8712345100013", "TX.50.80", "Wood screw 5 x 80 countersunk", "Spaxx", "For chipboard and hardwood"),
		searchable("SCR-10161", "", "TX4016", "Drywall screws 3.5x25 on a strip", "Spaxx", "Black phosphated, for gypsum"),
		searchable("WSH-20001", "", "W-125-8", "Washer 8.4 mm", "Fixwell", "DIN 125, stainless"),
		searchable("NUT-30001", "", "N934M8", "Hexagon nut M8", "Fixwell", "DIN 934"),
		searchable("CBL-40001", "96385074", "H07V-K 1G1,5", "Installation wire H07V-K 1.5 mm² blue", "Lapp", "Per metre"),
		searchable("CBL-40002", "", "NYM-J 3x1.5", "Sheathed cable NYM-J 3x1.5", "Lapp", "Grey, 100 m"),
		searchable("DÜB-50001", "", "DUO-8", "Dübel Universal 8x40 für Beton", "Fischer", "Nylon, Größe 8"),
		searchable("SHR-50002", "", "", "Schrauben Sortiment", "Würth", "Edelstahl, 200 Stück"),
		searchable("DRL-60001", "", "2608587513", "Drill bit set HSS 13 pieces", "Bosch", "Metal drill bits 1.5-6.5 mm"),
		searchable("DRL-60002", "", "2608833765", "Masonry drill 6 mm", "Bosch", "Carbide tip for brick"),
		searchable("GLV-70001", "", "", "Safety gloves size 9", "Uvex", "Nitrile, pairs of 10"),
		searchable("TPE-80001", "", "", "Duct tape 50 mm silver", "Tesa", "Tears by hand"),
	}
	box := "14006381333938"
	all[0].UnitsKnown = append(all[0].UnitsKnown, trade.ItemUnit{
		Unit: "BX", BaseQuantity: udecimal.MustFromInt64(100, 0), GTIN: &box, Orderable: true,
	})
	return all
}

// found are the SKUs of a page of what a search finds, by relevance.
func found(t testing.TB, s *store.Store, scope trade.Scope, search string, first int) []string {
	t.Helper()
	list := records.ItemList(scope, records.ItemFilter{Search: search}, trade.ItemsByRelevance)
	page, err := list.Page(t.Context(), s, []string{""}, store.PageArgs{First: first})
	if err != nil {
		t.Fatalf("%q: %v", search, err)
	}
	var skus []string
	for _, i := range page[""].Nodes {
		skus = append(skus, i.SKU)
	}
	return skus
}

// Cases: D4
func TestASearchFindsWhatBuyersType(t *testing.T) {
	s := storetest.New(t)
	own, other := storetest.Account("1", "a", 1), storetest.Account("2", "b", 1)
	own.PartNumbers = map[string]string{"TPE-80001": "Lager 77/3-X", "BLT-10002": "4711"}
	other.PartNumbers = map[string]string{"GLV-70001": "HS.900.1"}
	storetest.Save(t, s, replication.SaveAccounts, own, other)
	storetest.Save(t, s, replication.SaveItems, catalogue()...)
	accounts, err := records.AccountsByNumber(t.Context(), s, storetest.Everything, []string{"1"})
	if err != nil {
		t.Fatal(err)
	}
	buyer := trade.CustomerScope([]trade.Ref{{ID: accounts["1"].ID, Key: "1"}}, nil)
	queries := 0
	for _, c := range []struct{ want, searches string }{ // searches with the same hits, best first
		{"BLT-10001", "BLT-10001|blt-10001|BLT10001|blt10001|blt 10001|BLT.10001|BLT_10001|  blt-10001  |BLT/10001|bLt–10001"},
		{"BLT-10001", "BLT700A|blt700a|BLT-700-A|blt 700 a|BLT 700A|Fixwell BLT700A|hex blt700a"},
		{"BLT-10001 BLT-10002", "BLT700|BLT-1000|blt1000|BLT 1000|hex bolt|Hex Bolts|bolt hex|hex bolts fixwell"},
		{"BLT-10020", "BLT-720/A|BLT720A|blt 720|BLT-720|carriage|Carriage bolts|carriage bolt m6|square neck|m6x30|M6 x 30|M6 X 30|M6×30"},
		{"BLT-10001 BLT-10002 BLT-10020", "bolt|bolts|BOLT|Bolts|BLT-10|blt|bolst|bollt|bollts"},
		{"SCR-10010 SCR-10016", "SCR-1001|SCR1001|scr 1001|wood screw|Wood screws|screws wood|countersunk|countersnk|chipboard|for chipboard"},
		{"SCR-10016", "SCR10016|scr-10016|5x80|5 x 80|screw 5x80|hardwood|TX.50.80|TX5080|8712345100013|08712345100013|8712345 100013"},
		{"SCR-10010 SCR-10161", "TX4016|tx 40 16|TX-40-16"},
		{"SCR-10161", "drywall|drywal|Drywall screw|drywall screws strip|gypsum|3.5x25|3,5 x 25"},
		{"BLT-10001", "4006381333931|04006381333931|14006381333938|1400638 1333938|4006-3813-33931"},
		{"BLT-10001 BLT-10002", "40063813339|hexagon bolt|hexagon bolts"},
		{"CBL-40001", "96385074|00000096385074|H07V-K|h07vk|H07 V-K|installation wire|instalation wire|wires"}, //nolint:misspell // as it is typed
		{"CBL-40002", "NYM-J|nymj|NYM J 3x1.5|sheathed cable|cables|cabel"},
		{"DÜB-50001", "Dübel|dubel|DÜBEL|düb50001|dub-50001|DUB50001|Beton|Grösse 8|grosse"},
		{"SHR-50002", "Schraube|Schrauben|schraubn|wurth|Würth|WÜRTH"},
		{"DRL-60001 DRL-60002", "drill|drills|DRL|Bosch drill|bosh|2608|boschh"},
		{"DRL-60001", "2608587513|2608 587 513|2.608.587.513|drill bit|drill bits set"},
		{"DRL-60002", "masonry|masonary|drill for brick"},
		{"GLV-70001", "glove|gloves|safety glove|savety gloves|uvex"},
		{"TPE-80001", "Lager 77/3-X|lager773x|LAGER 77|lager-77-3|duct tape|silver tape|duct tapes"},
		{"BLT-10002", "4711"},
		{"", "HS.900.1|HS9001|xyzzy|---|' OR 'x' --|bolt gloves|%|_"},
	} {
		for search := range strings.SplitSeq(c.searches, "|") {
			queries++
			if got := strings.Join(found(t, s, buyer, search, 50), " "); got != c.want {
				t.Errorf("%q finds %q, want %q", search, got, c.want)
			}
		}
	}
	if queries < 100 {
		t.Errorf("only %d searches", queries)
	}
	// The part numbers of an account are found by its own users, and by operators.
	if got := found(t, s, storetest.Everything, "hs900", 50); !slices.Equal(got, []string{"GLV-70001"}) {
		t.Errorf("an operator finds %v", got)
	}
	// What is a number comes before what begins so, and that before words.
	storetest.Save(t, s, replication.SaveItems, searchable("ZZZ-1", "", "", "Case for TX4016 bits", "Z", ""),
		searchable("AAA-1", "", "TX40161", "Bit", "A", ""))
	if got := found(t, s, buyer, "tx4016", 50); !slices.Equal(got, []string{"SCR-10010", "SCR-10161", "AAA-1", "ZZZ-1"}) {
		t.Errorf("in the order %v", got)
	}
}

// BenchmarkSearch searches among many items, as buyers do.
func BenchmarkSearch(b *testing.B) {
	const items = 20_000
	s := storetest.New(b)
	kinds := []string{"Hex bolt", "Wood screw", "Washer", "Hexagon nut", "Anchor", "Sheathed cable", "Hinge", "Drill bit"}
	materials := []string{"stainless steel", "zinc plated", "galvanised", "brass", "nylon"}
	var page []trade.Item
	for i := range items {
		page = append(page, searchable(fmt.Sprintf("%s-%d", strings.ToUpper(kinds[i%8][:3]), 100_000+i), "", fmt.Sprintf("MX%dA", 7*i),
			fmt.Sprintf("%s M%dx%d %s", kinds[i%8], i%20+2, i%97, materials[i%5]), fmt.Sprintf("Brand%d", i%50), fmt.Sprintf("DIN %d", i%1000)))
		if len(page) == 500 {
			storetest.Save(b, s, replication.SaveItems, page...)
			page = page[:0]
		}
	}
	if err := s.Analyze(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, search := range []string{"HEX-100008", "mx7000a", "HEX-1000", "hex bolts M6", "stanless hinges m12", "drill"} {
		b.Run(search, func(b *testing.B) {
			for b.Loop() {
				if len(found(b, s, storetest.Everything, search, 20)) == 0 {
					b.Fatal("nothing")
				}
			}
		})
	}
}
