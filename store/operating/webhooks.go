package operating

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/lib/pq"

	"portico/store"
	"portico/trade"
	"portico/trade/operating"
)

// What is sealed of an endpoint.
const (
	webhookSecret = "secret of a webhook"
	webhookOwner  = "owner of a webhook"
)

// ownEndpoint sees the endpoints of a company: those that were saved for nobody but the
// caller's accounts, or for the caller's supplier.
func ownEndpoint(s trade.Scope, a *store.Args) string {
	if s.Role() == trade.Customer {
		return "(e.accounts <> '{}' AND e.accounts <@ " + a.AddTexts(s.Accounts()) + "::text[])"
	}
	return store.OwnSupplier("e.supplier_id")(s, a)
}

type endpointRow struct {
	operating.WebhookEndpoint
	Kinds pq.StringArray
	For   pq.StringArray
	Of    *string
}

func (r *endpointRow) trade() *operating.WebhookEndpoint {
	e := &r.WebhookEndpoint
	e.Accounts = r.For
	for _, t := range r.Kinds {
		e.Topics = append(e.Topics, trade.WebhookTopic(t))
	}
	if r.Of != nil {
		e.SupplierID = *r.Of
	}
	return e
}

var endpoints = store.Read(store.Relation[operating.WebhookEndpoint]{
	Kind: "WebhookEndpoint", From: "webhook_endpoints e", Visible: ownEndpoint,
	Columns: []store.Columns{store.Always(`e.id, e.url, e.topics AS kinds, e.status, e.disabled_reason, e.created_at, e.accounts AS "for",
		e.supplier_id AS "of"`)},
}, (*endpointRow).trade)

// WebhookEndpoints reads endpoints by id.
func WebhookEndpoints(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*operating.WebhookEndpoint, error) {
	return endpoints.By(ctx, s, scope, "e.id", "", ids)
}

// WebhookEndpointsOf reads the endpoints of suppliers, newest first.
func WebhookEndpointsOf(ctx context.Context, s *store.Store, scope trade.Scope,
	suppliers []string,
) (map[string][]*operating.WebhookEndpoint, error) {
	return endpoints.Under(ctx, s, scope, "", "e.supplier_id", "e.created_at DESC, e.id", suppliers)
}

// EndpointList is the endpoints, newest first.
func EndpointList(scope trade.Scope) *store.List[operating.WebhookEndpoint] {
	return &store.List[operating.WebhookEndpoint]{
		Relation: endpoints, Name: "webhooks", Scope: scope,
		Order: []store.SortKey{store.Descending("e.created_at", "timestamptz"), store.Descending("e.id", "text")},
	}
}

type webhookDeliveryRow struct {
	operating.WebhookDelivery
	Tries store.JSON[[]*operating.DeliveryAttempt]
}

func (r *webhookDeliveryRow) trade() *operating.WebhookDelivery {
	r.Attempts = r.Tries.Value
	return &r.WebhookDelivery
}

var webhookDeliveries = store.Read(store.Relation[operating.WebhookDelivery]{
	Kind: "WebhookDelivery", From: "webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id", Visible: ownEndpoint,
	Columns: []store.Columns{
		store.Always(`d.id, d.endpoint_id, d.topic, d.subject, d.state, d.next_attempt_at`),
		store.When("body", "coalesce(d.body, 'null') AS body"), store.When("attempts", "d.attempts AS tries"),
	},
}, (*webhookDeliveryRow).trade)

// WebhookDeliveries reads deliveries to endpoints by id.
func WebhookDeliveries(ctx context.Context, s *store.Store, scope trade.Scope, ids []string) (map[string]*operating.WebhookDelivery,
	error,
) {
	return webhookDeliveries.By(ctx, s, scope, "d.id", "", ids)
}

// DeliveriesTo are the deliveries to each of some endpoints, newest first.
func DeliveriesTo(scope trade.Scope, states []operating.DeliveryState) *store.List[operating.WebhookDelivery] {
	l := &store.List[operating.WebhookDelivery]{
		Relation: webhookDeliveries, Name: "webhook deliveries", Scope: scope, Parent: "d.endpoint_id",
		Order: []store.SortKey{store.Descending("d.created_at", "timestamptz"), store.Descending("d.id", "text")},
	}
	if states != nil {
		l.And("d.state = ANY(" + l.Args.Add(pq.Array(states)) + ")")
	}
	return l
}

