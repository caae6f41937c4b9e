# Needs git, GNU make and Python 3.11 to 3.14. `make help` lists what there is.

SHELL := /bin/sh
PYTHON := .venv/bin/python
# More words for pytest: make test ARGS="-k gate -x"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test test-unit test-browser test-frameworks test-haproxy compile test-compiled docs check format corpus bench bench-load bench-plugs chaos soak fuzz audit dist lock clean distclean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1@\2/p' Makefile | \
	    awk -F@ '{ printf "%-22s %s\n", $$1, $$2 }'

setup: ## Make .venv with the locked packages (a moment, if nothing changed)
	@sh tools/setup.sh

run: setup ## Place a call with the gate off, with VAD only and echo-aware, and compare
	@.venv/bin/voxgate demo

test: setup ## Run the unit and the integration tests
	@$(PYTHON) -m pytest $(ARGS)

test-unit: setup ## Run the unit tests only
	@$(PYTHON) -m pytest tests/unit $(ARGS)

test-browser: ## Call the engine from headless Chromium, in an environment of its own
	@sh tools/test_browser.sh $(ARGS)

test-frameworks: ## Test the plug-ins inside the real Pipecat and LiveKit Agents, oldest and newest
	@sh tools/test_frameworks.sh $(ARGS)

test-haproxy: setup ## Call real engines through HAProxy: spread, drain, crash and return
	@sh tools/test_haproxy.sh $(ARGS)

compile: ## Compile what every call runs through, into .venvs/compiled (needs a C compiler; optional)
	@sh tools/compile.sh

test-compiled: ## Test the compiled modules: the same decisions, failures and engine calls as in Python
	@sh tools/test_compiled.sh $(ARGS)

docs: ## Build the documentation site into out/site, in an environment of its own
	@sh tools/docs.sh $(ARGS)

check: setup ## Run what a change must pass: format, lint, types, layers, coverage, lock
	@sh tools/check.sh

format: setup ## Format the code and sort the imports
	@.venv/bin/ruff check --select I --fix --quiet .
	@.venv/bin/ruff format .

corpus: setup ## Fetch free voices, music and noises into corpus/ (Debian, 400 MB)
	@.venv/bin/voxgate corpus --into corpus

bench: setup ## Measure time and memory per frame and per call, then judge gates and guard
	@$(PYTHON) benchmarks/run.py
	@.venv/bin/voxgate bench --calls 60 $(if $(wildcard corpus),--corpus corpus)
	@.venv/bin/voxgate bench-guard --scenes 4 --turns 4

bench-load: setup ## Measure what calls cost the engine under load, how that grows, and Pipecat beside it (22 minutes)
	@status=0; for name in load load_growth peers; do \
	    $(PYTHON) -m benchmarks.$$name || { code=$$?; [ $$status -eq 1 ] || status=$$code; }; \
	done; exit $$status

bench-plugs: setup ## Judge the gate in engines of others: the same calls without it and with it (ARGS="--corpus FOLDER")
	@$(PYTHON) -m benchmarks.asterisk_calls $(ARGS)
	@$(PYTHON) -m benchmarks.proxy_calls $(ARGS)
	@for name in pipecat livekit; do \
	    if [ -x .venvs/$$name-newest/bin/python ]; then \
	        .venvs/$$name-newest/bin/python -m benchmarks.$${name}_calls $(ARGS) || exit 1; \
	    else \
	        echo "bench-plugs: no environment for $$name: make test-frameworks makes it"; \
	    fi; \
	done

fuzz: setup ## Feed every parser with a million broken inputs, ten minutes each at most
	@$(PYTHON) tools/fuzz.py $(ARGS)

chaos: setup ## Faults of providers, lines and the machine while calls run: no other call may notice (a quarter of an hour)
	@CHAOS_CALLS=$${CHAOS_CALLS:-20} $(PYTHON) -m pytest tests/chaos --quiet -p no:randomly -rP $(ARGS)

soak: setup ## Thousands of short calls, and calls of hours in made-up time: nothing may grow (an hour)
	@SOAK_CALLS=$${SOAK_CALLS:-10000} $(PYTHON) -m pytest tests/soak --quiet -p no:randomly $(ARGS)

audit: setup ## List what voxgate brings with it, its licences and known weaknesses
	@sh tools/audit.sh $(ARGS)

dist: setup ## Build sdist and wheel, and install both into environments of their own
	@rm -rf dist
	@$(PYTHON) -m build --no-isolation --outdir dist .
	@$(PYTHON) tools/check_dist.py dist

lock: ## Bring uv.lock and its export in step with pyproject.toml (needs uv)
	@sh tools/lock.sh

clean: ## Delete what the other targets made, except the environments
	@rm -rf dist out .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache \
	    .pytest_cache .ruff_cache
	@find benchmarks src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Delete the environments too
	@rm -rf .venv .venvs
