package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"portico/evidence/signatures"
)

// purchase is a purchase order that a supplier is to answer.
type purchase struct {
	ID, Line string
	Revision int
	Asked    time.Time // the day of delivery that was asked for
}

// bought makes a purchase order at the company, and waits until the server has it.
func (w *world) bought() (*purchase, error) {
	body, err := json.Marshal(map[string]any{"venNo": "V2001", "whs": "RTM", "items": []any{map[string]any{"matNo": w.sku, "qty": 1000}}})
	if err != nil {
		return nil, err
	}
	resp, err := http.Post("http://"+w.companyAt+"/control/buy", "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var made struct{ PoNo string }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
		return nil, err
	}
	const query = `query ($n: String!) { purchaseOrder(by: {number: $n}) { id revision lines
		{ nodes { id schedule { requestedDeliveryDate } } } } }`
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var answer struct {
			PurchaseOrder *struct {
				ID       string
				Revision int
				Lines    struct {
					Nodes []struct {
						ID       string
						Schedule []struct{ RequestedDeliveryDate string }
					}
				}
			}
		}
		if err := w.askAs(w.operator, w.servers[0], query, map[string]any{"n": made.PoNo}, &answer); err != nil || answer.PurchaseOrder == nil {
			continue
		}
		line := answer.PurchaseOrder.Lines.Nodes[0]
		asked, err := time.Parse(time.DateOnly, line.Schedule[0].RequestedDeliveryDate)
		return &purchase{answer.PurchaseOrder.ID, line.ID, answer.PurchaseOrder.Revision, asked}, err
	}
	return nil, errors.New("a purchase order was not told within a minute")
}

// despatch announces half of a purchase order that was acknowledged.
func (w *world) despatch(servers []*server, p *purchase, of string) (ack, error) {
	const query = `mutation ($key: IdempotencyKey!, $in: DespatchAdviceInput!)
		{ out: submitDespatchAdvice(idempotencyKey: $key, input: $in) { errors
		{ ... on UserError { code message } ... on StateNotAllowed { state } } operation { id } receipt { signature } } }`
	a := ack{Key: of + ", shipped"}
	answer, err := w.written(servers, w.supplier, query, a.Key, map[string]any{
		"number": of, "shipFrom": map[string]any{"name": "Works", "line1": "Weg 1", "city": "Hagen", "country": "DE"},
		"lines": []any{map[string]any{"purchaseOrderLine": p.Line, "shipped": map[string]any{"value": "500", "unit": "EA"}}},
	})
	if err != nil {
		return a, err
	}
	a.Operation = answer.Operation.ID
	return a, a.receive(answer)
}

// answer answers a purchase order so many days late: two are within the tolerance, and half
// of it is announced then. Beyond, decision is made about it, or none where that is empty.
func (w *world) answer(servers []*server, p *purchase, late int, decision string) ([]ack, error) {
	w.mu.Lock()
	w.n++
	n := w.n
	w.mu.Unlock()
	day := p.Asked.AddDate(0, 0, late)
	a := ack{Key: fmt.Sprintf("answer of run %d of seed %d", n, w.seed), Day: day.Format("20060102")}
	const query = `mutation ($key: IdempotencyKey!, $in: PurchaseOrderResponseInput!)
		{ out: respondToPurchaseOrder(idempotencyKey: $key, input: $in) { errors
		{ ... on UserError { code message } ... on StateNotAllowed { state } } operation { id } deviations { id } receipt { signature } } }`
	answer, err := w.written(servers, w.supplier, query, a.Key, map[string]any{
		"purchaseOrder": p.ID, "expectedRevision": p.Revision, "responseNumber": fmt.Sprint("R-", w.seed, "-", n),
		"kind":  "ACCEPTED_WITH_CHANGES",
		"lines": []any{map[string]any{"line": p.Line, "status": "ACCEPTED_RESCHEDULED", "promisedDeliveryDate": day.Format(time.DateOnly)}},
	})
	if err != nil {
		return nil, err
	}
	a.Operation = answer.Operation.ID
	if err := a.receive(answer); err != nil {
		return nil, err
	}
	if late <= 2 {
		n, err := w.despatch(servers, p, a.Key)
		return []ack{a, n}, err
	}
	if decision == "" {
		return []ack{a}, nil
	}
	const deciding = `mutation ($key: IdempotencyKey!, $in: DecideDeviationInput!)
		{ out: decideDeviation(idempotencyKey: $key, input: $in) { errors { ... on UserError { code message } ... on StateNotAllowed { state } }
		operation { id } } }`
	d := ack{Key: a.Key + ", decided", Day: a.Day}
	if answer, err = w.written(servers, w.operator, deciding, d.Key,
		map[string]any{"deviation": answer.Deviations[0].ID, "decision": decision}); err != nil {
		return nil, err
	}
	d.Operation = answer.Operation.ID
	return []ack{a, d}, nil
}

// receive keeps the receipt of what was signed.
func (a *ack) receive(answer *answered) error {
	if answer.Receipt == nil {
		return fmt.Errorf("%s was acknowledged without a receipt", a.Key)
	}
	a.Receipt = answer.Receipt.Signature
	return nil
}

// signUp has the supplier V2001 sign from now on, with a key of its own.
func (w *world) signUp() error {
	var answer struct {
		Partner struct{ ID, Version string }
		Out     struct {
			Errors  []struct{ Message string }
			Partner struct {
				Keys []struct{ ID, Challenge string }
			}
		}
	}
	s := w.servers[0]
	if err := w.askAs(w.operator, s, `{ partner(by: {code: "V2001"}) { id version } }`, nil, &answer); err != nil {
		return err
	}
	do := func(c caller, mutation, input string, in map[string]any) error {
		err := w.askAs(c, s, `mutation ($k: IdempotencyKey!, $in:
			`+input+`!) { out: `+mutation+`(idempotencyKey: $k, input: $in) { errors { ... on UserError { message } } partner
			{ keys { id challenge } } } }`,
			map[string]any{"k": "faults: " + mutation, "in": in}, &answer)
		if err == nil && len(answer.Out.Errors) > 0 {
			err = errors.New(answer.Out.Errors[0].Message)
		}
		return err
	}
	id := answer.Partner.ID
	if err := do(w.operator, "updatePartner", "UpdatePartnerInput",
		map[string]any{"partner": id, "expectedVersion": answer.Partner.Version, "requiresSignature": true}); err != nil {
		return err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	pem, err := signatures.PublicPEM(public)
	if err != nil {
		return err
	}
	if err := do(w.supplier, "rotatePartnerKey", "RotatePartnerKeyInput",
		map[string]any{"partner": id, "publicKeyPem": pem, "validFrom": time.Now().UTC().Format(time.RFC3339)}); err != nil {
		return err
	}
	key := answer.Out.Partner.Keys[0]
	if err := do(w.supplier, "provePartnerKey", "ProvePartnerKeyInput",
		map[string]any{"key": key.ID, "signature": base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(key.Challenge)))}); err != nil {
		return err
	}
	w.supplier.keyID, w.supplier.key = key.ID, private
	return nil
}
