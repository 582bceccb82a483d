# Everything that people and CI do with this checkout. `make` alone shows the list.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

include hack/versions.env

# Tools of the checkout come before those of the machine.
TOOLS := $(CURDIR)/.tools
export PATH := $(TOOLS)/bin:$(PATH)
# The commit is passed below; asking git for it fails in a checkout that belongs to somebody else.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

GO ?= go
LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)/golangci-lint

# What `awo version` shows. The version itself stands in cmd/awo/version.go.
COMMIT := $(shell git -c safe.directory='*' rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
DATE := $(shell git -c safe.directory='*' log -1 --format=%cI 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.commit=$(COMMIT) -X main.date=$(DATE)

# The share of statements of hand-written code that tests must run, in percent.
COVER_MIN ?= 80
# The packages whose tests are counted; empty for all.
COVER_PACKAGES ?=

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/awo, one static binary.
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/awo ./cmd/awo

.PHONY: demo
demo: build ## Drive one order from manifest to pull request here: no key, no account.
	bin/awo demo

.PHONY: test
test: ## Get what the tests need, then run all of them: unit and end to end.
	@hack/tools.sh
	hack/test.sh ./...

.PHONY: e2e
e2e: ## Run only the end-to-end tests: real claude, gh and git against scripted servers.
	@hack/tools.sh
	hack/test.sh ./hack/e2e/...

.PHONY: faults
faults: ## Kill the controller at every durable step, fail every write: nothing is lost (FAULTS=-count=20).
	@hack/tools.sh
	hack/test.sh -tags=crashpoints -timeout=2h -run='AnyCrashPoint|KilledCommand|DiskFails' $(FAULTS) ./hack/e2e ./controller/store

.PHONY: soak
soak: ## Kill the controller every few seconds for 5 minutes while 200 orders run (SOAK_ORDERS, SOAK_SECONDS).
	@hack/tools.sh
	$(GO) test -tags=soak -count=1 -timeout=30m -run=TestSoak -v ./hack/e2e

# How long each fuzz target runs.
FUZZTIME ?= 1m

.PHONY: fuzz
fuzz: ## Run all fuzz targets, a minute each (FUZZTIME=10s for less).
	hack/fuzz.sh $(FUZZTIME)

.PHONY: vuln
vuln: ## Look up known vulnerabilities of what is imported; needs https://vuln.go.dev.
	hack/vuln.sh

.PHONY: bench
bench: build ## Measure: figures as a Markdown table (BENCH='-quick' for a short one).
	$(GO) run ./hack/bench $(BENCH)

.PHONY: cover
cover: ## Measure what the tests run; fails below 80 %.
	@hack/tools.sh
	hack/cover.sh $(COVER_MIN) $(COVER_PACKAGES)

.PHONY: lint
lint: $(LINT) ## Check the code with golangci-lint.
	$(LINT) run ./...

.PHONY: fmt
fmt: $(LINT) ## Format the code.
	$(LINT) fmt ./...

.PHONY: generate
generate: ## Make deepcopy code and CRD schema from api/v1alpha1.
	hack/generate.sh

.PHONY: verify
verify: $(LINT) ## Check in a copy that generate, tidy and fmt change nothing.
	LINT=$(LINT) hack/verify.sh

# What Docker means here: the machine's, or what hack/docker/setup.sh made for this checkout.
DOCKER := . hack/docker/env.sh; docker
# An Archon checkout, such as ../archon: dev-awo and stop then mean its services, too.
ARCHON ?=
export ARCHON

.PHONY: check
check: ## Check what the container needs: Docker, Compose, .env, a free port.
	@hack/docker/check.sh

.PHONY: dev-awo
dev-awo: check ## Run awo in Docker, anew after each change of the source (ARCHON=../archon: with Archon's backend).
	@hack/docker/dev.sh up

.PHONY: awo-logs
awo-logs: ## Follow the log of the container.
	@$(DOCKER) logs --follow --tail 100 archon-awo

.PHONY: awo-restart
awo-restart: ## Restart the container; orders go on where they were.
	@$(DOCKER) restart archon-awo

.PHONY: awo-shell
awo-shell: ## Open a shell in the container.
	@$(DOCKER) exec -it archon-awo bash

.PHONY: stop
stop: ## Stop the container, and with ARCHON=../archon Archon's; volumes stay.
	@hack/docker/dev.sh down

.PHONY: image
image: ## Build the image archon-awo and print its size and the parts of it.
	@AWO_COMMIT=$(COMMIT) AWO_DATE=$(DATE) hack/docker/image.sh

.PHONY: e2e-docker
e2e-docker: ## Test image and Compose files in a real engine, which is started if there is none.
	@hack/docker/e2e.sh

.PHONY: clean
clean: ## Remove what was built and fetched.
	@if [ -d .tools/docker ]; then hack/docker/engine.sh stop; fi
	rm -rf bin cover .tools

$(LINT):
	GOBIN=$(@D) CGO_ENABLED=0 $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
