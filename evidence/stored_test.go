package evidence

import (
	"testing"

	"portico/test/stored"
)

func TestABundleIsReadByTheReleaseBefore(t *testing.T) {
	stored.Golden(t, "bundle", stored.Of[Bundle]())
}
