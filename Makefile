# Needs Python 3.11 or newer, make and a C compiler; everything else comes into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install run test fuzz check format lock

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,browser,postgresql]'
	touch $@

run: install
	$(BIN)/easel run

test: install
	$(BIN)/pytest

fuzz: install
	$(BIN)/pytest --hypothesis-profile=fuzz tests/typed/test_orders.py

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
