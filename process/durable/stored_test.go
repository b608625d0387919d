package durable

import (
	"testing"

	"portico/test/stored"
)

func TestAJobIsReadByTheReleaseBefore(t *testing.T) {
	stored.Golden(t, "job", stored.Of[job]())
}
