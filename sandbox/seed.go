package sandbox

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"portico/trade"
)

// The seed is written so that the same seed, scale and epoch give the same
// company to the letter: one generator, read in one order.

var families = []struct {
	grp, title, above, code, noun, uom string
	brands                             []string
	sizes, kinds                       []string
	cents                              int64 // list price of 100
	pack                               int
}{
	{"F10", "Screws", "F", "SCR", "screw", "PCE", []string{"Spaxo", "Fixwell"}, []string{"M4x16", "M5x20", "M6x30", "M8x40", "M10x60"}, []string{"Hexagon", "Countersunk", "Pan head", "Socket head", "Wood", "Drywall", "Self-drilling", "Flange", "Carriage", "Set"}, 840, 200},
	{"F20", "Bolts and nuts", "F", "BLT", "bolt", "PCE", []string{"Fixwell", "Nordbolt"}, []string{"M6x40", "M8x50", "M10x70", "M12x80", "M16x100"}, []string{"Hexagon", "Anchor", "Eye", "U", "Carriage", "Flange", "Stud", "Shoulder", "Toggle", "Foundation"}, 2650, 100},
	{"F30", "Washers", "F", "WSH", "washer", "PCE", []string{"Nordbolt"}, []string{"M4", "M6", "M8", "M10", "M12"}, []string{"Plain", "Spring", "Fender", "Toothed", "Sealing", "Nylon", "Square", "Conical", "Lock", "Copper"}, 210, 500},
	{"E10", "Cable", "E", "CBL", "cable", "MTR", []string{"Voltara", "Kabelwerk"}, []string{"3x1.5", "3x2.5", "5x1.5", "5x2.5", "5x4"}, []string{"Installation", "Rubber", "Control", "Data Cat 6", "Silicone", "Earth", "Solar", "Coaxial", "Flat", "Armoured"}, 9800, 100},
	{"E20", "Switches", "E", "SWT", "switch", "PCE", []string{"Voltara"}, []string{"10A", "16A", "20A", "25A", "32A"}, []string{"Rocker", "Toggle", "Push button", "Rotary", "Dimmer", "Timer", "Motion", "Key", "Limit", "Foot"}, 78500, 10},
	{"E30", "Lighting", "E", "LED", "lamp", "PCE", []string{"Lumo", "Voltara"}, []string{"5W", "9W", "12W", "18W", "36W"}, []string{"Bulb", "Spot", "Panel", "Tube", "Strip", "Flood", "High bay", "Emergency", "Desk", "Street"}, 129000, 12},
	{"P10", "Valves", "P", "VLV", "valve", "PCE", []string{"Aquaflow"}, []string{"DN15", "DN20", "DN25", "DN32", "DN40"}, []string{"Ball", "Gate", "Check", "Butterfly", "Globe", "Relief", "Solenoid", "Mixing", "Float", "Needle"}, 189000, 5},
	{"P20", "Fittings", "P", "FIT", "fitting", "PCE", []string{"Aquaflow", "Pressa"}, []string{"15mm", "18mm", "22mm", "28mm", "35mm"}, []string{"Elbow", "Tee", "Coupling", "Reducer", "Cap", "Union", "Cross", "Adapter", "Manifold", "Bend"}, 34500, 25},
	{"S10", "Gloves", "S", "GLV", "gloves", "PCE", []string{"Safehand"}, []string{"size 7", "size 8", "size 9", "size 10", "size 11"}, []string{"Nitrile", "Leather", "Cut resistant", "Latex", "Winter", "Welding", "Chemical", "Mechanic", "Cotton", "Disposable"}, 59000, 12},
	{"S20", "Helmets and glasses", "S", "HLM", "protection", "PCE", []string{"Safehand", "Visio"}, []string{"white", "yellow", "blue", "clear", "tinted"}, []string{"Helmet", "Bump cap", "Safety glasses", "Goggles", "Face shield", "Ear defender", "Ear plugs", "Visor", "Welding helmet", "Headlamp"}, 149000, 10},
	{"T10", "Hand tools", "T", "TLH", "tool", "PCE", []string{"Werkkraft"}, []string{"100mm", "150mm", "200mm", "250mm", "300mm"}, []string{"Pliers", "Screwdriver", "Wrench", "Hammer", "File", "Chisel", "Saw", "Level", "Knife", "Clamp"}, 179000, 6},
	{"T20", "Drill bits", "T", "DRL", "drill bit", "PCE", []string{"Werkkraft", "Borex"}, []string{"3mm", "4mm", "6mm", "8mm", "10mm"}, []string{"HSS", "Cobalt", "Masonry", "Wood", "Step", "Forstner", "Tile", "Glass", "Countersink", "Hole saw"}, 48000, 10},
}