// LockWebhookEndpoint reads an endpoint as it is now, within a scope, and holds it until the
// transaction ends; nil where there is none.
func LockWebhookEndpoint(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (*operating.WebhookEndpoint, error) {
	var a store.Args
	query := `SELECT ` + endpoints.Columns[0].List + ` FROM webhook_endpoints e WHERE e.id = ` + a.Add(id) + ` AND ` + ownEndpoint(scope, &a) +
		` FOR UPDATE`
	var rows []endpointRow
	if err := tx.Select(ctx, &rows, query, a.List...); err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0].trade(), nil
}

// CountWebhookEndpoints counts the endpoints of the company that a scope stands for, which
// nobody adds to before the transaction ends.
func CountWebhookEndpoints(ctx context.Context, tx *store.Tx, scope trade.Scope) (n int, err error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('webhooks of ' || $1, 0))`, scope.Parties()); err != nil {
		return 0, fmt.Errorf("webhooks: %w", err)
	}
	const query = `SELECT count(*) FROM webhook_endpoints WHERE accounts @> $1 AND accounts <@ $1 AND supplier_id IS NOT DISTINCT
		FROM nullif($2, '')`
	if err := tx.Get(ctx, &n, query, store.TextArray(scope.Accounts()), scope.Supplier()); err != nil {
		return 0, fmt.Errorf("webhooks: %w", err)
	}
	return n, nil
}

// KeepWebhookEndpoint keeps an endpoint with who saved it, as their token said it. One that is
// new needs a secret; of another one it stays.
func KeepWebhookEndpoint(ctx context.Context, tx *store.Tx, e *operating.WebhookEndpoint, owner json.RawMessage,
	secret *trade.Restricted,
) error {
	text := trade.Restricted(owner)
	who, err := tx.Store().Encrypt(webhookOwner, &text)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	topics := make(store.TextArray, len(e.Topics))
	for i, t := range e.Topics {
		topics[i] = string(t)
	}
	if secret == nil {
		const query = `UPDATE webhook_endpoints SET url = $2, topics = $3, status = $4, disabled_reason = NULL, owner = $5, accounts = $6,
			supplier_id = nullif($7, ''), succeeded_at = NULL WHERE id = $1`
		_, err = tx.Exec(ctx, query, e.ID, store.Storable(e.URL), topics, e.Status, string(*who), store.TextArray(e.Accounts), e.SupplierID)
	} else if secret, err = tx.Store().Encrypt(webhookSecret, secret); err == nil {
		const query = `INSERT INTO webhook_endpoints (id, url, topics, status, owner, accounts, supplier_id, secret)
			VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8)`
		_, err = tx.Exec(ctx, query, e.ID, store.Storable(e.URL), topics, e.Status, string(*who), store.TextArray(e.Accounts), e.SupplierID,
			string(*secret))
	}
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

// RemoveWebhookEndpoint removes an endpoint with its deliveries.
func RemoveWebhookEndpoint(ctx context.Context, tx *store.Tx, id string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM webhook_endpoints WHERE id = $1`, id); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

