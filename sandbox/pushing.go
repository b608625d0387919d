package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// PushSecret is what the carrier signs with, as [Standard Webhooks] has it.
//
// [Standard Webhooks]: https://www.standardwebhooks.com
const PushSecret = "whsec_dGhlIHNhbmRib3gncyBjYXJyaWVyIGFsb25l"

const (
	pushedAtOnce = 50 // parcels in one delivery
	repushPause  = 500 * time.Millisecond
)

var pushing = &http.Client{Timeout: 10 * time.Second}

// Push sends what happens to parcels to a URL, until ctx ends: each parcel as the carrier tells
// it when asked. What cannot be delivered is sent again, in its place.
func (c *Company) Push(ctx context.Context, url string) {
	c.mu.RLock()
	from := len(c.touched)
	c.mu.RUnlock()
	for ctx.Err() == nil {
		parcels, to := c.parcelsSince(from)
		if parcels != nil {
			if err := post(ctx, url, fmt.Sprintf("msg_%s_%d_%d", c.world, from, to), parcels); err != nil {
				sleep(ctx, repushPause)
				continue
			}
		}
		if from = to; parcels == nil {
			select {
			case <-ctx.Done():
			case <-c.moved:
			}
		}
	}
}

// parcelsSince are the parcels that something happened to after a place in the feed, at most
// some of them, and the place after them. They are written while nothing moves.
func (c *Company) parcelsSince(from int) (body []byte, to int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var rows []any
	var keys []string
	seen := map[string]bool{}
	for to = from; to < len(c.touched) && len(keys) < pushedAtOnce; to++ {
		t := c.touched[to]
		if row := c.trackers.get(t.Key); t.Svc == "carrier" && row != nil && !seen[t.Key] {
			seen[t.Key], rows, keys = true, append(rows, row), append(keys, t.Key)
		}
	}
	if rows == nil {
		return nil, to
	}
	body, err := json.Marshal(map[string]any{"rows": c.report("trackers", rows, keys)})
	if err != nil { // they are the company's own types
		panic(err)
	}
	return body, to
}

func post(ctx context.Context, url, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(PushSecret, "whsec_"))
	if err != nil {
		return err
	}
	at := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", at)
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	req.Header.Set("Content-Type", "application/json")
	resp, err := pushing.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("answered with %d", resp.StatusCode)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
