# Every target sets up what it needs, and is quick when nothing has changed.
# A fresh machine needs Python 3.11, make and a package index.

PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready
MINISTACK := .venv-ministack/.ready
PORT ?= 3000

.PHONY: demo dev test test-slow lint bench storm lock

demo: $(READY)
	$(BIN)/flux-assets demo

dev: $(READY)
	$(BIN)/flux-assets dev --port $(PORT)

test: $(READY) $(MINISTACK)
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(READY) $(MINISTACK)
	$(BIN)/pytest -n 2 --dist loadfile -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) $(MINISTACK)
	$(BIN)/python benchmarks/run_all.py

storm: $(READY)
	$(BIN)/python benchmarks/kill_storm.py

# Compiles requirements.lock anew from pyproject.toml; needs uv on the PATH.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-emit-index-url --extra dev pyproject.toml -o requirements.lock

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(MINISTACK): flux_assets_tests/ministack.lock
	$(PYTHON) -m venv --clear .venv-ministack
	.venv-ministack/bin/pip install --quiet --disable-pip-version-check --require-hashes \
		-r flux_assets_tests/ministack.lock
	touch $@