// RotateWebhookSecret replaces the secret of an endpoint; the one before signs too for a while.
func RotateWebhookSecret(ctx context.Context, tx *store.Tx, id string, secret trade.Restricted, both time.Duration) error {
	closed, err := tx.Store().Encrypt(webhookSecret, &secret)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	const query = `UPDATE webhook_endpoints SET former_secret = secret, former_until = clock_timestamp() + $3 * interval '1 second',
		secret = $2 WHERE id = $1`
	if _, err := tx.Exec(ctx, query, id, string(*closed), both.Seconds()); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

// Greet has an endpoint sent a greeting at once, by which its owner sees that it is reached.
func Greet(ctx context.Context, tx *store.Tx, e *operating.WebhookEndpoint) error {
	const query = `INSERT INTO webhook_deliveries (endpoint_id, topic, subject) VALUES ($1, $2, $1)`
	if _, err := tx.Exec(ctx, query, e.ID, e.Topics[0]); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

// ResendDelivery has a delivery sent again, as if it had not been tried; false where the scope
// sees none.
func ResendDelivery(ctx context.Context, tx *store.Tx, scope trade.Scope, id string) (bool, error) {
	var a store.Args
	query := `UPDATE webhook_deliveries d SET state = 'PENDING', failures = 0, begun_at = NULL, next_attempt_at = clock_timestamp()
		FROM webhook_endpoints e
		WHERE e.id = d.endpoint_id AND d.id = ` + a.Add(id) + ` AND ` + ownEndpoint(scope, &a)
	result, err := tx.Exec(ctx, query, a.List...)
	if err != nil {
		return false, fmt.Errorf("webhook: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// WebhookTarget is an endpoint as it is sent to.
type WebhookTarget struct {
	ID      string
	Topics  []trade.WebhookTopic
	Owner   json.RawMessage // nil where it does not open
	Pending int             // deliveries that are still to be sent, counted up to a limit
}

// WebhookTargets are all endpoints that are sent to.
func WebhookTargets(ctx context.Context, tx *store.Tx, countTo int) ([]WebhookTarget, error) {
	var rows []struct {
		ID      string
		Topics  pq.StringArray
		Owner   trade.Restricted
		Pending int
	}
	const query = `SELECT e.id, e.topics, e.owner, (SELECT count(*) FROM (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = e.id
		AND d.state = 'PENDING' LIMIT $1) p) AS pending
		FROM webhook_endpoints e WHERE e.status = 'ACTIVE' ORDER BY e.id`
	if err := tx.Select(ctx, &rows, query, countTo); err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	all := make([]WebhookTarget, len(rows))
	for i, r := range rows {
		all[i] = WebhookTarget{ID: r.ID, Pending: r.Pending}
		for _, t := range r.Topics {
			all[i].Topics = append(all[i].Topics, trade.WebhookTopic(t))
		}
		if text := tx.Store().Decrypt(webhookOwner, &r.Owner); text != nil {
			all[i].Owner = json.RawMessage(*text)
		}
	}
	return all, nil
}

// HoldWebhookPlace is the place up to which the log of changes was looked through for what is
// to be sent, held until the transaction ends; ok is false where another process holds it.
func HoldWebhookPlace(ctx context.Context, tx *store.Tx) (at trade.Place, ok bool, err error) {
	var rows []struct {
		Xid uint64
		Seq int64
	}
	if err := tx.Select(ctx, &rows, `SELECT xid::text::numeric::bigint AS xid, seq FROM webhook_place FOR UPDATE SKIP LOCKED`); err != nil {
		return at, false, fmt.Errorf("webhooks: %w", err)
	}
	if len(rows) == 0 {
		return at, false, nil
	}
	return trade.Place{Transaction: rows[0].Xid, Seq: rows[0].Seq}, true, nil
}

// MoveWebhookPlace moves the place that is held.
func MoveWebhookPlace(ctx context.Context, tx *store.Tx, to trade.Place) error {
	if _, err := tx.Exec(ctx, `UPDATE webhook_place SET xid = $1::text::xid8, seq = $2`, strconv.FormatUint(to.Transaction, 10),
		to.Seq); err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	return nil
}

// PlannedDelivery is a change that is to be sent to an endpoint.
type PlannedDelivery struct {
	EndpointID string
	Change     trade.Change
}

// PlanDeliveries keeps what is to be sent, each once.
func PlanDeliveries(ctx context.Context, tx *store.Tx, all []PlannedDelivery) error {
	var to, topics, xids, seqs, subjects, changes store.TextArray
	for _, d := range all {
		text, err := json.Marshal(d.Change)
		if err != nil {
			return fmt.Errorf("webhooks: %w", err)
		}
		to, topics, xids = append(to, d.EndpointID), append(topics, string(d.Change.Topic.Webhook())),
			append(xids, strconv.FormatUint(d.Change.Transaction, 10))
		seqs, subjects, changes = append(seqs, strconv.FormatInt(d.Change.Seq, 10)), append(subjects, d.Change.SubjectID),
			append(changes, string(text))
	}
	const query = `
		INSERT INTO webhook_deliveries (endpoint_id, topic, xid, seq, subject, change)
		SELECT t.endpoint, t.topic, t.xid::xid8, t.seq::bigint, t.subject, t.change::jsonb
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) t(endpoint, topic, xid, seq, subject, change)
		ON CONFLICT (endpoint_id, xid, seq) DO NOTHING`
	if _, err := tx.Exec(ctx, query, to, topics, xids, seqs, subjects, changes); err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	return nil
}

// DueDelivery is a delivery that is to be sent now, and where.
type DueDelivery struct {
	ID, EndpointID, URL string
	Topic               trade.WebhookTopic
	Change              *trade.Change   // nil of a greeting
	Body                json.RawMessage // nil where it was not sent yet
	Owner               json.RawMessage // nil where it does not open
	Secrets             []string        // each signs; none where they do not open
}

// mostAtOnce is how many deliveries one endpoint is sent at a time by one process.
const mostAtOnce = 8

// TakeDeliveries takes deliveries that are due, at most limit and a few of each endpoint. They
// are due again after a time, for whoever takes them may end before they are settled.
func TakeDeliveries(ctx context.Context, s *store.Store, limit int, retryAfter time.Duration) ([]DueDelivery, error) {
	var rows []struct {
		DueDelivery
		Change       store.JSON[*trade.Change]
		Text         *string
		Who          trade.Restricted
		Secret       trade.Restricted
		FormerSecret *trade.Restricted
	}
	const query = `
		WITH due AS (
			SELECT d.id FROM webhook_endpoints e CROSS JOIN LATERAL (
				SELECT d.id FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d.state = 'PENDING' AND d.next_attempt_at <= clock_timestamp()
				ORDER BY d.next_attempt_at, d.id LIMIT $1 FOR UPDATE SKIP LOCKED) d
			WHERE e.status = 'ACTIVE' LIMIT $2)
		UPDATE webhook_deliveries d SET next_attempt_at = clock_timestamp() + $3 * interval '1 second',
		begun_at = coalesce(d.begun_at, clock_timestamp())
		FROM due, webhook_endpoints e WHERE d.id = due.id AND e.id = d.endpoint_id
		RETURNING d.id, d.endpoint_id, e.url, d.topic, d.change, d.body AS text, e.owner AS who, e.secret, CASE
		WHEN e.former_until > clock_timestamp() THEN e.former_secret END AS former_secret`
	err := s.InTx(ctx, func(tx *store.Tx) error { return tx.Select(ctx, &rows, query, mostAtOnce, limit, retryAfter.Seconds()) })
	if err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	all := make([]DueDelivery, len(rows))
	for i, r := range rows {
		d := r.DueDelivery
		d.Change = r.Change.Value
		if r.Text != nil {
			d.Body = json.RawMessage(*r.Text)
		}
		if text := s.Decrypt(webhookOwner, &r.Who); text != nil {
			d.Owner = json.RawMessage(*text)
		}
		for _, secret := range []*trade.Restricted{&r.Secret, r.FormerSecret} {
			if plain := s.Decrypt(webhookSecret, secret); plain != nil {
				d.Secrets = append(d.Secrets, string(*plain))
			}
		}
		all[i] = d
	}
	return all, nil
}

// KeepBody keeps what a delivery says, so that it says the same however often it is sent.
func KeepBody(ctx context.Context, s *store.Store, id string, body json.RawMessage) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE webhook_deliveries SET body = $2 WHERE id = $1 AND body IS NULL`, id, string(body)); err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		return nil
	})
}

// mostAttempts is how many attempts are kept of a delivery.
const mostAttempts = 50

// RecordAttempt notes an attempt to send a delivery that was taken. It is done with where
// delivered, and tried again after what retry says of the failures so far, or given up. An
// endpoint that has taken nothing since a delivery began that is given up is disabled.
func RecordAttempt(ctx context.Context, s *store.Store, d *DueDelivery, attempt operating.DeliveryAttempt, delivered bool,
	retry func(failures int) (after time.Duration, ok bool),
) error {
	text, err := json.Marshal([]operating.DeliveryAttempt{attempt})
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return s.InTx(ctx, func(tx *store.Tx) error {
		var rows []int
		const noted = `
			UPDATE webhook_deliveries SET failures = failures + CASE WHEN $3 THEN 0 ELSE 1 END,
				attempts = CASE WHEN jsonb_array_length(attempts) < $4 THEN attempts ELSE attempts - 0 END || $2::jsonb WHERE id = $1
				RETURNING failures`
		// its endpoint was deleted meanwhile
		if err := tx.Select(ctx, &rows, noted, d.ID, string(text), delivered, mostAttempts); err != nil || len(rows) == 0 {
			return err
		}
		if delivered {
			if _, err := tx.Exec(ctx, `UPDATE webhook_deliveries SET state = 'DELIVERED', next_attempt_at = NULL WHERE id = $1`, d.ID); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET succeeded_at = clock_timestamp() WHERE id = $1
				AND (succeeded_at IS NULL OR succeeded_at < clock_timestamp() - interval '1 minute')`, d.EndpointID)
			return err
		}
		if after, ok := retry(rows[0]); ok {
			_, err := tx.Exec(ctx, `UPDATE webhook_deliveries SET next_attempt_at = clock_timestamp() + $2 * interval '1 second' WHERE id = $1
				AND state = 'PENDING'`, d.ID, after.Seconds())
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE webhook_deliveries SET state = 'FAILED', next_attempt_at = NULL WHERE id = $1`, d.ID); err != nil {
			return err
		}
		const query = `UPDATE webhook_endpoints e SET status = 'DISABLED_BY_FAILURE',
				disabled_reason = 'Nothing was taken since ' || to_char(d.begun_at AT TIME ZONE 'UTC',
				'YYYY-MM-DD HH24:MI') || ' UTC. The last answer: ' || $3::text || ' Mend it, and save the endpoint again.'
			FROM webhook_deliveries d WHERE d.id = $1 AND e.id = $2 AND e.status = 'ACTIVE'
			AND (e.succeeded_at IS NULL OR e.succeeded_at < d.begun_at)`
		_, err := tx.Exec(ctx, query, d.ID, d.EndpointID, *attempt.Error)
		return err
	})
}

// DisableWebhook disables an endpoint that is sent to, for a reason.
func DisableWebhook(ctx context.Context, tx *store.Tx, id, reason string) error {
	if _, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET status = 'DISABLED_BY_FAILURE', disabled_reason = $2 WHERE id = $1
		AND status = 'ACTIVE'`, id, reason); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

// RemoveWebhookDeliveries removes at most limit deliveries from before a moment, and tells how
// many.
func RemoveWebhookDeliveries(ctx context.Context, s *store.Store, before time.Time, limit int) (removed int, err error) {
	err = s.InTx(ctx, func(tx *store.Tx) error {
		const query = `WITH gone AS (DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE created_at < $1
			ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1) SELECT count(*) FROM gone`
		return tx.Get(ctx, &removed, query, before, limit)
	})
	if err != nil {
		return 0, fmt.Errorf("webhooks: %w", err)
	}
	return removed, nil
}

// EncryptedColumns are the columns of endpoints whose texts are encrypted.
var EncryptedColumns = []store.EncryptedColumn{
	{
		What:  webhookOwner,
		Stale: `SELECT id, owner AS text FROM webhook_endpoints WHERE owner NOT LIKE $1 AND NOT (id = ANY($2)) LIMIT $3 FOR UPDATE SKIP LOCKED`,
		Write: `UPDATE webhook_endpoints t SET owner = n.text FROM unnest($1::text[], $2::text[]) n(id, text) WHERE t.id = n.id`,
	},
	{
		What:  webhookSecret,
		Stale: `SELECT id, secret AS text FROM webhook_endpoints WHERE secret NOT LIKE $1 AND NOT (id = ANY($2)) LIMIT $3 FOR UPDATE SKIP LOCKED`,
		Write: `UPDATE webhook_endpoints t SET secret = n.text FROM unnest($1::text[], $2::text[]) n(id, text) WHERE t.id = n.id`,
	},
	{
		What: webhookSecret,
		Stale: `SELECT id, former_secret AS text FROM webhook_endpoints WHERE former_secret NOT LIKE $1 AND former_until > clock_timestamp()
			AND NOT (id = ANY($2)) LIMIT $3 FOR UPDATE SKIP LOCKED`,
		Write: `UPDATE webhook_endpoints t SET former_secret = n.text FROM unnest($1::text[], $2::text[]) n(id, text) WHERE t.id = n.id`,
	},
}