var tops = []struct{ grp, title string }{{"F", "Fasteners"}, {"E", "Electrical"}, {"P", "Plumbing"}, {"S", "Safety"}, {"T", "Tools"}}

var towns = []struct{ town, ctry, zip string }{
	{"Rotterdam", "NL", "3011 AA"},
	{"Utrecht", "NL", "3511 AB"},
	{"Antwerpen", "BE", "2000"},
	{"Hamburg", "DE", "20095"},
	{"Köln", "DE", "50667"},
	{"Lille", "FR", "59000"},
	{"Aarhus", "DK", "8000"},
	{"Wien", "AT", "1010"},
}

var firms = []string{"Brandsma Bouw", "Delta Installaties", "Noordzee Offshore", "Keller Haustechnik", "Meyer Maschinenbau", "Atelier Dubois", "Jensen Byg", "Alpen Energie", "Van Dam Elektro", "Hansa Werft"}

func (c *Company) seed() {
	r := rand.New(rand.NewPCG(c.opt.Seed, 0x706f727469636f))
	scale := c.opt.Scale
	c.seedSites()
	c.seedVendors(4 * min(scale, 25))
	c.seedCatalogue(r, 600*min(scale, 34))
	c.seedCustomers(r, 5*min(scale, 40))
	c.seedPurchases(r, 60*scale)
	c.seedOrders(r, 300*scale)
	c.sortAll()
}

func (c *Company) sortAll() {
	c.customers.sort()
	c.materials.sort()
	c.groups.sort()
	c.vendors.sort()
	c.agreement.sort()
	c.credits.sort()
	c.orders.sort()
	c.purchases.sort()
	c.invoices.sort()
	c.returns.sort()
	c.sites.sort()
	c.stock.sort()
	c.dispatch.sort()
	c.trackers.sort()
	c.calendars.sort()
}

func digits(prefix string, n, width int) string {
	s := fmt.Sprintf("%s%0*d", prefix, width-len(prefix)-1, n)
	return s + string(trade.CheckDigit(s))
}

func (c *Company) seedSites() {
	for i, s := range []site{
		{Site: "RTM", Title: "Rotterdam Central", Town: "Rotterdam", Ctry: "NL", Lat: 51.9, Lon: 4.48, TZ: "Europe/Amsterdam", Cutoff: "1530"},
		{Site: "HAM", Title: "Hamburg North", Town: "Hamburg", Ctry: "DE", Lat: 53.55, Lon: 9.99, TZ: "Europe/Berlin", Cutoff: "1600"},
		{Site: "LIL", Title: "Lille South", Town: "Lille", Ctry: "FR", Lat: 50.63, Lon: 3.06, TZ: "Europe/Paris", Cutoff: "1500"},
	} {
		s.Rev, s.ILN = 1, digits("8712345", 10+i, 13)
		c.sites.put(s.Site, &s)
	}
}

func (c *Company) seedVendors(n int) {
	names := []string{"Spaxo Werke", "Voltara Components", "Aquaflow Industries", "Safehand International"}
	for i := range n {
		name := names[i%4]
		if i >= 4 {
			name = fmt.Sprintf("%s %d", name, i/4+1)
		}
		no := fmt.Sprintf("V%04d", 2001+i)
		c.vendors.put(no, &vendor{VenNo: no, VenName: name, ILN: digits("4012345", 100+i, 13), Rev: 1})
	}
}

