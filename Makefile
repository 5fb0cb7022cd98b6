# Every target is a shorthand for the plain lines that it prints and runs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

GOTEST ?= go test
EVENTS ?= 5000
SEED ?= 7
FUZZTIME ?= 20000x
SEEDS ?= 1000
TABLES ?=
SERVICES ?=
BROKERS ?= 1
# Not ?=: the environment often has a PORT, for something else.
PORT = 9092
PACKAGES ?= ./internal/kafkatest ./internal/registry ./cmd/deskstream

KAFKA := deploy/kafka-without-docker/kafka.sh

.DEFAULT_GOAL := help
.PHONY: help quick-start release-check release-notes reproducible build demo test race test-kafka test-kafka-kills kafka kafka-stop lint fmt tidy fuzz simulate planted outages tables bench bench-receive bench-budget bench-scale bench-console microbench alerts nights browser screenshots vuln verify up down deploy-check manifests

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z -]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Without the debugger's data, a fifth of the file; stack traces and profiles need none.
build: ## build the binary as ./deskstream
	CGO_ENABLED=0 go build -trimpath -ldflags=-w -o deskstream ./cmd/deskstream

# Kafka's and the example's ports must be free: 9092, 9400, 9401, 9500.
# It prints the time after each block.
quick-start: ## follow docs/quick-start.md in a fresh clone of the last commit
	deploy/quick-start.sh

demo: ## run the whole thing in one process (EVENTS, SEED)
	go run ./cmd/deskstream demo --events $(EVENTS) --seed $(SEED)

# The tag makes the Kafka client's mutexes such that a test's bubble sees who waits.
test: ## run all tests
	go test -tags synctests ./...

# Short leaves out what the detector does not see, programs in processes of their own, and
# makes loads smaller: test has them in full. One processor, since a bubble's timers that are
# due at once run on whichever processor sets them, all with the one race context of the
# bubble, and two at a time crash the detector (golang/go#78156). It needs no two to see a
# race: it goes by what happened before what. With one processor each, two packages run side by
# side (-p), whatever the environment says.
race: ## run all tests under the race detector
	go test -race -p 2 -cpu 1 -short -timeout 30m -tags synctests ./...

# Brokers are those of KAFKA_BROKERS; else one in Docker, if that answers; else three from the
# published jars, for which Java 17 or later is needed. KAFKATEST_WAY=brokers, docker or
# jars takes that way. Tests that stop brokers take the jars in any case. PACKAGES takes some.
# Four at once: brokers, processes and the stub desks share the processors, and sessions are short.
test-kafka: ## run the tests that need Apache Kafka
	$(GOTEST) -tags kafka -v -count=1 -parallel 4 -timeout 40m -run '^Test(Kafka|Apache|Registry)_' $(PACKAGES)

# Tens of minutes. Each kill finds 20 calls open that open a ticket.
KILLS ?= 20
test-kafka-kills: ## kill, freeze and restart instances and brokers while tickets are opened (KILLS: how often)
	go test -tags kafka -v -count=1 -parallel 3 -timeout 3h -run '^TestKafka_(tickets|theThirdOwner)' ./cmd/deskstream -kills $(KILLS)

kafka: ## start Apache Kafka with Java alone (BROKERS=1 or 3, PORT: the first port)
	$(KAFKA) start --brokers $(BROKERS) --port $(PORT)

kafka-stop: ## stop it; its data stays
	$(KAFKA) stop

# With the tags, vet is one of the linters.
lint: ## vet, lint, and nothing left to format, modernise or tidy
	go vet ./...
	$(GOLANGCI_LINT) run ./...
	go fix -diff -tags synctests,kafka ./...
	go mod tidy -diff

fmt: ## format the code
	$(GOLANGCI_LINT) fmt

tidy: ## modernise the code and tidy go.mod
	go fix -tags synctests,kafka ./...
	go mod tidy

# go test fuzzes one target at a time. The targets are found in the files: a list by go test would
# build the tests of all packages first. By itself go test spends up to a minute to minimise each input
# that finds new code.
fuzz: ## fuzz every target for FUZZTIME each (a time, or Nx inputs)
	@list=$$(grep -r --include='*_test.go' '^func Fuzz' . | sed -E 's,^(.*)/[^/]*:func (Fuzz[^(]*).*,\1 \2,' | sort); \
	test -n "$$list" || { echo "no fuzz target found" >&2; exit 1; }; \
	while read -r package target; do \
		echo "go test -run '^$$target\$$' -fuzz '^$$target\$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package"; \
		go test -run "^$$target\$$" -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package"; \
	done <<< "$$list"

simulate: ## run the pipeline under SEEDS scripts of faults
	go test -tags synctests ./internal/simulation -run '^TestSimulation$$' -timeout 30m -seeds $(SEEDS) $(TABLES)

planted: ## plant faults that the simulation has to find
	go test -tags synctests ./internal/simulation -run '^TestPlanted' -timeout 30m -seeds 2500 -plant $(TABLES)

outages: ## let gateways answer in the APIs' place for ten simulated minutes each
	go test -tags synctests ./internal/simulation -run '^TestOutage$$' -timeout 30m -outage 10m $(TABLES)

