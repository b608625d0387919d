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
	{
		"F10", "Screws", "F", "SCR", "screw", "PCE",
		[]string{"Spaxo", "Fixwell"},
		[]string{"M4x16", "M5x20", "M6x30", "M8x40", "M10x60"},
		[]string{"Hexagon", "Countersunk", "Pan head", "Socket head", "Wood", "Drywall", "Self-drilling", "Flange", "Carriage", "Set"},
		840, 200,
	},
	{
		"F20", "Bolts and nuts", "F", "BLT", "bolt", "PCE",
		[]string{"Fixwell", "Nordbolt"},
		[]string{"M6x40", "M8x50", "M10x70", "M12x80", "M16x100"},
		[]string{"Hexagon", "Anchor", "Eye", "U", "Carriage", "Flange", "Stud", "Shoulder", "Toggle", "Foundation"},
		2650, 100,
	},
	{
		"F30", "Washers", "F", "WSH", "washer", "PCE",
		[]string{"Nordbolt"},
		[]string{"M4", "M6", "M8", "M10", "M12"},
		[]string{"Plain", "Spring", "Fender", "Toothed", "Sealing", "Nylon", "Square", "Conical", "Lock", "Copper"},
		210, 500,
	},
	{
		"E10", "Cable", "E", "CBL", "cable", "MTR",
		[]string{"Voltara", "Kabelwerk"},
		[]string{"3x1.5", "3x2.5", "5x1.5", "5x2.5", "5x4"},
		[]string{"Installation", "Rubber", "Control", "Data Cat 6", "Silicone", "Earth", "Solar", "Coaxial", "Flat", "Armoured"},
		9800, 100,
	},
	{
		"E20", "Switches", "E", "SWT", "switch", "PCE",
		[]string{"Voltara"},
		[]string{"10A", "16A", "20A", "25A", "32A"},
		[]string{"Rocker", "Toggle", "Push button", "Rotary", "Dimmer", "Timer", "Motion", "Key", "Limit", "Foot"},
		78500, 10,
	},
	{
		"E30", "Lighting", "E", "LED", "lamp", "PCE",
		[]string{"Lumo", "Voltara"},
		[]string{"5W", "9W", "12W", "18W", "36W"},
		[]string{"Bulb", "Spot", "Panel", "Tube", "Strip", "Flood", "High bay", "Emergency", "Desk", "Street"},
		129000, 12,
	},
	{
		"P10", "Valves", "P", "VLV", "valve", "PCE",
		[]string{"Aquaflow"},
		[]string{"DN15", "DN20", "DN25", "DN32", "DN40"},
		[]string{"Ball", "Gate", "Check", "Butterfly", "Globe", "Relief", "Solenoid", "Mixing", "Float", "Needle"},
		189000, 5,
	},
	{
		"P20", "Fittings", "P", "FIT", "fitting", "PCE",
		[]string{"Aquaflow", "Pressa"},
		[]string{"15mm", "18mm", "22mm", "28mm", "35mm"},
		[]string{"Elbow", "Tee", "Coupling", "Reducer", "Cap", "Union", "Cross", "Adapter", "Manifold", "Bend"},
		34500, 25,
	},
	{
		"S10", "Gloves", "S", "GLV", "gloves", "PCE",
		[]string{"Safehand"},
		[]string{"size 7", "size 8", "size 9", "size 10", "size 11"},
		[]string{"Nitrile", "Leather", "Cut resistant", "Latex", "Winter", "Welding", "Chemical", "Mechanic", "Cotton", "Disposable"},
		59000, 12,
	},
	{
		"S20", "Helmets and glasses", "S", "HLM", "protection", "PCE",
		[]string{"Safehand", "Visio"},
		[]string{"white", "yellow", "blue", "clear", "tinted"},
		[]string{
			"Helmet", "Bump cap", "Safety glasses", "Goggles", "Face shield", "Ear defender", "Ear plugs", "Visor", "Welding helmet",
			"Headlamp",
		},
		149000, 10,
	},
	{
		"T10", "Hand tools", "T", "TLH", "tool", "PCE",
		[]string{"Werkkraft"},
		[]string{"100mm", "150mm", "200mm", "250mm", "300mm"},
		[]string{"Pliers", "Screwdriver", "Wrench", "Hammer", "File", "Chisel", "Saw", "Level", "Knife", "Clamp"},
		179000, 6,
	},
	{
		"T20", "Drill bits", "T", "DRL", "drill bit", "PCE",
		[]string{"Werkkraft", "Borex"},
		[]string{"3mm", "4mm", "6mm", "8mm", "10mm"},
		[]string{"HSS", "Cobalt", "Masonry", "Wood", "Step", "Forstner", "Tile", "Glass", "Countersink", "Hole saw"},
		48000, 10,
	},
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

