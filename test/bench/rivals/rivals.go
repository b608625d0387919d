// Package rivals are the servers that Portico is held against. Each answers what Portico answers, over the same
// database, in a process of its own, and does nothing else.
package rivals

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/vektah/gqlparser/v2/ast"

	"portico/edge"
	"portico/edge/auth"
	"portico/edge/documents"
	"portico/graph"
	"portico/process"
	"portico/resolvers"
	"portico/resolvers/loaders"
	"portico/sources"
	"portico/sources/sandbox"
	"portico/store"
	"portico/store/records"
	"portico/trade"
)

// The rivals by name: [Stock] are Portico's resolvers under gqlgen's own executor, [HandWritten] is a handler for
// each page, and [Frames] writes prepared frames to streams.
const (
	Stock       = "stock"
	HandWritten = "hand-written"
	Frames      = "prepared-frames"
)

const collectAt = 400 // percent of growth at which garbage is collected, as Portico's own

// Company is the company whose systems a rival asks for prices.
type Company struct{ URL, Key string }

// Serve serves as one of the rivals at an address, over the data of a Portico in a folder, until the process is
// ended. Its metrics are at /metrics; pages are at /pages/.
func Serve(name, addr, data string, company Company) error {
	if name == Frames {
		return serveFrames(addr)
	}
	debug.SetGCPercent(collectAt)
	dsn, err := DatabaseOf(data)
	if err != nil {
		return err
	}
	ctx := context.Background()
	st, err := store.Open(ctx, func() string { return dsn }, store.Options{Limits: graph.StaleAfter()})
	if err != nil {
		return err
	}
	set, err := sandbox.OpenCompany(company.URL, company.Key)
	if err != nil {
		return err
	}
	issuer, err := auth.OpenDevIssuer(data)
	if err != nil {
		return err
	}
	callers, err := auth.New(nil, issuer, process.Directory{Store: st})
	if err != nil {
		return err
	}
	pages, err := pagesOf(ctx, name, dsn, st, set)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.Handler())
	mux.Handle("POST /pages/{page}", edge.SignIn(callers, slog.New(slog.DiscardHandler), pages))
	srv := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: time.Second}
	return srv.ListenAndServe()
}

func pagesOf(ctx context.Context, name, dsn string, st *store.Store, set *sources.Set) (http.Handler, error) {
	if name == Stock {
		return stockPages(st, set)
	}
	price, err := pricesOf(ctx, st, set)
	if err != nil {
		return nil, err
	}
	return newReference(ctx, dsn, price)
}

// DatabaseOf is the connection string of the embedded database of a folder.
func DatabaseOf(data string) (string, error) {
	file, err := os.ReadFile(filepath.Join(data, "postgres", "postmaster.pid"))
	if err != nil {
		return "", fmt.Errorf("the database does not run: %w", err)
	}
	// process, folder, start, port, folder of the socket
	lines := strings.Split(string(file), "\n")
	if len(lines) < 5 {
		return "", errors.New("the database is starting")
	}
	return "host=" + lines[4] + " user=portico dbname=portico sslmode=disable binary_parameters=yes", nil
}

// stockPages runs the same resolvers and loaders under gqlgen's executor.
func stockPages(st *store.Store, set *sources.Set) (http.Handler, error) {
	prices, err := set.CachePrices(100_000, st.StaleAfter("Price"))
	if err != nil {
		return nil, err
	}
	shared := loaders.Shared{Store: st, Sources: set, Prices: prices}
	srv := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Links: documents.NewLinks(nil, nil)}}))
	srv.AddTransport(transport.POST{})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](100))
	srv.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		return next(loaders.With(ctx, loaders.New(shared, auth.CallerOf(ctx).Scope)))
	})
	return srv, nil
}

// pricesOf are the prices of the catalogue page, by sku.
func pricesOf(ctx context.Context, st *store.Store, set *sources.Set) (map[string]*trade.Price, error) {
	buyer := auth.Personas[0]
	scope, account := trade.CustomerScope(nil, buyer.Rights), buyer.Accounts[0]
	page, err := records.ItemList(scope, records.ItemFilter{}, trade.ItemsByRelevance).Page(ctx, st, []string{""}, store.PageArgs{First: 100})
	if err != nil {
		return nil, err
	}
	var keys []trade.PriceKey
	for _, i := range page[""].Nodes {
		k := trade.PriceKey{Account: account, SKU: i.SKU, Quantity: "1", Unit: i.BaseUnit, Day: trade.DateOf(time.Now(), time.UTC)}
		keys = append(keys, k)
	}
	results, err := set.Prices(ctx, keys)
	if err != nil {
		return nil, err
	}
	prices := map[string]*trade.Price{}
	for i, r := range results {
		if p, ok := r.(*trade.Price); ok {
			prices[keys[i].SKU] = p
		}
	}
	return prices, nil
}