tables: ## all three, and write the tables of docs/guarantees.md anew
	@$(MAKE) --no-print-directory simulate planted outages TABLES=-update-table

# Minutes: six cases, two programs, three runs. BENCH takes flags: -only 50ms -runs 1.
bench: build ## compare with the limit, end to end (BENCH: flags)
	go run ./internal/bench $(BENCH)

# Two minutes. The last line is PASS or FAIL with the ratios.
bench-receive: build ## compare receive with a raw loop of net/http and the Kafka client (BENCH: flags)
	go run ./internal/bench receive $(BENCH)

# About ten minutes: a minute of the desk takes two seconds, or three. BENCH takes flags: -beside OTHER-BUILD-OR-COMMIT -only share -lasts 30s.
bench-budget: build ## what a rate budget is spent on, with a backlog waiting (BENCH: flags)
	go run ./internal/bench budget $(BENCH)

# Half an hour. BENCH takes flags: -only lanes,partitions,claims -events 200000.
bench-scale: build ## how the cost of an event grows with lanes, partitions and outcomes (BENCH: flags)
	go run ./internal/bench scale $(BENCH)

# About 20 minutes. The last line is PASS or FAIL with the ratios. BENCH takes flags: -only reader -runs 3.
bench-console: build ## what an open live page of the console costs a pipeline (BENCH: flags)
	go run ./internal/bench console $(BENCH)

microbench: ## run the Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

PROMTOOL := go run github.com/prometheus/prometheus/cmd/promtool@v0.316.0

# promtool brings a thousand packages, so it is not among the tests: they evaluate the rules by
# Prometheus' own engine. The series are of runs (TestAlerts_fireInTheNight -update-nights).
alerts: ## check the alert rules, and test them on recorded series (when deploy/prometheus changed)
	$(PROMTOOL) check rules deploy/prometheus/alerts.yaml
	$(PROMTOOL) test rules deploy/prometheus/nights/*.yaml

nights: ## play three nights of the alerts on Apache Kafka, a second for each minute
	go test -tags kafka -v -count=1 -timeout 20m -run '^TestKafka_alertsFireInTheNight$$' ./internal/service -nights

# A module of its own: what drives the browser is no dependency of deskstream. The browser is that of
# CHROMIUM, else one that is installed, else Debian's, which is fetched into the cache of the user;
# npm fetches axe-core there. BROWSER takes flags: -run TestIncident.
browser: build ## test the console in a headless Chromium (BROWSER: flags)
	cd internal/console/browsertest && go vet -tags browser ./... && go test -tags browser -count=1 ./... -program $(CURDIR)/deskstream $(BROWSER)

screenshots: ## take the pictures of docs/console again
	$(MAKE) --no-print-directory browser BROWSER="-run TestConsole -screenshots $(CURDIR)/docs/console"

vuln: ## look for known vulnerabilities (asks vuln.go.dev)
	$(GOVULNCHECK) ./...

# A module of its own: Helm and the types of Kubernetes are no dependencies of deskstream.
deploy-check: ## test the chart, the manifests, the systemd unit and the configuration of releases
	cd deploy/check && go vet ./... && go test -count=1 ./... # go does not see that the files beside the module change
	cd deploy/release && go vet ./... && go test -count=1 ./...
	@if command -v systemd-analyze >/dev/null; then \
		unit=$$(mktemp -d)/deskstream.service; sed 's,^ExecStart=[^ ]*,ExecStart=/bin/true,' deploy/systemd/deskstream.service >"$$unit"; \
		systemd-analyze verify "$$unit" && systemd-analyze security --offline=true --threshold=20 "$$unit" | tail -1; \
	else echo "no systemd-analyze is here: the unit is not checked"; fi

# It brings some 1,500 packages, so it is not among what CI runs: when .goreleaser.yaml or
# deploy/release changed. A later version asks for a later Go.
GORELEASER := go run github.com/goreleaser/goreleaser/v2@v2.17.0
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

release-check: ## check .goreleaser.yaml, and build a release into dist without publishing, image and signatures
	GOBIN=$(CURDIR)/bin go install $(CYCLONEDX)
	$(GORELEASER) check
	PATH=$(CURDIR)/bin:$$PATH $(GORELEASER) release --snapshot --clean --skip=docker,sign

VERSION ?= Unreleased
release-notes: ## print the section of CHANGELOG.md of VERSION (0.1.0, say)
	@awk -v version="$(VERSION)" '/^## / { ours = index($$2, version) > 0; next } ours' CHANGELOG.md

reproducible: ## build the last commit twice, once with an empty cache: the same bytes
	deploy/release/reproducible.sh

manifests: ## write deploy/kubernetes from the chart, and the chart's copy of the alerts
	cd deploy/check && go test -count=1 -run 'Manifests|hasTheAlerts' ./... -update

verify: lint race fuzz demo test ## all that CI runs besides Kafka and the conformance cases

up: ## start the stack of docker-compose.yml and wait until it is healthy (SERVICES: some of it only)
	docker compose up --detach --build --wait --wait-timeout 300 $(SERVICES)

down: ## stop it and keep its data ('docker compose down --volumes' deletes that too)
	docker compose down
