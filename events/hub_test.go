package events

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"

	"portico/trade"
)

func all(*trade.ShipmentChange) bool { return true }

func change(id string, before, after trade.ShipmentStatus) trade.ShipmentChange {
	return trade.ShipmentChange{ShipmentID: id, PreviousStatus: &before, Status: after}
}

func TestAFollowerGetsWhatItWantsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		ctx, cancel := context.WithCancel(t.Context())
		got := h.OfShipments.Follow(ctx, func(c *trade.ShipmentChange) bool { return c.ShipmentID != "b" })
		if !h.Listening() {
			t.Error("nobody follows")
		}
		h.Shipments([]trade.ShipmentChange{change("a", "", ""), change("b", "", ""), change("c", "", "")})
		for _, want := range []string{"a", "c"} {
			if c := <-got; c.ShipmentID != want {
				t.Errorf("got %s, want %s", c.ShipmentID, want)
			}
		}
		cancel()
		if _, open := <-got; open {
			t.Error("it goes on after its context")
		}
		synctest.Wait()
		if h.Listening() {
			t.Error("it follows on after its context")
		}
	})
}

func TestWhatChangesTwiceUnreadIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		got := h.OfShipments.Follow(t.Context(), all)
		h.Shipments([]trade.ShipmentChange{change("first", "", "")})
		synctest.Wait() // it is on its way out, and nobody reads
		h.Shipments([]trade.ShipmentChange{change("a", "PICKED_UP", "IN_TRANSIT"), change("b", "", "")})
		h.Shipments([]trade.ShipmentChange{change("a", "IN_TRANSIT", "DELIVERED")})
		<-got
		if a := <-got; a.ShipmentID != "a" || *a.PreviousStatus != "PICKED_UP" || a.Status != "DELIVERED" {
			t.Errorf("got %+v from %s", a, *a.PreviousStatus)
		}
		if b := <-got; b.ShipmentID != "b" {
			t.Errorf("got %+v", b)
		}
	})
}

func TestAFollowerThatDoesNotReadIsBoundedAndToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		slow, quick := h.OfShipments.Follow(t.Context(), all), h.OfShipments.Follow(t.Context(), all)
		read := 0
		go func() {
			for range quick {
				read++
			}
		}()
		for i := range 3 * maxPending {
			h.Shipments([]trade.ShipmentChange{change(strconv.Itoa(i), "", "")})
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if read != 3*maxPending {
			t.Errorf("the quick one got %d", read)
		}
		n := 0
		for range slow {
			n++
		}
		if n > maxPending+1 || n == 0 {
			t.Errorf("the slow one got %d and then the end, want at most %d", n, maxPending+1)
		}
	})
}
