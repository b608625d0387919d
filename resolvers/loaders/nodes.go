package loaders

import (
	"context"
	"strings"
	"time"

	"portico/store/ledger"
	operatingstore "portico/store/operating"
	"portico/trade"
	"portico/trade/operating"
)

// Nodes loads things by their global ids, in the order asked; nil for each
// that is not there or not the caller's. One batch goes to each kind of thing.
func (l *Loaders) Nodes(ctx context.Context, ids []string) ([]trade.Node, error) {
	byKind := map[string][]string{}
	for _, id := range ids {
		kind, _, _ := strings.Cut(id, "_")
		byKind[kind] = append(byKind[kind], id)
	}
	found := map[string]trade.Node{}
	for kind, ids := range byKind {
		if err := l.nodesOf(ctx, kind, ids, found); err != nil {
			return nil, err
		}
	}
	nodes := make([]trade.Node, len(ids))
	for i, id := range ids {
		nodes[i] = found[id]
	}
	return nodes, nil
}

func (l *Loaders) nodesOf(ctx context.Context, kind string, ids []string, found map[string]trade.Node) error {
	switch kind {
	case "acc":
		return gather(ctx, l, Accounts, ids, found)
	case "loc":
		return gather(ctx, l, Locations, ids, found)
	case "ctr":
		return gather(ctx, l, Contracts, ids, found)
	case "ptn":
		return gather(ctx, l, Partners, ids, found)
	case "key":
		return gather(ctx, l, PartnerKeys, ids, found)
	case "msg":
		return gather(ctx, l, Messages, ids, found)
	case "itm":
		return gather(ctx, l, Items, ids, found)
	case "sit":
		return gather(ctx, l, SupplierItems, ids, found)
	case "cat":
		return gather(ctx, l, Categories, ids, found)
	case "whs":
		return gather(ctx, l, Warehouses, ids, found)
	case "ord":
		return gather(ctx, l, Orders, ids, found)
	case "oln":
		return gather(ctx, l, OrderLines, ids, found)
	case "pur":
		return gather(ctx, l, PurchaseOrders, ids, found)
	case "pol":
		return gather(ctx, l, PurchaseOrderLines, ids, found)
	case "rsp":
		return gather(ctx, l, Responses, ids, found)
	case "dsp":
		return gather(ctx, l, Despatches, ids, found)
	case "dev":
		return gather(ctx, l, Deviations, ids, found)
	case "tol":
		return gather(ctx, l, Tolerances, ids, found)
	case "alr":
		return gather(ctx, l, Alerts, ids, found)
	case "obj":
		return gather(ctx, l, Objectives, ids, found)
	case "shp":
		return gather(ctx, l, Shipments, ids, found)
	case "evt":
		return gather(ctx, l, Events, ids, found)
	case "inv":
		return gather(ctx, l, Invoices, ids, found)
	case "ret":
		return gather(ctx, l, Returns, ids, found)
	case "opr":
		return gather(ctx, l, Operations, ids, found)
	case "usr":
		return gather(ctx, l, Users, ids, found)
	case "dlr":
		return gather(ctx, l, DeadLetters, ids, found)
	case "inb":
		return gather(ctx, l, InboundDeliveries, ids, found)
	case "cmp":
		return gather(ctx, l, CodeMappings, ids, found)
	case "whe":
		return gather(ctx, l, WebhookEndpoints, ids, found)
	case "whd":
		return gather(ctx, l, WebhookDeliveries, ids, found)
	case "aud":
		return gather(ctx, l, AuditEntries, ids, found)
	case "rec":
		return gather(ctx, l, reconciliations, ids, found)
	case "mdc":
		return gather(ctx, l, Conflicts, ids, found)
	}
	return nil
}

func gather[T any, P interface {
	*T
	trade.Node
}](ctx context.Context, l *Loaders, from *Loader[string, P], ids []string, found map[string]trade.Node) error {
	values, err := from.in(ctx, l, ids)
	if err != nil {
		return err
	}
	for i, v := range values {
		if v != nil {
			found[ids[i]] = v
		}
	}
	return nil
}

// SourceHealth is the state of every source, as this process and all others see it, and how far behind its news is.
func (l *Loaders) SourceHealth(ctx context.Context) ([]*operating.SourceHealth, error) {
	confirmed, err := l.Store.Confirmed() //nolint:contextcheck // it reads memory, or what all share
	if err != nil {
		return nil, err
	}
	waiting, err := ledger.QueueDepths(ctx, l.Store)
	if err != nil {
		return nil, err
	}
	seen, err := operatingstore.ObservedSources(ctx, l.Store)
	if err != nil {
		return nil, err
	}
	all := l.Sources.Health()
	out := make([]*operating.SourceHealth, len(all))
	for i := range all {
		out[i] = &all[i]
		out[i].Judge(seen[all[i].Instance], time.Now())
		out[i].QueueDepth = waiting[all[i].Instance]
		if at, ok := confirmed[all[i].Instance]; ok {
			lag := max(time.Since(at), 0).Truncate(time.Millisecond)
			out[i].Lag = &lag
		}
	}
	return out, nil
}