// places are where towns lie, in degrees.
var places = map[string][2]float64{
	"Rotterdam": {51.9, 4.48}, "Utrecht": {52.09, 5.12}, "Antwerpen": {51.22, 4.4}, "Hamburg": {53.55, 9.99}, "Köln": {50.94, 6.96},
	"Lille": {50.63, 3.06}, "Aarhus": {56.16, 10.2},
	"Wien": {48.21, 16.37}, "Venlo": {51.37, 6.17},
}

var firms = []string{
	"Brandsma Bouw", "Delta Installaties", "Noordzee Offshore", "Keller Haustechnik", "Meyer Maschinenbau",
	"Atelier Dubois", "Jensen Byg", "Alpen Energie", "Van Dam Elektro", "Hansa Werft",
}

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
		{
			Site: "RTM", Title: "Rotterdam Central", Street: "Waalhaven 1", Zip: "3089 JH", Town: "Rotterdam", Ctry: "NL",
			Lat: 51.9, Lon: 4.48, TZ: "Europe/Amsterdam", Cutoff: "1530",
		},
		{
			Site: "HAM", Title: "Hamburg North", Street: "Essener Straße 89", Zip: "22419", Town: "Hamburg", Ctry: "DE",
			Lat: 53.55, Lon: 9.99, TZ: "Europe/Berlin", Cutoff: "1600",
		},
		{
			Site: "LIL", Title: "Lille South", Street: "Rue du Port 12", Zip: "59000", Town: "Lille", Ctry: "FR",
			Lat: 50.63, Lon: 3.06, TZ: "Europe/Paris", Cutoff: "1500",
		},
	} {
		s.Rev, s.ILN = 1, digits("8712345", 10+i, 13)
		c.sites.put(s.Site, &s)
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
			{
				AdrNo: "01", Usage: []string{"AG", "RE", "RG", "WE"}, Name: o.name, Street: fmt.Sprintf("Hoofdstraat %d", 10+i), Zip: place.zip,
				Town: place.town, Ctry: place.ctry, ILN: digits("8798765", 10+i, 13), Whs: []string{"RTM", "HAM", "LIL"}[i%3],
			},
			{
				AdrNo: "02", Usage: []string{"WE"}, Name: o.name + " site 2", Street: fmt.Sprintf("Havenweg %d", 2+i),
				Zip: towns[(i+1)%len(towns)].zip, Town: towns[(i+1)%len(towns)].town, Ctry: towns[(i+1)%len(towns)].ctry, Whs: "RTM",
			},
		}
		for j := range 40 {
			m := c.materials.keys[(i*53+j*7)%len(c.materials.keys)]
			cu.MatRefs[m] = fmt.Sprintf("%s-%s", strings.ToUpper(o.name[:2]), m[4:])
		}
		c.customers.put(no, cu)
		limit := int64(2_000_000 + r.IntN(8)*1_000_000)
		c.credits.put(no, &credit{
			CustNo: no, Limit: cents(limit), Used: cents(limit * int64(10+r.IntN(60)) / 100), Curr: "EUR",
			Hold: cu.Blk == "C", Why: map[bool]string{true: "Invoices overdue"}[cu.Blk == "C"], Rev: 1,
		})
		agr := &agreement{AgrNo: "C-" + no, CustNo: no, From: c.day(-200), To: c.day(165), Rev: 1, pct: 4 + i%6}
		for j := range 60 {
			agr.Mats = append(agr.Mats, c.materials.keys[(i*31+j*11)%len(c.materials.keys)])
		}
		c.agreement.put(agr.AgrNo, agr)
		for _, a := range cu.Addresses {
			key := no + "/" + a.AdrNo
			c.calendars.put(key, &calendar{
				Customer: no, Place: a.AdrNo, Receives: []string{"MTWTF--", "M-W-F--", "-TWT---"}[i%3],
				Closed: []string{c.day(12), c.day(30 + i%9)}, Rev: 1,
			})
		}
	}
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
