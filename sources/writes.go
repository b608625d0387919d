package sources

import (
	"context"
	"fmt"
	"time"

	"portico/trade"
	"portico/trade/operating"
)

// Receipt is what a system answers to a document that it took.
type Receipt struct{ Number string }

// Writable is a system that takes writes.
//
// Every write is handed over under a key of ours, which is also the reference that it is
// found by. The same key yields the same receipt, as [trade.EffectGuarantee] says. What
// the system refuses fails with [Rejected] and its reason in words that may be shown.
type Writable interface {
	Adapter
	// Guarantee is what the system promises for a write that is repeated.
	Guarantee() operating.EffectGuarantee
	// ReceiptByKey tells what became of a write whose answer was lost. It fails with
	// [NotFound] when the system never took the key. It is not asked of a system that
	// promises [trade.AtMostOnce].
	ReceiptByKey(ctx context.Context, key string) (Receipt, error)
}

// OrderTaking is an ERP that takes customers' orders, and what becomes of them.
type OrderTaking interface {
	Writable
	// SubmitOrder hands a new order over.
	SubmitOrder(ctx context.Context, key string, draft trade.Draft) (Receipt, error)
	// ChangeOrder changes an order, all of it or nothing. It fails with [Rejected] once
	// what is to be changed is being picked.
	ChangeOrder(ctx context.Context, key string, change trade.OrderChange) (Receipt, error)
	// CancelOrder cancels what of an order has not left the warehouse. It fails with
	// [Rejected] when that is being picked.
	CancelOrder(ctx context.Context, key, number, reason string) (Receipt, error)
	// RequestReturn asks to send goods back; the receipt's number is the return's.
	RequestReturn(ctx context.Context, key string, draft trade.ReturnDraft) (Receipt, error)
}

// PurchaseConfirming is an ERP that takes what suppliers confirm of its purchase orders.
type PurchaseConfirming interface {
	Writable
	// ConfirmPurchase writes what a supplier confirmed, all of it or nothing. It fails
	// with [Rejected] where the purchase order was revised since, and with [ByHand] where
	// the system has no way for a program to write what was confirmed.
	ConfirmPurchase(ctx context.Context, key string, c trade.PurchaseConfirmation) (Receipt, error)
}

// SubmitOrder hands an order over to a source; see [OrderTaking].
func (s *Set) SubmitOrder(ctx context.Context, source, key string, d trade.Draft) (Receipt, error) {
	return taking(ctx, s, source, "submit", write,
		func(ctx context.Context, p OrderTaking) (Receipt, error) { return p.SubmitOrder(ctx, key, d) })
}

// ChangeOrder changes an order in a source.
func (s *Set) ChangeOrder(ctx context.Context, source, key string, c trade.OrderChange) (Receipt, error) {
	return taking(ctx, s, source, "change", write,
		func(ctx context.Context, p OrderTaking) (Receipt, error) { return p.ChangeOrder(ctx, key, c) })
}

// CancelOrder cancels an order in a source.
func (s *Set) CancelOrder(ctx context.Context, source, key, number, reason string) (Receipt, error) {
	return taking(ctx, s, source, "cancel", write, func(ctx context.Context, p OrderTaking) (Receipt, error) {
		return p.CancelOrder(ctx, key, number, reason)
	})
}

// RequestReturn asks a source for a return.
func (s *Set) RequestReturn(ctx context.Context, source, key string, d trade.ReturnDraft) (Receipt, error) {
	return taking(ctx, s, source, "return", write,
		func(ctx context.Context, p OrderTaking) (Receipt, error) { return p.RequestReturn(ctx, key, d) })
}

// DespatchTaking is an ERP that takes ship notices of suppliers, and makes shipments to
// receive of them.
type DespatchTaking interface {
	Writable
	// SubmitDespatch hands a ship notice over, all of it or nothing; the receipt's number is that
	// of the shipment to receive.
	SubmitDespatch(ctx context.Context, key string, a trade.DespatchDraft) (Receipt, error)
	// Unannounce withdraws the shipment with a number. It fails with [Rejected] once any of
	// it was received.
	Unannounce(ctx context.Context, key, shipment string) (Receipt, error)
}

// SubmitDespatch hands a ship notice to a source; see [AnnouncementTaking].
func (s *Set) SubmitDespatch(ctx context.Context, source, key string, a trade.DespatchDraft) (Receipt, error) {
	return taking(ctx, s, source, "announce", write,
		func(ctx context.Context, p DespatchTaking) (Receipt, error) { return p.SubmitDespatch(ctx, key, a) })
}

