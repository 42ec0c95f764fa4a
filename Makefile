# All set-up is `make demo` or `make test`: each makes .venv, installs what it needs, and runs.
# Any Python from 3.11 on will do: make test PYTHON=python3.12; it has an environment of its own, .venv-3.12.

PYTHON ?= python3
VERSION := import sys; print("%d.%d" % sys.version_info[:2])
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(shell $(PYTHON) -c '$(VERSION)' 2>/dev/null))
BIN := $(VENV)/bin

# The suite on the lowest versions that pyproject.toml allows of what the packages need.
LOWEST := .venv-lowest

# Dagster on several machines, with what that needs beside the rest.
SCALE := .venv-scale

# One stamp for each set of dependencies; a newer pyproject.toml makes them stale.
BASE := $(VENV)/.installed
UI := $(VENV)/.installed-ui
DEV := $(VENV)/.installed-dev

# Most of what is installed is never imported; the rest is compiled when it first is. It halves the wait.
INSTALL = $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --editable
# So what is compiled has to stay: else each process compiles all of Dagster once more, 5 s instead of 2.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo dev install test lowest long soak chaos mutants bench scale shots check clean
.NOTPARALLEL:

help:
	@echo "make demo    a month of reports from a Stripe on this machine: no account, no key"
	@echo "make dev     the Dagster UI on the configured reports"
	@echo "make test    the test suite"
	@echo "make lowest  the test suite on the lowest versions allowed of every dependency"
	@echo "make long    the demo, the real Dagster as processes, hundreds of windows"
	@echo "make soak    a year of backfills, bad days and kills against the real Dagster, its pages too; long"
	@echo "make chaos   a thousand pulls under faults and kills, and months of commands; SEEDS=… EXAMPLES=… ARGS=--dagster"
	@echo "make mutants 200 random changes of the core, each against the tests that should notice; SEED=… SIZE=…"
	@echo "make bench   speed beside Polars, DuckDB, dlt and others, in 15 minutes; ARGS=--large for 10 GB, --dagster"
	@echo "make scale   a backfill over two workers, one of them killed, on S3; needs postgresql and redis-server"
	@echo "make shots   pictures of the Dagster UI for the READMEs; needs Chromium and playwright"
	@echo "make check   style and types"
	@echo "make clean   remove .venv, .venv-* and caches; never data"

demo: $(BASE)
	@$(BIN)/python -m assets.demo

dev: $(UI)
	@$(BIN)/python -m assets.dev

install: $(DEV)

test: $(DEV)
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest -n auto --dist worksteal $(ARGS)

long: $(DEV)
	$(BIN)/python -m pytest -m long -n 2 --dist worksteal $(ARGS)

soak: $(DEV)
	$(BIN)/python -m pytest tests/e2e tests/model tests/dataset -m soak -s $(ARGS)

chaos: $(DEV)
	$(BIN)/python -m tests.chaos $(or $(SEEDS),1000) $(ARGS)
	$(BIN)/python -m tests.model $(or $(EXAMPLES),500)

mutants: $(BIN)/mutmut
	$(BIN)/python -m tests.mutants $(or $(SEED),1) $(or $(SIZE),200) $(ARGS)

bench: $(DEV)
	$(BIN)/python -m tests.bench $(ARGS)

scale: $(SCALE)/.installed
	$(SCALE)/bin/python -m tests.scale $(ARGS)

shots: $(DEV)
	$(BIN)/python -m tests.shots

check: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

clean:
	rm -rf mutants .venv .venv-* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find connector assets tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is `$(PYTHON) --version 2>&1`." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Making $(VENV) with `$(PYTHON) --version`"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(BASE): pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV)"
	@$(INSTALL) .
	@touch $@

$(UI): pyproject.toml | $(BIN)/python
	@echo "Installing with the Dagster UI into $(VENV)"
	@$(INSTALL) '.[ui]'
	@touch $@ $(BASE)

$(DEV): pyproject.toml | $(BIN)/python
	@echo "Installing with what development needs into $(VENV)"
	@$(INSTALL) '.[dev]'
	@touch $@ $(UI) $(BASE)

$(BIN)/mutmut: $(DEV)
	@$(INSTALL) '.[mutants]'

$(SCALE)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing Dagster with Celery, Postgres and S3 into $(SCALE)"
	@$(BIN)/python -m venv --clear $(SCALE)
	@$(SCALE)/bin/python -m pip install -qq --disable-pip-version-check --no-compile --editable '.[scale]'
	@touch $@

# What only the tests need is the newest beside it; the lowest of the rest are held to by a list of constraints.
$(LOWEST)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing the lowest versions allowed into $(LOWEST)"
	@$(BIN)/python -m venv --clear $(LOWEST)
	@$(LOWEST)/bin/python -m pip install -qq --disable-pip-version-check uv
	@$(LOWEST)/bin/uv pip compile -q --resolution lowest-direct --extra ui -o $(LOWEST)/lowest.txt pyproject.toml
	@$(LOWEST)/bin/uv pip install -q --python $(LOWEST)/bin/python -c $(LOWEST)/lowest.txt --editable '.[dev]'
	@touch $@
