package operating

import (
	"testing"

	"portico/trade"
)

// TestEveryEntryOfATimelineHasText has every kind of operation and decision say something.
//
// Cases: H11
func TestEveryEntryOfATimelineHasText(t *testing.T) {
	for _, what := range []trade.OperationKind{
		trade.SubmitOrder, trade.AmendOrder, trade.CancelOrder, trade.RequestReturn, trade.Respond, trade.SubmitDespatch, trade.Unannounce,
		trade.SetLeadTime, trade.Correct,
	} {
		e := TimelineEntry{Kind: RequestEntry}
		if e.Say(string(what), "", ""); e.Message == "" || e.Message == words(string(what))+"." {
			t.Errorf("a request of kind %s: %q", what, e.Message)
		}
	}
	for _, action := range []string{
		"order.approve", "order.reject", "order.accept", "deviation.accept", "deviation.reject", "deviation.counter",
	} {
		e := TimelineEntry{Kind: DecisionEntry}
		if e.Say(action, "", ""); e.Message == "" || e.Message == action+"." {
			t.Errorf("the decision %s: %q", action, e.Message)
		}
	}
	e := TimelineEntry{Kind: RequestEntry}
	if e.Say("SOMETHING_NEW", "", ""); e.Message != "something new." {
		t.Errorf("a kind without a sentence: %q", e.Message)
	}
	e = TimelineEntry{Kind: MessageInEntry}
	if e.Say("revision", "3", ""); e.Message != "The buyer published revision 3: it says what the one before said." {
		t.Errorf("a revision without a change: %q", e.Message)
	}
}
