# Needs Python 3.11 or newer, make and a C compiler; everything else comes into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install run test fuzz check format

install: .venv/installed

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev,browser,postgresql]'
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
