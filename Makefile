# Every target sets up what it needs, says so, and is quick when nothing has changed.
# A fresh machine needs Python 3.11 to 3.14, make and a package index.

BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
MINISTACK := .venv-ministack/.ready
THUMBOR := .venv-thumbor/.ready
AXE := .venv-axe/.ready
PORT ?= 3000
PYTEST_FLAGS ?=

# Whatever the environment says: else each process that starts compiles all libraries anew.
unexport PYTHONDONTWRITEBYTECODE

# The first Python that really runs (a version manager's stand-in may not) and can set one up.
FITS := -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python $(FITS) 2>/dev/null && echo $$python && break; done)
NO_PYTHON := Install Python 3.11, 3.12, 3.13 or 3.14 with its venv module \
	(on Debian and Ubuntu: apt-get install python3 python3-venv), for none is on the PATH.

# uv does not read pip's settings, where a company may name an index of its own, nor by itself the
# certificates that this machine trusts.
INDEX = $(shell $(BIN)/python -m pip config get global.index-url 2>/dev/null)
UV = $(if $(INDEX),UV_DEFAULT_INDEX='$(INDEX)') $(BIN)/uv --quiet --system-certs
INSTALL = $(UV) pip install --python $(BIN)/python
LOCK = $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url

.PHONY: demo dev review test test-slow lint bench storm docs docs-pages lock setup setup-dev

demo: $(RUNTIME)
	@echo "Making the sample catalog's pictures: free, and nothing leaves this machine"
	@$(BIN)/flux-assets demo

# In the UI, too, the sample shop publishes; what the environment names is somebody's own.
dev: export FLUX_ASSETS_CHANNELS ?= $(if $(FLUX_ASSETS_MODE)$(FLUX_ASSETS_CATALOG)$(FLUX_ASSETS_SHOTS),,data/channels.yaml)
dev: $(RUNTIME)
	@$(BIN)/flux-assets dev --port $(PORT)

# As for dev, on what `make demo` made.
review: export FLUX_ASSETS_CHANNELS ?= $(if $(FLUX_ASSETS_MODE)$(FLUX_ASSETS_CATALOG)$(FLUX_ASSETS_SHOTS),,data/channels.yaml)
review: $(RUNTIME)
	@$(BIN)/flux-assets review

# In three processes on two cores, as tests wait for servers.
test: $(DEV) $(MINISTACK)
	@echo "Running the quick tests: 5 to 6 minutes on two cores"
	@$(BIN)/pytest -n 3 --dist worksteal -m "not slow" $(PYTEST_FLAGS)

test-slow: $(DEV) $(MINISTACK) $(THUMBOR) $(AXE)
	@echo "Running the slow tests: about half an hour on two cores"
	@$(BIN)/pytest -n 2 --dist loadfile -m slow

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(DEV) $(MINISTACK)
	@$(BIN)/python benchmarks/run_all.py

storm: $(DEV)
	@$(BIN)/python benchmarks/kill_storm.py
	@$(BIN)/python benchmarks/dagster_storm.py

# Serves the documentation at http://127.0.0.1:8000, and again as its pages change.
docs: $(DEV)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

# Writes the tables in docs/ that are made from the code.
docs-pages: $(DEV)
	@$(BIN)/python docs/generate.py

setup: $(RUNTIME)

setup-dev: $(DEV) $(MINISTACK)

# Compiles all locks anew from pyproject.toml, with the newest releases that it allows.
lock: $(RUNTIME)
	@echo "Compiling the locks: about 20 s"
	@$(LOCK) --upgrade --extra ui --extra recognition pyproject.toml -o requirements.lock
	@$(LOCK) --upgrade --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@echo hatchling | $(LOCK) --upgrade --extra ui --extra recognition --extra c2pa --extra celery \
		--extra k8s --extra postgres -c requirements-dev.lock pyproject.toml - -o deploy/requirements.lock
	@echo uv | $(LOCK) --upgrade - -o requirements-uv.lock
	@$(LOCK) --upgrade flux_assets_tests/ministack.in -o flux_assets_tests/ministack.lock
	@$(LOCK) --upgrade flux_assets_tests/thumbor.in -o flux_assets_tests/thumbor.lock

# An environment that runs is brought up to date where it stands; only a broken one is made anew.
$(RUNTIME): requirements.lock requirements-uv.lock pyproject.toml
	@if $(BIN)/python $(FITS) 2>/dev/null; then \
		echo "Bringing .venv up to date"; \
		$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; \
	elif [ -z "$(PYTHON)" ]; then \
		echo "$(NO_PYTHON)" >&2; exit 1; \
	else \
		echo "Setting up .venv with $$($(PYTHON) --version): about 20 s"; \
		$(PYTHON) -m venv --clear .venv; \
	fi
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements-uv.lock
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --build-constraint requirements-dev.lock --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	@echo "Adding what tests and lint need to .venv: about 20 s"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

# The tests' S3 pins libraries of its own.
$(MINISTACK): flux_assets_tests/ministack.lock | $(RUNTIME)
	@echo "Setting up .venv-ministack, the tests' own S3: about 5 s"
	@$(UV) venv --allow-existing --python $(BIN)/python .venv-ministack
	@$(UV) pip install --python .venv-ministack/bin/python --require-hashes -r $<
	@touch $@

# A proxy that strips pictures, for a slow test; it takes an older Pillow than we do.
$(THUMBOR): flux_assets_tests/thumbor.lock | $(RUNTIME)
	@echo "Setting up .venv-thumbor, the tests' own proxy: about 5 s"
	@$(UV) venv --allow-existing --python $(BIN)/python .venv-thumbor
	@$(UV) pip install --python .venv-thumbor/bin/python --require-hashes -r $<
	@touch $@

# What the review page's accessibility is held against; without npm, those tests are left out.
$(AXE): flux_assets_tests/axe/package-lock.json
	@mkdir -p $(@D)
	@cp flux_assets_tests/axe/package.json flux_assets_tests/axe/package-lock.json $(@D)
	@if command -v npm >/dev/null; then \
		echo "Setting up .venv-axe, which looks for barriers on the review page: about 5 s" && \
		npm ci --prefix $(@D) --silent --no-fund --no-audit && touch $@; \
	else \
		echo "npm is not installed, so axe-core is not asked about the review page"; \
	fi
