package orders

import (
	"testing"

	"portico/process"
	"portico/test/stored"
	"portico/trade"
	"portico/trade/ordering"
)

func TestFlowStatesAreKeptAsTheReleaseBeforeKeepsThem(t *testing.T) {
	stored.Flows(t, map[string]func(t *testing.T){
		"submitWork": func(t *testing.T) { stored.Golden(t, "submitWork", stored.Of[submitWork]()) },
		"amendWork":  func(t *testing.T) { stored.Golden(t, "amendWork", stored.Of[amendWork]()) },
		"cancelWork": func(t *testing.T) { stored.Golden(t, "cancelWork", stored.Of[cancelWork]()) },
		"returnWork": func(t *testing.T) { stored.Golden(t, "returnWork", stored.Of[returnWork]()) },
	})
}

// keptRefusals are all that are kept with an operation.
var keptRefusals = []any{
	&trade.Forbidden{}, &trade.IdempotencyConflict{}, &trade.InvalidInput{}, &trade.PriceChanged{}, &trade.InsufficientAvailability{},
	&trade.CreditBlocked{}, &trade.SourceUnavailable{},
}

func TestResultsOfABatchAreKeptAsTheReleaseBeforeKeepsThem(t *testing.T) {
	stored.Golden(t, "batch", stored.Of[[]keptResult](keptRefusals...))
}

func TestAKeyStandsForTheSameInputAsBefore(t *testing.T) {
	stored.Inputs(t, process.Fingerprint, map[string]any{
		"submitOrder":        stored.Of[*ordering.OrderRequest](),
		"submitOrders":       stored.Of[batchInput](),
		"amendOrder":         stored.Of[*Amendment](),
		"cancelOrder":        stored.Of[Cancellation](),
		"approveOrder":       stored.Of[Decision](),
		"rejectOrder":        stored.Of[Decision](),
		"acceptOrderChanges": stored.Of[Decision](),
		"requestReturn":      stored.Of[*ReturnRequest](),
	})
}
