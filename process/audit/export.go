package audit

import (
	"context"
	"errors"
	"time"

	"portico/evidence"
	"portico/evidence/signatures"
	"portico/store"
	"portico/store/ledger"
	"portico/store/records"
	"portico/trade"
	"portico/trade/clock"
)

// ErrNone tells that there is no such purchase order.
var ErrNone = errors.New("there is no such purchase order")

// appendedWithin is how long an export waits for the audit log to be sealed.
const appendedWithin = 10 * time.Second

// Export collects the evidence about a purchase order, by its id or number. The folder is
// that of the audit log, and now is when it is exported.
func Export(ctx context.Context, st *store.Store, folder, purchaseOrder string, now func() time.Time) (*evidence.Bundle, error) {
	scope := trade.OperatorScope(nil)
	for waited := clock.Start(); ; {
		b, err := export(ctx, st, scope, folder, purchaseOrder, now())
		if !errors.Is(err, ErrNotAppended) || waited.Elapsed() > appendedWithin {
			return b, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func export(ctx context.Context, st *store.Store, scope trade.Scope, folder, named string, at time.Time) (*evidence.Bundle, error) {
	order, err := find(ctx, st, scope, named)
	if err != nil {
		return nil, err
	}
	b := &evidence.Bundle{
		Version: evidence.Version, ExportedAt: at.UTC().Truncate(time.Second),
		PurchaseOrder: evidence.PurchaseOrder{ID: order.ID, Number: order.Number},
	}
	supplier, err := ledger.Partners(ctx, st, scope, []string{order.SupplierRef.ID})
	if err != nil {
		return nil, err
	}
	if p := supplier[order.SupplierRef.ID]; p != nil {
		b.PurchaseOrder.Supplier = p.Code
	}
	if err := addMessages(ctx, b, st, scope); err != nil {
		return nil, err
	}
	keys, err := ledger.KeysOfPartners(ctx, st, scope, []string{order.SupplierRef.ID})
	if err != nil {
		return nil, err
	}
	for _, k := range keys[order.SupplierRef.ID] {
		text, err := signatures.PublicPEM(k.Public)
		if err != nil {
			return nil, err
		}
		b.Keys = append(b.Keys, evidence.Key{
			ID: k.ID, PublicKey: text, Fingerprint: k.Fingerprint, VerifiedAt: k.VerifiedAt,
			ValidFrom: k.ValidFrom, RevokedAt: k.RevokedAt,
		})
	}
	own, err := ledger.ReceiptKeys(ctx, st)
	if err != nil {
		return nil, err
	}
	for _, k := range own {
		text, err := signatures.PublicPEM(k.PublicKey)
		if err != nil {
			return nil, err
		}
		b.ReceiptKeys = append(b.ReceiptKeys, evidence.ReceiptKey{ID: k.ID, PublicKey: text})
	}
	return b, addLog(ctx, b, st, scope, folder, order.SupplierRef.ID)
}

func find(ctx context.Context, st *store.Store, scope trade.Scope, named string) (*trade.PurchaseOrder, error) {
	for _, read := range []func(context.Context, *store.Store, trade.Scope, []string) (map[string]*trade.PurchaseOrder,
		error){records.PurchaseOrders, records.PurchaseOrdersByNumber} {
		found, err := read(ctx, st, scope, []string{named})
		if err != nil || found[named] != nil {
			return found[named], err
		}
	}
	return nil, ErrNone
}

func addMessages(ctx context.Context, b *evidence.Bundle, st *store.Store, scope trade.Scope) error {
	about, err := ledger.MessagesAbout(ctx, st, scope, []string{b.PurchaseOrder.ID})
	if err != nil {
		return err
	}
	all := about[b.PurchaseOrder.ID]
	ids := make([]string, len(all))
	for i, m := range all {
		ids[i] = m.ID
	}
	receipts, err := ledger.Receipts(ctx, st, scope, ids)
	if err != nil {
		return err
	}
	for _, m := range all {
		out := evidence.Message{
			ID: m.ID, Document: string(m.Document), ArrivedAt: m.At.UTC(), Digest: m.Digest, Body: m.Body, Request: m.Request,
			SignatureBase: m.Base, Signature: m.Signature, Key: m.KeyID,
			Canonical: m.Canonical, DocumentSignature: m.DocumentSignature,
		}
		for _, r := range receipts[m.ID] {
			out.Receipts = append(out.Receipts,
				evidence.Receipt{Kind: string(r.Kind), Outcome: string(r.Outcome), IssuedAt: r.IssuedAt.UTC(), Signature: r.Signature})
		}
		b.Messages = append(b.Messages, out)
	}
	return nil
}

func addLog(ctx context.Context, b *evidence.Bundle, st *store.Store, scope trade.Scope, folder, supplier string) error {
	leaves, err := ledger.PartnerLeaves(ctx, st, scope, supplier, b.PurchaseOrder.ID)
	if err != nil {
		return err
	}
	indexes := make([]int64, len(leaves))
	for i, l := range leaves {
		if l.Index < 0 {
			return ErrNotAppended
		}
		indexes[i] = l.Index
	}
	proofs, err := Prove(ctx, st, folder, indexes)
	if err != nil {
		return err
	}
	b.Log = evidence.Log{Head: proofs.Head, Key: proofs.Key}
	for i, l := range leaves {
		b.Log.Entries = append(b.Log.Entries, evidence.Entry{Index: l.Index, Text: l.Text, Path: proofs.Paths[i]})
	}
	return nil
}
