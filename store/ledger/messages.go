package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
	"portico/trade/procurement"
)

type messageRow struct {
	procurement.SignedMessage
	Orders      pq.StringArray
	RequestJSON store.JSON[*procurement.SignedRequest]
}

func (r *messageRow) trade() *procurement.SignedMessage {
	m := &r.SignedMessage
	m.PurchaseOrders, m.Request = r.Orders, r.RequestJSON.Value
	return m
}

// leafHash is the hash of an entry e of the audit log as a leaf of its tree (RFC 6962,
// section 2.1), whether it is sealed yet or not.
const leafHash = `encode(sha256('\x00'::bytea || convert_to(` + leafText + `, 'UTF8')), 'hex')`

var messages = store.Read(store.Relation[procurement.SignedMessage]{
	Kind: "SignedMessage", From: "messages m JOIN audit_entries e ON e.id = m.audit_id", Visible: store.OwnSupplier("m.supplier_id"),
	Columns: []store.Columns{
		store.Always(`m.id, m.supplier_id, m.document, m.digest, m.key_id, m.arrived_at AS at, m.purchase_orders AS orders,
			coalesce(m.subject, '') AS subject, coalesce(m.operation_id, '') AS operation_id, m.audit_id`),
		store.When("logHash", leafHash+" AS log_hash"),
		// no field: only evidence reads them
		store.When("bytes", "m.body, m.request AS request_json, m.base, m.signature, m.nonce, m.canonical, m.document_signature"),
	},
}, (*messageRow).trade)

// Messages reads signed messages by id.
func Messages(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*procurement.SignedMessage, error) {
	return messages.By(ctx, s, scope, "m.id", "", ids)
}

// MessagesBehind reads the signed messages that documents came in, by what came of them.
func MessagesBehind(ctx context.Context, s *store.Store, scope trade.Scope, subjects []string) (map[string]*procurement.SignedMessage,
	error,
) {
	return messages.By(ctx, s, scope, "m.subject", "", subjects)
}

// MessagesAbout reads the signed messages about purchase orders, oldest first, at most 1000
// each.
func MessagesAbout(ctx context.Context, s *store.Store, scope trade.Scope,
	purchaseOrders []string,
) (map[string][]*procurement.SignedMessage, error) {
	found, err := messages.Under(ctx, s, scope, "JOIN LATERAL unnest(m.purchase_orders) x(id) ON TRUE", "x.id", "m.arrived_at, m.id",
		purchaseOrders)
	return store.AtMost(found, 1000), err
}

var receipts = store.Read(store.Relation[procurement.Receipt]{
	Kind: "Receipt", From: "receipts r JOIN messages m ON m.id = r.message_id", Visible: store.OwnSupplier("m.supplier_id"),
	Columns: []store.Columns{store.Always(`r.message_id, r.kind, r.outcome, r.issued_at, r.signature`)},
}, store.Identity[procurement.Receipt])

// Receipts reads the receipts given for messages, that of arrival first.
func Receipts(ctx context.Context, s *store.Store, scope trade.Scope, messages []string) (map[string][]*procurement.Receipt, error) {
	return receipts.Under(ctx, s, scope, "", "r.message_id", "r.kind", messages)
}

