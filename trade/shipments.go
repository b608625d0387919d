package trade

import "time"

// Shipment is goods on their way: to a customer, from a supplier, back, or
// between warehouses. Its status is derived from all its events by rule.
type Shipment struct {
	ID             string             `json:"ID"`
	Number         string             `json:"Number"`
	Direction      Direction          `json:"Direction"`
	Mode           TransportMode      `json:"Mode"`
	Carrier        *Carrier           `json:"Carrier"`
	References     []Identifier       `json:"References"`
	Status         ShipmentStatus     `json:"Status"`
	Origin         *Location          `json:"Origin"`
	Destination    *Location          `json:"Destination"`
	AccountRef     Ref                `json:"AccountRef"`
	SupplierRef    Ref                `json:"SupplierRef"`
	TrackingNumber string             `json:"TrackingNumber"`
	CreatedAt      time.Time          `json:"CreatedAt"`
	Eta            *Eta               `json:"Eta"`
	Exception      *ShipmentException `json:"Exception"`
	Proof          *Proof             `json:"Proof"`
	Provenance     Provenance         `json:"Provenance"`
	// PackagesKnown are set on a shipment as a source tells it, and OrderKeys,
	// PurchaseOrderKeys and ReturnKey name the documents it belongs to.
	PackagesKnown     []Package `json:"PackagesKnown"`
	OrderKeys         []string  `json:"OrderKeys"`
	PurchaseOrderKeys []string  `json:"PurchaseOrderKeys"`
	ReturnKey         string    `json:"ReturnKey"`
	// ParcelNumbers are the tracking numbers of its packages, where each has one of its own.
	ParcelNumbers []string `json:"-"`
}

// NodeID is the shipment's global id.
func (s *Shipment) NodeID() string { return s.ID }

// From is where the shipment's values came from.
func (s *Shipment) From() *Provenance { return &s.Provenance }

// ExternalIds are the shipment's ids in source systems.
func (s *Shipment) ExternalIds() []ExternalId { return s.Provenance.external("shipment") }

// Direction is the way a shipment goes.
type Direction string

// Directions of a shipment.
const (
	Outbound    Direction = "OUTBOUND"
	InboundWay  Direction = "INBOUND"
	ReturnWay   Direction = "RETURN"
	TransferWay Direction = "TRANSFER"
)

// TransportMode is how a shipment goes.
type TransportMode string

// Carrier moves goods. SCAC is its Standard Carrier Alpha Code.
type Carrier struct {
	Name string  `json:"name"`
	SCAC *string `json:"scac,omitempty"`
}

// Scan reads a carrier from JSON.
func (c *Carrier) Scan(src any) error { return ScanJSON(src, c) }

// ShipmentStatus is a state of a shipment or package.
type ShipmentStatus string

// States of a shipment or package.
const (
	ShipmentUnknown     ShipmentStatus = "UNKNOWN"
	PreTransit          ShipmentStatus = "PRE_TRANSIT"
	PickedUp            ShipmentStatus = "PICKED_UP"
	InTransit           ShipmentStatus = "IN_TRANSIT"
	AtFacility          ShipmentStatus = "AT_FACILITY"
	InCustoms           ShipmentStatus = "CUSTOMS"
	ShipmentDelayed     ShipmentStatus = "DELAYED"
	OutForDelivery      ShipmentStatus = "OUT_FOR_DELIVERY"
	AvailableForPickup  ShipmentStatus = "AVAILABLE_FOR_PICKUP"
	DeliveryAttempted   ShipmentStatus = "DELIVERY_ATTEMPTED"
	PartiallyDelivered  ShipmentStatus = "PARTIALLY_DELIVERED"
	Delivered           ShipmentStatus = "DELIVERED"
	ShipmentInException ShipmentStatus = "EXCEPTION"
	Returning           ShipmentStatus = "RETURNING"
	Returned            ShipmentStatus = "RETURNED"
	ShipmentCancelled   ShipmentStatus = "CANCELLED"
	ShipmentExpired     ShipmentStatus = "EXPIRED"
)

