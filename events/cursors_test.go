package events

import (
	"testing"

	"portico/trade"
)

func TestACursorOpensForWhoGotIt(t *testing.T) {
	keys := [][]byte{[]byte("first")}
	c := NewCursors(func() [][]byte { return keys })
	mine := trade.CustomerScope([]trade.Ref{{ID: "acc_1"}, {ID: "acc_2"}}, []string{"shipment:read"})
	place := trade.Place{Transaction: 1 << 40, Seq: 7}
	cursor := c.Sign(trade.OfShipments, mine, place)
	if got, ok := c.Open(trade.OfShipments, mine, cursor); !ok || got != place {
		t.Errorf("got %v, %v", got, ok)
	}
	keys = [][]byte{[]byte("second"), []byte("first")}
	same := trade.CustomerScope([]trade.Ref{{ID: "acc_2"}, {ID: "acc_1"}}, []string{"order:read", "shipment:read"})
	if got, ok := c.Open(trade.OfShipments, same, cursor); !ok || got != place {
		t.Errorf("after a rotation, with other rights: %v, %v", got, ok)
	}
	for name, open := range map[string]func() (trade.Place, bool){
		"another stream": func() (trade.Place, bool) { return c.Open(trade.OfOperations, mine, cursor) },
		"another account": func() (trade.Place, bool) {
			return c.Open(trade.OfShipments, trade.CustomerScope([]trade.Ref{{ID: "acc_1"}}, nil), cursor)
		},
		"an operator": func() (trade.Place, bool) { return c.Open(trade.OfShipments, trade.OperatorScope(nil), cursor) },
		"edited":      func() (trade.Place, bool) { return c.Open(trade.OfShipments, mine, "B"+cursor[1:]) },
		"shorter":     func() (trade.Place, bool) { return c.Open(trade.OfShipments, mine, cursor[:len(cursor)-4]) },
		"nothing":     func() (trade.Place, bool) { return c.Open(trade.OfShipments, mine, "") },
	} {
		if got, ok := open(); ok {
			t.Errorf("%s opens it: %v", name, got)
		}
	}
	keys = keys[:1]
	if _, ok := c.Open(trade.OfShipments, mine, cursor); ok {
		t.Error("a key that is gone opens it")
	}
}
