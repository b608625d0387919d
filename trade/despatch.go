package trade

import (
	"slices"
	"time"
)

// DespatchAdvice is a supplier's ship notice: X12 856, UBL DespatchAdvice.
type DespatchAdvice struct {
	ID             string
	Number         string
	SupplierID     string
	Status         DespatchStatus
	ShipFrom       Location
	ShipTo         Location
	DespatchedAt   *time.Time
	ExpectedAt     *time.Time
	Carrier        *Carrier
	References     []Identifier
	ShipmentNumber string // empty until the warehouse expects it
	OperationID    string
	Provenance     Provenance
}

// NodeID is the notice's global id.
func (d *DespatchAdvice) NodeID() string { return d.ID }

// From is where the notice's values came from.
func (d *DespatchAdvice) From() *Provenance { return &d.Provenance }

// DespatchStatus is where a ship notice stands.
type DespatchStatus string

// States of a ship notice.
const (
	DespatchSubmitted   DespatchStatus = "SUBMITTED"
	DespatchAccepted    DespatchStatus = "ACCEPTED"
	DespatchRejected    DespatchStatus = "REJECTED"
	DespatchInTransit   DespatchStatus = "IN_TRANSIT"
	DespatchReceived    DespatchStatus = "RECEIVED"
	DespatchDiscrepancy DespatchStatus = "RECEIVED_WITH_DISCREPANCY"
	DespatchCancelled   DespatchStatus = "CANCELLED"
)

// HandlingUnit is a pallet, carton or other logistic unit.
type HandlingUnit struct {
	SSCC        string    `json:"SSCC"`
	Parent      *string   `json:"Parent"`
	PackageType *string   `json:"PackageType"`
	Weight      *Quantity `json:"Weight"`
}

// DespatchLine is a line of a ship notice.
type DespatchLine struct {
	LineID            string    `json:"LineID"`
	SSCC              *string   `json:"SSCC"`
	Shipped           Quantity  `json:"Shipped"`
	Backordered       *Quantity `json:"Backordered"`
	Outstanding       *Quantity `json:"Outstanding"`
	OutstandingReason *string   `json:"OutstandingReason"`
	Oversupplied      *Quantity `json:"Oversupplied"`
	Lot               *string   `json:"Lot"`
	Serials           []string  `json:"Serials"`
	ExpiresOn         *Date     `json:"ExpiresOn"`
	Received          *Quantity `json:"Received"` // in good order
	Damaged           *Quantity `json:"Damaged"`
}

// DespatchRequest is a ship notice as a supplier sends it. Nothing in it is trusted.
type DespatchRequest struct {
	Number       string         `json:"Number"`
	ShipFrom     Address        `json:"ShipFrom"`
	DespatchedAt *time.Time     `json:"DespatchedAt"`
	ExpectedAt   *time.Time     `json:"ExpectedAt"`
	CarrierSCAC  *string        `json:"CarrierSCAC"`
	References   []Identifier   `json:"References"`
	Units        []HandlingUnit `json:"Units"`
	Lines        []DespatchLine `json:"Lines"`
}

// DespatchDraft is a ship notice as it is handed to an ERP.
type DespatchDraft struct {
	Number      string              `json:"Number"`
	Supplier    string              `json:"Supplier"`  // code
	Warehouse   string              `json:"Warehouse"` // code
	CarrierSCAC string              `json:"CarrierSCAC"`
	Tracking    string              `json:"Tracking"`
	ExpectedOn  *Date               `json:"ExpectedOn"`
	Lines       []DespatchDraftLine `json:"Lines"`
}

// DespatchDraftLine is a part of a purchase order line that is on its way.
type DespatchDraftLine struct {
	PurchaseOrder string   `json:"PurchaseOrder"`
	LineNumber    string   `json:"LineNumber"`
	SSCC          string   `json:"SSCC"`
	Quantity      Quantity `json:"Quantity"`
}

// NewDespatchDraft is what of a ship notice is handed to an ERP. It is expected on the day that it is then in the
// zone of the warehouse.
func NewDespatchDraft(r *DespatchRequest, supplier, warehouse string, zone *time.Location, lines map[string]*PurchaseOrderLine,
	orders map[string]string,
) DespatchDraft {
	a := DespatchDraft{Number: r.Number, Supplier: supplier, Warehouse: warehouse}
	if r.CarrierSCAC != nil {
		a.CarrierSCAC = *r.CarrierSCAC
	}
	if i := slices.IndexFunc(r.References, func(x Identifier) bool { return x.Scheme == SchemeTracking }); i >= 0 {
		a.Tracking = r.References[i].Value
	}
	if r.ExpectedAt != nil {
		day := DateOf(*r.ExpectedAt, zone)
		a.ExpectedOn = &day
	}
	for _, l := range r.Lines {
		line := lines[l.LineID]
		advised := DespatchDraftLine{PurchaseOrder: orders[l.LineID], LineNumber: line.LineNumber, Quantity: l.Shipped}
		if l.SSCC != nil {
			advised.SSCC = *l.SSCC
		}
		a.Lines = append(a.Lines, advised)
	}
	return a
}