// ShipmentStatuses are all states, in the order of a journey: of two events of one moment
// the later state counts.
var ShipmentStatuses = []ShipmentStatus{
	ShipmentUnknown, PreTransit, PickedUp, InTransit, AtFacility, InCustoms, ShipmentDelayed, OutForDelivery, AvailableForPickup,
	DeliveryAttempted,
	PartiallyDelivered, ShipmentInException, Returning, ShipmentExpired, ShipmentCancelled, Returned, Delivered,
}

// Final tells whether a status does not go back, whatever late news arrives.
func (s ShipmentStatus) Final() bool {
	return s == Delivered || s == Returned || s == ShipmentCancelled
}

// Package is a package of a shipment.
type Package struct {
	Number         int            `json:"Number"` // place in the shipment, from 1
	TrackingNumber *string        `json:"TrackingNumber"`
	SSCC           *string        `json:"SSCC"`
	Status         ShipmentStatus `json:"Status"`
	Weight         *Quantity      `json:"Weight"`
	ShipmentID     string         `json:"ShipmentID"`
	// What follows from its events, which no source tells.
	Eta       *Eta               `json:"-"`
	Exception *ShipmentException `json:"-"`
	Proof     *Proof             `json:"-"`
	// LinesKnown are set on a package as a source tells it.
	LinesKnown []PackageLine `json:"LinesKnown"`
}

// PackageLine is content of a package: a line of a customer order or of a
// purchase order, by its document's number and its line number.
type PackageLine struct {
	DocumentKey         string    `json:"DocumentKey"`
	LineNumber          string    `json:"LineNumber"`
	OrderLineID         string    `json:"OrderLineID"`
	PurchaseOrderLineID string    `json:"PurchaseOrderLineID"`
	Quantity            Quantity  `json:"Quantity"`
	Received            *Quantity `json:"Received"` // in good order; nil until it was received
	Damaged             *Quantity `json:"Damaged"`  // nil until it was received
}

// Eta is an estimate of arrival.
type Eta struct {
	At       time.Time  `json:"at"`
	Earliest *time.Time `json:"earliest,omitempty"`
	Latest   *time.Time `json:"latest,omitempty"`
	Basis    EtaBasis   `json:"basis"`
	IssuedAt time.Time  `json:"issuedAt"`
}

// Scan reads an estimate from JSON.
func (e *Eta) Scan(src any) error { return ScanJSON(src, e) }

// EtaBasis is what an estimate rests on.
type EtaBasis string

// CarrierEta is an estimate given by the carrier.
const CarrierEta EtaBasis = "CARRIER"

// ShipmentEvent is something that happened, will happen or was planned on the
// way.
type ShipmentEvent struct {
	ID            string          `json:"ID"`
	ShipmentID    string          `json:"ShipmentID"`
	Key           string          `json:"Key"` // the source's own id of it
	Milestone     Milestone       `json:"Milestone"`
	Classifier    EventClassifier `json:"Classifier"`
	Status        ShipmentStatus  `json:"Status"`
	OccurredAt    time.Time       `json:"OccurredAt"`
	OffsetKnown   bool            `json:"OffsetKnown"`
	UTCOffset     *string         `json:"UTCOffset"` // of the place, as the source gave it
	RecordedAt    *time.Time      `json:"RecordedAt"`
	ReceivedAt    time.Time       `json:"ReceivedAt"`
	Location      *Location       `json:"Location"`
	Reason        *RawCode        `json:"Reason"`
	Raw           RawCode         `json:"Raw"`
	PackageNumber *int            `json:"PackageNumber"` // of the one package that it moves
	Late          bool            `json:"Late"`
	Estimate      *time.Time      `json:"Estimate"` // of arrival, where the event gives one
	SignedBy      *Restricted     `json:"SignedBy"` // who signed, on delivery
	Corrects      string          `json:"Corrects"` // key of the event that it declares wrong
	Instead       []string        `json:"Instead"`  // keys of the events that are right instead of that one
	Units         []Identifier    `json:"Units"`    // of the packages that it names; none where it is about the whole shipment
	// Packages are the numbers of the packages that it moves: nil for the whole shipment, empty for those of others alone.
	Packages []int `json:"-"`
}

