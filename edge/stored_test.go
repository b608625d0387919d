package edge

import (
	"testing"

	"portico/test/stored"
)

func TestATicketIsReadByTheReleaseBefore(t *testing.T) {
	stored.Golden(t, "ticket", stored.Of[ticketed]())
}
