# Needs Python 3.11+, git and make; everything else is locked with hashes and lands in .venv.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header $(UPGRADE) pyproject.toml

# One at a time: they measure, or their load takes the whole machine.
MEASURED := tests/demo tests/journey
# Two at a time: each takes half a core, for its load of 200 requests a second and what answers it.
LOADED := tests/faults tests/analysis

.PHONY: help setup demo test check bench lock clean

help: ## these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## create .venv from the lock file; again only when it changed

demo: setup ## a commit goes to production under live traffic; a bad one is put back
	$(BIN)/headgate demo

test: setup ## everything: lint, types, import map, all tests, real components included
	$(BIN)/ruff check
	$(BIN)/mypy
	@if [ -d examples/pcw/tests ]; then cd examples/pcw && ../../$(BIN)/python -m pytest -q; fi
	$(BIN)/python -m pytest -n auto -m "not real"
	$(BIN)/python -m pytest -n 4 --dist loadfile -m real $(LOADED:%=--ignore %) $(MEASURED:%=--ignore %) # they mostly wait
	$(BIN)/python -m pytest -n 2 --dist loadfile -m real $(LOADED)
	$(BIN)/python -m pytest -m real $(MEASURED)

check: setup ## under a minute, nothing started: lint, types, import map, fast tests
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n auto -m "not real and not slow" --hypothesis-profile quick

bench: setup ## measure against raw Envoy, nginx and HAProxy on this machine
	$(BIN)/python -m benchmarks

lock: setup ## resolve the lock files anew (UPGRADE=--upgrade for newer versions)
	$(LOCK) --output-file requirements/run.lock
	$(LOCK) --extra age --extra apprise --extra aws --extra kubernetes --constraint requirements/run.lock \
		--output-file requirements/image.lock
	$(LOCK) --extra dev --constraint requirements/run.lock --output-file requirements/dev.lock

clean: ## remove .venv, caches and build results
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps: the dependencies follow the lock, the entry points follow pyproject.toml.
$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.locked: requirements/dev.lock
	@if [ ! -x $(BIN)/python ] && [ -z "$(PYTHON)" ]; then \
		echo "Headgate needs Python 3.11 or newer with venv and ensurepip (Debian, Ubuntu: apt-get install python3-venv)." \
		"Install it, or name it: make PYTHON=/usr/bin/python3.12" >&2; exit 1; fi
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --requirement requirements/dev.lock
	@touch $@
