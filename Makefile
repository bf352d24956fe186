# `make demo` shows the main job on simulated parts; `make test` passes every test. Both install what they need
# first, system packages included, and nothing the second time.

PYTHON_IN_VENV := .venv/bin/python

.PHONY: demo test compiled test-long coverage mutants lint live bench pictures docs generate setup clean

demo: setup
	@if sh -c ': < /dev/tty' 2> /dev/null; then .venv/bin/vaultpy demo; else .venv/bin/vaultpy demo --yes; fi

# Many tests wait for a process: twice as many workers as cores, each with whole files and its own parts.
# They have to agree on the names of the tests, so also on the order of what is hashed.
WORKERS = $$(( 2 * $$(getconf _NPROCESSORS_ONLN) ))*popen//python=tests/worker
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH" PYTHONHASHSEED=0
PYTEST := $(IN_VENV) python -m pytest
SPREAD := --dist loadfile --no-loadscope-reorder --tx "$(WORKERS)"

# What Python compiles is kept, whatever the environment says: each of thousands of processes would compile it.
export PYTHONDONTWRITEBYTECODE :=

test: setup
	@$(MAKE) --no-print-directory --jobs=2 lint compiled
	$(PYTEST) $(SPREAD)

# All workers read all tests; what one process compiles beside the linters, none of them has to.
compiled: setup
	@$(PYTEST) --collect-only --quiet > /dev/null || true

# What takes minutes and has a short form in `make test`: kills at every write, waits for real codes, twenty
# times as many examples of what hypothesis makes up.
test-long: setup
	$(PYTEST) $(SPREAD) -m long
	$(PYTEST) $(SPREAD) -m hypothesis --hypothesis-profile=long

# Which lines and branches no test reaches; and which changes of the code no unit test notices (for hours).
coverage: setup
	$(IN_VENV) scripts/coverage $(SPREAD)

mutants: setup
	$(PYTHON_IN_VENV) scripts/mutants.py

lint: setup
	$(PYTHON_IN_VENV) -m ruff check
	$(PYTHON_IN_VENV) -m ruff format --check
	$(PYTHON_IN_VENV) -m mypy

# Asks AWS itself what docs/unproven.md assumes: PROFILE is an administrator's, SERIAL a YubiKey's. Never in CI.
live: setup
	$(PYTHON_IN_VENV) hardware-tests/live.py --profile "$(PROFILE)" $(if $(SERIAL),--serial $(SERIAL))

bench: setup
	$(PYTHON_IN_VENV) benchmarks/warm_run.py
	$(PYTHON_IN_VENV) benchmarks/cold_run.py
	$(PYTHON_IN_VENV) benchmarks/crowd.py
	$(PYTHON_IN_VENV) benchmarks/server.py
	$(PYTHON_IN_VENV) benchmarks/each.py
	$(PYTHON_IN_VENV) benchmarks/completion.py

# Beside tests, in a keyring of its own: the sessions in the pictures need their room in it.
pictures: setup
	$(PYTHON_IN_VENV) tests/worker scripts/pictures

# What is made from the code and kept beside it: what completion knows, the manual page, the picture of the house.
generate: setup
	$(PYTHON_IN_VENV) scripts/generate.py

# The documentation as a site, in build/site.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(PYTHON_IN_VENV) -m mkdocs build --strict

setup:
	@scripts/setup

clean:
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
