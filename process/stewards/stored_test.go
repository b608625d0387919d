package stewards

import (
	"testing"

	"portico/process"
	"portico/test/stored"
)

func TestFlowStatesAreKeptAsTheReleaseBeforeKeepsThem(t *testing.T) {
	stored.Flows(t, map[string]func(t *testing.T){
		"correctWork": func(t *testing.T) { stored.Golden(t, "correctWork", stored.Of[correctWork]()) },
	})
}

func TestAKeyStandsForTheSameInputAsBefore(t *testing.T) {
	stored.Inputs(t, process.Fingerprint, map[string]any{
		"publishCodeMapping":        stored.Of[Publication](),
		"resolveMasterDataConflict": stored.Of[Verdict](),
	})
}
