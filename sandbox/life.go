package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (c *Company) sendBack(o *salesOrder, at time.Time, n int) {
	it := &o.Items[0]
	qty := max(1, it.QtyPod/4)
	if it.QtyPod < qty {
		return
	}
	c.docSeq["ra"]++
	ra := &returnOrder{
		RaNo: fmt.Sprintf("RA%06d", c.docSeq["ra"]), DocNo: o.DocNo, CustNo: o.SoldTo, Stat: strconv.Itoa(1 + n%6), CrtAt: c.local(at),
		Whs: "RTM", Rev: 1,
		Items: []returnItem{{DocPos: it.Pos, Qty: qty, UOM: it.UOM, Why: []string{"01", "03", "06"}[n%3], Txt: "See photo"}},
	}
	if ra.Stat >= "3" {
		d := c.newDispatch("R", at.Add(24*time.Hour))
		d.CustNo, d.RaNo, d.Orders = o.SoldTo, ra.RaNo, []string{o.DocNo}
		d.arriveAt(c.sites.get("RTM"))
		d.Parcels[0].Lines = []parcelLine{{Doc: o.DocNo, Pos: it.Pos, Qty: qty, UOM: it.UOM}}
		c.track(d, at.Add(24*time.Hour), 3)
	}
	if ra.Stat >= "4" {
		ra.Items[0].QtyGr = qty
		it.QtyRet += qty
	}
	if ra.Stat == "6" {
		c.credit(o, ra, at.AddDate(0, 0, 7))
	}
	c.returns.put(ra.RaNo, ra)
}

// Live lets the company live until ctx ends: about every four seconds,
// divided by the speed, something happens.
func (c *Company) Live(ctx context.Context) error {
	for {
		c.mu.RLock()
		speed := c.speed
		c.mu.RUnlock()
		wait := time.Hour
		if speed > 0 {
			wait = time.Duration(float64(4*time.Second) / speed)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
			continue
		case <-time.After(wait):
		}
		if speed > 0 {
			if err := c.Tick(); err != nil {
				return err
			}
		}
	}
}

// Tick lets the next things happen: a parcel moves and stock changes each
// time, and by turns orders arrive, are sent, and goods are bought and come in.
func (c *Company) Tick() error {
	c.mu.RLock()
	n := c.journal.seq
	todo := []effect{{Do: "stock", N: n}}
	if t := c.nextTracker(n); t != "" {
		todo = append(todo, effect{Do: "track", Key: t})
	}
	switch n / 2 % 5 {
	case 0:
		todo = append(todo, effect{Do: "order", N: n})
	case 1, 3:
		if o := c.nextOrder(n); o != "" {
			todo = append(todo, effect{Do: "ship", Key: o})
		}
	case 2:
		todo = append(todo, effect{Do: "purchase", N: n})
	case 4:
		if p := c.nextPurchase(n); p != "" {
			todo = append(todo, effect{Do: "receive", Key: p})
		}
	}
	if ra := c.nextReturn(); ra != "" {
		todo = append(todo, effect{Do: "returnStep", Key: ra})
	}
	c.mu.RUnlock()
	for _, e := range todo {
		if err := c.do(e); err != nil {
			return err
		}
	}
	return nil
}

// nextTracker is the parcel to move: every other time one that somebody
// registered, if there is any.
func (c *Company) nextTracker(n int) string {
	if n/2%2 == 0 {
		for _, k := range c.registered {
			if len(c.trackers.get(k).History) < len(journey) {
				return k
			}
		}
	}
	for i := range len(c.trackers.keys) {
		k := c.trackers.keys[(len(c.trackers.keys)-1-i+n*7)%len(c.trackers.keys)]
		if t := c.trackers.rows[k]; len(t.History) < len(journey) && t.dlvNo != "" && c.dispatch.get(t.dlvNo).Kind == "O" {
			return k
		}
	}
	return ""
}

func (c *Company) nextOrder(n int) string {
	for i := range len(c.orders.keys) {
		k := c.orders.keys[(i+n)%len(c.orders.keys)]
		o := c.orders.rows[k]
		if len(o.Holds) == 0 && slices.ContainsFunc(o.Items, func(it orderItem) bool { return it.QtyAll > 0 }) {
			return k
		}
	}
	return ""
}

// nextReturn is a return to go on with, of those that were asked for from outside.
func (c *Company) nextReturn() string {
	for _, k := range c.returns.keys {
		if ra := c.returns.rows[k]; ra.ExtRef != "" && ra.Stat < "6" {
			return k
		}
	}
	return ""
}

func (c *Company) nextPurchase(n int) string {
	for i := range len(c.purchases.keys) {
		k := c.purchases.keys[(i+n)%len(c.purchases.keys)]
		if strings.Contains("CP", c.purchases.rows[k].Stat) { //nolint:gocritic // one letter of these
			return k
		}
	}
	return ""
}