func (c *Company) seedCatalogue(r *rand.Rand, n int) {
	for i, t := range tops {
		c.groups.put(t.grp, &group{Grp: t.grp, Title: t.title, Seq: i + 1, Rev: 1})
	}
	for i, f := range families {
		c.groups.put(f.grp, &group{Grp: f.grp, Title: f.title, Above: f.above, Seq: i + 1, Rev: 1})
	}
	materials := []string{"steel", "stainless A2", "stainless A4", "brass", "zinc plated"}
	for i := range n {
		f := families[i%len(families)]
		k := i / len(families)
		kind, size, mat := f.kinds[k%10], f.sizes[k/10%5], materials[(k/50+k)%5]
		no := fmt.Sprintf("%s-%05d", f.code, 10001+k)
		m := &material{
			MatNo: no, Descr: fmt.Sprintf("%s %s %s %s", kind, f.noun, size, mat),
			LongText:  fmt.Sprintf("%s %s, %s, %s. For trade use; sold by the piece and by the pack.", kind, f.noun, size, mat),
			BrandName: f.brands[k%len(f.brands)], MfrPart: fmt.Sprintf("%s%d%c", f.code, 700+k, 'A'+rune(k%26)), Group: f.grp, UOM: f.uom, Life: "A",
			Props: map[string]string{"size": size, "material": mat, "kind": kind}, Orig: []string{"DE", "NL", "CN", "PL"}[r.IntN(4)],
			HSCode: fmt.Sprintf("73181%d", 500+i%400)[:8], Rev: 1, cents: f.cents * int64(70+r.IntN(80)) / 100,
			vendor: fmt.Sprintf("V%04d", 2001+(i%len(families)/3)%4+4*(k%max(1, len(c.vendors.keys)/4))),
		}
		m.EAN = digits("8712345", 10000+i, 13)
		m.Units = []matUnit{
			{UOM: f.uom, Factor: 1, EAN: m.EAN, Sellable: true, MinQty: 1},
			{UOM: "BOX", Factor: f.pack, EAN: digits("18712345", 10000+i, 14), Sellable: true, MinQty: 1},
			{UOM: "PAL", Factor: f.pack * 40, Sellable: false},
		}
		if f.pack >= 100 {
			m.Units[0].MinQty, m.Units[0].Step = 50, 50
		}
		switch {
		case i%97 == 41:
			m.Life = "D"
		case i%131 == 63:
			m.Life = "H"
		case i%173 == 88:
			m.Life, m.Succ = "R", fmt.Sprintf("%s-%05d", f.code, 10001+(k+1)%max(1, n/len(families)))
		}
		if k > 0 {
			m.Alts = []string{fmt.Sprintf("%s-%05d", f.code, 10001+k-1)}
		}
		m.Docs = []matDoc{{Typ: "TDS", Lang: "en", File: "tds/" + no}}
		c.materials.put(no, m)
		row := &stockRow{SKU: no, UOM: f.uom, Rev: 1}
		for j, s := range []string{"HAM", "LIL", "RTM"} {
			qty := f.pack * (5 + r.IntN(40))
			if r.IntN(9) == 0 || m.Life == "R" {
				qty = 0
			}
			if j == 1 && r.IntN(3) == 0 {
				qty = f.pack
			}
			row.Sites = append(row.Sites, siteStock{Site: s, Qty: qty, Res: qty / (8 + r.IntN(8)), Safety: f.pack})
		}
		c.stock.put(no, row)
	}
}

