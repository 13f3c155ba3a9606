# Needs Python 3.11 or newer, make and a C compiler; everything else comes into .venv.
PYTHON ?= python3
BIN := .venv/bin
# One process for each processor, at most four: each loads torch. A module's tests stay together for their fixtures.
PYTEST := $(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadscope

.PHONY: install run test fuzz check format lock

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,browser,postgresql]'
	touch $@

run: install
	$(BIN)/easel run

# All but what only CI needs: `make check` runs every test.
test: install
	$(PYTEST) -m 'not ci'

# Hypothesis with 50 times its usual examples, then the soak runs of docs/performance.md.
fuzz: install
	$(PYTEST) --hypothesis-profile=fuzz tests/property tests/typed/test_orders.py
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.soak_engine
	$(BIN)/python -m benchmarks.chaos

check: install
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

format: install
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# Resolves all dependencies in an environment of its own, from nothing but pyproject.toml.
lock:
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/python -m pip install --quiet packaging
	build/lock/bin/python -m pip install --quiet --dry-run --ignore-installed --report build/lock/report.json \
		--editable '.[browser,dev,postgresql,ray]'
	build/lock/bin/python -m tools.lock build/lock/report.json constraints.txt
