# What one does with this repository. `make` lists it.
#
# Variables: ONCE=1 KILL=n KAFKA=host:port REDIS=host:port PORT=first (0: free ones) RATE=n for run;
# REAL=1 LONG=1 MUTANTS=1 SCENARIO="name ..." OUT=folder for verify; REAL=1 LONG=1 for test-alerts;
# QUICK=1 REAL=1 ARGS="flag ..." OUT=folder for bench.

GO ?= go
BIN := bin
# The race detector needs a C compiler; without one the tests run without it.
RACE := $(shell command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 && echo -race)

.DEFAULT_GOAL := help

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## build all programs into bin/
	@$(GO) build -o $(BIN)/ ./cmd/...

run: build ## run the hub and the world around it, with sample applications (ONCE=1, KILL=1, KAFKA=, REDIS=, RATE=)
	@$(BIN)/mocks run --hub $(BIN)/hub --hubctl $(BIN)/hubctl \
		$(if $(ONCE),--once) $(if $(KILL),--kill $(KILL)) $(if $(KAFKA),--kafka $(KAFKA)) $(if $(REDIS),--redis $(REDIS)) $(if $(PORT),--port $(PORT)) $(if $(RATE),--rate $(RATE))

# The README's tour in chromium, with Prometheus: what it sees is what is promised.
TOUR := observability/console/tour

tour: ## take the README's pictures anew
	@TOUR_PICTURES=$(CURDIR)/$(TOUR) $(GO) test -count=1 -v -run '^TestTourPictures$$' ./cmd/mocks

# The browser's tests have a target of their own.
NO_BROWSER := -skip '^TestConsole'

# Most of the time of what follows the tests in process goes by waiting, for leases,
# sessions and Prometheus. So two parts of it go side by side, each with servers and
# ports of its own. The alerts come first, and what is for them is built before: they go
# beside the part that computes least, and the browser does not.
test: ## all tests: in process, against a real Kafka and Redis where they can be had, the smoke part of verify, and the alerts
	@KAFKA_BROKERS= REDIS_ADDR= $(GO) test $(RACE) -shuffle=on $(NO_BROWSER) ./...
	@$(MAKE) --no-print-directory build failpoints
	@$(MAKE) --no-print-directory -j2 -Otarget test-alerts test-real verify-smoke test-console test-boards

# The console in Debian's chromium. Without it the tests say so and are skipped; in
# CI that is a failure. SHOTS=folder keeps a picture of every page.
test-console: axe ## the console in a browser, and its rules of accessibility (SHOTS=)
	@CONSOLE_SHOTS=$(SHOTS) KAFKA_BROKERS= REDIS_ADDR= $(GO) test -count=1 -run '^TestConsole' ./cmd/hub

AXE := observability/console/axe

# The rules of accessibility, at the version and hash of the lock file.
axe:
	@[ -e $(AXE)/node_modules/axe-core/axe.min.js ] || ! command -v npm >/dev/null 2>&1 || (cd $(AXE) && npm ci --ignore-scripts --no-audit --no-fund --silent)

# The suites that run once more against a real Kafka and Redis, in two halves with
# servers of their own. Packages of a half go one after another (-p 1), because hubs of
# two would share consumer groups.
SUITES_topics := ./topics/...
SUITES_hubs := ./cmd/hub ./cmd/hubctl ./cmd/mocks

test-real: test-real-topics test-real-hubs
ifdef KAFKA_BROKERS
test-real-hubs: test-real-topics
endif

# KAFKA_BROKERS and REDIS_ADDR as given, for one half after the other; else containers,
# where Docker answers; else, in CI, plain processes.
test-real-topics test-real-hubs: test-real-%:
	@if [ -n "$$KAFKA_BROKERS" ] && [ -n "$$REDIS_ADDR" ]; then servers=; \
	elif timeout 10 docker info >/dev/null 2>&1; then servers="$(GO) run ./deploy/containers"; \
	elif [ -n "$$CI" ]; then servers=deploy/servers/with-servers; \
	else echo "$@: skipped: set KAFKA_BROKERS and REDIS_ADDR, start Docker, or run deploy/servers/with-servers make test"; exit 0; fi; \
	$$servers $(GO) test $(RACE) -count=1 -p 1 $(NO_BROWSER) $(SUITES_$*)