func (c *Company) seedCustomers(r *rand.Rand, n int) {
	// The first customer has two branches; the numbers of the rest follow.
	type one struct{ name, parent string }
	all := []one{{firms[0], ""}, {firms[0] + " Utrecht", "10001"}, {firms[0] + " Antwerpen", "10001"}}
	for i := 1; i < n; i++ {
		name := firms[i%len(firms)]
		if i >= len(firms) {
			name = fmt.Sprintf("%s %d", name, i/len(firms)+1)
		}
		all = append(all, one{name, ""})
	}
	for i, o := range all {
		no := strconv.Itoa(10001 + i)
		place := towns[i%len(towns)]
		cu := &customer{
			CustNo: no, CustName: o.name, Parent: o.parent, Curr: "EUR", PayTerm: []string{"N30", "D2N30", "N14", "PP"}[i%4],
			IncoTerm: []string{"DAP", "EXW", "DPU"}[i%3], IncoPlace: place.town, Frt: []string{"P", "A", "C"}[i%3], TaxCls: "1",
			MatRefs: map[string]string{}, Rev: 1, discount: 3 + i%5*2,
		}
		if place.ctry != "NL" {
			cu.TaxCls = "I"
		}
		if i == 5 {
			cu.Blk = "C"
		}
		cu.Addresses = []address{
			{AdrNo: "01", Usage: []string{"AG", "RE", "RG", "WE"}, Name: o.name, Street: fmt.Sprintf("Hoofdstraat %d", 10+i), Zip: place.zip, Town: place.town, Ctry: place.ctry, ILN: digits("8798765", 10+i, 13), Whs: []string{"RTM", "HAM", "LIL"}[i%3]},
			{AdrNo: "02", Usage: []string{"WE"}, Name: o.name + " site 2", Street: fmt.Sprintf("Havenweg %d", 2+i), Zip: towns[(i+1)%len(towns)].zip, Town: towns[(i+1)%len(towns)].town, Ctry: towns[(i+1)%len(towns)].ctry, Whs: "RTM"},
		}
		for j := range 40 {
			m := c.materials.keys[(i*53+j*7)%len(c.materials.keys)]
			cu.MatRefs[m] = fmt.Sprintf("%s-%s", strings.ToUpper(o.name[:2]), m[4:])
		}
		c.customers.put(no, cu)
		limit := int64(2_000_000 + r.IntN(8)*1_000_000)
		c.credits.put(no, &credit{CustNo: no, Limit: cents(limit), Used: cents(limit * int64(10+r.IntN(60)) / 100), Curr: "EUR", Hold: cu.Blk == "C", Why: map[bool]string{true: "Invoices overdue"}[cu.Blk == "C"], Rev: 1})
		agr := &agreement{AgrNo: "C-" + no, CustNo: no, From: c.day(-200), To: c.day(165), Rev: 1, pct: 4 + i%6}
		for j := range 60 {
			agr.Mats = append(agr.Mats, c.materials.keys[(i*31+j*11)%len(c.materials.keys)])
		}
		c.agreement.put(agr.AgrNo, agr)
		for _, a := range cu.Addresses {
			key := no + "/" + a.AdrNo
			c.calendars.put(key, &calendar{Customer: no, Place: a.AdrNo, Receives: []string{"MTWTF--", "M-W-F--", "-TWT---"}[i%3], Closed: []string{c.day(12), c.day(30 + i%9)}, Rev: 1})
		}
	}
}

func (c *Company) seedPurchases(r *rand.Rand, n int) {
	for i := range n {
		age := 90 - i*90/n
		ven := c.vendors.keys[r.IntN(len(c.vendors.keys))]
		stat := "A"
		switch {
		case age > 45:
			stat = "G"
		case age > 35:
			stat = "P"
		case age > 12:
			stat = "C"
		case age > 6:
			stat = "S"
		}
		if i%29 == 17 {
			stat = "X"
		}
		p := c.newPurchase(r, ven, stat, c.epoch.Add(-time.Duration(age)*24*time.Hour))
		c.purchases.put(p.PoNo, p)
		if stat == "C" && i%2 == 0 || stat == "P" {
			c.inbound(p, c.epoch.Add(-time.Duration(age-10)*24*time.Hour), stat == "P")
		}
	}
}

func (c *Company) newPurchase(r *rand.Rand, ven, stat string, at time.Time) *purchase {
	c.docSeq["po"]++
	p := &purchase{
		PoNo: strconv.Itoa(4500000 + c.docSeq["po"]), Ver: 1, VenNo: ven, Whs: c.sites.keys[r.IntN(3)], Stat: stat, Curr: "EUR",
		PayTerm: "N30", IncoTerm: "DAP", CrtAt: c.local(at), AckDue: c.local(at.Add(48 * time.Hour)), Rev: 1,
	}
	var net int64
	for l := range 1 + r.IntN(4) {
		m := c.materialOf(r, ven)
		qty := m.Units[1].Factor * (2 + r.IntN(20))
		price := m.cents * 60 / 100
		net += price * int64(qty) / 100
		item := purchaseItem{
			Pos: strconv.Itoa((l + 1) * 10), MatNo: m.MatNo, VenMat: m.MfrPart, Txt: m.Descr, UOM: m.UOM, Qty: qty,
			Prc: cents(price), PrcUnit: 100,
			Sched: []schedule{{Qty: qty, WishGi: c.dayOf(at.AddDate(0, 0, 14)), WishDlv: c.dayOf(at.AddDate(0, 0, 20))}},
		}
		if strings.Contains("CPG", stat) {
			item.QtyAck = qty
			item.Sched[0].ConfGi, item.Sched[0].ConfDlv = c.dayOf(at.AddDate(0, 0, 15+l)), c.dayOf(at.AddDate(0, 0, 21+l))
		}
		switch stat {
		case "G":
			item.QtyAsn, item.QtyGr = qty, qty
		case "P":
			item.QtyAsn, item.QtyGr = qty, qty/2
		case "X":
			item.QtyCxl = qty
		}
		p.Items = append(p.Items, item)
	}
	p.Net, p.VAT, p.Gross = cents(net), cents(net*21/100), cents(net+net*21/100)
	return p
}

