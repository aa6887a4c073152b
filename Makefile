# pave: make help
SHELL := /bin/bash
# One set of build flags everywhere: another one means another cold build of 5 minutes.
export CGO_ENABLED := 0
export GOEXPERIMENT := jsonv2
export GOFLAGS := -trimpath -buildvcs=false

ENGINE := go run ./hack/engine
# A shell with the engine's dagger on its PATH.
WITH_ENGINE := eval "$$($(ENGINE) env)" &&

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: engine ## Walk examples/hello-go along the golden path; the result is in out/demo
	@$(WITH_ENGINE) dagger call demo --commit="$$(git rev-parse HEAD)" export --path=out/demo
	@cat out/demo/summary.txt

.PHONY: demo-cluster
demo-cluster: ## Deploy, promote, roll back by itself and preview, on a real Kubernetes with a real Argo CD
	@go run ./hack/demo cluster

.PHONY: demo-bootstrap
demo-bootstrap: ## Make a cluster of five machines, grow it, recover it and destroy it, on a simulated vCenter
	@go run ./hack/bootstrap-demo

.PHONY: test
test: engine ## Run every test: Go packages, then each module through the engine
	go vet ./...
	go test -timeout=30m $$(go list ./... | grep -v /test/e2e)
	go -C examples/hello-go test ./...
	go -C examples/hello-docker test ./...
	$(WITH_ENGINE) go test -count=1 -timeout=60m ./test/e2e

# For a minute each by default; a find is kept in the package's testdata/fuzz.
FUZZTIME ?= 1m

.PHONY: fuzz
fuzz: ## Feed the contract's parser, merge and renderer what nobody would write
	go test -run=NONE -fuzz=FuzzParse -fuzztime=$(FUZZTIME) -fuzzminimizetime=2s ./golden-path/contract
	go test -run=NONE -fuzz=FuzzMerge -fuzztime=$(FUZZTIME) -fuzzminimizetime=2s ./golden-path/contract
	go test -run=NONE -fuzz=FuzzValues -fuzztime=$(FUZZTIME) -fuzzminimizetime=2s ./golden-path/render
	go test -run=NONE -fuzz=FuzzManifests -fuzztime=$(FUZZTIME) -fuzzminimizetime=2s ./steps/chart

.PHONY: lint
lint: engine ## gofmt, go vet and golangci-lint over every Go module
	@$(WITH_ENGINE) ./hack/lint/run

.PHONY: bench
bench: engine ## Measure, side by side with the tools that one would use instead
	@$(WITH_ENGINE) go run ./hack/bench

.PHONY: engine
engine: ## Start a Dagger engine (no Docker needed)
	@$(ENGINE) up

.PHONY: clean
clean: ## Stop the engine; remove out/
	@$(ENGINE) down
	rm -rf out
