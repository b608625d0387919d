package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// acmeKey is what the sandbox's acme signs with, decoded.
const acmeKey = "acme in development alone"

// pushedFor is how long each number of clients pushes.
const pushedFor = 5 * time.Second

// pushed measures webhooks: how many a second are verified, kept with fsync and answered, and how long
// after the last one all are applied.
func pushed(binary string) error {
	s, db, remove, err := startOpen(binary)
	if err != nil {
		return err
	}
	defer remove()
	var fsync, numbers string
	if err := db.QueryRow(`SELECT current_setting('fsync'), string_agg(tracking_number, ' ')
		FROM (SELECT tracking_number FROM shipments WHERE tracking_number <> '' ORDER BY number LIMIT 1000) s`).Scan(&fsync,
		&numbers); err != nil {
		return err
	}
	parcels := strings.Fields(numbers)
	fmt.Printf("fsync %s\n\n| clients | webhooks kept/s | p50 ms | p99 ms | applied after s |\n|--:|--:|--:|--:|--:|\n", fsync)
	var n atomic.Int64
	for i, clients := range []int{8, 1, 8, 32, 64} { // the first one counts for nothing
		times := make([][]time.Duration, clients)
		var failed atomic.Pointer[error]
		var all sync.WaitGroup
		begun := time.Now()
		for c := range clients {
			all.Go(func() {
				for time.Since(begun) < pushedFor {
					one := n.Add(1)
					from := time.Now()
					if err := push(s.url, parcels[int(one)%len(parcels)], one); err != nil {
						failed.Store(&err)
						return
					}
					times[c] = append(times[c], time.Since(from))
				}
			})
		}
		all.Wait()
		took := time.Since(begun)
		if err := failed.Load(); err != nil {
			return *err
		}
		ended := time.Now()
		for open := 1; open > 0; time.Sleep(50 * time.Millisecond) {
			if err := db.QueryRow(`SELECT count(*) FROM inbound_deliveries WHERE state = 'RECEIVED'`).Scan(&open); err != nil {
				return err
			}
		}
		if i == 0 {
			if _, err := db.Exec(`ANALYZE`); err != nil {
				return err
			}
			continue
		}
		var delays []time.Duration
		for _, t := range times {
			delays = append(delays, t...)
		}
		fmt.Printf("| %d | %.0f | %.2f | %.2f | %.1f |\n", clients, float64(len(delays))/took.Seconds(), ms(at(delays, 50)), ms(at(delays, 99)),
			time.Since(ended).Seconds())
	}
	return nil
}

// push sends one event of a parcel, signed as Standard Webhooks wants it.
func push(url, parcel string, n int64) error {
	body := fmt.Appendf(nil, `{"parcel": %q, "scans": [{"no": %d, "code": "HUB", "at": %q}]}`, parcel, n,
		time.Unix(1_700_000_000+n, 0).UTC().Format(time.RFC3339))
	id, stamp := fmt.Sprint("msg_", n), fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(acmeKey))
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	req, err := http.NewRequest(http.MethodPost, url+"/webhooks/acme", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", stamp)
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("a webhook was answered with %d", resp.StatusCode)
	}
	return nil
}
