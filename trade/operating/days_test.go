package operating

import (
	"testing"
	"time"
)

// TestADeliveryIsRetriedAfterEachPauseOnce counts a webhook's attempts to the last one.
func TestADeliveryIsRetriedAfterEachPauseOnce(t *testing.T) {
	whole, before := time.Duration(0), time.Duration(0)
	for failures := 1; failures <= 10; failures++ {
		after, ok := WebhookRetry(failures)
		if !ok || after < before {
			t.Errorf("after failure %d: %v, %v; want a pause no shorter than %v", failures, after, ok, before)
		}
		whole, before = whole+after, after
	}
	if after, ok := WebhookRetry(11); ok {
		t.Errorf("it is not given up, but sent after %v", after)
	}
	if days := whole.Hours() / 24; days < 3 || days > 3.5 {
		t.Errorf("it is tried for %.1f days, want three", days)
	}
}
