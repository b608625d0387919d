package sandbox

// The records as the company's systems tell them: their words, their codes,
// days as 20260301, moments in local time without offset, amounts as text.
// Rev grows with every change of a record.

type customer struct {
	CustNo    string            `json:"custNo"`
	CustName  string            `json:"custName"`
	Blk       string            `json:"blk"` // "", C credit, B orders blocked, X closed
	Parent    string            `json:"parentCust,omitempty"`
	Curr      string            `json:"curr"`
	PayTerm   string            `json:"payTerm"`
	IncoTerm  string            `json:"incoTerm"`
	IncoPlace string            `json:"incoPlace,omitempty"`
	Frt       string            `json:"frt"`
	TaxCls    string            `json:"taxCls"`
	Addresses []address         `json:"addresses"`
	MatRefs   map[string]string `json:"matRefs,omitempty"`
	Rev       int               `json:"rev"`
	discount  int               // percent of the customer's own list
}

type address struct {
	AdrNo  string   `json:"adrNo"`
	Usage  []string `json:"usage"` // WE ship-to, RE bill-to, AG sold-to, RG payer
	Name   string   `json:"name"`
	Street string   `json:"street"`
	Zip    string   `json:"zip"`
	Town   string   `json:"town"`
	Ctry   string   `json:"ctry"`
	ILN    string   `json:"iln,omitempty"`
	Whs    string   `json:"whs,omitempty"`
}

type material struct {
	MatNo     string            `json:"matNo"`
	EAN       string            `json:"ean"`
	Descr     string            `json:"descr"`
	LongText  string            `json:"longText,omitempty"`
	BrandName string            `json:"brandName"`
	MfrPart   string            `json:"mfrPart"`
	Group     string            `json:"group"`
	UOM       string            `json:"uom"`
	Life      string            `json:"life"` // A active, H held, D discontinued, R replaced
	Succ      string            `json:"succ,omitempty"`
	Alts      []string          `json:"alts,omitempty"`
	Units     []matUnit         `json:"units"`
	Props     map[string]string `json:"props"`
	Docs      []matDoc          `json:"docs,omitempty"`
	Orig      string            `json:"orig"`
	HSCode    string            `json:"hsCode"`
	Vendors   []matVendor       `json:"vendors"` // preferred first
	Rev       int               `json:"rev"`
	cents     int64             // list price of 100 base units
}

// matVendor is who sells a material: the purchasing info record.
type matVendor struct {
	VenNo  string `json:"venNo"`
	VenMat string `json:"venMat,omitempty"`
	PlDays int    `json:"plDays"` // planned delivery time, calendar days
	MinQty int    `json:"minQty,omitempty"`
}

type matUnit struct {
	UOM      string `json:"uom"`
	Factor   int    `json:"factor"`
	EAN      string `json:"ean,omitempty"`
	Sellable bool   `json:"sellable"`
	MinQty   int    `json:"minQty,omitempty"`
	Step     int    `json:"step,omitempty"`
	MaxQty   int    `json:"maxQty,omitempty"`
}

type matDoc struct {
	Typ  string `json:"typ"` // IMG, TDS, SDS
	Lang string `json:"lang,omitempty"`
	File string `json:"file"`
}

type group struct {
	Grp   string `json:"grp"`
	Title string `json:"title"`
	Above string `json:"above,omitempty"`
	Seq   int    `json:"seq"`
	Rev   int    `json:"rev"`
}

type vendor struct {
	VenNo   string `json:"venNo"`
	VenName string `json:"venName"`
	ILN     string `json:"iln"`
	Rev     int    `json:"rev"`
}

type agreement struct {
	AgrNo  string   `json:"agrNo"`
	CustNo string   `json:"custNo"`
	From   string   `json:"from"`
	To     string   `json:"to,omitempty"`
	Mats   []string `json:"mats"`
	Rev    int      `json:"rev"`
	pct    int
}

type credit struct {
	CustNo string `json:"custNo"`
	Limit  string `json:"limit,omitempty"`
	Used   string `json:"used"`
	Curr   string `json:"curr"`
	Hold   bool   `json:"hold"`
	Why    string `json:"why,omitempty"`
	Rev    int    `json:"rev"`
}

type salesOrder struct {
	DocNo    string `json:"docNo"`
	SoldTo   string `json:"soldTo"`
	PoRef    string `json:"poRef,omitempty"`
	ShipToNo string `json:"shipToNo"`
	BillToNo string `json:"billToNo"`
	// 10 open, 20 released, 30 picking, 40 part shipped, 50 shipped, 60 delivered, 90 cancelled, 95 refused
	HdrStat string      `json:"hdrStat"`
	Holds   []orderHold `json:"holds,omitempty"`
	Curr    string      `json:"curr"`
	Net     string      `json:"net"`
	Disc    string      `json:"disc"`
	Frt     string      `json:"frt,omitempty"`
	VAT     string      `json:"vat,omitempty"`
	Gross   string      `json:"gross"`
	ReqDlv  string      `json:"reqDlv,omitempty"`
	CrtAt   string      `json:"crtAt"`
	Note    string      `json:"note,omitempty"`
	ExtRef  string      `json:"extRef,omitempty"`
	Items   []orderItem `json:"items"`
	Rev     int         `json:"rev"`
}

