package auth

import (
	"testing"

	"portico/test/stored"
)

func TestAStandingIsReadByTheReleaseBefore(t *testing.T) {
	stored.Golden(t, "standing", stored.Of[Standing]())
}
