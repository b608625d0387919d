package operating

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"portico/trade"
)

// WebhookEndpoint is an address that what happens is sent to, signed as Standard Webhooks
// describes.
type WebhookEndpoint struct {
	ID             string
	URL            string
	Topics         []trade.WebhookTopic
	Status         WebhookStatus
	DisabledReason *string
	CreatedAt      time.Time
	Accounts       []string // for whom it was saved; none of one that a supplier or an operator saved
	SupplierID     string
}

// NodeID is the endpoint's global id.
func (e *WebhookEndpoint) NodeID() string { return e.ID }

// WebhookStatus is whether an endpoint is sent to.
type WebhookStatus string

// States of endpoints.
const (
	WebhookActive   WebhookStatus = "ACTIVE"
	WebhookDisabled WebhookStatus = "DISABLED_BY_FAILURE"
	WebhookPaused   WebhookStatus = "PAUSED"
)

const (
	// MostWebhooks is how many endpoints one company has at most.
	MostWebhooks = 20
	longestURL   = 2000
)

// CheckWebhook tells what is wrong with an address and topics, whoever's they are. Plain
// tells that an address need not be https.
func CheckWebhook(address string, topics []trade.WebhookTopic, plain func(host string) bool) (errs []trade.UserError) {
	wrong := func(path, format string, args ...any) {
		errs = append(errs, &trade.InvalidInput{Refusal: trade.Refusal{
			Code: trade.CodeInvalidInput, Message: fmt.Sprintf(format, args...),
			Path: []string{"input", path},
		}})
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(address) > longestURL:
		wrong("url", "It must be an absolute https URL of at most %d characters.", longestURL)
	case u.User != nil:
		wrong("url", "It must hold no user and no password: what is sent is signed instead.")
	case u.Fragment != "":
		wrong("url", "It must hold no fragment: nobody is sent one.")
	case u.Scheme == "http" && !plain(u.Hostname()):
		wrong("url", "It must be https.")
	}
	if len(topics) == 0 {
		wrong("topics", "Say what to send.")
	}
	for i, t := range topics {
		if slices.Contains(topics[:i], t) {
			wrong("topics", "%s is there twice.", t)
		}
	}
	return errs
}

// WebhookDelivery is a change that is sent to an endpoint.
type WebhookDelivery struct {
	ID            string
	EndpointID    string
	Topic         trade.WebhookTopic
	Subject       string
	State         DeliveryState
	Body          trade.JSON // null until it was sent once
	Attempts      []*DeliveryAttempt
	NextAttemptAt *time.Time
}

// NodeID is the delivery's global id.
func (d *WebhookDelivery) NodeID() string { return d.ID }

// DeliveryState is where a delivery stands.
type DeliveryState string

// States of deliveries.
const (
	DeliveryPending   DeliveryState = "PENDING"
	DeliveryDelivered DeliveryState = "DELIVERED"
	DeliveryFailed    DeliveryState = "FAILED"
)

// DeliveryAttempt is one attempt to send.
type DeliveryAttempt struct {
	At         time.Time     `json:"at"`
	HTTPStatus *int          `json:"status,omitempty"` // nil where nobody answered
	Took       time.Duration `json:"took,format:nano"`
	Error      *string       `json:"error,omitempty"`
}

// WebhookBody is what is sent, in the shape that Standard Webhooks proposes: data is the item
// that a stream of the topic would tell.
type WebhookBody struct {
	ID        string             `json:"id"`
	Type      trade.WebhookTopic `json:"type"`
	Timestamp time.Time          `json:"timestamp"`
	Data      json.RawMessage    `json:"data"`
	Errors    json.RawMessage    `json:"errors,omitempty"`
}

// retries are how long after each failed attempt a delivery is sent again: three days in all.
var retries = []time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
	20 * time.Hour, 24 * time.Hour,
}

// WebhookRetry is when a delivery is sent again that failed so many times since it was last
// begun; ok is false where it is given up.
func WebhookRetry(failures int) (after time.Duration, ok bool) {
	if failures > len(retries) {
		return 0, false
	}
	return retries[failures-1], true
}

// WebhookEndpointPayload answers writes about an endpoint. Secret is shown once.
type WebhookEndpointPayload struct {
	Errors   []trade.CommonError
	Replayed bool
	Endpoint *WebhookEndpoint
	Secret   *trade.Restricted
}
