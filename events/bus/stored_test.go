package bus

import (
	"testing"

	"portico/test/stored"
)

func TestAMessageIsReadByTheReleaseBefore(t *testing.T) {
	stored.Golden(t, "message", stored.Of[message]())
}
