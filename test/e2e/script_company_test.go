package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (p *play) erp(_ bool, args []string) {
	const usage = "erp down | up | loses N answers | took N orders | has OBJECT KEY"
	p.words(args, 1, usage)
	switch faults := "/control/faults"; args[0] {
	case "down":
		p.s.control(p.t, http.MethodPost, faults, map[string]any{"service": "erp", "kind": "refuse"})
	case "up":
		p.s.control(p.t, http.MethodDelete, faults, nil)
	case "loses":
		n, err := strconv.Atoi(args[1])
		p.Check(err)
		p.s.control(p.t, http.MethodPost, faults, map[string]any{"service": "erp", "op": "submit", "kind": "drop", "times": n})
	case "took":
		now := p.s.effects(p.t)
		maps.DeleteFunc(now, func(key string, n int) bool { return p.taken[key] == n })
		if got := slices.Collect(maps.Values(now)); fmt.Sprint(len(got)) != args[1] || len(got) > 0 && slices.Max(got) > 1 {
			p.Fatalf("the ERP took %v, want %s, each once", now, args[1])
		}
	case "has":
		p.words(args, 3, usage)
		text, _ := json.Marshal(p.s.record(p.t, "erp", args[1], args[2]))
		p.answered(text)
	default:
		p.Fatalf("usage: %s", usage)
	}
}

func (p *play) company(_ bool, args []string) {
	p.words(args, 1, "company [second] CONTROL [name=value ...] [BODY.json]")
	of := p.s
	if args[0] == "second" {
		of, args = p.second, args[1:]
	}
	path, body := "/control/"+args[0]+"?", any(nil)
	for _, arg := range args[1:] {
		if strings.Contains(arg, "=") {
			path += arg + "&"
		} else {
			p.Check(json.Unmarshal([]byte(p.expanded(arg)), &body))
		}
	}
	if args[0] != "buy" { // which alone answers
		of.control(p.t, http.MethodPost, path, body)
		return
	}
	var made json.RawMessage
	of.control(p.t, http.MethodPost, path, body, &made)
	p.answered(made)
}

func (p *play) carrier(_ bool, args []string) {
	const usage = "carrier takes a parcel | pushes SCANS.json as DELIVERY and is told STATE"
	p.words(args, 3, usage)
	at := &pushing{server: p.s}
	if args[0] == "takes" {
		numbers, shipments := at.parcels(p.t, 1)
		p.Setenv("PARCEL", numbers[0])
		p.Setenv("SHIPMENT", shipments[0])
		return
	}
	p.words(args, 8, usage)
	body, id := []byte(p.expanded(args[1])), args[3]
	status, text := at.post("acme", signedWith("whsec_YWNtZSBpbiBkZXZlbG9wbWVudCBhbG9uZQ==", id, time.Now(), body), body)
	if status/100 != 2 || !strings.Contains(text, args[7]) {
		p.Fatalf("pushing %s: %d %s", id, status, text)
	}
}

func (p *play) supplier(_ bool, args []string) {
	p.words(args, 3, "supplier PERSONA proves key NAME of PARTNER | labels units NAME ...")
	with := &supplying{s: p.s}
	with.next.Store(time.Now().UnixNano() / 1e6 % 1e9)
	if args[0] == "labels" {
		for _, name := range args[2:] {
			p.Setenv(name, with.sscc())
		}
		return
	}
	g := with.newKey(p.t, args[0], args[5])
	p.signers[args[3]] = g
	p.Setenv(args[3], g.keyID)
}

func (p *play) signed(_ bool, args []string) {
	p.words(args, 4, "signed with KEY graphql DOCUMENT [VARIABLES.json] [name=value ...]")
	g, vars := p.signers[args[1]], p.variables(args[4:])
	if g == nil {
		p.Fatalf("no key is %s", args[1])
	}
	vars["in"] = g.sealed(vars["in"].(map[string]any))
	p.answered([]byte(g.send(p.t, g.letter(map[string]any{"query": p.ReadFile(args[3]), "variables": vars})).Body))
}

// portals ask until they noticed nothing: no error, and never two sources in one answer.
func (p *play) portals(_ bool, args []string) {
	p.words(args, 2, "portals ask DOCUMENT | noticed nothing")
	if args[0] == "ask" {
		p.load = p.s.portals(p.t, p.ReadFile(args[1]))
		return
	}
	if asked, failed, why := p.load.ended(); failed > 0 || asked < 50 {
		p.Fatalf("%d of %d queries failed: %v", failed, asked, why)
	}
}