// KeepMessage keeps a signed message with the receipts that were given for it, and with an
// entry in the audit log about it, which has its digests and the key's fingerprint. It
// fails with [ErrSpent] where the key signed another message with the same nonce.
func KeepMessage(ctx context.Context, tx *store.Tx, m *procurement.SignedMessage, entry operating.AuditRecord,
	given []procurement.Receipt,
) error {
	receipts, err := json.Marshal(given)
	if err != nil {
		return fmt.Errorf("message: %w", err)
	}
	request, err := json.Marshal(m.Request)
	if err != nil {
		return fmt.Errorf("message: %w", err)
	}
	after, err := json.Marshal(entry.After)
	if err != nil {
		return fmt.Errorf("message: %w", err)
	}
	const query = `
		WITH told AS (INSERT INTO audit_entries (actor, action, subject, correlation_id, after) VALUES (nullif($17, ''), $18, $19, $20, $21)
		RETURNING id),
		kept AS (INSERT INTO messages (id, supplier_id, document, arrived_at, digest, body, request, base, signature, nonce, key_id, canonical,
		document_signature, purchase_orders, subject, operation_id, audit_id, awaits_outcome)
			SELECT $1, $2, $3, $4, $5, $6, nullif($7::jsonb, 'null'), $8, $9, $10, $11, $12, $13, $14, nullif($15, ''), nullif($16, ''), t.id,
			$16 <> '' FROM told t
			ON CONFLICT (key_id, nonce) DO NOTHING RETURNING id)
		INSERT INTO receipts (message_id, kind, outcome, issued_at, signature)
		SELECT k.id, j ->> 'Kind', j ->> 'Outcome', (j ->> 'IssuedAt')::timestamptz, j ->> 'Signature'
		FROM kept k, jsonb_array_elements($22::jsonb) x(j)`
	result, err := tx.Exec(ctx, query, m.ID, m.SupplierID, m.Document, m.At, m.Digest, m.Body, string(request), m.Base, m.Signature, m.Nonce,
		m.KeyID, m.Canonical, m.DocumentSignature,
		store.TextArray(m.PurchaseOrders), m.Subject, m.OperationID, entry.Actor, entry.Action, entry.Subject, entry.CorrelationID,
		string(after), string(receipts))
	if err != nil {
		return fmt.Errorf("message: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrSpent, err)
	}
	return nil
}

// KeepReceipts keeps receipts; the first one of a kind counts.
func KeepReceipts(ctx context.Context, tx *store.Tx, all []procurement.Receipt) error {
	document, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("receipts: %w", err)
	}
	const query = `
		WITH told AS (UPDATE messages SET awaits_outcome = false WHERE id IN (SELECT j ->> 'MessageID' FROM jsonb_array_elements($1::jsonb) x(j)))
		INSERT INTO receipts (message_id, kind, outcome, issued_at, signature)
		SELECT j ->> 'MessageID', j ->> 'Kind', j ->> 'Outcome', (j ->> 'IssuedAt')::timestamptz, j ->> 'Signature'
		FROM jsonb_array_elements($1::jsonb) x(j) ON CONFLICT (message_id, kind) DO NOTHING`
	if _, err := tx.Exec(ctx, query, string(document)); err != nil {
		return fmt.Errorf("receipts: %w", err)
	}
	return nil
}

// EndedMessage is a message whose operation has ended, and how.
type EndedMessage struct {
	ID, Digest string
	Outcome    procurement.ReceiptOutcome
}

// MessagesEnded are messages whose operations have ended, of which nobody has signed the
// outcome yet, at most 200.
func MessagesEnded(ctx context.Context, s *store.Store) (ended []EndedMessage, err error) {
	const query = `
		SELECT m.id, m.digest, CASE WHEN o.state <> 'COMMITTED' THEN 'REJECTED'
			WHEN EXISTS (SELECT FROM deviations v WHERE v.response_id = m.subject
			AND v.state IN ('REJECTED', 'COUNTERED')) THEN 'ACCEPTED_WITH_ERRORS' ELSE 'ACCEPTED' END AS outcome
		FROM messages m JOIN operations o ON o.id = m.operation_id WHERE m.awaits_outcome AND o.finished_at IS NOT NULL ORDER BY m.arrived_at
		LIMIT 200`
	if err := s.Select(ctx, &ended, query); err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	return ended, nil
}

// SaveReceiptKey keeps a public key that receipts are signed with.
func SaveReceiptKey(ctx context.Context, s *store.Store, id string, public []byte) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO receipt_keys (id, public_key) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, public)
		return err
	})
}

// ReceiptKey is a public key that receipts are signed with, or were.
type ReceiptKey struct {
	ID        string
	PublicKey []byte
}

// ReceiptKeys are all of them, newest first. They are public.
func ReceiptKeys(ctx context.Context, s *store.Store) (keys []ReceiptKey, err error) {
	err = s.Select(ctx, &keys, `SELECT id, public_key FROM receipt_keys ORDER BY since DESC, id`)
	return keys, err
}
