package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// outage measures submissions with the ERP up and down, and what comes of them.
func (p *placing) outage() error {
	var normal []time.Duration
	fmt.Println("| round | acknowledged | p50 ms | p99 ms |")
	fmt.Println("|---|--:|--:|--:|")
	for round := range 5 {
		times, _, _, err := p.submit(8, 2000, 0)
		if err != nil {
			return err
		}
		normal = append(normal, at(times, 99))
		fmt.Printf("| ERP up, %d | %d | %.2f | %.2f |\n", round+1, len(times), ms(at(times, 50)), ms(at(times, 99)))
		if _, err := p.drained(10 * time.Minute); err != nil {
			return err
		}
	}
	if err := p.fault(`{"service":"erp","kind":"refuse"}`); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // its breaker has seen it
	times, _, took, err := p.submit(8, 10_000, 0)
	if err != nil {
		return err
	}
	fmt.Printf("| ERP down | %d | %.2f | %.2f |\n", len(times), ms(at(times, 50)), ms(at(times, 99)))
	if err := p.restore(); err != nil {
		return err
	}
	drain, err := p.drained(30 * time.Minute)
	if err != nil {
		return err
	}
	fmt.Printf("\np99 with the ERP down is %.2f times the median of the rounds before; 10,000 were acknowledged within %s and handed over "+
		"within %s of its return\n",
		ms(at(times, 99))/ms(at(normal, 50)), took.Round(time.Second), drain.Round(time.Second))
	return p.inOrder()
}

func (p *placing) fault(body string) error {
	resp, err := http.Post(p.s.company+"/control/faults", "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (p *placing) restore() error {
	req, err := http.NewRequest(http.MethodDelete, p.s.company+"/control/faults", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// inOrder holds the ERP's journal against the order in which submissions were accepted,
// account by account.
func (p *placing) inOrder() error {
	resp, err := http.Get(p.s.company + "/control/journal?since=0")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var journal []struct{ Do, Key string }
	if err := json.NewDecoder(resp.Body).Decode(&journal); err != nil {
		return err
	}
	places, twice := map[string]int{}, 0
	for i, e := range journal {
		if e.Do != "submit" {
			continue
		}
		if _, before := places[e.Key]; before {
			twice++
		}
		places[e.Key] = i
	}
	rows, err := p.db.Query(`SELECT account_id, 'PORTICO-' || substr(id, 5), state FROM operations ORDER BY place`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	last, missing, late, failed := map[string]int{}, 0, 0, 0
	for rows.Next() {
		var account, key, state string
		if err := rows.Scan(&account, &key, &state); err != nil {
			return err
		}
		if state != "COMMITTED" {
			failed++
			continue
		}
		place, there := places[key]
		if !there {
			missing++
		}
		if place < last[account] {
			late++
		}
		last[account] = place
	}
	fmt.Printf("of all operations %d are not committed, %d are missing in the ERP, %d are there twice, %d overtook one before them of the "+
		"same account\n", failed, missing, twice, late)
	return rows.Err()
}
