# `make demo` shows the main job on simulated parts; `make test` passes every test. Both install what they need
# first, system packages included, and nothing the second time.

PYTHON_IN_VENV := .venv/bin/python

.PHONY: demo test test-long lint bench pictures setup clean

demo: setup
	@if sh -c ': < /dev/tty' 2> /dev/null; then .venv/bin/vaultpy demo; else .venv/bin/vaultpy demo --yes; fi

# Many tests wait for a process: twice as many workers as cores, each with whole files and its own parts.
WORKERS = $$(( 2 * $$(getconf _NPROCESSORS_ONLN) ))

test: lint
	$(PYTHON_IN_VENV) -m pytest -n $(WORKERS) --dist loadfile

# What takes minutes and has a short form in `make test`: kills at every write, waits for real codes.
test-long: setup
	$(PYTHON_IN_VENV) -m pytest -m long -n $(WORKERS)

lint: setup
	$(PYTHON_IN_VENV) -m ruff check
	$(PYTHON_IN_VENV) -m ruff format --check
	$(PYTHON_IN_VENV) -m mypy

bench: setup
	$(PYTHON_IN_VENV) benchmarks/warm_run.py
	$(PYTHON_IN_VENV) benchmarks/cold_run.py
	$(PYTHON_IN_VENV) benchmarks/crowd.py

pictures: setup
	$(PYTHON_IN_VENV) scripts/pictures

setup:
	@scripts/setup

clean:
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
