package trade

import (
	"cmp"
	"slices"
	"time"
)

// Shipment is goods on their way: to a customer, from a supplier, back, or
// between warehouses. Its status is derived from all its events by rule.
type Shipment struct {
	ID             string
	Number         string
	Direction      Direction
	Mode           TransportMode
	Carrier        *Carrier
	References     []Identifier
	Status         ShipmentStatus
	Origin         *Location
	Destination    *Location
	AccountRef     Ref
	SupplierRef    Ref
	TrackingNumber string
	CreatedAt      time.Time
	Eta            *Eta
	Exception      *ShipmentException
	Proof          *Proof
	Provenance     Provenance
	// PackagesKnown are set on a shipment as a source tells it, and OrderKeys,
	// PurchaseOrderKeys and ReturnKey name the documents it belongs to.
	PackagesKnown     []Package
	OrderKeys         []string
	PurchaseOrderKeys []string
	ReturnKey         string
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

// Final tells whether a status does not go back, whatever late news arrives.
func (s ShipmentStatus) Final() bool {
	return s == Delivered || s == Returned || s == ShipmentCancelled
}

// Package is a package of a shipment.
type Package struct {
	Number         int // place in the shipment, from 1
	TrackingNumber *string
	SSCC           *string
	Status         ShipmentStatus
	Weight         *Quantity
	ShipmentID     string
	// LinesKnown are set on a package as a source tells it.
	LinesKnown []PackageLine
}

// PackageLine is content of a package: a line of a customer order or of a
// purchase order, by its document's number and its line number.
type PackageLine struct {
	DocumentKey         string
	LineNumber          string
	OrderLineID         string
	PurchaseOrderLineID string
	Quantity            Quantity
	Received            *Quantity // in good order; nil until it was received
	Damaged             *Quantity // nil until it was received
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
	ID            string
	ShipmentID    string
	Key           string // the source's own id of it
	Milestone     Milestone
	Classifier    EventClassifier
	Status        ShipmentStatus
	OccurredAt    time.Time
	OffsetKnown   bool
	RecordedAt    *time.Time
	ReceivedAt    time.Time
	Location      *Location
	Reason        *RawCode
	Raw           RawCode
	PackageNumber *int
	Late          bool
	Estimate      *time.Time  // of arrival, where the event gives one
	SignedBy      *Restricted // who signed, on delivery
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

// Tracking is all a carrier says of one tracking number.
type Tracking struct {
	TrackingNumber string
	Events         []ShipmentEvent
	Proof          *DocumentRef
	Provenance     Provenance
}

// Consignment is a parcel that a carrier is told of, to follow it.
type Consignment struct {
	ShipmentID     string
	TrackingNumber string
	Origin         *Location
	Destination    *Location
}

// StatusOf derives a shipment's status from all its events, in any order: the
// latest actual event decides, but a final status does not go back, and
// estimates and plans move no status.
func StatusOf(events []ShipmentEvent) ShipmentStatus {
	status := ShipmentUnknown
	for _, e := range chronological(events) {
		if e.Classifier != Actual || e.Status == ShipmentUnknown || status.Final() {
			continue
		}
		status = e.Status
	}
	return status
}

// EtaOf is the latest estimate of arrival among events, by when it was given.
func EtaOf(events []ShipmentEvent) *Eta {
	var eta *Eta
	for _, e := range chronological(events) {
		if e.Estimate == nil {
			continue
		}
		issued := e.ReceivedAt
		if e.RecordedAt != nil {
			issued = *e.RecordedAt
		}
		if eta == nil || !issued.Before(eta.IssuedAt) {
			eta = &Eta{At: *e.Estimate, Basis: CarrierEta, IssuedAt: issued}
		}
	}
	return eta
}

// ExceptionOf is the problem that events report last, or nil when a later
// actual event shows that it was solved.
func ExceptionOf(events []ShipmentEvent) *ShipmentException {
	var problem *ShipmentException
	for _, e := range chronological(events) {
		switch {
		case e.Classifier != Actual:
		case e.Status == ShipmentInException || e.Status == DeliveryAttempted || e.Status == ShipmentDelayed:
			message := string(e.Status)
			if e.Raw.Text != nil {
				message = *e.Raw.Text
			}
			problem = &ShipmentException{Reason: e.Reason, Message: message, Since: e.OccurredAt}
		default:
			problem = nil
		}
	}
	return problem
}

// ProofOf is the proof of delivery among events, or nil before delivery.
func ProofOf(events []ShipmentEvent, document *DocumentRef) *Proof {
	for _, e := range chronological(events) {
		if e.Classifier == Actual && e.Status == Delivered {
			return &Proof{SignedBy: e.SignedBy, DeliveredAt: e.OccurredAt, Document: document}
		}
	}
	return nil
}

func chronological(events []ShipmentEvent) []ShipmentEvent {
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b ShipmentEvent) int {
		return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(a.Key, b.Key))
	})
	return sorted
}
