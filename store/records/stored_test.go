package records

import (
	"testing"

	"portico/test/stored"
)

func TestIdentitiesAreKeptAsTheReleaseBeforeKeepsThem(t *testing.T) {
	stored.Golden(t, "user-identity", stored.Of[identityOf]())
}
