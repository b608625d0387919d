# Two commands do all the set-up: make run, make test.

SHELL := /bin/bash
GO    ?= go
LINT  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# Tests make hundreds of databases that live for seconds. In memory, if there is room, they take a quarter less of the processors.
enough := [ "$$(df -k --output=avail /dev/shm | tail -1)" -gt 12000000 ] && [ "$$(awk '/^MemAvailable/ {print $$2}' /proc/meminfo)" -gt 16000000 ]
test test-packages test-stories test-race-server: export TMPDIR := $(or $(TMPDIR),$(shell { $(enough); } 2> /dev/null && echo /dev/shm),/tmp)

.PHONY: help run run-cluster prove-cluster prove-upgrade test test-packages test-stories test-race-server check faults release reset web test-web bench publish generate tryton run-tryton tryton-stop prove-tests

help: ## What there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: bin/portico ## Run Portico over a living sandbox company; Ctrl-C ends everything
	@bin/portico serve

run-cluster: bin/portico ## Run three processes of Portico with three of NATS behind a balancer; Ctrl-C ends everything
	@$(GO) build -o bin/cluster ./test/cluster && bin/cluster

prove-cluster: bin/portico ## End those in turn under load, and check that no subscriber misses anything (RECONNECTS, SEED)
	@$(GO) build -o bin/cluster ./test/cluster && bin/cluster -prove -reconnects $(or $(RECONNECTS),1000) -seed $(or $(SEED),1)

prove-upgrade: bin/portico ## Replace three processes of an earlier build (FROM, a commit) one after the other under load, and check that nobody notices
	@rm -rf bin/before && git worktree prune && git worktree add -q --detach bin/before $(or $(FROM),HEAD~1) && (cd bin/before && $(GO) build -o ../portico-before .) && git worktree remove --force bin/before
	@$(GO) build -o bin/cluster ./test/cluster && bin/cluster -binary bin/portico-before -upgrade-to bin/portico

tryton: ## Install, fill and start a real ERP, Tryton 6.0 (Debian, Ubuntu): two minutes, then seconds
	@sandbox/tryton/run.sh start

run-tryton: tryton bin/portico ## Run Portico over that Tryton and the sandbox's carrier; Ctrl-C ends Portico
	@sandbox/tryton/run.sh portal

tryton-stop: ## Stop it
	@sandbox/tryton/run.sh stop

.PHONY: bin/portico
bin/portico:
	@$(GO) build -o $@ .

test: ## All tests once, shuffled: the stories over the built binary, then the packages with the race detector; what a missing program leaves out is said at the end
	@dir=$$(mktemp -d); \
	PORTICO_LEFT_OUT=$$dir/left PORTICO_SLOWEST=$$dir/slowest PORTICO_NETWORK=1 sandbox/tryton/run.sh with $(MAKE) --no-print-directory -k test-stories test-packages; code=$$?; \
	cat $$dir/slowest $$dir/left 2> /dev/null; rm -rf $$dir; exit $$code

# Those that take minutes come first, so that none of them is what the others have to wait for at the end.
LONGEST := ./process/replica ./test/cluster ./test/faults ./resolvers ./process/orders ./process/durable ./store/postgres

test-packages:
	@echo "packages, with the race detector:"; $(GO) test -race -vet=off -ldflags=-w -shuffle=on -timeout 20m $(LONGEST) $$($(GO) list ./... | grep -v '/test/e2e$$')

# make check vets, as one of its linters; without debugging information the many programs of tests are linked in half the time.
# The race detector would watch the stories' client alone: its server is another process.
test-stories:
	@echo "stories, over the built binary:"; $(GO) test -vet=off -shuffle=on -timeout 40m ./test/e2e

test-race-server: ## The stories once more, over a server that is built with the race detector: for the night
	@PORTICO_NETWORK=1 PORTICO_BUILD=-race sandbox/tryton/run.sh with $(GO) test -shuffle=on -timeout 90m ./test/e2e

check: ## Format, lint (vet among it), generated code, the schema against what was published and what clients send, allocations and calls of the pages; no tests
	@$(GO) generate ./... && git diff --exit-code --stat -- graph test/e2e/api
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'not formatted:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@$(GO) mod tidy -diff
	@$(GO) run $(LINT) run ./...
	@$(GO) build -o bin/portico . && bin/portico governance --check && $(GO) run ./test/bench -gate test/bench/baseline.json 2> /dev/null

publish: bin/portico ## Publish the schema: from then on nobody breaks it without warning
	@bin/portico governance --publish

generate: ## Generate the graph from schema.graphqls and gqlgen.yml, and the operations of the stories from test/e2e/api
	@$(GO) generate ./...

faults: bin/portico ## Kill, freeze and cut server, database and ERP in 200 seeded runs, and check that every order is there once (RUNS, SEED)
	@$(GO) run ./test/faults -runs $(or $(RUNS),200) -seed $(or $(SEED),1)

prove-tests: ## Plant sixty mistakes, one at a time, and say which of them a test of the same package catches
	@$(GO) run ./test/breaks

release: ## A static, reproducible binary in dist/, what it is made of (CycloneDX), and its known vulnerabilities
	@$(GO) run ./tools/release

reset: bin/portico ## Begin anew: remove the embedded database, the sandbox's journal and the keys
	@bin/portico reset

web: ## Build the pages that browsers load (needs Node 20)
	@for page in web/graphiql examples/tracking; do (cd $$page && npm ci --no-audit --no-fund && npm run build) || exit 1; done
	@$(GO) test ./web -run TheCommittedBuild -update

test-web: web ## Build those pages once more and compare them with what is committed
	@git diff --exit-code --stat -- web examples && test -z "$$(git status --porcelain -- web examples)"

bench: bin/portico ## Load the pages at 50,000 orders and print the table of docs/performance.md
	@$(GO) run ./test/bench
