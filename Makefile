# Everything happens in .venv, which is made on first use. Needs python3 (3.10 or later) with venv, and make.

PYTHON ?= python3
# The build of torch, installed first. Another one, for example: make demo TORCH="torch==2.13.0 --index-url URL"
TORCH ?= torch==2.13.0
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := VISTA3DSegment Testing

.PHONY: help setup demo test bench lint clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with all that the project needs

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[cpu,dev]"
	@touch $@

demo: $(READY) ## open the web page with the sample CT (headless pictures instead: .venv/bin/vista3dsegment demo)
	$(BIN)/vista3dsegment app

# One thread a worker: two workers that each start as many threads as there are cores hinder each other. A file stays with
# one worker: its server, and its run of the sample, are started once. A worker that crashes ends the run, by name: replaced,
# it can wait for ever (pytest-xdist's issue 1378). The stand-in for desktop Slicer has processes of its own: its event loop
# would call what other tests have left in VTK.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --max-worker-restart 0
test: $(READY) ## run the tests
	$(PYTEST) -m "not slow"
	$(PYTEST) Testing/Host

bench: $(READY) ## run the benchmarks and the slow tests, and compare with MONAI; QUICK=1 for the quick benchmarks
	@failed=""; test -n "$(QUICK)" || $(PYTEST) -m slow || failed=" the slow tests"; \
	for script in Testing/Benchmarks/*.py; do \
	  grep -q '"--quick"' $$script || continue; \
	  echo "== $$script"; $(BIN)/python $$script $(if $(QUICK),--quick) || failed="$$failed $$script"; \
	done; test -z "$$failed" || { echo "fell short:$$failed"; exit 1; }

lint: $(READY) ## check style, types, the floors of the house and what the Extensions Index asks
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python Testing/check_extension.py

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache VISTA3DSegment/*.egg-info
	find VISTA3DSegment Testing -name __pycache__ -type d -prune -exec rm -rf {} +
