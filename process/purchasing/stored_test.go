package purchasing

import (
	"testing"

	"portico/process"
	"portico/test/stored"
	"portico/trade"
	"portico/trade/procurement"
)

func TestFlowStatesAreKeptAsTheReleaseBeforeKeepsThem(t *testing.T) {
	stored.Flows(t, map[string]func(t *testing.T){
		"respondWork":  func(t *testing.T) { stored.Golden(t, "respondWork", stored.Of[respondWork]()) },
		"despatchWork": func(t *testing.T) { stored.Golden(t, "despatchWork", stored.Of[despatchWork]()) },
		"leadTimeWork": func(t *testing.T) { stored.Golden(t, "leadTimeWork", stored.Of[leadTimeWork]()) },
	})
}

func TestAKeyStandsForTheSameInputAsBefore(t *testing.T) {
	stored.Inputs(t, process.Fingerprint, map[string]any{
		"respondToPurchaseOrder": stored.Of[*trade.ResponseRequest](),
		"submitDespatchAdvice":   stored.Of[*trade.DespatchRequest](),
		"cancelDespatchAdvice":   stored.Of[Withdrawal](),
		"changeLeadTime":         stored.Of[*trade.LeadTimeRequest](),
		"decideDeviation":        stored.Of[DeviationDecision](),
		"saveToleranceProfile":   stored.Of[trade.ToleranceProfile](),
		"registerPartner":        stored.Of[procurement.TradingPartner](),
		"updatePartner":          stored.Of[PartnerChange](),
		"advanceOnboarding":      []any{"par_1", stored.Of[procurement.OnboardingStage](), stored.Of[*string]()},
		"rotatePartnerKey":       stored.Of[NewKey](),
		"provePartnerKey":        []string{"key_1", "signature"},
		"revokePartnerKey":       []string{"key_1", "reason"},
		"reportException":        stored.Of[Report](),
	})
}
