# `make test` installs what it needs, system packages included, and passes every test.

PYTHON_IN_VENV := .venv/bin/python

.PHONY: test lint bench setup clean

test: lint
	$(PYTHON_IN_VENV) -m pytest

lint: setup
	$(PYTHON_IN_VENV) -m ruff check
	$(PYTHON_IN_VENV) -m ruff format --check
	$(PYTHON_IN_VENV) -m mypy

bench: setup
	$(PYTHON_IN_VENV) benchmarks/cold_run.py

setup:
	@scripts/setup

clean:
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