// Unannounce withdraws a ship notice from a source.
func (s *Set) Unannounce(ctx context.Context, source, key, shipment string) (Receipt, error) {
	return taking(ctx, s, source, "unannounce", write, func(ctx context.Context, p DespatchTaking) (Receipt, error) {
		return p.Unannounce(ctx, key, shipment)
	})
}

// LeadTimeTaking is an ERP that takes the lead times of suppliers.
type LeadTimeTaking interface {
	Writable
	// SetLeadTime sets the lead time that planning counts on, from now on. It fails with
	// [Rejected] where the supplier does not supply the item.
	SetLeadTime(ctx context.Context, key string, l trade.LeadTime) (Receipt, error)
}

// SetLeadTime sets a lead time in a source; see [LeadTimeTaking].
func (s *Set) SetLeadTime(ctx context.Context, source, key string, l trade.LeadTime) (Receipt, error) {
	return taking(ctx, s, source, "lead time", write,
		func(ctx context.Context, p LeadTimeTaking) (Receipt, error) { return p.SetLeadTime(ctx, key, l) })
}

// MasterDataTaking is a system that takes corrections of master data.
type MasterDataTaking interface {
	Writable
	// Correct sets one field of a record. It fails with [Rejected] where the record is not
	// known, says neither what it is said to say nor the value, or cannot say the value; and
	// with [ByHand] for a field that no program may write.
	Correct(ctx context.Context, key string, c operating.MasterDataChange) (Receipt, error)
}

// Correct corrects master data in a source; see [MasterDataTaking].
func (s *Set) Correct(ctx context.Context, source, key string, c operating.MasterDataChange) (Receipt, error) {
	return taking(ctx, s, source, "correct", write,
		func(ctx context.Context, p MasterDataTaking) (Receipt, error) { return p.Correct(ctx, key, c) })
}

// ConfirmPurchase writes to a source what a supplier confirmed; see [PurchaseConfirming].
func (s *Set) ConfirmPurchase(ctx context.Context, source, key string, c trade.PurchaseConfirmation) (Receipt, error) {
	return taking(ctx, s, source, "confirm", write, func(ctx context.Context, p PurchaseConfirming) (Receipt, error) {
		return p.ConfirmPurchase(ctx, key, c)
	})
}

// ReceiptByKey asks a source what became of a write.
func (s *Set) ReceiptByKey(ctx context.Context, source, key string) (Receipt, error) {
	return taking(ctx, s, source, "receipt", read, func(ctx context.Context, p Writable) (Receipt, error) { return p.ReceiptByKey(ctx, key) })
}

// guarding is [read] or [write].
type guarding = func(ctx context.Context, g *guarded, op string, call func(context.Context) (Receipt, error)) (Receipt, error)

func taking[P Writable](ctx context.Context, s *Set, source, op string, how guarding,
	call func(context.Context, P) (Receipt, error),
) (Receipt, error) {
	g := s.byName[source]
	if g == nil {
		return Receipt{}, Fail(Unavailable, "no such source")
	}
	p, ok := g.adapter.(P)
	if !ok {
		return Receipt{}, Fail(ByHand,
			"This system offers no interface for that. Do it there by hand, then settle this operation with its external reference.")
	}
	r, err := how(ctx, g, op, func(ctx context.Context) (Receipt, error) { return call(ctx, p) })
	if err != nil {
		return r, fmt.Errorf("%s to %s: %w", op, source, err)
	}
	return r, nil
}

// Guarantee is what the named source promises for a write that is repeated.
func (s *Set) Guarantee(source string) operating.EffectGuarantee {
	if g := s.byName[source]; g != nil {
		if p, ok := g.adapter.(Writable); ok {
			return p.Guarantee()
		}
	}
	return operating.ReadOnly
}

// Timeout is how long an answer of the named source is waited for.
func (s *Set) Timeout(source string) time.Duration {
	if g := s.byName[source]; g != nil {
		return g.limits.Timeout
	}
	return 0
}

// TakesOrders tells whether orders can be placed in the named source.
func (s *Set) TakesOrders(source string) bool {
	g := s.byName[source]
	if g == nil {
		return false
	}
	p, ok := g.adapter.(OrderTaking)
	return ok && p.Guarantee() != operating.ReadOnly
}
