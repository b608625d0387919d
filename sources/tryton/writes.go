package tryton

import (
	"context"
	"errors"
	"strings"

	"portico/sources"
	"portico/sources/tryton/rpc"
	"portico/trade"
	"portico/trade/operating"
)

// Tryton has no reference that is unique: a sale carries ours as its description, and is
// looked for by it before one is made. Buttons in the wrong state do nothing and say
// nothing, so that states are read before and after each. One write is made at a time,
// because confirming locks whole tables where a customer has a credit limit.

// ours begins every reference of ours.
const ours = "PORTICO-"

type values = map[string]any

// taken is a sale as a write of it needs it.
type taken struct {
	row
	numbered
	State       string  `json:"state"`
	Description *string `json:"description"`
}

// Guarantee is that a write is found by our reference.
func (*ERP) Guarantee() operating.EffectGuarantee { return operating.ReferenceSearchable }

// SubmitOrder makes a sale, and lets it be quoted and confirmed. It goes on with one that
// an earlier attempt has made.
func (e *ERP) SubmitOrder(ctx context.Context, key string, d trade.Draft) (sources.Receipt, error) {
	defer e.lockWrites()()
	if d.ShipToAddress != nil {
		return sources.Receipt{}, sources.Fail(sources.Rejected, "The ERP ships to the account's locations alone.")
	}
	return e.sell(ctx, key, func() (values, error) { return e.saleOf(ctx, key, d) })
}

// sell confirms the sale with a reference of ours, and makes it where no earlier attempt has.
func (e *ERP) sell(ctx context.Context, key string, sale func() (values, error)) (sources.Receipt, error) {
	s, err := made(ctx, e, "sale.sale", func() (*taken, error) { return e.byReference(ctx, key) }, sale)
	if err != nil {
		return sources.Receipt{}, err
	}
	return e.confirmed(ctx, s)
}

// made is a row that is found, or else made.
func made[R any](ctx context.Context, e *ERP, model string, find func() (*R, error), build func() (values, error)) (*R, error) {
	r, err := find()
	if err != nil || r != nil {
		return r, err
	}
	row, err := build()
	if err != nil {
		return nil, err
	}
	if err := e.client.Call(ctx, "model."+model+".create", []any{[]values{row}}, nil, nil); err != nil {
		return nil, shown(err)
	}
	// Another attempt, given up for lost, may have made one too: the first counts.
	if r, err = find(); err != nil || r == nil {
		return nil, cmpError(err, sources.Fail(sources.Uncertain, "what was made is not to be found"))
	}
	return r, nil
}

// press presses a button for rows, unless there are none.
func (e *ERP) press(ctx context.Context, model, button string, ids ...int) error {
	if len(ids) == 0 {
		return nil
	}
	return shown(e.client.Call(ctx, "model."+model+"."+button, []any{ids}, nil, nil))
}

func cmpError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// lockWrites lets one write be made at a time.
func (e *ERP) lockWrites() (unlock func()) {
	e.writing.Lock()
	return e.writing.Unlock
}

// byReference is the sale with a reference of ours, and nil where there is none. Of
// several, which attempts made that crossed each other, the first counts, and the others
// are removed while they are drafts.
func (e *ERP) byReference(ctx context.Context, key string) (*taken, error) {
	all, err := search[taken](ctx, e, "sale.sale", []any{where("description", "=", key)}, 0, nil)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var late []int
	for _, s := range all[1:] {
		if s.State == "draft" {
			late = append(late, s.ID)
		}
	}
	if late != nil {
		err = e.client.Call(ctx, "model.sale.sale.delete", []any{late}, nil, nil)
	}
	return &all[0], err
}

// read is a sale as it is now.
func (e *ERP) read(ctx context.Context, id int) (*taken, error) {
	return first[taken](ctx, e, "sale.sale", []any{where("id", "=", id)}, sources.Fail(sources.NotFound, "no such sale"))
}

// confirmed presses a sale's buttons until it is confirmed and processed.
func (e *ERP) confirmed(ctx context.Context, s *taken) (sources.Receipt, error) {
	for _, step := range []struct{ from, button string }{{"draft", "quote"}, {"quotation", "confirm"}, {"confirmed", "process"}} {
		if s.State != step.from {
			continue
		}
		err := e.client.Call(ctx, "model.sale.sale."+step.button, []any{[]int{s.ID}}, nil, nil)
		if step.button == "process" && sources.KindOf(err) == sources.Rejected {
			break // it may not be ours to press; what is confirmed stays so, and is told as held
		}
		if sources.KindOf(err) == sources.Rejected {
			return sources.Receipt{}, errors.Join(shown(err), e.remove(ctx, s.ID))
		}
		if err != nil {
			return sources.Receipt{}, err
		}
		if s, err = e.read(ctx, s.ID); err != nil {
			return sources.Receipt{}, err
		}
	}
	switch s.State {
	case "confirmed", "processing", "done":
		return sources.Receipt{Number: s.number()}, nil
	case "cancelled":
		return sources.Receipt{}, sources.Fail(sources.Rejected, "The ERP has cancelled it.")
	}
	return sources.Receipt{}, sources.Fail(sources.Unavailable, "a button did nothing")
}

// remove takes a sale back that a rule refused: nothing of it is left behind.
func (e *ERP) remove(ctx context.Context, sale int) error {
	for _, method := range []string{"cancel", "delete"} {
		if err := e.client.Call(ctx, "model.sale.sale."+method, []any{[]int{sale}}, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// ReceiptByKey looks a reference up. What is not confirmed yet is not taken: who submits
// it again goes on with it.
func (e *ERP) ReceiptByKey(ctx context.Context, key string) (sources.Receipt, error) {
	changes, err := search[amendment](ctx, e, "sale.amendment", []any{where("description", "=", key)}, 0, nil)
	if err != nil {
		return sources.Receipt{}, err
	}
	for _, c := range changes {
		if c.State == "validated" {
			return sources.Receipt{Number: c.Sale.number()}, nil
		}
	}
	s, err := e.byReference(ctx, key)
	if err != nil {
		return sources.Receipt{}, err
	}
	if s == nil || s.State == "draft" || s.State == "quotation" {
		return sources.Receipt{}, sources.Fail(sources.NotFound, "no such reference")
	}
	return e.confirmed(ctx, s)
}

// shown tells the words of a rule of Tryton's that refused something: they are made for
// people, and are about what was asked.
func shown(err error) error {
	f, ok := errors.AsType[*rpc.Fault](err)
	if !ok || sources.KindOf(err) != sources.Rejected {
		return err
	}
	if text := f.Words(); text != "" {
		return sources.Fail(sources.Rejected, "%s", text)
	}
	return sources.Fail(sources.Rejected, "A rule of the ERP refuses it.")
}

// referenceOf is our reference in a description; nil where it is somebody's text.
func referenceOf(description *string) *string {
	if description == nil || !strings.HasPrefix(*description, ours) {
		return nil
	}
	return description
}