type orderHold struct {
	Code  string `json:"code"` // CR credit, PR price, EX export, MA manual
	Since string `json:"since"`
	Txt   string `json:"txt"`
}

type orderItem struct {
	Pos     string     `json:"pos"`
	MatNo   string     `json:"matNo,omitempty"`
	CustMat string     `json:"custMat,omitempty"`
	Txt     string     `json:"txt"`
	UOM     string     `json:"uom"`
	QtyOrd  int        `json:"qtyOrd"`
	QtyConf int        `json:"qtyConf"`
	QtyAll  int        `json:"qtyAll"`
	QtyBo   int        `json:"qtyBo"`
	QtyGi   int        `json:"qtyGi"`  // goods issued
	QtyPod  int        `json:"qtyPod"` // proof of delivery
	QtyInv  int        `json:"qtyInv"`
	QtyCxl  int        `json:"qtyCxl"`
	QtyRet  int        `json:"qtyRet"`
	Pick    bool       `json:"pick,omitempty"`
	Prc     string     `json:"prc"`
	PrcUnit int        `json:"prcUnit"`
	NetVal  string     `json:"netVal"`
	SubFor  string     `json:"subFor,omitempty"`
	Sched   []schedule `json:"sched"`
	cents   int64      // per prcUnit
}

type schedule struct {
	Qty     int    `json:"qty"`
	Whs     string `json:"whs,omitempty"`
	WishGi  string `json:"wishGi,omitempty"`
	WishDlv string `json:"wishDlv,omitempty"`
	ConfGi  string `json:"confGi,omitempty"`
	ConfDlv string `json:"confDlv,omitempty"`
	ActGi   string `json:"actGi,omitempty"`
	ActDlv  string `json:"actDlv,omitempty"`
}

type purchase struct {
	PoNo     string         `json:"poNo"`
	Ver      int            `json:"ver"`
	VenNo    string         `json:"venNo"`
	Whs      string         `json:"whs"`
	Stat     string         `json:"stat"` // A issued, S sent, C confirmed, P part received, G received, X cancelled
	Curr     string         `json:"curr"`
	Net      string         `json:"net"`
	VAT      string         `json:"vat"`
	Gross    string         `json:"gross"`
	PayTerm  string         `json:"payTerm"`
	IncoTerm string         `json:"incoTerm"`
	CrtAt    string         `json:"crtAt"`
	AckDue   string         `json:"ackDue,omitempty"`
	Items    []purchaseItem `json:"items"`
	Rev      int            `json:"rev"`
}

type purchaseItem struct {
	Pos     string     `json:"pos"`
	MatNo   string     `json:"matNo"`
	VenMat  string     `json:"venMat"`
	Txt     string     `json:"txt"`
	UOM     string     `json:"uom"`
	Qty     int        `json:"qty"`
	QtyAck  int        `json:"qtyAck"`
	QtyAsn  int        `json:"qtyAsn"`
	QtyGr   int        `json:"qtyGr"`
	QtyCxl  int        `json:"qtyCxl"`
	Prc     string     `json:"prc"`
	PrcUnit int        `json:"prcUnit"`
	Sched   []schedule `json:"sched"`
}

type invoice struct {
	InvNo   string        `json:"invNo"`
	Typ     string        `json:"typ"` // F invoice, G credit memo, D debit memo
	CustNo  string        `json:"custNo"`
	InvDate string        `json:"invDate"`
	DueDate string        `json:"dueDate"`
	Pay     string        `json:"pay"` // O open, P part paid, C cleared, D disputed, S reversed
	Curr    string        `json:"curr"`
	Net     string        `json:"net"`
	Disc    string        `json:"disc"`
	Frt     string        `json:"frt,omitempty"`
	VAT     string        `json:"vat"`
	Gross   string        `json:"gross"`
	Open    string        `json:"open"`
	Items   []invoiceItem `json:"items"`
	Rev     int           `json:"rev"`
}

type invoiceItem struct {
	Pos     string `json:"pos"`
	MatNo   string `json:"matNo,omitempty"`
	Txt     string `json:"txt"`
	Qty     int    `json:"qty"`
	UOM     string `json:"uom"`
	Prc     string `json:"prc"`
	PrcUnit int    `json:"prcUnit"`
	NetVal  string `json:"netVal"`
	DocNo   string `json:"docNo,omitempty"`
	DocPos  string `json:"docPos,omitempty"`
	DlvNo   string `json:"dlvNo,omitempty"`
}

