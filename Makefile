SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := install
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := schemas streams sinks deploy

# The first of these that runs, is 3.11 to 3.13 and can make a virtual environment; PYTHON=/path/to/python3 overrides.
CANDIDATES := python3.13 python3.12 python3.11 python3 python
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# They are looked for where $(PYTHON) is used first, and only there: each use would start them all again.
PYTHON ?= $(eval PYTHON := $(firstword $(foreach name,$(CANDIDATES),$(shell $(name) -c '$(SUITABLE)' >/dev/null 2>&1 && echo $(name)))))$(PYTHON)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install help demo test faults test-kafka lint format types contracts bench chaos fuzz lock clean

install: $(VENV)/.installed ## Create .venv and install everything from the lock (what plain `make` does)

NEEDS_PYTHON = [[ -n "$(PYTHON)" ]] || { echo "No Python 3.11, 3.12 or 3.13 with venv found. Install one, or run: make PYTHON=/path/to/python3.11" >&2; exit 1; }

# The environment is made anew when the lock changes, so that it never holds more than the lock names.
$(VENV)/.locked: requirements.lock
	@$(NEEDS_PYTHON)
	@"$(PYTHON)" -c '$(SUITABLE)' || { echo "$(PYTHON) is not a Python 3.11, 3.12 or 3.13 with venv." >&2; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement requirements.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

help: ## List every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: install ## Start everything embedded, feed it a generated mini-program and show its retention
	$(BIN)/retention demo

# Most tests wait rather than compute, so more run at once than there are cores; JOBS=0 runs one after the other.
JOBS := 4
PYTEST = $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup --no-loadscope-reorder

test: install ## Run unit, integration and end-to-end tests; streams/core must stay at 100 % of branches
	$(PYTEST) -m "not faults" --cov --cov-report=term

faults: install ## Run the slow tests: frozen workers, silent services, floods of large messages
	$(PYTEST) -m faults tests/e2e

# What depends on the broker, on a real one; SUBJECTS narrows it down.
SUBJECTS := tests/faults $(addprefix tests/e2e/test_,crash.py exactness.py bad_input.py epochs.py outside_publisher.py zombie.py)

test-kafka: install ## Run the end-to-end tests and the fault matrix on Apache Kafka; needs Java 17 and Maven
	$(BIN)/python -m tests.kafka.jars
	RETENTION_TEST_BROKER=apache $(PYTEST) $(SUBJECTS)

lint: install ## Check style and formatting
	$(BIN)/ruff check $(PACKAGES) tests
	$(BIN)/ruff format --check $(PACKAGES) tests

format: install ## Format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix $(PACKAGES) tests
	$(BIN)/ruff format $(PACKAGES) tests

types: install ## Check the types, strictly, tests included
	$(BIN)/mypy

contracts: install ## Check which package may import which
	$(BIN)/lint-imports

# The stream processors that are measured beside have an environment of their own, made anew when their lock changes.
PEERS := build/bench/venv

$(PEERS)/.locked: tests/bench/requirements.lock
	@$(NEEDS_PYTHON)
	"$(PYTHON)" -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --require-hashes --only-binary :all: --requirement tests/bench/requirements.lock
	@touch $@

bench: install $(PEERS)/.locked ## Measure throughput beside other stream processors; OPTIONS="--only base" takes a part
	$(BIN)/python -m tests.bench $(OPTIONS)

SECONDS := 300
SEED := 1

chaos: install ## Soak the pipeline in faults for SECONDS with SEED and compare every view with brute force
	$(BIN)/python -m tests.chaos --seconds $(SECONDS) --seed $(SEED) $(OPTIONS)

fuzz: install ## Put millions of malformed messages and damaged records through the contract and the codec
	$(BIN)/python -m tests.fuzz --seed $(SEED) $(OPTIONS)

# One resolution for every Python and platform; the hashes are those of the wheels and archives on PyPI.
UV_COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --only-binary :all: \
	--generate-hashes --upgrade --quiet --custom-compile-command 'make lock'

lock: install ## Resolve the newest allowed versions into requirements.lock and requirements-runtime.lock
	$(UV_COMPILE) --extra dev --output-file requirements.lock
	$(UV_COMPILE) --extra build --constraints requirements.lock --output-file requirements-runtime.lock

clean: ## Remove .venv and everything that tools leave behind
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +
