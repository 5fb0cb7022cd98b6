# Every target is a shorthand for the plain lines that it prints and runs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

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
.PHONY: help build demo test race test-kafka test-kafka-kills kafka kafka-stop lint fmt tidy fuzz simulate planted outages tables bench microbench vuln verify up down

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z -]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the binary as ./deskstream
	CGO_ENABLED=0 go build -trimpath -o deskstream ./cmd/deskstream

demo: ## run the whole thing in one process (EVENTS, SEED)
	go run ./cmd/deskstream demo --events $(EVENTS) --seed $(SEED)

# The tag makes the Kafka client's mutexes such that a test's bubble sees who waits.
test: ## run all tests
	go test -tags synctests ./...

# Short leaves out what the detector does not see, programs in processes of their own, and
# makes loads smaller: test has them in full. One processor, since a bubble's timers that are
# due at once run on whichever processor sets them, all with the one race context of the
# bubble, and two at a time crash the detector (golang/go#78156). It needs no two to see a
# race: it goes by what happened before what.
race: ## run all tests under the race detector
	go test -race -cpu 1 -short -timeout 30m -tags synctests ./...

# Brokers are those of KAFKA_BROKERS; else one in Docker, if that answers; else three from the
# published jars, for which Java 17 or later is needed. KAFKATEST_WAY=brokers, docker or
# jars takes that way. Tests that stop brokers take the jars in any case. PACKAGES takes some.
test-kafka: ## run the tests that need Apache Kafka
	go test -tags kafka -v -count=1 -timeout 20m -run '^Test(Kafka|Apache|Registry)_' $(PACKAGES)

# Tens of minutes. Each kill finds 20 calls open that open a ticket.
KILLS ?= 20
test-kafka-kills: ## kill, freeze and restart instances and brokers while tickets are opened (KILLS: how often)
	go test -tags kafka -v -count=1 -parallel 3 -timeout 3h -run '^TestKafka_(tickets|theThirdOwner)' ./cmd/deskstream -kills $(KILLS)

kafka: ## start Apache Kafka with Java alone (BROKERS=1 or 3, PORT: the first port)
	$(KAFKA) start --brokers $(BROKERS) --port $(PORT)

kafka-stop: ## stop it; its data stays
	$(KAFKA) stop

lint: ## vet, lint, and nothing left to format, modernise or tidy
	go vet ./...
	go vet -tags synctests,kafka ./...
	$(GOLANGCI_LINT) run ./...
	go fix -diff -tags synctests,kafka ./...
	go mod tidy -diff

fmt: ## format the code
	$(GOLANGCI_LINT) fmt

tidy: ## modernise the code and tidy go.mod
	go fix -tags synctests,kafka ./...
	go mod tidy

# go test fuzzes one target at a time. Its list names a package below its targets.
fuzz: ## fuzz every target for FUZZTIME each (a time, or Nx inputs)
	@list=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ {t[n++] = $$1} /^ok/ {for (i = 0; i < n; i++) print $$2, t[i]; n = 0}'); \
	test -n "$$list" || { echo "no fuzz target found" >&2; exit 1; }; \
	while read -r package target; do \
		echo "go test -run '^$$target\$$' -fuzz '^$$target\$$' -fuzztime $(FUZZTIME) $$package"; \
		go test -run "^$$target\$$" -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package"; \
	done <<< "$$list"

simulate: ## run the pipeline under SEEDS scripts of faults
	go test -tags synctests ./internal/simulation -run '^TestSimulation$$' -timeout 30m -seeds $(SEEDS) $(TABLES)

planted: ## plant faults that the simulation has to find
	go test -tags synctests ./internal/simulation -run '^TestPlanted' -timeout 30m -seeds 2500 -plant $(TABLES)

outages: ## let gateways answer in the APIs' place for ten simulated minutes each
	go test -tags synctests ./internal/simulation -run '^TestOutage$$' -timeout 30m -outage 10m $(TABLES)

tables: ## all three, and write the tables of docs/guarantees.md anew
	@$(MAKE) --no-print-directory simulate planted outages TABLES=-update-table

# Minutes: five cases, two programs, three runs. BENCH takes flags: -only 50ms -runs 1.
bench: build ## compare with the limit, end to end (BENCH: flags)
	go run ./internal/bench $(BENCH)

microbench: ## run the Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

vuln: ## look for known vulnerabilities (asks vuln.go.dev)
	$(GOVULNCHECK) ./...

verify: lint race fuzz demo test ## all that CI runs besides Kafka and the conformance cases

up: ## start the stack of docker-compose.yml and wait until it is healthy (SERVICES: some of it only)
	docker compose up --detach --build --wait --wait-timeout 300 $(SERVICES)

down: ## stop it and keep its data ('docker compose down --volumes' deletes that too)
	docker compose down
