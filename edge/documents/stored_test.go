package documents

import (
	"testing"

	"portico/test/stored"
)

func TestALinkIsReadByTheReleaseBefore(t *testing.T) {
	stored.Golden(t, "link", stored.Of[signedLink]())
}