func (c *Company) materialOf(r *rand.Rand, ven string) *material {
	at := r.IntN(len(c.materials.keys))
	for i := range c.materials.keys {
		if m := c.materials.rows[c.materials.keys[(at+i)%len(c.materials.keys)]]; m.vendor == ven {
			return m
		}
	}
	return c.materials.rows[c.materials.keys[at]]
}

func (c *Company) inbound(p *purchase, at time.Time, delivered bool) {
	d := c.newDispatch("I", at)
	d.VenNo, d.Pos, d.Site, d.Town, d.Ctry = p.VenNo, []string{p.PoNo}, p.Whs, c.sites.get(p.Whs).Town, c.sites.get(p.Whs).Ctry
	for _, it := range p.Items {
		d.Parcels[0].Lines = append(d.Parcels[0].Lines, parcelLine{Doc: p.PoNo, Pos: it.Pos, Qty: it.Qty, UOM: it.UOM})
	}
	steps := 4
	if delivered {
		steps = len(journey)
	}
	c.track(d, at, steps)
}

func (c *Company) newDispatch(kind string, at time.Time) *dispatch {
	c.docSeq["dlv"]++
	n := c.docSeq["dlv"]
	d := &dispatch{DlvNo: fmt.Sprintf("D%08d", n), Kind: kind, Carrier: "SWFT", Track: fmt.Sprintf("SW%010d", 7000000+n), CrtAt: c.local(at), Rev: 1}
	d.Parcels = []parcel{{N: 1, SSCC: digits("3871234", 5000000000+n, 18), Track: d.Track, Kg: fmt.Sprintf("%d.%d", 2+n%28, n%10)}}
	c.dispatch.put(d.DlvNo, d)
	return d
}

func (c *Company) seedOrders(r *rand.Rand, n int) {
	buyers := c.customers.keys
	for i := range n {
		age := time.Duration(120*(n-i)/n) * 24 * time.Hour
		at := c.epoch.Add(-age).Add(time.Duration(r.IntN(36000)) * time.Second)
		if at.After(c.epoch) {
			at = c.epoch.Add(-time.Hour)
		}
		cust := c.customers.get(buyers[r.IntN(len(buyers))])
		if len(buyers) <= 7 && r.IntN(3) == 0 {
			cust = c.customers.get(buyers[r.IntN(3)]) // the first customer and its branches order most
		}
		o := c.newOrder(r, cust, at)
		c.orders.put(o.DocNo, o)
		days := int(age / (24 * time.Hour))
		switch {
		case i%37 == 11:
			for j := range o.Items {
				o.Items[j].QtyCxl, o.Items[j].QtyConf, o.Items[j].QtyAll, o.Items[j].QtyBo = o.Items[j].QtyOrd, 0, 0, 0
			}
			o.HdrStat = "90"
		case days > 14:
			c.ship(o, at.Add(26*time.Hour), 100, len(journey))
			if i%23 == 5 {
				c.sendBack(o, at.Add(12*24*time.Hour), i)
			}
		case days > 9:
			c.ship(o, at.Add(26*time.Hour), 50+50*(i%2), 5+i%2)
		case days > 3:
			c.ship(o, at.Add(26*time.Hour), []int{100, 50, 100, 30}[i%4], 2+i%4)
		case i%5 == 1:
			o.Holds = []orderHold{{Code: []string{"CR", "PR", "MA"}[i%3], Since: c.local(at.Add(time.Hour)), Txt: []string{"Credit limit reached", "Price differs from the agreement", "Stopped by the desk"}[i%3]}}
		case i%5 == 2:
			o.HdrStat = "30"
			for j := range o.Items {
				o.Items[j].Pick = true
			}
		}
	}
}

