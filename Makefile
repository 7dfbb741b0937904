# Galgo. `make help` lists what there is; `make run` and `make test` do all their own set-up on a machine that has
# cargo, node (with npm) and python3.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
DATA_DIR ?= ./galgo-data
PYTHON := e2e/.venv/bin/python
# Say what begins, so that a long build is never silent.
say = @printf '\n\033[1m== %s\033[0m\n' "$(1)"

.PHONY: help
help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F'\t' '{ printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2 }'

.PHONY: run
run: need-cargo need-node web ## Build Galgo and start it on http://127.0.0.1:8080 with data in ./galgo-data
	$(call say,Building the server (the first time takes about ten minutes on two cores))
	$(CARGO) build --release -p galgo
	$(call say,Starting; stop with Ctrl C)
	exec target/release/galgo serve --data-dir $(DATA_DIR)

.PHONY: test
test: need-cargo need-node setup lint test-rust test-web test-e2e test-page exercise-check ## Everything that must hold: lint, unit, property, end-to-end and page tests
	$(call say,All tests passed)

.PHONY: lint
lint: need-cargo web ## Formatting, clippy, the rules on the code itself, licences of dependencies (if cargo-deny is there)
	$(call say,Lint)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) run -q -p xtask -- tidy
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --offline check bans licenses sources; else echo "cargo-deny is not installed: dependencies' licences are not checked (cargo install cargo-deny)"; fi

.PHONY: test-rust
test-rust: need-cargo web ## Tests of the Rust code
	$(call say,Rust tests)
	$(CARGO) test --workspace

.PHONY: test-web
test-web: web ## Type check, lint and unit tests of the page
	$(call say,Page: types, lint, unit tests)
	cd web && npm run typecheck && npm run lint && npm test

.PHONY: test-e2e
test-e2e: setup target/debug/galgo ## The real clients against the real server
	$(call say,End-to-end tests with the real clients)
	GALGO_BIN=$(CURDIR)/target/debug/galgo $(PYTHON) -m pytest -q e2e

.PHONY: test-page
test-page: setup web target/debug/galgo ## The page in a real browser against the real server
	$(call say,Page in Chromium)
	cd web && GALGO_BIN=$(CURDIR)/target/debug/galgo npm run e2e

.PHONY: exercise
exercise: setup target/debug/galgo ## A support engineer's afternoon, set up to look at (CHECK=1 asserts each row and stops)
	$(PYTHON) examples/exercise/run.py $(if $(CHECK),--check) --galgo target/debug/galgo

.PHONY: exercise-check
exercise-check:
	$(MAKE) exercise CHECK=1

.PHONY: bench
bench: need-cargo web ## Figures of the metric engine on a seeded data set, beside the goals
	$(CARGO) build --release -p galgo
	target/release/galgo bench suite

.PHONY: fuzz
fuzz: need-cargo ## Each fuzz target for 60 s (needs a nightly toolchain and cargo-fuzz)
	@command -v cargo-fuzz >/dev/null || $(CARGO) install cargo-fuzz
	for target in $$(cd fuzz && $(CARGO) fuzz list); do (cd fuzz && $(CARGO) +nightly fuzz run $$target -- -max_total_time=60); done

.PHONY: fmt
fmt: ## Format the Rust code and the page
	$(CARGO) fmt --all
	cd web && npm run format

.PHONY: web
web: need-node web/dist/index.html ## Build the page

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	$(call say,Installing the page's packages from npm)
	cd web && npm ci --no-audit --no-fund
	@touch $@

WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	$(call say,Building the page)
	cd web && npm run build

# `cargo test` has built it already; cargo itself knows whether it is fresh.
.PHONY: target/debug/galgo
target/debug/galgo: need-cargo web
	$(CARGO) build --workspace

.PHONY: setup
setup: need-python e2e/.venv/installed system-packages ## Python packages for the tests, Chromium and PostgreSQL (apt, when root)

e2e/.venv/installed: e2e/requirements.txt
	$(call say,Installing the test clients from PyPI into e2e/.venv)
	python3 -m venv e2e/.venv
	$(PYTHON) -m pip install -q --disable-pip-version-check -r e2e/requirements.txt
	@touch $@

.PHONY: system-packages
system-packages:
	@packaging/system-packages.sh chromium postgresql

.PHONY: need-cargo need-node need-python
need-cargo:
	@command -v $(CARGO) >/dev/null || { echo "cargo is missing: install Rust 1.95 or later from https://rustup.rs"; exit 1; }
need-node:
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or later (Debian: apt install nodejs npm)"; exit 1; }
need-python:
	@python3 -c 'import venv, ensurepip' 2>/dev/null || { echo "python3 with venv is missing (Debian: apt install python3-venv)"; exit 1; }