type returnOrder struct {
	RaNo   string       `json:"raNo"`
	DocNo  string       `json:"docNo"`
	CustNo string       `json:"custNo"`
	Stat   string       `json:"stat"` // 1 asked, 2 allowed, 3 under way, 4 received, 5 inspected, 6 credited, 8 refused, 9 withdrawn
	CrtAt  string       `json:"crtAt"`
	Whs    string       `json:"whs"`
	MemoNo string       `json:"memoNo,omitempty"`
	ExtRef string       `json:"extRef,omitempty"`
	Items  []returnItem `json:"items"`
	Rev    int          `json:"rev"`
}

type returnItem struct {
	DocPos string `json:"docPos"`
	Qty    int    `json:"qty"`
	UOM    string `json:"uom"`
	Why    string `json:"why"` // 01 damaged, 02 defective, 03 wrong item, 04 too many, 05 late, 06 not needed, 99 other
	Txt    string `json:"txt,omitempty"`
	QtyGr  int    `json:"qtyGr,omitempty"`
}

type site struct {
	Site   string  `json:"site"`
	Title  string  `json:"title"`
	Street string  `json:"street"`
	Zip    string  `json:"zip"`
	Town   string  `json:"town"`
	Ctry   string  `json:"ctry"`
	Lat    float64 `json:"lat"`
	Lon    float64 `json:"lon"`
	TZ     string  `json:"tz"`
	Cutoff string  `json:"cutoff"` // 1530
	ILN    string  `json:"iln"`
	Rev    int     `json:"rev"`
}

type stockRow struct {
	SKU   string      `json:"sku"`
	UOM   string      `json:"uom"`
	Sites []siteStock `json:"sites"`
	Rev   int         `json:"rev"`
}

type siteStock struct {
	Site   string `json:"site"`
	Qty    int    `json:"qty"`
	Res    int    `json:"res"`
	Safety int    `json:"safety"`
}

type dispatch struct {
	DlvNo   string   `json:"dlvNo"`
	Kind    string   `json:"kind"` // O out, I in, R return
	Carrier string   `json:"carrier"`
	CustNo  string   `json:"custNo,omitempty"`
	VenNo   string   `json:"venNo,omitempty"`
	Track   string   `json:"track"`
	Orders  []string `json:"orders,omitempty"`
	Pos     []string `json:"pos,omitempty"`
	RaNo    string   `json:"raNo,omitempty"`
	CrtAt   string   `json:"crtAt"`
	Site    string   `json:"site"`
	Street  string   `json:"street"`
	Zip     string   `json:"zip"`
	Town    string   `json:"town"`
	Ctry    string   `json:"ctry"`
	Parcels []parcel `json:"parcels"`
	AsnNo   string   `json:"asnNo,omitempty"` // the vendor's ship notice that it was made of
	Gone    bool     `json:"gone,omitempty"`  // withdrawn by the vendor
	Rev     int      `json:"rev"`
}

type parcel struct {
	N     int          `json:"n"`
	SSCC  string       `json:"sscc"`
	Track string       `json:"track"`
	Kg    string       `json:"kg"`
	Lines []parcelLine `json:"lines"`
}

type parcelLine struct {
	Doc string `json:"doc"`
	Pos string `json:"pos"`
	Qty int    `json:"qty"`
	UOM string `json:"uom"`
	Rcv *int   `json:"rcv,omitempty"` // received in good order
	Dmg int    `json:"dmg,omitempty"` // received damaged, and put aside
}

type tracker struct {
	Code    string  `json:"tracking_code"`
	History []event `json:"history"`
	POD     string  `json:"pod,omitempty"` // file
	Rev     int     `json:"rev"`
	dlvNo   string  // of our own; empty for who registered it
	from    town
	to      town
}

type town struct {
	Town string `json:"town"`
	Ctry string `json:"ctry"`
}

type event struct {
	ID     string  `json:"id"`
	Code   string  `json:"code"` // LB PU DP AR OD NH DL EX ET
	Desc   string  `json:"desc"`
	At     string  `json:"at"` // local, no offset
	TZ     string  `json:"tz"`
	Town   string  `json:"town"`
	Ctry   string  `json:"ctry"`
	Lat    float64 `json:"lat,omitempty"`
	Lon    float64 `json:"lon,omitempty"`
	Est    string  `json:"est,omitempty"`
	Signer string  `json:"signer,omitempty"`
	Logged string  `json:"logged"` // RFC 3339
}

type calendar struct {
	Customer string   `json:"customer"`
	Place    string   `json:"place"`
	Receives string   `json:"receives"` // MTWTF--
	Closed   []string `json:"closed,omitempty"`
	Rev      int      `json:"rev"`
}