func (c *Company) newOrder(r *rand.Rand, cust *customer, at time.Time) *salesOrder {
	c.docSeq["so"]++
	n := c.docSeq["so"]
	o := &salesOrder{
		DocNo: strconv.Itoa(8000000 + n), SoldTo: cust.CustNo, PoRef: fmt.Sprintf("PO-%s-%05d", cust.CustNo, n),
		ShipToNo: cust.Addresses[n%2].AdrNo, BillToNo: "01", HdrStat: "20", Curr: "EUR", Disc: "0.00",
		CrtAt: c.local(at), ReqDlv: c.dayOf(at.AddDate(0, 0, 5)), Rev: 1,
	}
	for want := 1 + r.IntN(11); len(o.Items) < want; {
		m := c.materials.get(c.materials.keys[r.IntN(len(c.materials.keys))])
		if c.price(priceAsk{CustNo: cust.CustNo, MatNo: m.MatNo, Qty: "1", UOM: m.UOM}, c.dayOf(at)).St != "OK" {
			continue // not sold to this customer, or on request only
		}
		qty := m.Units[0].MinQty * (1 + r.IntN(12))
		c.addItem(o, cust, m, (len(o.Items)+1)*10, qty, at)
		it := &o.Items[len(o.Items)-1]
		if r.IntN(8) == 0 { // part of it waits for supply
			it.QtyBo = qty - qty/3
			it.QtyAll = qty - it.QtyBo
			it.Sched = []schedule{it.Sched[0], it.Sched[0]}
			it.Sched[0].Qty = it.QtyAll
			it.Sched[1].Qty, it.Sched[1].ConfGi, it.Sched[1].ConfDlv = it.QtyBo, c.dayOf(at.AddDate(0, 0, 17)), c.dayOf(at.AddDate(0, 0, 19))
			if it.QtyAll == 0 {
				it.Sched = it.Sched[1:]
			}
		}
	}
	c.total(o)
	return o
}

func (c *Company) addItem(o *salesOrder, cust *customer, m *material, pos, qty int, at time.Time) {
	p := c.price(priceAsk{CustNo: cust.CustNo, MatNo: m.MatNo, Qty: strconv.Itoa(qty), UOM: m.UOM}, c.dayOf(at))
	o.Items = append(o.Items, orderItem{
		Pos: strconv.Itoa(pos), MatNo: m.MatNo, CustMat: cust.MatRefs[m.MatNo], Txt: m.Descr, UOM: m.UOM,
		QtyOrd: qty, QtyConf: qty, QtyAll: qty, Prc: p.Prc, PrcUnit: 100, cents: p.cents, NetVal: cents(p.cents * int64(qty) / 100),
		Sched: []schedule{{
			Qty: qty, Whs: "RTM", WishGi: c.dayOf(at.AddDate(0, 0, 3)), WishDlv: c.dayOf(at.AddDate(0, 0, 5)),
			ConfGi: c.dayOf(at.AddDate(0, 0, 4)), ConfDlv: c.dayOf(at.AddDate(0, 0, 6)),
		}},
	})
}

func (c *Company) total(o *salesOrder) {
	var net int64
	for _, it := range o.Items {
		net += it.cents * int64(it.QtyOrd) / 100
	}
	frt := int64(0)
	if net < 25000 {
		frt = 1250
	}
	o.Net, o.Frt, o.VAT, o.Gross = cents(net), cents(frt), cents((net+frt)*21/100), cents(net+frt+(net+frt)*21/100)
}

func cents(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

func (c *Company) day(offset int) string    { return c.dayOf(c.epoch.AddDate(0, 0, offset)) }
func (c *Company) dayOf(t time.Time) string { return t.In(c.zone).Format("20060102") }
func (c *Company) local(t time.Time) string { return t.In(c.zone).Format("2006-01-02 15:04:05") }
