package store

import (
	"testing"

	"portico/test/stored"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/ordering"
	"portico/trade/procurement"
)

// TestColumnsAreWrittenAsTheReleaseBeforeWritesThem holds what is kept whole in a column, and read back, to
// its golden file.
func TestColumnsAreWrittenAsTheReleaseBeforeWritesThem(t *testing.T) {
	refusals := []any{
		&trade.Forbidden{}, &trade.InvalidInput{}, &trade.PriceChanged{}, &trade.InsufficientAvailability{},
		&trade.CreditBlocked{},
	}
	stored.Golden(t, "operation-failure", stored.Of[trade.OperationFailure]())
	stored.Golden(t, "operation-awaiting", stored.Of[trade.AwaitedDecision](refusals...))
	stored.Golden(t, "delivery-change", stored.Of[trade.Change]())
	stored.Golden(t, "delivery-body", stored.Of[operating.WebhookBody]())
	stored.Golden(t, "delivery-attempts", stored.Of[[]operating.DeliveryAttempt]())
	stored.Golden(t, "partner-channels", stored.Of[[]procurement.PartnerChannel]())
	stored.Golden(t, "partner-test", stored.Of[procurement.PartnerTest]())
	stored.Golden(t, "deviation-review", stored.Of[trade.CommitmentReview]())
	stored.Golden(t, "deviation-counter", stored.Of[trade.CounterProposal]())
	stored.Golden(t, "order-holds", stored.Of[[]trade.OrderHold]())
	stored.Golden(t, "code-meanings", stored.Of[map[string]operating.CodeMeaning]())
	stored.Golden(t, "spending-exceeded", stored.Of[ordering.SpendingLimit]())
	stored.Golden(t, "signed-request", stored.Of[procurement.SignedRequest]())
	stored.Golden(t, "address", stored.Of[trade.Address]())
	stored.Golden(t, "location", stored.Of[trade.Location]())
	stored.Golden(t, "delivery-terms", stored.Of[trade.DeliveryTerms]())
	stored.Golden(t, "payment-terms", stored.Of[trade.PaymentTerms]())
	stored.Golden(t, "raw-code", stored.Of[trade.RawCode]())
	stored.Golden(t, "document-ref", stored.Of[trade.DocumentRef]())
	stored.Golden(t, "identifier", stored.Of[trade.Identifier]())
	stored.Golden(t, "item-attribute", stored.Of[trade.ItemAttribute]())
	stored.Golden(t, "item-document", stored.Of[trade.ItemDocumentRef]())
	stored.Golden(t, "shipment-eta", stored.Of[trade.Eta]())
	stored.Golden(t, "shipment-exception", stored.Of[trade.ShipmentException]())
	stored.Golden(t, "shipment-proof", stored.Of[trade.Proof]())
	stored.Golden(t, "cursor", stored.Of[cursor]())
}

// TestRecordsAreSavedUnderTheSameNames holds the documents that statements read to their golden files.
func TestRecordsAreSavedUnderTheSameNames(t *testing.T) {
	stored.Same(t, "saved-warehouse", stored.Of[trade.Warehouse]())
	stored.Same(t, "saved-category", stored.Of[trade.Category]())
	stored.Same(t, "saved-supplier", stored.Of[procurement.TradingPartner]())
	stored.Same(t, "saved-account", stored.Of[trade.Account]())
	stored.Same(t, "saved-calendar", stored.Of[trade.Calendar]())
	stored.Same(t, "saved-credit", stored.Of[trade.CreditPosition]())
	stored.Same(t, "saved-item", stored.Of[trade.Item]())
	stored.Same(t, "saved-contract", stored.Of[trade.Contract]())
	stored.Same(t, "saved-stock", stored.Of[trade.Stock]())
	stored.Same(t, "saved-order", stored.Of[trade.Order]())
	stored.Same(t, "saved-purchase-order", stored.Of[trade.PurchaseOrder]())
	stored.Same(t, "saved-shipment", stored.Of[trade.Shipment]())
	stored.Same(t, "saved-invoice", stored.Of[trade.Invoice]())
	stored.Same(t, "saved-return", stored.Of[trade.Return]())
	stored.Same(t, "saved-tracking", stored.Of[trade.Tracking]())
}
