# Every habit of the project. `make demo` and `make test` need only Python 3.11, make and a package registry.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# Compiled once here, since Dagster starts a process per run: without bytecode each spends three seconds compiling.
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python
COMPILE := $(BIN)/python -m compileall -q recon_platform assets sensors resources
SOURCES := recon_platform assets sensors resources tests

.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo up test test-long check kernels bench docs pictures lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.run: requirements/run.lock pyproject.toml | $(BIN)/uv
	$(UV) --require-hashes -r requirements/run.lock
	$(UV) --no-deps --editable .
	$(COMPILE)
	@touch $@

$(VENV)/.test: requirements/test.lock pyproject.toml | $(BIN)/uv
	$(UV) --require-hashes -r requirements/test.lock
	$(UV) --no-deps --editable .
	$(COMPILE)
	@touch $(VENV)/.run $@

setup: $(VENV)/.run  ## make .venv with what the platform needs to run

setup-test: $(VENV)/.test  ## the same with what its tests need

demo: setup  ## a whole night on a generated plant, then where to look
	$(BIN)/recon demo --home demo

up: setup  ## the console and Dagster on the demo plant, made first where there is none
	test -e demo/lake/governance.db || $(BIN)/recon demo --home demo
	$(BIN)/python -m resources.up --home demo --console-port 8400

check: setup-test  ## lint, format, types, import rules
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

kernels: setup-test  ## compile the kernels once, before several processes want them
	$(BIN)/recon bench night --orders 60 > $(VENV)/kernels.txt

test: setup-test  ## everything CI runs
	$(MAKE) --output-sync -j2 check kernels
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-long: setup-test  ## the same properties at larger sizes
	$(BIN)/python -m pytest --long

bench: setup-test  ## a night at 1k and 10k open orders, stage by stage
	$(BIN)/recon bench night --orders 1000 --orders 10000

docs: setup-test  ## write the generated parts of docs/
	$(BIN)/python -m recon_platform.tables.docs
	$(BIN)/python -m recon_platform.tables.settings
	$(BIN)/python -m recon_platform.cli.docs

pictures: setup-test  ## the pictures of docs/planner.md, taken by its test
	RECON_PICTURES=docs/images $(BIN)/python -m pytest tests/console/test_morning.py

lock: | $(BIN)/uv  ## resolve pyproject.toml into requirements/*.lock
	$(BIN)/uv pip compile -q pyproject.toml --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" -o requirements/run.lock
	$(BIN)/uv pip compile -q pyproject.toml --extra test --extra postgres --extra scale --extra agents --python-version 3.11 --generate-hashes \
	  --no-annotate --custom-compile-command "make lock" -o requirements/test.lock

clean:  ## remove the environment and what the demo made
	rm -rf $(VENV) demo
