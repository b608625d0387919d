package records

import (
	"context"
	"encoding/json"
	"fmt"

	"portico/store"
	"portico/trade"
)

// identity is who a user is at the issuer of their tokens.
const identity = "identity of a user"

type identityOf struct {
	Email   *trade.Restricted `json:"Email"`
	Issuer  trade.Restricted  `json:"Issuer"`
	Subject trade.Restricted  `json:"Subject"`
}

// SaveUser keeps who somebody is that writes, as their token names them, and whom they
// act for.
func SaveUser(ctx context.Context, s *store.Store, u *trade.User, accounts []string) error {
	text, err := json.Marshal(identityOf{u.Email, u.Issuer, u.Subject})
	if err != nil {
		return fmt.Errorf("user: %w", err)
	}
	plain := trade.Restricted(text)
	closed, err := s.Encrypt(identity, &plain)
	if err != nil {
		return fmt.Errorf("user: %w", err)
	}
	return s.InTx(ctx, func(tx *store.Tx) error {
		const query = `
			INSERT INTO users (id, display_name, identity, accounts) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, identity = excluded.identity, accounts = excluded.accounts,
			seen_at = now()`
		if _, err := tx.Exec(ctx, query, u.ID, store.Storable(u.DisplayName), string(*closed), store.TextArray(accounts)); err != nil {
			return fmt.Errorf("user: %w", err)
		}
		return nil
	})
}

type userRow struct {
	trade.User
	Identity trade.Restricted
}

// ofOwnAccounts sees people who act for the caller's accounts.
func ofOwnAccounts(s trade.Scope, a *store.Args) string {
	switch {
	case s.Everything():
		return "TRUE"
	case s.Role() == trade.Customer:
		return "u.accounts && " + a.AddTexts(s.Accounts()) + "::text[]"
	}
	return "FALSE"
}

var users = store.Read(store.Relation[userRow]{
	Kind: "User", From: "users u", Visible: ofOwnAccounts, Columns: []store.Columns{store.Always("u.id, u.display_name, u.identity")},
	Decrypt: func(s *store.Store, r *userRow) {
		text := s.Decrypt(identity, &r.Identity)
		if text == nil {
			return
		}
		var is identityOf
		if json.Unmarshal([]byte(*text), &is) == nil {
			r.Email, r.Issuer, r.Subject = is.Email, is.Issuer, is.Subject
		}
	},
}, store.Identity[userRow])

// Users reads people and clients who wrote something.
func Users(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*trade.User, error) {
	found, err := users.By(ctx, s, scope, "u.id", "", ids)
	all := make(map[string]*trade.User, len(found))
	for id, r := range found {
		all[id] = &r.User
	}
	return all, err
}

// EncryptedColumns are the columns of records whose texts are encrypted.
var EncryptedColumns = []store.EncryptedColumn{
	{
		What: store.Signer,
		Stale: `SELECT id, signed_by AS text FROM shipment_events WHERE signed_by NOT LIKE $1 AND NOT (id = ANY($2)) LIMIT $3
			FOR UPDATE SKIP LOCKED`,
		Write: `UPDATE shipment_events t SET signed_by = n.text FROM unnest($1::text[], $2::text[]) n(id, text) WHERE t.id = n.id`,
	},
	{
		What: store.Signer,
		Stale: `SELECT id, proof ->> 'signedBy' AS text FROM shipments WHERE proof ->> 'signedBy' NOT LIKE $1 AND NOT (id = ANY($2)) LIMIT $3
			FOR UPDATE SKIP LOCKED`,
		Write: `UPDATE shipments t SET proof = jsonb_set(t.proof, '{signedBy}', to_jsonb(n.text))
			FROM unnest($1::text[], $2::text[]) n(id, text) WHERE t.id = n.id`,
	},
	{
		What: store.Signer,
		Stale: `SELECT shipment_id || ' ' || number AS id, proof ->> 'signedBy' AS text FROM packages WHERE proof ->> 'signedBy' NOT LIKE $1
			AND NOT (shipment_id || ' ' || number = ANY($2)) LIMIT $3 FOR UPDATE SKIP LOCKED`,
		Write: `UPDATE packages t SET proof = jsonb_set(t.proof, '{signedBy}', to_jsonb(n.text))
			FROM unnest($1::text[], $2::text[]) n(id, text)
			WHERE t.shipment_id = split_part(n.id, ' ', 1) AND t.number = split_part(n.id, ' ', 2)::int`,
	},
	{
		What:  identity,
		Stale: `SELECT id, identity AS text FROM users WHERE identity NOT LIKE $1 AND NOT (id = ANY($2)) LIMIT $3 FOR UPDATE SKIP LOCKED`,
		Write: `UPDATE users t SET identity = n.text FROM unnest($1::text[], $2::text[]) n(id, text) WHERE t.id = n.id`,
	},
}
