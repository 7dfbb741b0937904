# Galgo. `make help` lists what there is; `make run` and `make test` do all their own set-up on a machine that has
# cargo (with a C compiler), node (with npm) and python3.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# Steps share the CPU badly and their output would mix: with -j they still run one after another.
.NOTPARALLEL:

CARGO ?= cargo
DATA_DIR ?= ./galgo-data
FUZZ_SECONDS ?= 60
PYTHON := e2e/.venv/bin/python
RELEASE := target/release/galgo
DEBUG := target/debug/galgo
# Say what begins and when, so that a long build is never silent.
say = @printf '\n\033[1m== %s  %s\033[0m\n' "$$(date +%T)" "$(1)"

.PHONY: help
help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F'\t' '{ printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2 }'
	@printf '\n  Variables: DATA_DIR (of run), CHECK=1 (of exercise), FUZZ_SECONDS (of fuzz), CARGO\n'

.PHONY: run
run: $(RELEASE) ## Build Galgo and start it on http://127.0.0.1:8080 with data in ./galgo-data
	$(call say,Starting; stop with Ctrl C)
	exec $(RELEASE) serve --data-dir $(DATA_DIR)

.PHONY: test
test: need-cargo need-node setup test-web lint test-rust test-e2e test-page exercise-check ## Everything that must hold: the targets below one after another
	$(call say,All tests passed)

.PHONY: lint
lint: need-cargo ## Formatting, clippy, the rules on the code itself, licences of dependencies (if cargo-deny is there)
	$(call say,Lint: formatting; clippy; rules on the code)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) run -q -p xtask -- tidy
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --offline check bans licenses sources; else echo "cargo-deny is not installed: licences of dependencies are not checked (cargo install cargo-deny)"; fi

.PHONY: test-rust
test-rust: need-cargo ## Tests of the Rust code
	@packaging/system-packages.sh mariadb-server postgresql redis-server
	$(call say,Rust tests (building everything takes some minutes the first time))
	$(CARGO) test --workspace

.PHONY: test-web
test-web: web ## The page by itself: types, lint, unit tests, Chromium against synthetic data
	$(call say,Page: types; lint; unit tests)
	cd web && npm run typecheck && npm run lint && npm test
	@packaging/system-packages.sh chromium
	$(call say,Page in Chromium; synthetic data)
	cd web && npm run test:page

.PHONY: test-e2e
test-e2e: setup $(DEBUG) ## The real clients against the real server
	$(call say,End to end: the real clients)
	GALGO_BIN=$(CURDIR)/$(DEBUG) $(PYTHON) -m pytest -q e2e

.PHONY: test-page
test-page: setup web $(DEBUG) ## The page in Chromium against the real server
	$(call say,End to end: every page in Chromium; pictures go to web/e2e/shots)
	cd web && GALGO_BIN=$(CURDIR)/$(DEBUG) npm run e2e

.PHONY: exercise
exercise: e2e/.venv/installed $(if $(CHECK),$(DEBUG),$(RELEASE)) ## A support engineer's afternoon, set up to look at (CHECK=1 asserts each row and stops)
	$(call say,The exercise)
	$(PYTHON) examples/exercise/run.py $(if $(CHECK),--check) --galgo $(if $(CHECK),$(DEBUG),$(RELEASE))

.PHONY: exercise-check
exercise-check:
	@$(MAKE) --no-print-directory exercise CHECK=1

.PHONY: bench
bench: $(RELEASE) ## Figures of the metric engine on a seeded data set, beside the goals
	$(call say,Benchmarks; some minutes)
	$(RELEASE) bench suite

.PHONY: fuzz
fuzz: need-cargo ## Each fuzz target for FUZZ_SECONDS, 60 (needs rustup; installs a nightly toolchain and cargo-fuzz)
	@command -v cargo-fuzz >/dev/null || { echo "installing cargo-fuzz"; $(CARGO) install --locked cargo-fuzz; }
	@rustup toolchain list | grep -q ^nightly || rustup toolchain install nightly --profile minimal
	cd fuzz && for t in $$($(CARGO) +nightly fuzz list); do \
		printf '\n\033[1m== %s  %s\033[0m\n' "$$(date +%T)" "Fuzzing $$t"; \
		mkdir -p corpus/$$t seeds/$$t; \
		$(CARGO) +nightly fuzz run $$t corpus/$$t seeds/$$t -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1; \
	done

.PHONY: fmt
fmt: web/node_modules/.package-lock.json ## Format the Rust code and the page
	$(CARGO) fmt --all
	cd web && npm run format

.PHONY: clean
clean: ## Remove what was built and installed here; data stay
	$(CARGO) clean
	rm -rf web/dist web/node_modules web/test-results web/e2e/shots e2e/.venv fuzz/target

# What is built

.PHONY: web
web: need-node web/dist/index.html ## Build the page

web/node_modules/.package-lock.json: web/package-lock.json
	$(call say,Installing the page's packages from npm into web/node_modules)
	cd web && npm ci --no-audit --no-fund
	@touch $@

# The server embeds the page. Cargo notices changed files, not a page that was missing when it last compiled: hence the touch.
WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/dev/tokens-plugin.ts -type f 2>/dev/null)
web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	$(call say,Building the page)
	cd web && npm run build
	@touch $@ crates/api/src/assets.rs

# Cargo itself knows what is fresh, so both binaries are asked for each time.
.PHONY: $(RELEASE)
$(RELEASE): need-cargo web
	$(call say,Building the server (the first time takes about ten minutes on two cores))
	$(CARGO) build --release -p galgo

# With the tests, so that features are those of `cargo test` and nothing is compiled twice.
.PHONY: $(DEBUG)
$(DEBUG): need-cargo web
	$(CARGO) build --workspace --bins --tests

# What is installed

.PHONY: setup
setup: e2e/.venv/installed ## Python packages for the tests (PyPI), Chromium and PostgreSQL (apt, when root)
	@packaging/system-packages.sh chromium postgresql

e2e/.venv/installed: e2e/requirements.txt | need-python
	$(call say,Installing the test clients from PyPI into e2e/.venv)
	python3 -m venv e2e/.venv
	$(PYTHON) -m pip install -q --disable-pip-version-check -r e2e/requirements.txt
	@touch $@

.PHONY: need-cargo need-node need-python
need-cargo:
	@packaging/need.sh cargo
need-node:
	@packaging/need.sh node
need-python:
	@packaging/need.sh python