// NodeID is the event's global id.
func (e *ShipmentEvent) NodeID() string { return e.ID }

// EventClassifier tells planned from estimated from actual, as DCSA does.
type EventClassifier string

// Classifiers of events.
const (
	Planned   EventClassifier = "PLANNED"
	Estimated EventClassifier = "ESTIMATED"
	Actual    EventClassifier = "ACTUAL"
)

// Milestone is a step of a transport.
type Milestone string

// Milestones that adapters of this project report.
const (
	MilestoneLabelCreated      Milestone = "LABEL_CREATED"
	MilestonePickedUp          Milestone = "PICKED_UP"
	MilestoneDeparted          Milestone = "DEPARTED"
	MilestoneArrived           Milestone = "ARRIVED"
	MilestoneEnRoute           Milestone = "EN_ROUTE"
	MilestoneOutForDelivery    Milestone = "OUT_FOR_DELIVERY"
	MilestoneDeliveryAttempted Milestone = "DELIVERY_ATTEMPTED"
	MilestoneDelivered         Milestone = "DELIVERED"
	MilestoneDelayed           Milestone = "DELAYED"
	MilestoneDamaged           Milestone = "DAMAGED"
	MilestoneEtaChanged        Milestone = "ETA_CHANGED"
	MilestoneCancelled         Milestone = "CANCELLED"
	MilestoneOther             Milestone = "OTHER"
)

// Milestones are all of them, in the order of a journey.
var Milestones = []Milestone{
	"CREATED", MilestoneLabelCreated, "PICKUP_ARRIVED", "LOADED", MilestonePickedUp, MilestoneDeparted, MilestoneArrived, "GATE_IN",
	"GATE_OUT", "DISCHARGED",
	"CUSTOMS_HOLD", "CUSTOMS_RELEASED", MilestoneEnRoute, MilestoneOutForDelivery, "DELIVERY_ARRIVED", MilestoneDeliveryAttempted,
	"AVAILABLE_FOR_PICKUP",
	MilestoneDelivered, "PARTIALLY_DELIVERED", "UNLOADED", MilestoneDelayed, MilestoneDamaged, "REFUSED", "RECONSIGNED", "RETURN_STARTED",
	"RETURNED", "LOST",
	MilestoneCancelled, MilestoneEtaChanged, "APPOINTMENT", MilestoneOther,
}

// ShipmentException is what went wrong with a shipment and is not yet solved.
type ShipmentException struct {
	Reason          *RawCode  `json:"reason,omitempty"`
	Message         string    `json:"message"`
	Since           time.Time `json:"since"`
	SuggestedAction *string   `json:"suggestedAction,omitempty"`
}

// Scan reads an exception from JSON.
func (e *ShipmentException) Scan(src any) error { return ScanJSON(src, e) }

// Proof is a proof of delivery as it is stored.
type Proof struct {
	SignedBy    *Restricted  `json:"signedBy,omitempty"`
	DeliveredAt time.Time    `json:"deliveredAt"`
	Document    *DocumentRef `json:"document,omitempty"`
}

// Scan reads a proof from JSON.
func (p *Proof) Scan(src any) error { return ScanJSON(src, p) }

// ProofOfDelivery is a proof of delivery with its link.
type ProofOfDelivery struct {
	SignedBy    *Restricted
	DeliveredAt time.Time
	Document    *DocumentLink
}

// Tracking is all a carrier says of one tracking number, or of what is known by other
// identifiers.
type Tracking struct {
	TrackingNumber string `json:"TrackingNumber"`
	// About are identifiers of what it is about, where there is no tracking number, most
	// precise first: the first by which there is a shipment counts.
	About      []Identifier    `json:"About"`
	Events     []ShipmentEvent `json:"Events"`
	Proof      *DocumentRef    `json:"Proof"`
	Provenance Provenance      `json:"Provenance"`
}

// Consignment is a parcel that a carrier is told of, to follow it.
type Consignment struct {
	ShipmentID     string
	TrackingNumber string
	Origin         *Location
	Destination    *Location
}
