package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"portico/trade"
)

// Alertmanager is told the alerts that stand, as often as it forgets them: Prometheus Alertmanager, API v2. It
// groups, silences and routes them to people.
type Alertmanager struct {
	URL     string // its own, such as http://alertmanager:9093
	Console string // where people look
	Quiet   []QuietHours
}

// QuietHours are hours of each day in which only what is critical is told; the end may be before the
// beginning, and is then on the next day.
type QuietHours struct {
	From   string   `yaml:"from"` // such as 20:00
	To     string   `yaml:"to"`
	Zone   string   `yaml:"zone"`   // such as Europe/Amsterdam; UTC when left out
	Queues []string `yaml:"queues"` // of these queues; of all when left out
}

// hour is a time of day, in minutes.
func hour(text string) (int, error) {
	at, err := time.Parse("15:04", text)
	return at.Hour()*60 + at.Minute(), err
}

// Check tells what is wrong with quiet hours.
func (q QuietHours) Check() error {
	if _, err := hour(q.From); err != nil {
		return fmt.Errorf("quiet: from is %q: it must be an hour such as 20:00", q.From)
	}
	if _, err := hour(q.To); err != nil {
		return fmt.Errorf("quiet: to is %q: it must be an hour such as 07:00", q.To)
	}
	if _, err := time.LoadLocation(q.Zone); err != nil {
		return fmt.Errorf("quiet: zone is %q: it must be a zone such as Europe/Amsterdam", q.Zone)
	}
	return nil
}

func (q QuietHours) holds(now time.Time, queue string) bool {
	if len(q.Queues) > 0 && !slices.Contains(q.Queues, queue) {
		return false
	}
	zone, err := time.LoadLocation(q.Zone)
	if err != nil {
		return false
	}
	from, _ := hour(q.From) // checked at start
	to, _ := hour(q.To)
	local := now.In(zone)
	at := local.Hour()*60 + local.Minute()
	if from <= to {
		return at >= from && at < to
	}
	return at >= from || at < to
}

// posted is an alert as Alertmanager takes it.
type posted struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// Notify tells the alerts that stand, each until a moment by which it is told again.
func (m Alertmanager) Notify(ctx context.Context, client *http.Client, alerts []*trade.Alert, now, until time.Time) error {
	all := []posted{}
	for _, a := range alerts {
		if a.Severity != trade.Critical && m.quiet(now, a.Queue) {
			continue
		}
		p := posted{
			Labels: map[string]string{
				"alertname": string(a.Kind), "severity": strings.ToLower(string(a.Severity)), "queue": a.Queue,
				"subject": a.Subject, "alert": a.ID, "service": "portico",
			},
			Annotations: map[string]string{"summary": a.Message}, StartsAt: a.RaisedAt, EndsAt: until, GeneratorURL: m.Console,
		}
		if a.Responsible != nil {
			p.Labels["responsible"] = string(*a.Responsible)
		}
		if a.SuggestedAction != nil {
			p.Annotations["action"] = *a.SuggestedAction
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(m.URL, "/")+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("alertmanager: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, mostOfAnswer)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("alertmanager answered %d", resp.StatusCode)
	}
	return nil
}

func (m Alertmanager) quiet(now time.Time, queue string) bool {
	for _, q := range m.Quiet {
		if q.holds(now, queue) {
			return true
		}
	}
	return false
}