# Every query of every Grafana board, on a Prometheus that reads a hub at work.
test-boards:
	@if command -v prometheus >/dev/null 2>&1; then \
		PROMETHEUS="$$(command -v prometheus)" $(GO) test -count=1 -run '^TestEveryQueryHasData$$' ./observability/dashboards; \
	elif [ -n "$$CI" ]; then \
		echo "test-boards: prometheus is not installed: in CI that is a failure" >&2; exit 1; \
	else \
		echo "test-boards: skipped: install prometheus"; \
	fi

# Faults on real processes; the verdict comes from the ledgers, the topics and Redis.
verify: build failpoints ## faults on real processes, and a verdict from outside (REAL=1, LONG=1, MUTANTS=1, SCENARIO=, OUT=)
	@libs=; if [ -n "$(REAL)" ]; then libs="--kafka-libs $$(deploy/servers/kafka-jars)" || exit 1; fi; \
	$(BIN)/verify $(if $(MUTANTS),mutants,run $(if $(LONG),--seeds 10)) --bin $(BIN) $$libs \
		$(if $(LONG),--long) $(if $(OUT),--out $(OUT)) $(SCENARIO)

failpoints:
	@$(GO) build -tags failpoints -o $(BIN)/hub-failpoints ./cmd/hub

verify-smoke: build failpoints
	@$(BIN)/verify run --smoke --bin $(BIN)

# Faults on real processes, a real Prometheus, and the alerts that must fire.
test-alerts: build ## faults on which the alerts must fire, on a real Prometheus (REAL=1, LONG=1)
	@libs=; if [ -n "$(REAL)" ]; then libs="--kafka-libs $$(deploy/servers/kafka-jars)" || exit 1; fi; \
	if command -v prometheus >/dev/null 2>&1; then \
		$(BIN)/verify alerts --bin $(BIN) $$libs $(if $(LONG),--long); \
	elif [ -n "$$CI" ]; then \
		echo "test-alerts: Prometheus is not installed: in CI that is a failure" >&2; exit 1; \
	else \
		echo "test-alerts: skipped: install Prometheus 2.42 or newer (Debian's package prometheus)"; \
	fi

# Redis syncs once a second: that is enough for the routes that are measured.
bench: build ## speed, beside a program that promises nothing (QUICK=1, REAL=1: on Apache Kafka, ARGS=, OUT=)
	@APPENDFSYNC=everysec deploy/servers/with-servers $(BIN)/bench run --bin $(BIN) --commit "$$(git describe --always --abbrev=8 --dirty=+)" --out $(or $(OUT),cmd/bench/results) \
		$(if $(QUICK),--quick,--all) $(if $(REAL),--kafka real) $(ARGS)

# What it takes to see: the hub without metrics is a build of its own.
bench-sight: build
	@$(GO) build -tags uncounted -o $(BIN)/hub-uncounted ./cmd/hub
	@APPENDFSYNC=everysec deploy/servers/with-servers $(BIN)/bench sight --bin $(BIN) --commit "$$(git describe --always --abbrev=8 --dirty=+)" $(if $(OUT),--out $(OUT)) $(ARGS)

fuzz: ## fuzz every parser of foreign input, 20 s each
	@for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime 20s -fuzzminimizetime 1x $$p || exit 1; \
		done; \
	done

lint: ## formatting, vet, staticcheck, tidy modules
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }
	@$(GO) vet ./... && $(GO) vet -tags failpoints ./cmd/hub && $(GO) vet -tags uncounted ./cmd/hub
	@$(GO) tool staticcheck ./...
	@$(GO) mod tidy -diff

vuln: ## known vulnerabilities of what we call, where the database can be reached
	@$(GO) tool govulncheck ./... || { code=$$?; [ $$code = 3 ] && exit 3; echo "govulncheck: the database could not be reached: skipped"; }

check: lint vuln test ## what CI runs

clean: ## remove what was built
	@rm -rf $(BIN)

.PHONY: help build run tour test test-real test-real-topics test-real-hubs test-console axe test-boards test-alerts verify verify-smoke failpoints bench fuzz lint vuln check clean
