package trade

import "time"

// OrderPromise is when a quantity could be shipped and delivered, and why then.
type OrderPromise struct {
	ItemID     string          `json:"ItemID"`
	Requested  Quantity        `json:"Requested"`
	Lines      []PromiseLine   `json:"Lines"`
	Unpromised Quantity        `json:"Unpromised"`
	Reasons    []PromiseReason `json:"Reasons"`
	ExpiresAt  time.Time       `json:"ExpiresAt"`
}

// PromiseLine is one part of a promise. SubstituteID is the item that would come
// instead, or empty.
type PromiseLine struct {
	Quantity             Quantity        `json:"Quantity"`
	WarehouseID          string          `json:"WarehouseID"`
	PromisedShipDate     Date            `json:"PromisedShipDate"`
	PromisedDeliveryDate Date            `json:"PromisedDeliveryDate"`
	Certainty            SupplyCertainty `json:"Certainty"`
	SubstituteID         string          `json:"SubstituteID"`
}

// PromiseReason is a fact behind a promise.
type PromiseReason struct {
	Code       PromiseReasonCode `json:"Code"`
	Message    string            `json:"Message"`
	Date       *Date             `json:"Date"`
	Quantity   *Quantity         `json:"Quantity"`
	Provenance *Provenance       `json:"Provenance"`
}

// PromiseReasonCode is a kind of fact behind a promise.
type PromiseReasonCode string

// Kinds of facts behind a promise.
const (
	ByStock         PromiseReasonCode = "ON_HAND"
	ByAllocation    PromiseReasonCode = "ALLOCATED_ELSEWHERE"
	BySafetyStock   PromiseReasonCode = "SAFETY_STOCK"
	ByInbound       PromiseReasonCode = "INBOUND_PO"
	ByLateInbound   PromiseReasonCode = "INBOUND_LATE"
	ByCutoff        PromiseReasonCode = "CUTOFF_MISSED"
	ByNonWorkingDay PromiseReasonCode = "NON_WORKING_DAY"
	ByTransit       PromiseReasonCode = "TRANSIT_TIME"
	ByCreditHold    PromiseReasonCode = "CREDIT_HOLD"
	ByMinimum       PromiseReasonCode = "MINIMUM_QUANTITY"
	ByMultiple      PromiseReasonCode = "MULTIPLE_ROUNDING"
	BySubstitution  PromiseReasonCode = "SUBSTITUTION"
	ByStaleSource   PromiseReasonCode = "STALE_SOURCE"
)
