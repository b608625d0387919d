package ports

import (
	"net"
	"testing"
)

func TestAnAddressIsGivenOnce(t *testing.T) {
	given := map[string]bool{}
	for range 500 {
		addr, err := Free()
		if err != nil {
			t.Fatal(err)
		}
		if given[addr] {
			t.Fatalf("%s is given twice", addr)
		}
		given[addr] = true
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatalf("nobody else may have it: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
